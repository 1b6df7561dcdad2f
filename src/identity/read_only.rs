//! A transport that can send no write: for clients that show a tenant and must not be able to
//! change it. Unlike a closed [`crate::gate`], it checks the HTTP method as well, not only the
//! [`Kind`] that the client gives the request.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;

use crate::transport::{Kind, Request, Response, Transport, TransportError};

/// The POSTs that change nothing: for a token, for a search, and to test a connection.
const READING_POSTS: [&str; 3] = ["token", "search_events", "test_connection"];

/// Sends GET requests and [`READING_POSTS`].
pub struct ReadOnly(Arc<dyn Transport>);

impl ReadOnly {
    /// Lets only reads through to a transport.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self(inner)
    }
}

#[async_trait]
impl Transport for ReadOnly {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let reads = request.method == Method::GET || READING_POSTS.contains(&request.operation);
        if !reads || request.kind == Kind::Write {
            let why = "this client can send no write".to_owned();
            return Err(TransportError::not_sent(why));
        }
        self.0.send(request).await
    }
}

#[cfg(test)]
mod tests {
    use psg_domain::{GroupId, PolicyId, SourceId};

    use super::*;
    use crate::{
        Effect, Lane, Page,
        tests::scripted::{Scripted, answer, client},
    };

    #[tokio::test(start_paused = true)]
    async fn reads_go_through_and_no_write_leaves() {
        let scripted = Scripted::minting(|_| answer(200, &[("x-total-count", "0")], "[]"));
        let transport = Arc::clone(&scripted) as Arc<dyn Transport>;
        let client = client(Arc::new(ReadOnly::new(transport)));
        client.list_groups(Page::first(), Lane::Read).await.unwrap();
        let (policy, group) = (PolicyId::parse("p").unwrap(), GroupId::parse("g").unwrap());
        let source = SourceId::parse("s").unwrap();
        let sources = std::collections::BTreeSet::from([source.clone()]);
        let created = client.create_group("n", &policy, &sources, Lane::UserChange);
        assert_eq!(created.await.unwrap_err().effect(), Effect::NotMade);
        let deleted = client.delete_group(&group, Lane::Deletion);
        assert_eq!(deleted.await.unwrap_err().effect(), Effect::NotMade);
        let assigned = client.assign_holders(&source, &[], Lane::Deletion);
        assert_eq!(assigned.await.unwrap_err().effect(), Effect::NotMade);
        for operation in ["create_group", "delete_group", "assign_holders"] {
            assert_eq!(scripted.count(operation), 0, "{operation}");
        }
    }
}
