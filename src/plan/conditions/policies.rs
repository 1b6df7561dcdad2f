//! The condition `PoliciesAligned`: how a group's policy does not fit its sources. It warns, and
//! blocks nothing. It is absent while nothing is wrong: what the tenant shows of a source may lag
//! behind its group, and the policy before joining is not known of every source, so `True` would be
//! a guess.

use std::collections::BTreeMap;

use psg_domain::{ConditionType, PolicyId};

use super::{Condition, Truth, condition};
use crate::{
    alignment::{Alignment, align},
    case::Case,
    reason::Reason,
    resolve::Resolved,
};

/// At most so many policies are compared with the group's in one decision: each takes some
/// microseconds, and manifests decide how many there are.
const MOST_COMPARED: usize = 100;

/// At most so many of them are described; a message has room for no more.
const MOST_DESCRIBED: usize = 5;

/// The condition, if any policy does not fit.
pub fn misaligned(case: &Case<'_>, resolved: &Resolved) -> Option<Condition> {
    let (refusals, none_passes) = refused_passwords(case, resolved);
    let shown = another_policy(case, resolved);
    let reason = if none_passes {
        Reason::NoCommonPassword
    } else if !refusals.is_empty() {
        Reason::PolicyMismatch
    } else {
        Reason::OtherPolicy
    };
    let mut parts = refusals;
    let more = parts.len().saturating_sub(MOST_DESCRIBED);
    parts.truncate(MOST_DESCRIBED);
    parts.extend((more > 0).then(|| format!("and so do {more} other policies of its sources")));
    parts.extend(shown);
    let (kind, truth) = (ConditionType::PoliciesAligned, Truth::False);
    (!parts.is_empty()).then(|| condition(kind, truth, reason.as_str(), parts.join("; ")))
}

/// One sentence for each policy that sources had before they joined and that refuses passwords
/// which the group's policy admits; and whether no password passes both one of them and the
/// group's.
fn refused_passwords(case: &Case<'_>, resolved: &Resolved) -> (Vec<String>, bool) {
    let (mut refusals, mut none_passes) = (Vec::new(), false);
    let Some(of_group) = case.picture.policy(&resolved.policy.id) else {
        return (refusals, none_passes);
    };
    let mut sources: BTreeMap<&PolicyId, Vec<&str>> = BTreeMap::new();
    for pin in &resolved.sources {
        let own = pin.policy_before.as_ref();
        if let Some(own) = own.filter(|own| **own != of_group.id) {
            sources.entry(own).or_default().push(&pin.name);
        }
    }
    for (own, names) in sources.into_iter().take(MOST_COMPARED) {
        let Some(own) = case.picture.policy(own) else {
            continue;
        };
        let alignment = align(&of_group.rules, &own.rules).alignment;
        if alignment == Alignment::Aligned {
            continue;
        }
        none_passes |= matches!(alignment, Alignment::Impossible { .. });
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        refusals.push(format!(
            "policy \"{}\", which {} had before: {alignment}",
            own.name,
            names.join(", ")
        ));
    }
    (refusals, none_passes)
}

/// Names the sources that the tenant shows under another policy, by a read that began after the
/// group was first seen as it is now.
fn another_policy(case: &Case<'_>, resolved: &Resolved) -> Option<String> {
    if !case.picture.facts_follow(case.recorded.held()?) {
        return None;
    }
    let sources = resolved.sources.iter();
    let others: Vec<String> = sources
        .filter_map(|pin| case.picture.source(&pin.id))
        .filter(|source| {
            !source.policies.is_empty() && !source.policies.contains(&resolved.policy.id)
        })
        .map(|source| format!("\"{}\"", source.name))
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "the tenant shows another password policy than \"{}\" on {}",
            resolved.policy.name,
            others.join(", ")
        )
    })
}
