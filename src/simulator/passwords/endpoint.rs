//! The system behind a source: whether it takes a new password for an account. No IO.
//!
//! The admin guide names three reasons why a change fails on one source alone: the service cannot
//! reach it, its own policy demands more than the group's, or it limits how often a password may
//! change (documentation.sailpoint.com, Managing Password Sync Groups, Common Issues).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::check;
use crate::{clock::plus_seconds, model::Policy};

/// The system behind one source. A source without one takes every password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Endpoint {
    /// The id of the source.
    pub source: String,
    /// Whether the service reaches it.
    pub reachable: bool,
    /// The id of the policy that it enforces itself.
    pub demands: Option<String>,
    /// How many seconds must be between two changes of one account.
    pub min_seconds_between_changes: Option<u64>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            source: String::new(),
            reachable: true,
            demands: None,
            min_seconds_between_changes: None,
        }
    }
}

/// Why an account did not take a password. The texts never hold the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The error supports retries.
    Passing(String),
    /// A retry would end in the same way.
    Lasting(String),
}

impl Endpoint {
    /// Whether the system takes the password. `policy` is the one that it demands, `last` is when
    /// the account's password changed before.
    pub(crate) fn accept(
        &self,
        policy: Option<&Policy>,
        password: &str,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if !self.reachable {
            return Err(Failure::Passing("the source cannot be reached".to_owned()));
        }
        if let Some(policy) = policy
            && let Some(rule) = check::violations(policy, password).first()
        {
            return Err(Failure::Lasting(format!(
                "the source enforces password policy \"{}\", which the password does not meet: {rule}",
                policy.name
            )));
        }
        if let (Some(seconds), Some(last)) = (self.min_seconds_between_changes, last)
            && now < plus_seconds(last, seconds)
        {
            return Err(Failure::Lasting(format!(
                "the source changes a password at most once in {seconds} seconds"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn an_endpoint_says_why_it_refuses() {
        let now = Clock::fixed().now();
        let policy: Policy = serde_json::from_value(json!({"name": "P", "minLength": 9})).unwrap();
        let endpoint: Endpoint =
            serde_json::from_value(json!({"minSecondsBetweenChanges": 10})).unwrap();
        let accept = |password: &str, last| endpoint.accept(Some(&policy), password, last, now);
        assert_eq!(accept("123456789", None), Ok(()));
        let Err(Failure::Lasting(text)) = accept("12345678", None) else {
            panic!("a short password was taken");
        };
        assert!(text.contains("\"P\"") && text.contains("passwordMinLength is 9"));
        let Err(Failure::Lasting(text)) = accept("123456789", Some(now)) else {
            panic!("a second change was taken");
        };
        assert!(text.contains("once in 10 seconds"));
        let gone = Endpoint {
            reachable: false,
            ..endpoint
        };
        let refused = gone.accept(None, "x", None, now);
        assert!(matches!(refused, Err(Failure::Passing(_))));
    }
}
