//! Pairs of policies as a person meets them, and the sentence that says how they stand.

use psg_domain::{Limit, Limit::*, PasswordRules, Stated, Undecided};

use super::alignment;
use crate::alignment::{Alignment, Side, align};

fn told(group: &[(Limit, i64)], source: &[(Limit, i64)]) -> String {
    alignment(group, source).to_string()
}

const CORPORATE: [(Limit, i64); 5] = [
    (MinLength, 14),
    (MinUpper, 1),
    (MinLower, 1),
    (MinNumeric, 1),
    (MinSpecial, 1),
];

#[test]
fn a_policy_aligns_with_itself_and_with_a_weaker_one() {
    assert_eq!(alignment(&CORPORATE, &CORPORATE), Alignment::Aligned);
    assert_eq!(alignment(&CORPORATE, &[]), Alignment::Aligned);
    let weaker = [(MinLength, 8), (MinAlpha, 2), (MinCharacterTypes, 4)];
    assert_eq!(alignment(&CORPORATE, &weaker), Alignment::Aligned);
}

#[test]
fn a_source_that_wants_longer_passwords_refuses_the_shortest_of_the_group() {
    assert_eq!(
        told(&[(MinLength, 8), (MinNumeric, 1)], &[(MinLength, 12)]),
        "a password such as \"abcdefg1\" passes the group's policy and fails the source's (minLength 12)"
    );
}

#[test]
fn a_source_that_takes_only_short_passwords_refuses_a_longer_one_of_the_group() {
    assert_eq!(
        told(&[(MinLength, 8)], &[(MaxLength, 10)]),
        "a password such as \"abcdefghijk\" passes the group's policy and fails the source's (maxLength 10)"
    );
    assert_eq!(
        told(&[(MinLength, 8), (MaxLength, 10)], &[(MaxLength, 10)]),
        "each password that passes the group's policy passes the source's"
    );
}

#[test]
fn the_example_is_refused_by_one_rule_where_it_can_be_and_the_others_are_named() {
    assert_eq!(
        told(&[(MinLength, 8)], &CORPORATE),
        "a password such as \"Abcdef1!\" passes the group's policy and fails the source's \
         (minLength 14); other passwords fail minUpper 1, minLower 1, minNumeric 1, minSpecial 1"
    );
}

#[test]
fn a_source_that_refuses_the_same_character_in_a_row() {
    assert_eq!(
        told(&[(MinLength, 8)], &[(MaxRepeatedChars, 2)]),
        "a password such as \"aaabcdef\" passes the group's policy and fails the source's (maxRepeatedChars 2)"
    );
    let strict = [(MinLength, 8), (MaxRepeatedChars, 2)];
    assert_eq!(
        alignment(&strict, &[(MaxRepeatedChars, 2)]),
        Alignment::Aligned
    );
    assert_eq!(
        alignment(&strict, &[(MaxRepeatedChars, 3)]),
        Alignment::Aligned
    );
}

#[test]
fn a_password_without_room_for_a_run_needs_no_rule_against_it() {
    let one_of_each = [
        (MaxLength, 4),
        (MinUpper, 1),
        (MinLower, 1),
        (MinNumeric, 1),
        (MinSpecial, 1),
    ];
    assert_eq!(
        alignment(&one_of_each, &[(MaxRepeatedChars, 1)]),
        Alignment::Aligned
    );
}

#[test]
fn upper_and_lower_case_count_as_letters() {
    let group = [(MinUpper, 2), (MinLower, 1)];
    assert_eq!(alignment(&group, &[(MinAlpha, 3)]), Alignment::Aligned);
    assert_eq!(
        told(&group, &[(MinAlpha, 4)]),
        "a password such as \"ABc\" passes the group's policy and fails the source's (minAlpha 4)"
    );
}

