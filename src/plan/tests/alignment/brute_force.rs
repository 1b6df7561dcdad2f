//! Each answer for many random pairs of policies, held against all short passwords over two
//! characters of each type.
//!
//! [`LONGEST`] is enough for the numbers that [`stated`] draws: a password that shows something has
//! at most one character more than the largest `maxLength` (8), or one run more than the largest
//! `maxRepeatedChars` and the minima of the three other types (3 + 6).

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use proptest::{prelude::*, test_runner::TestRunner};
use psg_domain::{PasswordRules, Rule, Stated};

use super::{super::laws::config, LIMITS, policy_of};
use crate::alignment::{Alignment, admits, align, breaks};

const ALPHABET: &str = "abAB12!#";
const LONGEST: usize = 9;
/// Mutants are tried unoptimised, and there are many of them.
const PAIRS: u32 = if cfg!(mutants) { 400 } else { 20_000 };

#[test]
fn no_answer_differs_from_what_all_short_passwords_say() {
    let passwords = representatives(LONGEST);
    let seen = RefCell::new(BTreeMap::<String, usize>::new());
    let mut runner = TestRunner::new(config(PAIRS));
    runner
        .run(&(policies(), policies()), |(group, source)| {
            let kind = check(&group, &source, &passwords)?;
            *seen.borrow_mut().entry(kind).or_default() += 1;
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    println!("{seen:#?}");
    let of_each_limit = 9;
    // Fewer pairs may be asked for.
    let all = seen.values().sum::<usize>() >= PAIRS as usize;
    assert!(!all || seen.len() == 4 + of_each_limit, "{seen:#?}");
}

/// Fails if the answer is not what these passwords say; else says what kind of answer it is.
fn check(
    group: &PasswordRules,
    source: &PasswordRules,
    passwords: &[String],
) -> Result<String, TestCaseError> {
    let alignment = align(group, source).alignment;
    prop_assert_eq!(&alignment, &align(group, source).alignment);
    let of_group: Vec<_> = passwords
        .iter()
        .filter(|word| admits(group, word))
        .collect();
    let both = of_group.iter().any(|word| admits(source, word));
    let some = |rules: &PasswordRules| passwords.iter().any(|word| admits(rules, word));
    let broken =
        |word: &str| -> Vec<Rule> { source.rules().filter(|rule| breaks(*rule, word)).collect() };
    match alignment {
        Alignment::Aligned => {
            prop_assert!(both);
            let refused = of_group.iter().find(|word| !admits(source, word));
            prop_assert_eq!(refused, None);
            Ok("aligned".to_owned())
        }
        Alignment::Mismatched {
            witness,
            rule,
            others,
        } => {
            prop_assert!(both);
            let word: String = witness.chars().collect();
            prop_assert_eq!(word.len() as u64, witness.length());
            prop_assert!(admits(group, &word) && !admits(source, &word), "{}", word);
            prop_assert!(broken(&word).contains(&rule), "{}", word);
            let all: BTreeSet<_> = of_group.iter().flat_map(|word| broken(word)).collect();
            let named: BTreeSet<_> = others.iter().copied().chain([rule]).collect();
            prop_assert_eq!(named, all);
            let alone = of_group.iter().filter(|word| broken(word) == [rule]);
            let shortest = alone.map(|word| word.len()).min();
            let expected = shortest.or_else(|| {
                let breaking = of_group.iter().filter(|word| breaks(rule, word));
                breaking.map(|word| word.len()).min()
            });
            prop_assert_eq!(Some(word.len()), expected);
            prop_assert_eq!(shortest.is_some(), broken(&word) == [rule], "{}", word);
            Ok(format!("mismatched: {}", rule.limit.field()))
        }
        Alignment::Impossible {
            group: ours,
            source: theirs,
        } => {
            prop_assert!(!both);
            let whose = (some(group), some(source));
            let named = (!theirs.is_empty(), !ours.is_empty());
            let expected = if whose.0 { whose } else { (false, true) };
            prop_assert_eq!(named, expected);
            let rules: Vec<_> = ours.into_iter().chain(theirs).collect();
            let passed_by = |rules: &[Rule]| passwords.iter().any(|word| keeps(rules, word));
            prop_assert!(!passed_by(&rules));
            for spared in 0..rules.len() {
                let mut rest = rules.clone();
                rest.remove(spared);
                prop_assert!(passed_by(&rest), "{:?}", rules);
            }
            Ok(format!("impossible: {named:?}"))
        }
    }
}

fn keeps(rules: &[Rule], word: &str) -> bool {
    !rules.iter().any(|rule| breaks(*rule, word))
}

fn policies() -> impl Strategy<Value = PasswordRules> {
    stated().prop_map(|stated| PasswordRules::from(&stated))
}

/// Each field is absent in half of the policies, so that most pairs are decided by a few rules.
fn stated() -> impl Strategy<Value = Stated> {
    let up_to = |most: i64| proptest::option::of(-1..=most);
    let lengths = (up_to(6), up_to(7));
    let minima = (up_to(3), up_to(2), up_to(2), up_to(2), up_to(2));
    (lengths, minima, up_to(5), up_to(2)).prop_map(|(lengths, minima, types, repeated)| Stated {
        min_length: lengths.0,
        max_length: lengths.1,
        min_alpha: minima.0,
        min_upper: minima.1,
        min_lower: minima.2,
        min_numeric: minima.3,
        min_special: minima.4,
        min_character_types: types,
        max_repeated_chars: repeated,
        ..Stated::default()
    })
}

/// What a rule can see of a password, counted here once more: upper, lower, digits, special
/// characters, and the longest run.
type Seen = ([usize; 4], usize);

/// One password for each [`Seen`] that any password of up to `longest` characters has. Each is made
/// by adding one character; of two that show the same and end alike only one is carried on.
fn representatives(longest: usize) -> Vec<String> {
    let mut found = BTreeMap::<Seen, String>::new();
    let mut ends = BTreeMap::from([(([0; 4], 0, None, 0), String::new())]);
    for _ in 0..longest {
        let mut longer = BTreeMap::new();
        for ((counts, longest, last, run), word) in &ends {
            for (place, letter) in ALPHABET.chars().enumerate() {
                let mut counts: [usize; 4] = *counts;
                counts[place / 2] += 1;
                let run = if *last == Some(letter) { run + 1 } else { 1 };
                let longest = run.max(*longest);
                let longer = longer.entry((counts, longest, Some(letter), run));
                let word = longer.or_insert_with(|| format!("{word}{letter}"));
                found
                    .entry((counts, longest))
                    .or_insert_with(|| word.clone());
            }
        }
        ends = longer;
    }
    found.into_values().collect()
}

#[test]
fn one_password_stands_for_all_that_show_the_same() {
    let mut words = vec![String::new()];
    let mut all = Vec::new();
    for _ in 0..4 {
        let longer = words.iter().flat_map(|word| {
            let letters = ALPHABET.chars();
            letters.map(move |letter| format!("{word}{letter}"))
        });
        words = longer.collect();
        all.extend(words.clone());
    }
    assert_eq!(all.len(), 8 + 64 + 512 + 4_096);
    let rules = LIMITS
        .into_iter()
        .flat_map(|limit| (1..=5).map(move |value| Rule { limit, value }));
    let rules: Vec<_> = rules.collect();
    let broken = |words: &[String]| -> BTreeSet<Vec<bool>> {
        let broken = words
            .iter()
            .map(|word| rules.iter().map(|rule| breaks(*rule, word)).collect());
        broken.collect()
    };
    assert_eq!(broken(&all), broken(&representatives(4)));
}

#[test]
fn a_policy_aligns_with_each_that_lacks_some_of_its_rules() {
    let mut runner = TestRunner::new(config(2_000));
    runner
        .run(&(policies(), 0..512_u32), |(group, kept)| {
            let kept = group
                .rules()
                .filter(|rule| kept & (1 << rule.limit as u32) != 0);
            let source = policy_of(&kept.collect::<Vec<_>>());
            let alignment = align(&group, &source).alignment;
            let fits = matches!(alignment, Alignment::Aligned | Alignment::Impossible { .. });
            prop_assert!(fits, "{:?}", alignment);
            Ok(())
        })
        .unwrap();
}
