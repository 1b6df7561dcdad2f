//! A password against the rules of a policy. No IO.
//!
//! Each rule is named as POST /query-password-info names it, such as `passwordMinLength is 5`
//! (developer.sailpoint.com, API v3, Query Password Info). The names that its example does not have
//! are guesses by analogy. Rules that need a dictionary or a person's attributes are not checked.

use serde_json::Value;

use crate::model::Policy;

/// The field of the policy, the value without that field, the rule's name, and what holds a password.
type Rule = (&'static str, i64, &'static str, fn(&str, i64) -> bool);

// A limit of 0 or less is none, as in the vendor's examples of policies.
const RULES: [Rule; 9] = [
    ("minLength", 8, "passwordMinLength", |word, least| {
        count(word, |_| true) >= least
    }),
    ("maxLength", 0, "passwordMaxLength", |word, most| {
        count(word, |_| true) <= most
    }),
    ("minAlpha", 0, "passwordMinAlpha", |word, least| {
        count(word, char::is_alphabetic) >= least
    }),
    ("minLower", 0, "passwordMinLower", |word, least| {
        count(word, char::is_lowercase) >= least
    }),
    ("minUpper", 0, "passwordMinUpper", |word, least| {
        count(word, char::is_uppercase) >= least
    }),
    ("minNumeric", 0, "passwordMinNumeric", |word, least| {
        count(word, char::is_numeric) >= least
    }),
    ("minSpecial", 0, "passwordMinSpecial", |word, least| {
        count(word, special) >= least
    }),
    (
        "minCharacterTypes",
        -1,
        "passwordMinCharType",
        |word, least| types(word) >= least,
    ),
    (
        "maxRepeatedChars",
        -1,
        "passwordRepeatedChar",
        |word, most| longest_run(word) <= most,
    ),
];

/// The rules of a policy, as texts.
pub(crate) fn rules(policy: &Policy) -> Vec<String> {
    limits(policy)
        .map(|((_, _, name, _), limit)| format!("{name} is {limit}"))
        .collect()
}

/// The rules that a password breaks, as texts; empty if it meets the policy.
pub(crate) fn violations(policy: &Policy, password: &str) -> Vec<String> {
    limits(policy)
        .filter(|((_, _, _, holds), limit)| !holds(password, *limit))
        .map(|((_, _, name, _), limit)| format!("{name} is {limit}"))
        .collect()
}

fn limits(policy: &Policy) -> impl Iterator<Item = (&'static Rule, i64)> {
    static TABLE: [Rule; 9] = RULES;
    TABLE.iter().filter_map(|rule| {
        let own = policy.rest.get(rule.0).and_then(Value::as_i64);
        let limit = own.unwrap_or(rule.1);
        (limit > 0).then_some((rule, limit))
    })
}

fn count(word: &str, counts: fn(char) -> bool) -> i64 {
    let number = word.chars().filter(|letter| counts(*letter)).count();
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn special(letter: char) -> bool {
    !letter.is_alphanumeric()
}

fn types(word: &str) -> i64 {
    let all: [fn(char) -> bool; 4] = [
        char::is_lowercase,
        char::is_uppercase,
        char::is_numeric,
        special,
    ];
    all.into_iter().map(|one| count(word, one).min(1)).sum()
}

fn longest_run(word: &str) -> i64 {
    let mut longest = 0;
    let mut run = 0;
    let mut before = None;
    for letter in word.chars() {
        run = if before == Some(letter) { run + 1 } else { 1 };
        longest = longest.max(run);
        before = Some(letter);
    }
    longest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_rule_is_checked() {
        for (field, limit, broken, kept) in [
            ("minLength", 9, "12345678", "123456789"),
            ("maxLength", 9, "1234567890", "123456789"),
            ("minAlpha", 1, "12345678", "1234567a"),
            ("minLower", 1, "ABCDEFGH", "ABCDEFGh"),
            ("minUpper", 1, "abcdefgh", "abcdefgH"),
            ("minNumeric", 2, "abcdefg1", "abcdef12"),
            ("minSpecial", 1, "abcdefg1", "abcdefg!"),
            ("minCharacterTypes", 3, "abcdefg1", "Abcdefg1"),
            ("maxRepeatedChars", 2, "aaabcdef", "aabbccdd"),
        ] {
            let policy: Policy =
                serde_json::from_value(json!({"name": "P", field: limit})).unwrap();
            let found = violations(&policy, broken);
            assert_eq!(found.len(), 1, "{field}");
            assert!(found[0].ends_with(&format!(" is {limit}")), "{found:?}");
            assert!(rules(&policy).contains(&found[0]), "{field}");
            assert!(violations(&policy, kept).is_empty(), "{field}");
        }
    }

    #[test]
    fn a_policy_that_says_nothing_asks_for_eight_characters() {
        let policy = Policy::default();
        assert_eq!(rules(&policy), ["passwordMinLength is 8"]);
        assert_eq!(violations(&policy, "ä234567"), rules(&policy));
    }
}
