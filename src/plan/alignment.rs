//! Whether a group's policy and a source's own policy align: does each password that the group's
//! policy admits pass the source's? It answers nothing else, and no rule of the operator decides by
//! it.
//!
//! The answer is exact for the rules of [`Limit`](psg_domain::Limit). Its cost does not depend on the
//! numbers that the policies state: two policies have at most nine rules each, so there are at most
//! 3 + 2 * 9 searches, and each looks at 32 kinds of password (`space.rs`). What the rules mean, and
//! what cannot be decided: docs/policies.md.

mod admits;
mod characters;
mod message;
mod space;
mod witness;

use std::collections::BTreeSet;

use psg_domain::{PasswordRules, Rule, Undecided};

pub use admits::{admits, breaks};
pub use witness::Witness;

use space::Space;

/// How two policies compare, and which demands the comparison leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What follows from the rules that can be decided.
    pub alignment: Alignment,
    /// The demands of both policies that cannot be decided.
    pub undecided: BTreeSet<(Side, Undecided)>,
}

/// Whose policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The policy of the sync group.
    Group,
    /// The policy of the source itself.
    Source,
}

/// What follows from the rules of both policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// Each password that the group's policy admits passes the source's.
    Aligned,
    /// Some pass both, and some only the group's.
    Mismatched {
        /// One that passes only the group's. Where possible, `rule` alone refuses it.
        witness: Witness,
        /// The rule of the source's policy that refuses it.
        rule: Rule,
        /// The other rules of the source's policy that refuse some password of the group's.
        others: Vec<Rule>,
    },
    /// No password passes both. These rules alone exclude all passwords, and none of them can be
    /// spared. If one list is empty, the other policy alone admits no password.
    Impossible {
        /// Of the group's policy.
        group: Vec<Rule>,
        /// Of the source's policy.
        source: Vec<Rule>,
    },
}

/// Compares a group's policy with a source's own.
pub fn align(group: &PasswordRules, source: &PasswordRules) -> Verdict {
    let alignment = contradiction(group, source).unwrap_or_else(|| compared(group, source));
    let parts = [(Side::Group, group), (Side::Source, source)];
    let undecided = parts
        .into_iter()
        .flat_map(|(side, rules)| rules.undecided().iter().map(move |part| (side, *part)));
    Verdict {
        alignment,
        undecided: undecided.collect(),
    }
}

/// Rules that no password keeps together: of one policy if its rules suffice, else of both.
fn contradiction(group: &PasswordRules, source: &PasswordRules) -> Option<Alignment> {
    let of_group = || group.rules().map(|rule| (Side::Group, rule));
    let of_source = || source.rules().map(|rule| (Side::Source, rule));
    let rules = indispensable(of_group().collect())
        .or_else(|| indispensable(of_source().collect()))
        .or_else(|| indispensable(of_group().chain(of_source()).collect()))?;
    let of = |side| {
        let rules = rules.iter().filter(move |(whose, _)| *whose == side);
        rules.map(|(_, rule)| *rule).collect()
    };
    Some(Alignment::Impossible {
        group: of(Side::Group),
        source: of(Side::Source),
    })
}

/// If no password keeps all these rules: the rules that are left once each that can be spared is
/// removed.
fn indispensable(mut rules: Vec<(Side, Rule)>) -> Option<Vec<(Side, Rule)>> {
    let contradict = |rules: &[(Side, Rule)]| {
        let kept = Space::keeping(rules.iter().map(|(_, rule)| *rule));
        kept.shortest().is_none()
    };
    if !contradict(&rules) {
        return None;
    }
    let mut at = 0;
    while at < rules.len() {
        let spared = rules.remove(at);
        if !contradict(&rules) {
            rules.insert(at, spared);
            at += 1;
        }
    }
    Some(rules)
}

fn compared(group: &PasswordRules, source: &PasswordRules) -> Alignment {
    let broken = source
        .rules()
        .filter_map(|rule| Some((rule, refused_by(rule, group, source)?)));
    let mut broken = broken.collect::<Vec<_>>().into_iter();
    let Some((rule, witness)) = broken.next() else {
        return Alignment::Aligned;
    };
    Alignment::Mismatched {
        witness,
        rule,
        others: broken.map(|(rule, _)| rule).collect(),
    }
}

/// A password that the group's policy admits and this rule refuses, if there is one: preferably one
/// that the source's other rules admit, since it shows best what this rule is about.
fn refused_by(rule: Rule, group: &PasswordRules, source: &PasswordRules) -> Option<Witness> {
    let others = source.rules().filter(|other| *other != rule);
    let only = Space::keeping(group.rules().chain(others)).breaking(rule);
    let any = || Space::keeping(group.rules()).breaking(rule);
    only.shortest().or_else(|| any().shortest())
}
