//! One kind of object in insertion order, with its earlier states. No IO.
//!
//! Rows keep their place, so a page is read without copies. Each change leaves an undo entry for an
//! hour: a stale read undoes the changes since its moment.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::clock::minus_seconds;

const REMEMBERED_SECONDS: u64 = 3600;
const REMEMBERED_CHANGES: usize = 100_000;

/// Something with an id.
pub trait Row {
    /// The id under which the row is found.
    fn id(&self) -> &str;
}

/// Rows in insertion order, by id, with undo entries.
#[derive(Debug, Clone)]
pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    places: BTreeMap<String, u64>,
    next: u64,
    journal: VecDeque<Undo<T>>,
}

#[derive(Debug, Clone)]
struct Undo<T> {
    at: Timestamp,
    place: u64,
    before: Option<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            places: BTreeMap::new(),
            next: 0,
            journal: VecDeque::new(),
        }
    }
}

impl<T: Row + Clone> Table<T> {
    /// Adds or replaces a row and returns what it replaced.
    pub fn put(&mut self, row: T, now: Timestamp) -> Option<T> {
        let (place, before) = self.place(row);
        self.remember(Undo {
            at: now,
            place,
            before: before.clone(),
        });
        before
    }

    /// Adds a row that has always been there: stale reads show it too.
    pub fn seed(&mut self, row: T) {
        self.place(row);
    }

    /// Removes a row.
    pub fn remove(&mut self, id: &str, now: Timestamp) -> Option<T> {
        let place = self.places.remove(id)?;
        let row = self.rows.remove(&place)?;
        self.remember(Undo {
            at: now,
            place,
            before: Some(row.clone()),
        });
        Some(row)
    }

    /// The row of that id.
    pub fn find(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.rows.values()
    }

    /// All rows as they were `lag` seconds before `now`, in insertion order.
    pub fn iter_as_of(&self, now: Timestamp, lag: u64) -> Vec<&T> {
        if lag == 0 {
            return self.iter().collect();
        }
        let mut view: BTreeMap<u64, &T> =
            self.rows.iter().map(|(place, row)| (*place, row)).collect();
        for undo in self.since(minus_seconds(now, lag)) {
            match &undo.before {
                Some(row) => view.insert(undo.place, row),
                None => view.remove(&undo.place),
            };
        }
        view.into_values().collect()
    }

    /// The row of that id as it was `lag` seconds before `now`.
    pub fn find_as_of(&self, id: &str, now: Timestamp, lag: u64) -> Option<&T> {
        if lag == 0 {
            return self.find(id);
        }
        let mut found = self.find(id);
        let mut place = self.places.get(id).copied();
        for undo in self.since(minus_seconds(now, lag)) {
            match &undo.before {
                Some(row) if row.id() == id => {
                    found = Some(row);
                    place = Some(undo.place);
                }
                None if place == Some(undo.place) => found = None,
                _ => {}
            }
        }
        found
    }

    /// Undo entries younger than `cutoff`, newest first, so that the oldest is applied last.
    fn since(&self, cutoff: Timestamp) -> impl Iterator<Item = &Undo<T>> {
        self.journal
            .iter()
            .rev()
            .take_while(move |undo| undo.at > cutoff)
    }

    fn place(&mut self, row: T) -> (u64, Option<T>) {
        let place = self.places.get(row.id()).copied().unwrap_or(self.next);
        if place == self.next {
            self.next += 1;
            self.places.insert(row.id().to_owned(), place);
        }
        (place, self.rows.insert(place, row))
    }

    fn remember(&mut self, undo: Undo<T>) {
        let forget = minus_seconds(undo.at, REMEMBERED_SECONDS);
        self.journal.push_back(undo);
        while self.journal.len() > REMEMBERED_CHANGES
            || self
                .journal
                .front()
                .is_some_and(|oldest| oldest.at < forget)
        {
            self.journal.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::plus_seconds;

    #[derive(Debug, Clone, PartialEq)]
    struct Pair(&'static str, u8);

    impl Row for Pair {
        fn id(&self) -> &str {
            self.0
        }
    }

    fn at(seconds: u64) -> Timestamp {
        plus_seconds(Timestamp::UNIX_EPOCH, seconds)
    }

    #[test]
    fn rows_keep_their_place_when_replaced() {
        let mut table = Table::default();
        table.put(Pair("b", 1), at(1));
        table.put(Pair("a", 1), at(2));
        table.put(Pair("b", 2), at(3));
        assert_eq!(
            table.iter().map(|row| row.0).collect::<Vec<_>>(),
            ["b", "a"]
        );
        assert_eq!(table.find("b"), Some(&Pair("b", 2)));
    }

    #[test]
    fn a_stale_read_shows_the_past() {
        let mut table = Table::default();
        table.seed(Pair("old", 0));
        table.put(Pair("old", 1), at(10));
        table.put(Pair("new", 1), at(20));
        table.remove("old", at(30));
        let as_of = |lag| {
            table
                .iter_as_of(at(30), lag)
                .into_iter()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(as_of(0), [Pair("new", 1)]);
        assert_eq!(as_of(5), [Pair("old", 1), Pair("new", 1)]);
        assert_eq!(as_of(15), [Pair("old", 1)]);
        assert_eq!(as_of(25), [Pair("old", 0)]);
        assert_eq!(table.find_as_of("old", at(30), 5), Some(&Pair("old", 1)));
        assert_eq!(table.find_as_of("old", at(30), 25), Some(&Pair("old", 0)));
        assert_eq!(table.find_as_of("new", at(30), 5), Some(&Pair("new", 1)));
        assert_eq!(table.find_as_of("new", at(30), 15), None);
    }
}
