//! What kind of failure the text of an error tells of. Pure.
//!
//! The vendor's guide names three causes. It documents no texts, so words that each of them is likely
//! to hold decide; a text without any of these words is [`FailureCause::Other`].

use serde::Serialize;

/// Why a password change fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FailureCause {
    /// The tenant cannot communicate with the source.
    Communication,
    /// The password does not match the policy that the source demands.
    Policy,
    /// The source does not let a password be changed so often.
    TooFrequent,
    /// Anything else.
    Other,
}

/// What a text about a cause holds. The first row that matches counts: "minimum password age" of a
/// domain's policy is about how often, and a policy server that cannot be reached is about reaching it.
const WORDS: [(FailureCause, &[&str]); 3] = [
    (
        FailureCause::Communication,
        &[
            "communicat",
            "connect",
            "timed out",
            "timeout",
            "unreachable",
            "not reachable",
            "cannot reach",
            "cannot be reached",
            "offline",
            "unavailable",
            "unknown host",
            "socket",
            "no route",
        ],
    ),
    (
        FailureCause::TooFrequent,
        &[
            "too often",
            "too soon",
            "too recently",
            "recently changed",
            "changed recently",
            "frequen",
            "minimum age",
            "minimum password age",
            "min age",
            "times a day",
            "at most once",
            "wait before",
        ],
    ),
    (
        FailureCause::Policy,
        &[
            "policy",
            // Active Directory: the password does not meet the requirements of the domain.
            "0000052d",
            "complexity",
            "requirement",
            "constraint violation",
            "password history",
            "previously used",
            "minimum length",
            "too short",
            "too long",
            "too weak",
        ],
    ),
];

impl FailureCause {
    /// Every cause, in the order of the vendor's guide.
    pub const ALL: [Self; 4] = [
        Self::Communication,
        Self::Policy,
        Self::TooFrequent,
        Self::Other,
    ];

    /// The cause that a text tells of.
    pub fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let mut rows = WORDS.iter();
        let row = rows.find(|(_, words)| words.iter().any(|word| text.contains(word)));
        row.map_or(Self::Other, |(cause, _)| *cause)
    }

    /// The cause in words that follow "because".
    pub fn because(self) -> &'static str {
        match self {
            Self::Communication => "the tenant cannot communicate with the source",
            Self::Policy => "the policy that the source demands refuses the password",
            Self::TooFrequent => "the source does not let passwords be changed so often",
            Self::Other => "of something else",
        }
    }

    /// A label for metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Communication => "communication",
            Self::Policy => "policy",
            Self::TooFrequent => "too_frequent",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FailureCause as Cause;

    #[test]
    fn each_cause_has_a_label_and_words_of_its_own() {
        let labels = Cause::ALL.map(Cause::label);
        assert_eq!(labels, ["communication", "policy", "too_frequent", "other"]);
        let words: std::collections::BTreeSet<&str> = Cause::ALL.map(Cause::because).into();
        assert_eq!(words.len(), Cause::ALL.len());
    }

    #[test]
    fn each_cause_of_the_guide_is_found_in_texts_about_it() {
        for (text, cause) in [
            (
                "Unable to connect to ldaps://dc1: Connection refused",
                Cause::Communication,
            ),
            (
                "sailpoint.connector.TimeoutException: read timed out",
                Cause::Communication,
            ),
            (
                "The password does not meet the policy \"Strong\": at least 12 characters",
                Cause::Policy,
            ),
            (
                "LDAP error 19: constraint violation, password history",
                Cause::Policy,
            ),
            (
                "The minimum password age of the domain policy is not reached",
                Cause::TooFrequent,
            ),
            ("Password was changed too recently", Cause::TooFrequent),
            ("ORA-28003", Cause::Other),
            ("", Cause::Other),
        ] {
            assert_eq!(Cause::of(text), cause, "{text}");
        }
    }
}
