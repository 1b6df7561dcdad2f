//! Whether two password policies align: [`examples`] as a person meets them, and each answer for
//! random policies against [`brute_force`] over all short passwords.

mod brute_force;
mod checker;
mod examples;
mod large;

use psg_domain::{Limit, PasswordRules, Rule, Stated};

use crate::alignment::{Alignment, align};

/// All of them, in their order.
const LIMITS: [Limit; 9] = [
    Limit::MinLength,
    Limit::MaxLength,
    Limit::MinAlpha,
    Limit::MinUpper,
    Limit::MinLower,
    Limit::MinNumeric,
    Limit::MinSpecial,
    Limit::MinCharacterTypes,
    Limit::MaxRepeatedChars,
];

/// A policy with just these limits.
fn policy(limits: &[(Limit, i64)]) -> PasswordRules {
    let mut stated = Stated::default();
    for (limit, value) in limits {
        let field = match limit {
            Limit::MinLength => &mut stated.min_length,
            Limit::MaxLength => &mut stated.max_length,
            Limit::MinAlpha => &mut stated.min_alpha,
            Limit::MinUpper => &mut stated.min_upper,
            Limit::MinLower => &mut stated.min_lower,
            Limit::MinNumeric => &mut stated.min_numeric,
            Limit::MinSpecial => &mut stated.min_special,
            Limit::MinCharacterTypes => &mut stated.min_character_types,
            Limit::MaxRepeatedChars => &mut stated.max_repeated_chars,
        };
        *field = Some(*value);
    }
    PasswordRules::from(&stated)
}

fn policy_of(rules: &[Rule]) -> PasswordRules {
    let limits = rules
        .iter()
        .map(|rule| (rule.limit, i64::try_from(rule.value).unwrap()));
    policy(&limits.collect::<Vec<_>>())
}

fn alignment(group: &[(Limit, i64)], source: &[(Limit, i64)]) -> Alignment {
    align(&policy(group), &policy(source)).alignment
}
