//! Faults on order: which request goes wrong, and how. No IO.
//!
//! A fault names a method and a route template, the same for every version of the API. Of several
//! that match, the first that is not used up is taken, so two faults on one route happen one after
//! the other. The tenant asks for a fault only after the token and the rate limit were checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::Cut;

/// One ordered fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `POST /password-sync-groups`, with `{id}` for an id; `*` for any method, any route, or both.
    #[serde(rename = "match")]
    pub matches: String,
    /// Only requests whose path contains this, for example one source's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    /// How many requests it hits; without it, all until the fault is removed.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many matching requests pass first.
    #[serde(default)]
    pub skip: u32,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often it happened.
    #[serde(default)]
    pub hits: u32,
}

/// What goes wrong. "Applied" means that the tenant carried out the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Not applied; answered with the given status.
    Status {
        /// The status code.
        code: u16,
        /// The body: a string is sent as it is, anything else as JSON; by default the vendor's.
        #[serde(default)]
        body: Option<Value>,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The Retry-After header, as text: seconds, a date, nonsense.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// Applied; answered with a status that says otherwise.
    AfterCommit {
        /// The status code.
        code: u16,
    },
    /// Applied; the answer comes late.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Applied; the connection is cut before the answer.
    LostAnswer,
    /// Not applied; the connection is cut.
    LostRequest,
    /// Not applied now but later; answered with a status, or cut.
    LateApply {
        /// When it is applied, by the tenant's clock.
        seconds: u64,
        /// The status; without it the connection is cut.
        #[serde(default)]
        code: Option<u16>,
    },
    /// Applied; the connection is cut somewhere.
    CutConnection {
        /// Where.
        at: Cut,
    },
    /// Applied; half of the body, then the connection is cut.
    TruncatedBody,
    /// 200 and a page of HTML.
    GarbageBody {
        /// Whether the request is applied.
        #[serde(default = "yes")]
        applied: bool,
    },
    /// Applied; the body is padded with blanks.
    OversizedBody {
        /// The size.
        bytes: usize,
    },
    /// Applied; the body is sent slowly.
    SlowBody {
        /// How fast.
        bytes_per_second: u32,
    },
    /// Applied; the content type is wrong.
    ContentType {
        /// What it says.
        value: String,
    },
    /// A read shows an earlier state.
    Stale {
        /// How many seconds earlier.
        seconds: u64,
    },
    /// A page begins elsewhere: 1 skips an item, -1 repeats one.
    PageShift {
        /// By how many items.
        by: i64,
    },
    /// X-Total-Count is wrong.
    WrongTotal {
        /// By how much.
        by: i64,
    },
    /// A list repeats its first row at its end, and the total counts it twice.
    RowTwice,
}

impl FaultKind {
    /// The name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::AfterCommit { .. } => "after_commit",
            Self::Delay { .. } => "delay",
            Self::LostAnswer => "lost_answer",
            Self::LostRequest => "lost_request",
            Self::LateApply { .. } => "late_apply",
            Self::CutConnection { .. } => "cut_connection",
            Self::TruncatedBody => "truncated_body",
            Self::GarbageBody { .. } => "garbage_body",
            Self::OversizedBody { .. } => "oversized_body",
            Self::SlowBody { .. } => "slow_body",
            Self::ContentType { .. } => "content_type",
            Self::Stale { .. } => "stale",
            Self::PageShift { .. } => "page_shift",
            Self::WrongTotal { .. } => "wrong_total",
            Self::RowTwice => "row_twice",
        }
    }
}

impl Fault {
    /// A fault that hits the next `times` requests.
    pub fn new(matches: &str, times: u32, kind: FaultKind) -> Self {
        Self {
            matches: matches.to_owned(),
            path_contains: None,
            times: Some(times),
            skip: 0,
            kind,
            hits: 0,
        }
    }

