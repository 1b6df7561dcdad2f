//! Lists whose announced total does not fit the objects shown, though every walk shows the same
//! ones.
//!
//! Such a total counts as wrong at once where a missing object does no harm. A missing group may do
//! harm: it may be one that the operator created. So the total of the groups must differ by the
//! same number in every walk for [`LASTING`] before a walk counts as complete: if the list only
//! lags behind, the difference changes or ends in that time.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use psg_domain::time;
use psg_identity::Error;

use crate::walk::{Difference, shifts};

/// How long the total of the groups must differ by the same number before it counts as wrong: far
/// longer than a list may lag behind what it counts.
pub const LASTING: Duration = Duration::from_mins(10);

/// What is wrong with the lists of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// The total of the groups.
    groups: Option<Lasting>,
    /// What is wrong with the other lists, in words, by the last read of everything.
    pub facts: Vec<String>,
}

/// A difference, and when the first of the consecutive walks that differed by this number began.
#[derive(Clone, Copy, Debug)]
struct Lasting {
    last: Difference,
    since: Timestamp,
}

impl Lasting {
    fn until(self) -> Timestamp {
        time::after(self.since, LASTING)
    }
}

impl Doubts {
    /// Takes in how the total differed in a walk over the groups that began at `began`.
    ///
    /// # Errors
    /// The walk does not count as complete: the total has not differed by the same number for long
    /// enough, or the walks showed different groups.
    pub fn groups(&mut self, began: Timestamp, differs: Option<Difference>) -> Result<(), Error> {
        let Some(last) = differs else {
            self.groups = None;
            return Ok(());
        };
        let known = self.groups.filter(|known| {
            let same = last.by().is_some() && known.last.by() == last.by();
            same && known.since <= began
        });
        let since = known.map_or(began, |known| known.since);
        let lasting = Lasting { last, since };
        self.groups = Some(lasting);
        if !last.agrees() {
            return Err(shifts(last));
        }
        if began >= lasting.until() {
            return Ok(());
        }
        Err(Error::BadAnswer {
            status: 200,
            what: format!(
                "a list that does not add up to its announced total, though every walk shows the \
                 same: {last}; if the total differs by the same number until {:.0}, it counts as \
                 wrong",
                lasting.until()
            ),
        })
    }

    /// All doubts, in words.
    pub fn in_words(&self) -> Vec<String> {
        let groups = self.groups.iter().map(ToString::to_string);
        groups.chain(self.facts.iter().cloned()).collect()
    }
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (last, since, until) = (self.last, self.since, self.until());
        write!(
            f,
            "{last} since {since:.0}: from {until:.0} on, a group that is not shown counts as not there"
        )
    }
}

#[cfg(test)]
mod tests {
    use psg_identity::Operation;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).unwrap()
    }

    /// Takes in a walk that announced and showed these numbers of groups.
    fn walk(doubts: &mut Doubts, minute: i64, announced: usize, shown: usize) -> Result<(), Error> {
        let differs = Difference::of(Operation::ListGroups, announced, shown);
        doubts.groups(at(minute), Some(differs))
    }

    #[test]
    fn a_difference_counts_as_wrong_once_it_has_lasted() {
        let mut doubts = Doubts::default();
        let why = walk(&mut doubts, 1, 4, 3).unwrap_err().to_string();
        let said = "4 groups announced and 3 shown; if the total differs by the same number until \
                    1970-01-01T00:11:00Z, it counts as wrong";
        assert!(why.ends_with(said), "{why}");
        assert!(walk(&mut doubts, 10, 4, 3).is_err());
        // A group was created meanwhile: both numbers grow, and the difference stays.
        assert!(walk(&mut doubts, 11, 5, 4).is_ok());
        assert_eq!(
            doubts.in_words(),
            [
                "5 groups announced and 4 shown since 1970-01-01T00:01:00Z: from \
              1970-01-01T00:11:00Z on, a group that is not shown counts as not there"
            ]
        );
        assert!(walk(&mut doubts, 12, 5, 4).is_ok());
    }

    #[test]
    fn another_difference_begins_anew() {
        for (announced, shown) in [(4, 2), (2, 3)] {
            let mut doubts = Doubts::default();
            assert!(walk(&mut doubts, 1, 4, 3).is_err());
            assert!(walk(&mut doubts, 5, announced, shown).is_err());
            assert!(walk(&mut doubts, 6, 4, 3).is_err());
            assert!(walk(&mut doubts, 15, 4, 3).is_err());
            assert!(walk(&mut doubts, 16, 4, 3).is_ok());
        }
    }

    #[test]
    fn a_total_that_fits_ends_the_doubt() {
        let mut doubts = Doubts::default();
        assert!(walk(&mut doubts, 1, 4, 3).is_err());
        assert!(doubts.groups(at(2), None).is_ok());
        assert_eq!(doubts.in_words(), [""; 0]);
        assert!(walk(&mut doubts, 11, 4, 3).is_err());
    }
}
