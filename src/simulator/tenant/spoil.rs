//! What an ordered fault does to a request: keeps it from being carried out, or spoils the answer.
//! No IO: cuts and delays are only written into the response.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    call::Lies,
    clock::plus_seconds,
    errors::{self, Refusal},
    faults::FaultKind,
    request::{Cut, Request, Response},
    tenant::{Effect, Tenant},
};

/// An answered request, for the ledger.
#[derive(Default)]
pub(crate) struct Answered {
    pub(crate) response: Response,
    pub(crate) applied: bool,
    pub(crate) fault: Option<&'static str>,
    pub(crate) client_id: Option<String>,
}

impl Tenant {
    /// Faults that keep a request from being carried out.
    pub(crate) fn instead(
        &mut self,
        request: &Request,
        kind: &FaultKind,
        now: Timestamp,
    ) -> Option<Answered> {
        let response = match kind {
            FaultKind::Status {
                code,
                body,
                headers,
                retry_after,
            } => {
                let mut response = match body {
                    None => self.refuse(&Refusal::of(*code), now),
                    Some(Value::String(text)) => {
                        Response::with_body(*code, "text/plain", text.as_bytes().to_vec())
                    }
                    Some(body) => Response::json(*code, body),
                };
                for (name, value) in headers {
                    response.set_header(name, value);
                }
                if let Some(value) = retry_after {
                    response.set_header("retry-after", value);
                }
                response
            }
            FaultKind::LostRequest => Response {
                cut: Some(Cut::Before),
                ..Response::default()
            },
            FaultKind::LateApply { seconds, code } => {
                self.schedule(plus_seconds(now, *seconds), Effect::Carry(request.clone()));
                match code {
                    Some(code) => errors::html(*code),
                    None => Response {
                        cut: Some(Cut::Before),
                        ..Response::default()
                    },
                }
            }
            FaultKind::GarbageBody { applied: false } => errors::html(200),
            _ => return None,
        };
        Some(Answered {
            response,
            fault: Some(kind.name()),
            ..Answered::default()
        })
    }
}

impl FaultKind {
    /// How this fault makes the answer to a read wrong.
    pub(crate) fn lies(&self) -> Lies {
        match self {
            Self::Stale { seconds } => Lies {
                lag: *seconds,
                ..Lies::default()
            },
            Self::PageShift { by } => Lies {
                shift: *by,
                ..Lies::default()
            },
            Self::WrongTotal { by } => Lies {
                total: *by,
                ..Lies::default()
            },
            Self::RowTwice => Lies {
                twice: true,
                ..Lies::default()
            },
            _ => Lies::default(),
        }
    }
}

