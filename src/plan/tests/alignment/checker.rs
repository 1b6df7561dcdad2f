//! `admits` on its own: the examples of the vendor's help, page "Password Requirements".

use psg_domain::{Limit, Limit::*};

use super::policy;
use crate::alignment::admits;

#[test]
fn the_examples_of_the_vendor_pass_and_fail_as_it_says() {
    let examples: [(Limit, i64, &[&str], &[&str]); 9] = [
        (MaxLength, 12, &["password"], &["passwordpassword"]),
        (MinLength, 8, &["password"], &["pass"]),
        (MinAlpha, 2, &["password", "a123Z", "BR650"], &["p12345"]),
        (
            MinUpper,
            2,
            &["PAssword", "PASSWORD"],
            &["password", "Password"],
        ),
        (MinLower, 2, &["PASSWOrd", "password"], &["PASSWORD"]),
        (MinNumeric, 2, &["password12"], &["password1"]),
        (
            MinSpecial,
            2,
            &["p@$sword", "a b\"c"],
            &["p@ssword", "p@ssword1"],
        ),
        (
            MinCharacterTypes,
            3,
            &["Password1"],
            &["password", "password1"],
        ),
        (MaxRepeatedChars, 2, &["password"], &["passsword"]),
    ];
    for (limit, value, pass, fail) in examples {
        let rules = policy(&[(limit, value)]);
        for password in pass {
            assert!(admits(&rules, password), "{limit:?} {password}");
        }
        for password in fail {
            assert!(!admits(&rules, password), "{limit:?} {password}");
        }
    }
}

#[test]
fn a_run_is_of_one_character_and_without_a_gap() {
    let none = policy(&[(MaxRepeatedChars, 1)]);
    assert!(admits(&none, "aAaAbab1212"));
    assert!(!admits(&none, "abcc"));
}

#[test]
fn no_policy_admits_nothing_a_colon_or_a_character_that_is_not_english() {
    let anything = policy(&[]);
    for password in ["", "pass:word", "pässword", "pass\u{7f}", "pass\tword"] {
        assert!(!admits(&anything, password), "{password}");
    }
    let printable: String = (' '..='~').filter(|letter| *letter != ':').collect();
    let all = [
        (MinUpper, 26),
        (MinLower, 26),
        (MinNumeric, 10),
        (MinSpecial, 32),
        (MaxLength, 94),
    ];
    assert!(admits(&policy(&all), &printable));
}
