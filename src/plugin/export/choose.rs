//! Which groups are asked for, by name or by id. Pure.

use std::collections::BTreeSet;

use psg_domain::{Group, GroupId};
use psg_plan::Search;

use super::called;
use crate::inventory::tenants::Seen;

/// How many names are suggested.
const SUGGESTED: usize = 3;
/// A name more than this many times as long as the word is not suggested.
const LONGER: usize = 8;

/// The groups of each tenant that these words ask for; without words, all.
///
/// # Errors
/// There is no group at all, or a word means no group or several.
pub fn groups(words: &[String], seen: &[&Seen]) -> Result<Vec<BTreeSet<GroupId>>, String> {
    let hosts: Vec<&str> = seen.iter().map(|seen| seen.host.as_str()).collect();
    let hosts = hosts.join(", ");
    let nothing = |seen: &&Seen| seen.picture.groups().next().is_none() && odd(seen) == 0;
    if seen.iter().all(nothing) {
        return Err(format!(
            "{hosts}: there is no password sync group, and so nothing to export"
        ));
    }
    if words.is_empty() {
        let all = |seen: &&Seen| seen.picture.groups().map(|it| it.id.clone()).collect();
        return Ok(seen.iter().map(all).collect());
    }
    let mut chosen = vec![BTreeSet::new(); seen.len()];
    for word in words {
        let (tenant, id) = one(word, seen, &hosts)?;
        if let Some(chosen) = chosen.get_mut(tenant) {
            chosen.insert(id);
        }
    }
    Ok(chosen)
}

fn odd(seen: &Seen) -> usize {
    seen.picture.unreadable_groups().count()
}

/// The tenant's index, and the id of the one group that `word` means.
fn one(word: &str, seen: &[&Seen], hosts: &str) -> Result<(usize, GroupId), String> {
    let all = seen.iter().enumerate();
    let all = all.flat_map(|(tenant, seen)| {
        let groups = seen.picture.groups();
        groups.map(move |group| (tenant, group))
    });
    let all: Vec<(usize, &Group)> = all.collect();
    let by_id = all.iter().filter(|(_, group)| group.id.as_str() == word);
    let mut found: Vec<_> = by_id.collect();
    if found.is_empty() {
        let by_name = all.iter().filter(|(_, group)| group.name == word);
        found = by_name.collect();
    }
    match &found[..] {
        [(tenant, group)] => Ok((*tenant, group.id.clone())),
        [] => Err(format!(
            "{hosts}: there is no password sync group \"{word}\"{}",
            near(word, &all)
        )),
        several => {
            let ids = several.iter().map(|(tenant, group)| match seen {
                [_] => group.id.to_string(),
                seen => {
                    let host = seen.get(*tenant).map_or("", |seen| seen.host.as_str());
                    format!("{} in {host}", group.id)
                }
            });
            let ids: Vec<String> = ids.collect();
            Err(format!(
                "{} password sync groups are called \"{word}\": name one by its id ({})",
                ids.len(),
                ids.join(", ")
            ))
        }
    }
}

/// Suggestions: names that contain the word, then names that are similar to it.
fn near(word: &str, all: &[(usize, &Group)]) -> String {
    let folded = word.to_lowercase();
    let few = all.iter().map(|(_, group)| *group);
    let few = few.filter(|group| group.name.len() <= LONGER * word.len());
    let (mut meant, others): (Vec<&Group>, Vec<&Group>) =
        few.partition(|group| group.name.to_lowercase().contains(&folded));
    meant.sort_by_key(|group| &group.name);
    let names: BTreeSet<&str> = others.iter().map(|group| group.name.as_str()).collect();
    let alike = Search::default().near(word, names.into_iter());
    for name in alike.unwrap_or_default() {
        meant.extend(others.iter().filter(|group| group.name == name));
    }
    let names: Vec<String> = meant.into_iter().take(SUGGESTED).map(called).collect();
    if names.is_empty() {
        "; `kubectl psg groups` lists them".to_owned()
    } else {
        format!(": did you mean {}?", names.join(" or "))
    }
}
