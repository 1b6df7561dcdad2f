//! What a test of a source's connection found. Source: the vendor's operation "Check connection for
//! source connector", which answers a failed test with status 200.

use serde::Deserialize;

use super::{field::Field, json};
use crate::bounds::LONGEST_TEXT;

/// What the test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The tenant reached the source.
    Works,
    /// The tenant did not reach it; the status in the tenant's word.
    Fails(String),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    status: Field,
}

pub(crate) fn connection(body: &[u8]) -> Result<Connection, String> {
    let wire: Wire = json(body)?;
    let status = wire
        .status
        .as_text()
        .filter(|text| text.len() <= LONGEST_TEXT);
    let status = status.ok_or("the test of a connection without a status")?;
    Ok(if status == "SUCCESS" {
        Connection::Works
    } else {
        Connection::Fails(status.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_works_only_if_the_tenant_says_so() {
        let of = |body: &str| connection(body.as_bytes());
        assert_eq!(
            of(r#"{"status":"SUCCESS","elapsedMillis":7}"#),
            Ok(Connection::Works)
        );
        let failed = Connection::Fails("FAILURE".to_owned());
        assert_eq!(of(r#"{"status":"FAILURE","details":{}}"#), Ok(failed));
        assert!(of("{}").is_err() && of(r#"{"status":true}"#).is_err());
    }
}
