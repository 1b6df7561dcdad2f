//! Observes the writes of a client: each request on the wire, and its result.
//!
//! A call may send its write a second time, after a 401; a witness sees both requests. It decides
//! nothing.

use crate::{
    error::{self, Error},
    transport::Response,
    wire::refusal::Refusal,
};

/// The header with the service's id of an answer; the case of its name does not matter.
const REQUEST_ID: &str = "slpt-request-id";

/// Longer than any tracking id.
pub(crate) const MAX_ID: usize = 64;

/// Sees the writes of one client.
pub trait Witness: Send + Sync {
    /// A request is about to be sent. If [`Self::ended`] does not follow, its effect is unknown.
    fn sends(&self, method: &str, path: &str);

    /// The result of the request that was sent last.
    fn ended(&self, ended: &Ended<'_>);
}

/// The result of one request.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// The service's own id of the answer, if it gave one.
    pub tracking_id: Option<String>,
    /// Why the request did not succeed.
    pub error: Option<&'a Error>,
}

impl<'a> Ended<'a> {
    pub(crate) fn unanswered(error: &'a Error) -> Self {
        Self {
            status: None,
            tracking_id: None,
            error: Some(error),
        }
    }

    /// `secrets` are removed from the tracking id.
    pub(crate) fn answered(answer: &Response, error: Option<&'a Error>, secrets: &[&str]) -> Self {
        Self {
            status: Some(answer.status.as_u16()),
            tracking_id: tracking_id(answer, secrets),
            error,
        }
    }
}

/// The service's own id of the answer, if it has only letters, digits and dashes.
pub(crate) fn tracking_id(answer: &Response, secrets: &[&str]) -> Option<String> {
    let header = answer.headers.get(REQUEST_ID);
    let header = header.and_then(|id| id.to_str().ok()).map(str::to_owned);
    let id = header.or_else(|| Refusal::read(&answer.body)?.tracking_id)?;
    let plain = |id: &str| {
        !id.is_empty()
            && id.len() <= MAX_ID
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    plain(&id).then(|| error::scrub(&id, secrets))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use psg_domain::GroupId;

    use super::*;
    use crate::{
        Lane,
        tests::scripted::{GROUP, Scripted, TOKEN, answer, client, group_json, minted},
    };

    #[derive(Default)]
    struct Book(Mutex<Vec<String>>);

    impl Witness for Book {
        fn sends(&self, method: &str, path: &str) {
            self.0.lock().unwrap().push(format!("{method} {path}"));
        }

        fn ended(&self, ended: &Ended<'_>) {
            self.0.lock().unwrap().push(format!("{:?}", ended.status));
        }
    }

    #[tokio::test]
    async fn a_write_that_is_sent_twice_is_seen_twice_and_a_read_never() {
        let scripted = Scripted::new(|request, count| match (request.operation, count) {
            ("token", _) => minted(TOKEN, 749),
            ("delete_group", 0) => answer(401, &[], "{}"),
            ("delete_group", _) => answer(204, &[], ""),
            _ => answer(200, &[], &group_json()),
        });
        let book = Arc::new(Book::default());
        let client = client(scripted).witnessed(Arc::clone(&book) as Arc<dyn Witness>);
        let id = GroupId::parse(GROUP).unwrap();
        client.group(&id, Lane::Deletion).await.unwrap().unwrap();
        client.delete_group(&id, Lane::Deletion).await.unwrap();
        let sent = format!("DELETE /v3/password-sync-groups/{GROUP}");
        let seen = book.0.lock().unwrap();
        assert_eq!(*seen, [&sent, "Some(401)", &sent, "Some(204)"]);
    }

    fn id(headers: &[(&str, &str)], body: &str) -> Option<String> {
        let answer = answer(400, headers, body).unwrap();
        Ended::answered(&answer, None, &["hush"]).tracking_id
    }

    #[test]
    fn the_services_handle_is_read_from_header_or_refusal_and_nothing_else_passes_for_one() {
        let header = ("SLPT-Request-ID", "acdbe637fc044befbfe0ce16ad2224ad");
        let body = r#"{"trackingId":"7f"}"#;
        assert_eq!(id(&[header], body).as_deref(), Some(header.1));
        assert_eq!(id(&[], body).as_deref(), Some("7f"));
        assert_eq!(id(&[], "<html>"), None);
        for wrong in ["", "a b", "<x>", &"x".repeat(65)] {
            assert_eq!(id(&[("slpt-request-id", wrong)], ""), None, "{wrong}");
        }
        let said = id(&[("slpt-request-id", "1-hush-2")], "").unwrap();
        assert!(!said.contains("hush"), "{said}");
    }
}