#[test]
fn letters_are_one_or_two_types() {
    assert_eq!(
        told(&[(MinAlpha, 4), (MinNumeric, 1)], &[(MinCharacterTypes, 3)]),
        "a password such as \"abcd1\" passes the group's policy and fails the source's (minCharacterTypes 3)"
    );
    let both = [(MinUpper, 1), (MinLower, 1), (MinNumeric, 1)];
    assert_eq!(
        alignment(&both, &[(MinCharacterTypes, 3)]),
        Alignment::Aligned
    );
}

#[test]
fn a_minimum_follows_from_a_short_length_and_many_types() {
    let group = [(MaxLength, 4), (MinCharacterTypes, 4)];
    assert_eq!(
        alignment(&group, &[(MinSpecial, 1), (MinAlpha, 2)]),
        Alignment::Aligned
    );
}

#[test]
fn policies_that_exclude_each_other_name_the_rules_that_do() {
    assert_eq!(
        told(
            &[(MinLength, 12), (MinNumeric, 1)],
            &[(MaxLength, 8), (MinUpper, 1)]
        ),
        "no password passes both the group's policy (minLength 12) and the source's (maxLength 8)"
    );
    assert_eq!(
        told(
            &[(MinUpper, 3), (MinNumeric, 3)],
            &[(MaxLength, 8), (MinSpecial, 3)]
        ),
        "no password passes both the group's policy (minUpper 3, minNumeric 3) and the source's \
         (maxLength 8, minSpecial 3)"
    );
}

#[test]
fn a_policy_that_admits_nothing_is_named_and_the_group_first() {
    let nothing = [(MinLength, 8), (MaxLength, 6)];
    let five = [(MinCharacterTypes, 5)];
    let group = "no password passes the group's policy (minLength 8, maxLength 6)";
    let source = "no password passes the source's policy (minCharacterTypes 5)";
    assert_eq!(told(&nothing, &[]), group);
    assert_eq!(told(&nothing, &five), group);
    assert_eq!(told(&[(MinLength, 8)], &five), source);
    let minima = [
        (MaxLength, 3),
        (MinUpper, 2),
        (MinAlpha, 2),
        (MinNumeric, 2),
    ];
    assert_eq!(
        told(&minima, &[]),
        "no password passes the group's policy (maxLength 3, minUpper 2, minNumeric 2)"
    );
}

#[test]
fn nothing_is_no_password() {
    assert_eq!(
        alignment(&[(MinLength, 0)], &[(MinLength, 1)]),
        Alignment::Aligned
    );
    assert_eq!(
        alignment(&[], &[(MinCharacterTypes, 1)]),
        Alignment::Aligned
    );
}

#[test]
fn a_long_example_shows_its_beginning() {
    assert_eq!(
        told(&[(MinLength, 64), (MinUpper, 1)], &[(MaxLength, 5_000)]),
        "a password such as \"Abcdefghijklmnopqrstuvwxyzabcdefghijklmn… (5001 characters)\" passes \
         the group's policy and fails the source's (maxLength 5000)"
    );
}

#[test]
fn what_cannot_be_decided_is_named_with_each_answer() {
    let group = |min_length| {
        PasswordRules::from(&Stated {
            min_length,
            use_dictionary: Some(true),
            ..Stated::default()
        })
    };
    let source = |min_length, max_length| {
        PasswordRules::from(&Stated {
            min_length,
            max_length,
            validate_against_account_id: Some(true),
            ..Stated::default()
        })
    };
    let undecided = [
        (Side::Group, Undecided::UseDictionary),
        (Side::Source, Undecided::ValidateAgainstAccountId),
    ];
    let aligned = align(&group(Some(8)), &source(None, None));
    let mismatched = align(&group(None), &source(Some(8), None));
    let impossible = align(&group(Some(8)), &source(None, Some(4)));
    assert_eq!(aligned.alignment, Alignment::Aligned);
    assert!(matches!(mismatched.alignment, Alignment::Mismatched { .. }));
    assert!(matches!(impossible.alignment, Alignment::Impossible { .. }));
    for verdict in [aligned, mismatched, impossible] {
        assert_eq!(verdict.undecided, undecided.into());
    }
}