/// Faults that spoil the answer of a request that was carried out.
pub(crate) fn spoiled(mut answered: Answered, fault: Option<&FaultKind>) -> Answered {
    let Some(kind) = fault else { return answered };
    let response = &mut answered.response;
    match kind {
        FaultKind::AfterCommit { code } => *response = errors::html(*code),
        FaultKind::Delay { ms } => response.delay += Duration::from_millis(*ms),
        FaultKind::LostAnswer => response.cut = Some(Cut::Before),
        FaultKind::CutConnection { at } => response.cut = Some(*at),
        FaultKind::TruncatedBody => response.cut = Some(Cut::Middle),
        FaultKind::GarbageBody { .. } => *response = errors::html(200),
        FaultKind::OversizedBody { bytes } => {
            let padding = bytes.saturating_sub(response.body.len());
            response
                .body
                .splice(0..0, std::iter::repeat_n(b' ', padding));
        }
        FaultKind::SlowBody { bytes_per_second } => response.drip = Some(*bytes_per_second),
        FaultKind::ContentType { value } => response.set_header("content-type", value),
        _ => {}
    }
    answered.fault = Some(kind.name());
    answered
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing::{A, B, Bench, C, GROUPS, group, value};

    const POST: &str = "POST /password-sync-groups";
    const LIST: &str = "GET /password-sync-groups";

    /// What a POST answers under a fault, and whether the group is there.
    fn post(kind: FaultKind) -> (Response, bool) {
        let mut bench = Bench::new();
        bench.fault(POST, kind);
        let answer = bench.post_group(&group("x", &[A, B]));
        let entry = bench.tenant.ledger().since(0).last().unwrap();
        let applied = bench.tenant.state().groups.len() == 1;
        assert_eq!(entry.applied, applied);
        assert!(entry.fault.is_some());
        (answer, applied)
    }

    #[test]
    fn faults_before_the_change_leave_nothing_behind() {
        let status = FaultKind::Status {
            code: 503,
            body: None,
            headers: BTreeMap::from([("x-a".to_owned(), "b".to_owned())]),
            retry_after: Some("soon".to_owned()),
        };
        let (answer, applied) = post(status);
        assert_eq!((answer.status, applied), (503, false));
        assert_eq!(
            (answer.header("x-a"), answer.header("retry-after")),
            (Some("b"), Some("soon"))
        );
        let (answer, applied) = post(FaultKind::LostRequest);
        assert_eq!((answer.cut, applied), (Some(Cut::Before), false));
        let (answer, applied) = post(FaultKind::GarbageBody { applied: false });
        assert_eq!((answer.status, applied), (200, false));
        assert!(answer.body.starts_with(b"<html>"));
    }

    #[test]
    fn faults_after_the_change_hide_it() {
        let (answer, applied) = post(FaultKind::LostAnswer);
        assert_eq!((answer.cut, applied), (Some(Cut::Before), true));
        let (answer, applied) = post(FaultKind::AfterCommit { code: 502 });
        assert_eq!((answer.status, applied), (502, true));
        let (answer, applied) = post(FaultKind::GarbageBody { applied: true });
        assert_eq!(
            (answer.header("content-type"), applied),
            (Some("text/html"), true)
        );
        let (answer, applied) = post(FaultKind::TruncatedBody);
        assert_eq!((answer.cut, applied), (Some(Cut::Middle), true));
        let (answer, applied) = post(FaultKind::CutConnection { at: Cut::After });
        assert_eq!((answer.cut, applied), (Some(Cut::After), true));
    }

    #[test]
    fn answers_can_be_slow_large_or_mislabelled() {
        let (answer, _) = post(FaultKind::Delay { ms: 70 });
        assert_eq!(answer.delay, Duration::from_millis(70));
        let (answer, _) = post(FaultKind::SlowBody {
            bytes_per_second: 10,
        });
        assert_eq!(answer.drip, Some(10));
        let (answer, _) = post(FaultKind::OversizedBody { bytes: 5_000_000 });
        assert_eq!(answer.body.len(), 5_000_000);
        assert_eq!(value(&answer)["name"], "x");
        let (answer, _) = post(FaultKind::ContentType {
            value: "text/plain".to_owned(),
        });
        assert_eq!(answer.header("content-type"), Some("text/plain"));
    }

    #[test]
    fn a_late_request_is_applied_when_its_time_has_come() {
        let mut bench = Bench::new();
        bench.fault(
            POST,
            FaultKind::LateApply {
                seconds: 40,
                code: Some(504),
            },
        );
        assert_eq!(bench.post_group(&group("x", &[A, B])).status, 504);
        bench.pass(39);
        assert_eq!(bench.get(GROUPS), serde_json::json!([]));
        bench.pass(1);
        assert_eq!(bench.get(GROUPS)[0]["name"], "x");
    }

    #[test]
    fn reads_can_show_the_past_shift_pages_and_count_wrongly() {
        let mut bench = Bench::new();
        let path = bench.group("x", &[A, B]);
        bench.fault(LIST, FaultKind::Stale { seconds: 5 });
        assert_eq!(bench.get(GROUPS), serde_json::json!([]));
        bench.fault(
            "GET /password-sync-groups/{id}",
            FaultKind::Stale { seconds: 5 },
        );
        assert_eq!(bench.ask("GET", &path).status, 404);
        bench.fault(LIST, FaultKind::WrongTotal { by: 2 });
        let counted = bench.ask("GET", &format!("{GROUPS}?count=true"));
        assert_eq!(counted.header("x-total-count"), Some("3"));
        bench.fault("GET /sources", FaultKind::PageShift { by: -1 });
        let second = bench.get("/v3/sources?limit=2&offset=2");
        assert_eq!(second[0]["id"], B);
        assert_eq!(bench.get("/v3/sources?limit=2&offset=2")[0]["id"], C);
    }

    #[test]
    fn the_token_endpoint_fails_on_order_too() {
        let mut bench = Bench::new();
        bench.fault("POST /oauth/token", FaultKind::LostAnswer);
        let body = "grant_type=client_credentials&client_id=id&client_secret=secret";
        let answer = bench.raw(&Request::new("POST", "/oauth/token").form(body));
        assert_eq!(answer.cut, Some(Cut::Before));
    }
}
