//! Password policies, and what they demand of a password.
//!
//! A rule whose JSON type differs from the vendor's documents counts as not stated.

use psg_domain::{Kind, PasswordRules, Policy, PolicyId, Stated};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    field::Field,
    row::{self, Row, Rows, rows},
};

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Wire {
    id: Field,
    name: Field,
    min_length: Figure,
    max_length: Figure,
    min_alpha: Figure,
    min_upper: Figure,
    min_lower: Figure,
    min_numeric: Figure,
    min_special: Figure,
    min_character_types: Figure,
    max_repeated_chars: Figure,
    use_dictionary: Figure,
    use_account_attributes: Figure,
    use_identity_attributes: Figure,
    validate_against_account_id: Figure,
    validate_against_account_name: Figure,
    account_id_min_word_length: Figure,
    account_name_min_word_length: Figure,
}

pub(crate) fn policies(body: &[u8]) -> Result<Rows<Policy>, String> {
    rows(body, Kind::Policy, |wire: Wire| -> Row<Policy> {
        let rules = PasswordRules::from(&wire.stated());
        let (id, name) = (row::id(&wire.id, PolicyId::parse), row::name(&wire.name));
        let (shown, unreadable) = row::named(Kind::Policy, id, name);
        let policy = shown.map(|(id, name)| Policy { id, name, rules });
        (policy, unreadable)
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Figure {
    Number(i64),
    Flag(bool),
    Other(IgnoredAny),
}

impl Default for Figure {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl Figure {
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl Wire {
    fn stated(&self) -> Stated {
        Stated {
            min_length: self.min_length.number(),
            max_length: self.max_length.number(),
            min_alpha: self.min_alpha.number(),
            min_upper: self.min_upper.number(),
            min_lower: self.min_lower.number(),
            min_numeric: self.min_numeric.number(),
            min_special: self.min_special.number(),
            min_character_types: self.min_character_types.number(),
            max_repeated_chars: self.max_repeated_chars.number(),
            use_dictionary: self.use_dictionary.flag(),
            use_account_attributes: self.use_account_attributes.flag(),
            use_identity_attributes: self.use_identity_attributes.flag(),
            validate_against_account_id: self.validate_against_account_id.flag(),
            validate_against_account_name: self.validate_against_account_name.flag(),
            account_id_min_word_length: self.account_id_min_word_length.number(),
            account_name_min_word_length: self.account_name_min_word_length.number(),
        }
    }
}

#[cfg(test)]
mod tests {
    use psg_domain::Undecided;

    use super::*;

    #[test]
    fn what_is_of_another_type_is_not_stated() {
        let body = r#"[{"id": "p", "name": "P", "minLength": 12, "maxLength": null, "minUpper": "2",
            "minLower": {}, "minNumeric": [1], "useDictionary": true, "useAccountAttributes": 1,
            "minSpecial": -1, "later": {"minLength": 3}}, {"minLength": 3}, 7]"#;
        let read = policies(body.as_bytes()).unwrap();
        assert_eq!(
            (read.items.len(), read.unreadable.len(), read.count),
            (1, 2, 3)
        );
        let rules = &read.items[0].rules;
        let shown: Vec<String> = rules.rules().map(|rule| rule.to_string()).collect();
        assert_eq!(shown, ["minLength 12"]);
        assert_eq!(rules.undecided().len(), 1);
        assert!(rules.undecided().contains(&Undecided::UseDictionary));
    }
}
