//! Whether a policy admits one given password. Looks at the password itself and shares nothing with
//! the search for witnesses but the types of characters, so that it can check the witnesses found.

use psg_domain::{Limit, PasswordRules, Rule};

use super::characters::Type;

/// Whether a password keeps all rules of a policy that can be decided. An empty text is not a
/// password, and neither is a text with a character that no policy admits.
pub fn admits(rules: &PasswordRules, password: &str) -> bool {
    !password.is_empty()
        && password.chars().all(|letter| Type::of(letter).is_some())
        && !rules.rules().any(|rule| breaks(rule, password))
}

/// Whether a password breaks this one rule.
pub fn breaks(rule: Rule, password: &str) -> bool {
    let of = |types: &[Type]| {
        let counted = password
            .chars()
            .filter(|letter| Type::of(*letter).is_some_and(|kind| types.contains(&kind)));
        counted.count()
    };
    let (found, least) = match rule.limit {
        Limit::MinLength => (password.chars().count(), true),
        Limit::MaxLength => (password.chars().count(), false),
        Limit::MinAlpha => (of(&[Type::Lower, Type::Upper]), true),
        Limit::MinUpper => (of(&[Type::Upper]), true),
        Limit::MinLower => (of(&[Type::Lower]), true),
        Limit::MinNumeric => (of(&[Type::Numeric]), true),
        Limit::MinSpecial => (of(&[Type::Special]), true),
        Limit::MinCharacterTypes => {
            let occurring = Type::ALL.iter().filter(|kind| of(&[**kind]) > 0);
            (occurring.count(), true)
        }
        Limit::MaxRepeatedChars => (longest_run(password), false),
    };
    let found = found as u64;
    if least {
        found < rule.value
    } else {
        found > rule.value
    }
}

/// The length of the longest run of one character.
fn longest_run(password: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    let mut before = None;
    for letter in password.chars() {
        run = if before == Some(letter) { run + 1 } else { 1 };
        before = Some(letter);
        longest = longest.max(run);
    }
    longest
}
