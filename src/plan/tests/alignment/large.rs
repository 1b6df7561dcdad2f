//! Policies with numbers that nobody means: the answer stays right, and costs no more.

use std::time::Instant;

use proptest::{prelude::*, test_runner::TestRunner};
use psg_domain::Limit::*;

use super::{super::laws::config, LIMITS, alignment, policy};
use crate::alignment::{Alignment, admits, align};

#[test]
fn a_witness_of_thousands_of_characters_is_one() {
    let value = || prop_oneof![Just(0_i64), 1..6_i64, 1..3_000_i64];
    let limits = || prop::array::uniform9(value());
    let mut runner = TestRunner::new(config(1_500));
    runner
        .run(&(limits(), limits()), |(group, source)| {
            let of = |mut values: [i64; 9]| {
                // There are four types: most pairs would be impossible.
                values[7] %= 5;
                let limits: Vec<_> = LIMITS.into_iter().zip(values).collect();
                policy(&limits)
            };
            let (group, source) = (of(group), of(source));
            if let Alignment::Mismatched { witness, .. } = align(&group, &source).alignment {
                let word: String = witness.chars().collect();
                prop_assert!(admits(&group, &word));
                prop_assert!(!admits(&source, &word));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_largest_numbers_of_the_api_are_decided() {
    let most = i64::MAX;
    let minima = [MinAlpha, MinUpper, MinLower, MinNumeric, MinSpecial].map(|limit| (limit, most));
    assert_eq!(alignment(&minima, &minima), Alignment::Aligned);
    let Alignment::Impossible { group, source } = alignment(&minima, &[(MaxLength, most)]) else {
        panic!("more than the most");
    };
    assert_eq!((group.len(), source.len()), (2, 1));
    let Alignment::Mismatched { witness, rule, .. } =
        alignment(&minima[..4], &[(MinSpecial, 1), (MaxRepeatedChars, most)])
    else {
        panic!("no special character is asked for");
    };
    assert_eq!((rule.limit, witness.length()), (MinSpecial, u64::MAX));
    let counts = format!("counts: {:?}", [most, most, most, 0]);
    assert!(format!("{witness:?}").contains(&counts), "{witness:?}");
    assert!(witness.to_string().starts_with("ABCDEF"));
    let longer = alignment(&[(MinLength, most)], &[(MaxLength, most)]);
    assert!(matches!(longer, Alignment::Mismatched { witness, .. } if witness.length() == 1 << 63));
}

#[test]
fn lengths_do_not_change_what_an_answer_costs() {
    let rules = |scale: i64| {
        let values = [12, 64, 4, 2, 2, 2, 2].map(|value| value * scale);
        let others = [(MinCharacterTypes, 4), (MaxRepeatedChars, 3 * scale)];
        let limits = LIMITS.into_iter().zip(values).chain(others);
        limits.collect::<Vec<_>>()
    };
    for scale in [1, 1_000, 1_000_000_000_000] {
        let group = policy(&rules(scale));
        let source = policy(&rules(scale + 1));
        let began = Instant::now();
        let mut answers = 0;
        while answers < 1_000 {
            assert_ne!(align(&group, &source).alignment, Alignment::Aligned);
            answers += 1;
        }
        println!(
            "lengths times {scale}: {:?} each",
            began.elapsed() / answers
        );
    }
}
