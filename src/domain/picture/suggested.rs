//! The names that were suggested for references which match nothing. A search looks at many names;
//! its result is kept as long as these names stay the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::Picture;
use crate::facts::Kind;

/// How many references are remembered; beyond that all are forgotten.
const MOST: usize = 1_000;

/// What was found for each reference by name.
type Found = BTreeMap<(Kind, String), Vec<String>>;

/// Clones of a picture share it until their names differ.
#[derive(Clone, Debug, Default)]
pub(super) struct Suggested(Arc<Mutex<Found>>);

impl Picture {
    /// What was found earlier for that reference, or what `search` finds now. A search that was
    /// given up returns `None`, and nothing is remembered of it.
    pub fn suggested(
        &self,
        kind: Kind,
        wanted: &str,
        search: impl FnOnce() -> Option<Vec<String>>,
    ) -> Vec<String> {
        let known = self.suggested.0.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        let key = (kind, wanted.to_owned());
        if let Some(found) = known.get(&key) {
            return found.clone();
        }
        let Some(found) = search() else {
            return Vec::new();
        };
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::picture::tests::{at, policy, source};

    #[test]
    fn a_reference_is_searched_for_once_as_long_as_the_names_stay_the_same() {
        let searches = Cell::new(0);
        let find = |picture: &Picture, wanted: &str, whole: bool| {
            picture.suggested(Kind::Source, wanted, || {
                searches.set(searches.get() + 1);
                whole.then(|| picture.source_names().map(str::to_owned).collect())
            })
        };
        let mut picture = Picture::default();
        let facts = |picture: &mut Picture, second, name| {
            let (sources, policies) = (vec![source("a", name)], vec![policy("p", "P")]);
            picture.merge_facts(at(second), sources, policies, BTreeMap::new());
        };
        facts(&mut picture, 1, "Active Directory");
        assert!(find(&picture, "AD", false).is_empty(), "it was given up");
        assert_eq!(find(&picture, "AD", true), ["Active Directory"]);
        facts(&mut picture, 2, "Active Directory");
        assert_eq!(find(&picture.clone(), "AD", true), ["Active Directory"]);
        assert_eq!(searches.get(), 2);
        let before = picture.clone();
        facts(&mut picture, 3, "AD1");
        assert_eq!(find(&picture, "AD", true), ["AD1"]);
        assert_eq!(find(&before, "AD", true), ["Active Directory"]);
        assert_eq!(searches.get(), 3);
        for n in 0..2 * MOST {
            find(&picture, &n.to_string(), true);
        }
        assert!(picture.suggested.0.lock().unwrap().len() <= MOST);
    }
}
