//! Names of resources, made of the names of groups. Pure.

use std::collections::{BTreeMap, BTreeSet};

use psg_domain::{Group, GroupId};

/// The longest name that is made: the limit of a DNS label.
const LONGEST: usize = 63;
/// How many of these characters are kept for a suffix that makes equal names distinct.
const SUFFIX: usize = 13;
/// How many characters of an id the suffix has: enough to tell most groups apart.
const OF_ID: usize = 8;
/// For a group whose name has no character that a resource's name may have.
const NAMELESS: &str = "group";

/// A name for each group. The names depend on all groups of the tenant, not on which of them are
/// exported. `taken` holds the names in use; the new names are added to it.
pub fn of<'a>(
    groups: impl Iterator<Item = &'a Group>,
    taken: &mut BTreeSet<String>,
) -> BTreeMap<GroupId, String> {
    let mut alike: BTreeMap<String, Vec<&GroupId>> = BTreeMap::new();
    for group in groups {
        alike.entry(plain(&group.name)).or_default().push(&group.id);
    }
    let mut names = BTreeMap::new();
    for (plain, mut ids) in alike {
        ids.sort();
        let is_alone = ids.len() == 1 && !taken.contains(&plain);
        for id in ids {
            let name = if is_alone {
                plain.clone()
            } else {
                told_apart(&plain, id, taken)
            };
            taken.insert(name.clone());
            names.insert(id.clone(), name);
        }
    }
    names
}

/// The ASCII letters and digits of a name in lower case, with a dash for anything between them.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            plain.push(letter.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain.truncate(LONGEST);
    match plain.trim_end_matches('-') {
        "" => NAMELESS.to_owned(),
        plain => plain.to_owned(),
    }
}

fn told_apart(plain: &str, id: &GroupId, taken: &BTreeSet<String>) -> String {
    let of_id = id.as_str().chars().filter(char::is_ascii_alphanumeric);
    let of_id: String = of_id.take(OF_ID).collect();
    let room = plain.len().min(LONGEST - SUFFIX);
    let start = plain[..room].trim_end_matches('-');
    let base = format!("{start}-{}", of_id.to_lowercase());
    // If the id has only dashes, this dash is the last character.
    let base = base.trim_end_matches('-');
    let mut name = base.to_owned();
    let mut number = 2;
    while taken.contains(&name) {
        name = format!("{base}-{number}");
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use psg_api::names::is_label;

    use super::*;
    use crate::inventory::fixture::group;

    #[test]
    fn names_are_as_near_to_those_of_groups_as_may_be() {
        for (name, expected) in [
            ("Support Tools", "support-tools"),
            ("  R&D / EMEA (2) ", "r-d-emea-2"),
            ("null", "null"),
            ("-1", "1"),
            ("🔑", "group"),
            ("Zürich", "z-rich"),
        ] {
            assert_eq!(plain(name), expected);
        }
    }

    #[test]
    fn two_of_a_name_are_told_apart_by_their_ids() {
        let groups = [
            group("6881f631-3bd5", "A B", "p", &[]),
            group("77-x", "a-b", "p", &[]),
        ];
        let names = of(groups.iter(), &mut BTreeSet::new());
        let names: Vec<_> = names.into_values().collect();
        assert_eq!(names, ["a-b-6881f631", "a-b-77x"]);
        let mut taken = BTreeSet::from(["a-b".to_owned()]);
        let names = of(groups[..1].iter(), &mut taken);
        assert_eq!(names[&groups[0].id], "a-b-6881f631");
    }

    proptest! {
        #[test]
        fn names_are_valid_and_unique(
            named in vec((".{0,80}|[ab -]{0,4}|[a-z]{60,70}", "[A-Za-z0-9-]{1,10}|[a-]{1,20}"), 0..20),
            taken in vec("[ab]{1,3}", 0..4),
        ) {
            let groups: BTreeMap<String, Group> = named
                .iter()
                .map(|(name, id)| (id.clone(), group(id, name, "p", &[])))
                .collect();
            let taken: BTreeSet<String> = taken.into_iter().collect();
            let names = of(groups.values(), &mut taken.clone());
            let again = of(groups.values().rev(), &mut taken.clone());
            prop_assert_eq!(&names, &again);
            let unique: BTreeSet<&String> = names.values().collect();
            prop_assert_eq!(unique.len(), groups.len());
            for name in unique {
                prop_assert!(is_label(name), "{}", name);
                prop_assert!(!taken.contains(name), "{}", name);
            }
        }
    }
}