    /// The same after letting `skip` requests pass.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// The same for paths that contain `part` only.
    #[must_use]
    pub fn on(mut self, part: &str) -> Self {
        self.path_contains = Some(part.to_owned());
        self
    }

    fn fits(&self, method: &str, route: &str, path: &str) -> bool {
        let (wanted_method, wanted_route) =
            self.matches.split_once(' ').unwrap_or(("*", &self.matches));
        let spent = self.times.is_some_and(|times| self.hits >= times);
        !spent
            && (wanted_method == "*" || wanted_method.eq_ignore_ascii_case(method))
            && (wanted_route == "*" || wanted_route == route)
            && self
                .path_contains
                .as_ref()
                .is_none_or(|part| path.contains(part.as_str()))
    }
}

/// The ordered faults of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Faults {
    orders: Vec<Fault>,
}

impl Faults {
    /// Adds a fault after the others.
    pub fn add(&mut self, fault: Fault) {
        self.orders.push(fault);
    }

    /// Removes all faults.
    pub fn clear(&mut self) {
        self.orders.clear();
    }

    /// All ordered faults, used up or not.
    pub fn orders(&self) -> &[Fault] {
        &self.orders
    }

    /// What goes wrong with this request.
    pub fn take(&mut self, method: &str, route: &str, path: &str) -> Option<FaultKind> {
        for fault in &mut self.orders {
            if !fault.fits(method, route, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.hits += 1;
            return Some(fault.kind.clone());
        }
        None
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_after_its_skips_and_as_often_as_ordered() {
        let mut faults = Faults::default();
        faults.add(Fault::new("POST /password-sync-groups", 2, FaultKind::LostAnswer).after(1));
        let mut hit = || {
            faults
                .take("POST", "/password-sync-groups", "/v3/x")
                .is_some()
        };
        assert_eq!([hit(), hit(), hit(), hit()], [false, true, true, false]);
        assert!(
            faults
                .take("GET", "/password-sync-groups", "/v3/x")
                .is_none()
        );
    }

    #[test]
    fn two_faults_on_one_route_happen_one_after_the_other() {
        let mut faults = Faults::default();
        faults.add(Fault::new("* *", 1, FaultKind::LostAnswer));
        faults.add(Fault::new("*", 1, FaultKind::LostRequest));
        assert_eq!(faults.take("GET", "/a", "/a"), Some(FaultKind::LostAnswer));
        assert_eq!(faults.take("GET", "/a", "/a"), Some(FaultKind::LostRequest));
        assert_eq!(faults.take("GET", "/a", "/a"), None);
    }

    #[test]
    fn a_fault_can_be_kept_to_one_object() {
        let mut faults = Faults::default();
        let kind = FaultKind::Delay { ms: 1 };
        faults.add(Fault::new("GET /sources/{id}", 9, kind).on("abc"));
        assert!(
            faults
                .take("GET", "/sources/{id}", "/v3/sources/abc")
                .is_some()
        );
        assert!(
            faults
                .take("GET", "/sources/{id}", "/v3/sources/xyz")
                .is_none()
        );
    }

    #[test]
    fn faults_are_written_as_the_documentation_says() {
        let text = r#"[
            {"match": "GET /sources", "kind": "lost_request"},
            {"match": "GET /sources", "times": 1, "skip": 2,
             "kind": {"status": {"code": 429, "retry_after": "soon"}}},
            {"match": "PATCH /sources/{id}/password-policies", "path_contains": "2c91",
             "kind": {"late_apply": {"seconds": 40}}}
        ]"#;
        let faults: Vec<Fault> = serde_json::from_str(text).unwrap();
        assert_eq!(faults[0].times, None);
        assert_eq!(
            faults[2].kind,
            FaultKind::LateApply {
                seconds: 40,
                code: None
            }
        );
        assert!(serde_json::from_str::<Fault>(r#"{"match": "*", "kind": "explode"}"#).is_err());
    }
}
