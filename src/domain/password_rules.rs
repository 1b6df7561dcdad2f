//! What a password policy demands of a password: the rules that can be decided from the password
//! alone, and by name those that cannot. Says nothing about two policies; `psg_plan::alignment` does.
//!
//! Sources: the object `PasswordPolicyV3Dto` of the identity API for the fields and their defaults,
//! and the page "Password Requirements" of the vendor's help for their meaning. Where both are
//! silent, the doc comment says what is assumed.

mod stated;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use stated::Stated;

/// The demands of one policy. Only what [`Stated`] switches on is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordRules {
    limits: BTreeMap<Limit, u64>,
    undecided: BTreeSet<Undecided>,
}

impl PasswordRules {
    /// The rules that can be decided, in the order of [`Limit`].
    pub fn rules(&self) -> impl Iterator<Item = Rule> + '_ {
        let rule = |(limit, value): (&Limit, &u64)| Rule {
            limit: *limit,
            value: *value,
        };
        self.limits.iter().map(rule)
    }

    /// The demands that cannot be decided from the password alone.
    pub fn undecided(&self) -> &BTreeSet<Undecided> {
        &self.undecided
    }
}

/// One rule of a policy, as a person finds it there: `minLength 12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// Which field.
    pub limit: Limit,
    /// Its value, which is never 0.
    pub value: u64,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.limit.field(), self.value)
    }
}

/// The fields of a policy that can be decided from the password alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The fewest characters. Assumed: a password has at least one, also where this is 0.
    MinLength,
    /// The most characters.
    MaxLength,
    /// The fewest letters, upper and lower case together.
    MinAlpha,
    /// The fewest letters in upper case.
    MinUpper,
    /// The fewest letters in lower case.
    MinLower,
    /// The fewest digits.
    MinNumeric,
    /// The fewest special characters.
    MinSpecial,
    /// How many of the four types (upper case, lower case, digit, special) must occur. Assumed: one
    /// character makes a type occur, and the other minima hold as well.
    MinCharacterTypes,
    /// How often one character may stand in a row. The text of the vendor's help counts only what
    /// follows the first occurrence; its example (2 admits "ss" and refuses "sss") counts all.
    /// Assumed: the example is right.
    MaxRepeatedChars,
}

impl Limit {
    /// The name of the field in the API.
    pub fn field(self) -> &'static str {
        match self {
            Self::MinLength => "minLength",
            Self::MaxLength => "maxLength",
            Self::MinAlpha => "minAlpha",
            Self::MinUpper => "minUpper",
            Self::MinLower => "minLower",
            Self::MinNumeric => "minNumeric",
            Self::MinSpecial => "minSpecial",
            Self::MinCharacterTypes => "minCharacterTypes",
            Self::MaxRepeatedChars => "maxRepeatedChars",
        }
    }
}

/// A demand that depends on more than the password, or on what no document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undecided {
    /// Words of the tenant's dictionary are refused.
    UseDictionary,
    /// Values of the account's attributes are refused.
    UseAccountAttributes,
    /// Values of the identity's attributes are refused.
    UseIdentityAttributes,
    /// The account's id is refused, or parts of it that have `accountIdMinWordLength` characters.
    ValidateAgainstAccountId,
    /// The account's name is refused, or parts of it that have `accountNameMinWordLength`
    /// characters.
    ValidateAgainstAccountName,
    /// `minCharacterTypes` is less than the number of types that have a minimum of their own. The
    /// documents do not say whether the other minima are dropped then; here they hold.
    FewerCharacterTypes,
}

impl Undecided {
    /// The name of the field in the API.
    pub fn field(self) -> &'static str {
        match self {
            Self::UseDictionary => "useDictionary",
            Self::UseAccountAttributes => "useAccountAttributes",
            Self::UseIdentityAttributes => "useIdentityAttributes",
            Self::ValidateAgainstAccountId => "validateAgainstAccountId",
            Self::ValidateAgainstAccountName => "validateAgainstAccountName",
            Self::FewerCharacterTypes => "minCharacterTypes",
        }
    }
}
