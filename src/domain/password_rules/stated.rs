//! The fields of a policy as the API states them, and which rules they switch on.

use std::collections::BTreeMap;

use super::{Limit, PasswordRules, Undecided};

/// The fields of a policy as the API states them, with its names. A field that is absent or null
/// has the default of the API, and each default switches its rule off. Assumed: so does every
/// number below 1, since the API's own examples and defaults use both 0 and -1 for "off".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names of the fields
pub struct Stated {
    pub min_length: Option<i64>,
    pub max_length: Option<i64>,
    pub min_alpha: Option<i64>,
    pub min_upper: Option<i64>,
    pub min_lower: Option<i64>,
    pub min_numeric: Option<i64>,
    pub min_special: Option<i64>,
    pub min_character_types: Option<i64>,
    pub max_repeated_chars: Option<i64>,
    pub use_dictionary: Option<bool>,
    pub use_account_attributes: Option<bool>,
    pub use_identity_attributes: Option<bool>,
    pub validate_against_account_id: Option<bool>,
    pub validate_against_account_name: Option<bool>,
    /// The vendor does not say whether this length counts while `validateAgainstAccountId` is off, so a
    /// policy that states it is undecided in this part.
    pub account_id_min_word_length: Option<i64>,
    /// The same for `validateAgainstAccountName`.
    pub account_name_min_word_length: Option<i64>,
}

impl From<&Stated> for PasswordRules {
    fn from(stated: &Stated) -> Self {
        let limits = [
            (Limit::MinLength, stated.min_length),
            (Limit::MaxLength, stated.max_length),
            (Limit::MinAlpha, stated.min_alpha),
            (Limit::MinUpper, stated.min_upper),
            (Limit::MinLower, stated.min_lower),
            (Limit::MinNumeric, stated.min_numeric),
            (Limit::MinSpecial, stated.min_special),
            (Limit::MinCharacterTypes, stated.min_character_types),
            (Limit::MaxRepeatedChars, stated.max_repeated_chars),
        ];
        let limits: BTreeMap<_, _> = limits
            .into_iter()
            .filter_map(|(limit, value)| Some((limit, switched_on(value)?)))
            .collect();
        let account_id = stated.validate_against_account_id == Some(true)
            || switched_on(stated.account_id_min_word_length).is_some();
        let account_name = stated.validate_against_account_name == Some(true)
            || switched_on(stated.account_name_min_word_length).is_some();
        let undecided = [
            (
                Undecided::UseDictionary,
                stated.use_dictionary == Some(true),
            ),
            (
                Undecided::UseAccountAttributes,
                stated.use_account_attributes == Some(true),
            ),
            (
                Undecided::UseIdentityAttributes,
                stated.use_identity_attributes == Some(true),
            ),
            (Undecided::ValidateAgainstAccountId, account_id),
            (Undecided::ValidateAgainstAccountName, account_name),
            (Undecided::FewerCharacterTypes, fewer_types(&limits)),
        ];
        let undecided = undecided.into_iter().filter(|(_, on)| *on);
        Self {
            limits,
            undecided: undecided.map(|(part, _)| part).collect(),
        }
    }
}

fn switched_on(value: Option<i64>) -> Option<u64> {
    value
        .and_then(|value| u64::try_from(value).ok())
        .filter(|value| *value > 0)
}

fn fewer_types(limits: &BTreeMap<Limit, u64>) -> bool {
    let own = [
        Limit::MinUpper,
        Limit::MinLower,
        Limit::MinNumeric,
        Limit::MinSpecial,
    ];
    let own = own.iter().filter(|limit| limits.contains_key(limit));
    let types = limits.get(&Limit::MinCharacterTypes);
    types.is_some_and(|types| own.count() as u64 > *types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_zero_or_negative_is_off() {
        let off = PasswordRules::default();
        assert_eq!(PasswordRules::from(&Stated::default()), off);
        for value in [0, -1, i64::MIN] {
            let stated = Stated {
                min_length: Some(value),
                max_length: Some(value),
                max_repeated_chars: Some(value),
                min_character_types: Some(value),
                account_id_min_word_length: Some(value),
                use_dictionary: Some(false),
                ..Stated::default()
            };
            assert_eq!(PasswordRules::from(&stated), off, "{value}");
        }
    }

    #[test]
    fn a_rule_is_told_as_the_policy_states_it() {
        let stated = Stated {
            min_length: Some(12),
            max_repeated_chars: Some(2),
            use_dictionary: Some(true),
            account_name_min_word_length: Some(3),
            ..Stated::default()
        };
        let rules = PasswordRules::from(&stated);
        let told: Vec<_> = rules.rules().map(|rule| rule.to_string()).collect();
        assert_eq!(told, ["minLength 12", "maxRepeatedChars 2"]);
        let undecided: Vec<_> = rules.undecided().iter().map(|part| part.field()).collect();
        assert_eq!(undecided, ["useDictionary", "validateAgainstAccountName"]);
    }

    #[test]
    fn fewer_character_types_than_minima_are_undecided() {
        let asks = |types| {
            let rules = PasswordRules::from(&Stated {
                min_upper: Some(1),
                min_lower: Some(1),
                min_numeric: Some(1),
                min_character_types: Some(types),
                ..Stated::default()
            });
            rules.undecided().contains(&Undecided::FewerCharacterTypes)
        };
        assert_eq!([-1, 2, 3, 4].map(asks), [false, true, false, false]);
    }
}
