//! A complete walk over a paged list. The tenant promises no order, so objects may move to another
//! page while the list changes: a walk is complete only if it shows as many distinct objects as
//! announced. If the total never fits, though every walk shows the same objects, the difference is
//! returned with them.
//!
//! [`psg_identity::pages`] decides how much is read at most, and which page is the last.

use std::{collections::BTreeSet, fmt, future::Future};

use psg_domain::Unreadable;
use psg_identity::{Error, Listed, Operation, Page, bounds::PAGE_LIMIT, pages};

/// The page sizes of the further walks over a list whose total does not fit. A tenant that loses an
/// object between two pages loses a different one with another page size, even if it puts at most
/// 100 on a page: then the walks do not agree.
const AGAIN: [usize; 3] = [90, PAGE_LIMIT, PAGE_LIMIT];

/// A list, as a walk over it showed it.
#[derive(Debug)]
pub struct Walked<T> {
    /// The objects, each once.
    pub items: Vec<T>,
    /// The objects that cannot be read as a whole.
    pub unreadable: Vec<Unreadable>,
    /// How the announced total differs from what was shown, if it does.
    pub differs: Option<Difference>,
}

/// An announced total that differs from the number of objects shown, in each of several walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    operation: Operation,
    /// What the last of the walks announced.
    announced: usize,
    shown: usize,
    /// Each walk differed by the same number.
    steady: bool,
    /// Each walk showed the same objects.
    agrees: bool,
}

impl Difference {
    pub(crate) fn of(operation: Operation, announced: usize, shown: usize) -> Self {
        Self {
            operation,
            announced,
            shown,
            steady: true,
            agrees: true,
        }
    }

    /// By how much the total is too high; none if the walks differed by different numbers.
    pub fn by(self) -> Option<i64> {
        let signed = |count| i64::try_from(count).ok();
        let by = signed(self.announced)?.checked_sub(signed(self.shown)?);
        by.filter(|_| self.steady)
    }

    /// Whether each walk showed the same objects: then the total is wrong.
    pub fn agrees(self) -> bool {
        self.agrees
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (announced, shown, objects) = (self.announced, self.shown, self.operation.objects());
        if self.steady {
            write!(f, "{announced} {objects} announced and {shown} shown")
        } else {
            write!(
                f,
                "{shown} {objects} shown and another number announced each time"
            )
        }
    }
}

/// The distinct objects of one walk: their ids, and how many have no id. Objects without an id
/// cannot be told apart, so each of them counts.
#[derive(PartialEq, Eq)]
struct Distinct {
    ids: BTreeSet<String>,
    without_id: usize,
}

/// Repeats the walk, a few times at most, until it shows every announced object. A total that never
/// fits is no error if every walk showed the same objects. Without an announced total, an empty
/// page ends the walk.
///
/// # Errors
/// The error of a page; [`Error::BadAnswer`] if the total never fits and the walks show different
/// objects, or if the list is larger than [`psg_identity::bounds`] allow.
pub async fn complete<T, F>(
    list: impl FnMut(Page) -> F,
    id: impl Fn(&T) -> &str,
) -> Result<Walked<T>, Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let walked = repeated(list, id).await?;
    match walked.differs {
        Some(differs) if !differs.agrees => Err(shifts(differs)),
        _ => Ok(walked),
    }
}

/// Like [`complete`], but it is no error if the walks show different objects.
pub(crate) async fn repeated<T, F>(
    mut list: impl FnMut(Page) -> F,
    id: impl Fn(&T) -> &str,
) -> Result<Walked<T>, Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let (mut walked, first) = once(PAGE_LIMIT, &mut list, &id).await?;
    for limit in AGAIN {
        let Some(before) = walked.differs else {
            return Ok(walked);
        };
        let distinct;
        (walked, distinct) = once(limit, &mut list, &id).await?;
        if let Some(differs) = &mut walked.differs {
            differs.steady = differs.by() == before.by();
            differs.agrees = before.agrees && distinct == first;
        }
    }
    Ok(walked)
}

async fn once<T, F>(
    limit: usize,
    list: impl FnMut(Page) -> F,
    id: impl Fn(&T) -> &str,
) -> Result<(Walked<T>, Distinct), Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let mut listed = pages::all_by(limit, list).await?;
    let distinct = distinct(&mut listed, id);
    let shown = distinct.ids.len() + distinct.without_id;
    let announced = listed.total.filter(|total| *total != shown);
    let walked = Walked {
        differs: announced.map(|total| Difference::of(listed.operation, total, shown)),
        items: listed.items,
        unreadable: listed.unreadable,
    };
    Ok((walked, distinct))
}

/// Drops objects that were shown before, and returns the distinct ones.
fn distinct<T>(listed: &mut Listed<T>, id: impl Fn(&T) -> &str) -> Distinct {
    let mut ids = BTreeSet::new();
    listed.items.retain(|item| ids.insert(id(item).to_owned()));
    let mut without_id = 0;
    let mut seen = BTreeSet::new();
    listed.unreadable.retain(|object| match &object.id {
        None => {
            without_id += 1;
            true
        }
        Some(id) => {
            ids.insert(id.clone());
            seen.insert(id.clone())
        }
    });
    Distinct { ids, without_id }
}

/// The error for a list that may lack objects.
pub(crate) fn shifts(last: Difference) -> Error {
    Error::BadAnswer {
        status: 200,
        what: format!(
            "a list that never adds up to its announced total, and shows other objects each time: \
             {last} at the last of {} tries",
            AGAIN.len() + 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIES: usize = AGAIN.len() + 1;

    /// Walks over lists that these pages answer in turn; returns the offsets that were asked for.
    async fn walked(
        pages: &[&[u32]],
        total: Option<usize>,
    ) -> (Result<Walked<String>, Error>, Vec<usize>) {
        let mut asked = Vec::new();
        let answer = |page: Page| {
            let rows = pages[asked.len() % pages.len()];
            asked.push(page.offset);
            let listed = Listed {
                operation: Operation::ListGroups,
                items: rows.iter().map(ToString::to_string).collect(),
                unreadable: Vec::new(),
                rows: rows.len(),
                total,
                bytes: 0,
            };
            async move { Ok(listed) }
        };
        let walked = complete(answer, String::as_str).await;
        (walked, asked)
    }

    fn numbers(from: u32, to: u32) -> Vec<u32> {
        (from..to).collect()
    }

    fn complete_one(walked: Result<Walked<String>, Error>) -> Vec<u32> {
        let walked = walked.unwrap();
        assert_eq!(walked.differs, None);
        walked.items.iter().map(|id| id.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_page_that_skips_one_makes_the_walk_begin_again() {
        let first = numbers(0, 250);
        let (skips, whole) = (numbers(251, 260), numbers(250, 260));
        // After one object was skipped, the page at offset 259 is empty.
        let pages = [&first, &skips, &[][..], &first, &whole];
        let (items, asked) = walked(&pages, Some(260)).await;
        assert_eq!(complete_one(items), numbers(0, 260));
        assert_eq!(asked, [0, 250, 259, 0, 250]);
    }

    #[tokio::test]
    async fn a_list_that_shows_other_objects_each_time_is_not_believed() {
        let first = numbers(0, 250);
        let (skips, other) = (
            numbers(251, 260),
            [numbers(250, 256), numbers(257, 260)].concat(),
        );
        let pages = [&first, &skips, &[][..], &first, &other, &[][..]];
        let (items, asked) = walked(&pages, Some(260)).await;
        assert_eq!(
            items.unwrap_err().to_string(),
            "status 200 with an answer that cannot be used: a list that never adds up to its \
             announced total, and shows other objects each time: 260 groups announced and 259 \
             shown at the last of 4 tries"
        );
        assert_eq!(asked.len(), 3 * TRIES, "it is not walked for ever");
    }

    #[tokio::test]
    async fn a_total_that_never_fits_the_same_objects_is_told_beside_them() {
        let rows = numbers(0, 3);
        for (total, by) in [(4, 1), (2, -1)] {
            let pages: &[&[u32]] = if total > 3 { &[&rows, &[]] } else { &[&rows] };
            let (items, asked) = walked(pages, Some(total)).await;
            let walked = items.unwrap();
            assert_eq!((walked.items.len(), asked.len()), (3, pages.len() * TRIES));
            let differs = walked.differs.unwrap();
            assert_eq!(differs.by(), Some(by));
            let said = format!("{total} groups announced and 3 shown");
            assert_eq!(differs.to_string(), said);
        }
    }

    #[tokio::test]
    async fn an_id_that_stands_twice_is_one_object_and_a_total_that_counts_it_twice_is_told() {
        let (items, _) = walked(&[&[1, 2, 1]], Some(3)).await;
        let walked_once = items.unwrap();
        assert_eq!(walked_once.items, ["1", "2"]);
        assert_eq!(walked_once.differs.and_then(Difference::by), Some(1));
        let (items, asked) = walked(&[&[1, 2, 1]], Some(2)).await;
        assert_eq!((complete_one(items), asked), (vec![1, 2], vec![0]));
    }

    #[tokio::test]
    async fn a_total_that_is_another_each_time_differs_by_no_number() {
        let mut total = 3;
        let answer = |_: Page| {
            total *= 2;
            let listed = Listed {
                operation: Operation::ListPolicies,
                items: Vec::<String>::new(),
                unreadable: Vec::new(),
                rows: 0,
                total: Some(total),
                bytes: 0,
            };
            async move { Ok(listed) }
        };
        let differs = complete(answer, String::as_str).await.unwrap().differs;
        let differs = differs.unwrap();
        assert_eq!(differs.by(), None);
        let said = "0 policies shown and another number announced each time";
        assert_eq!(differs.to_string(), said);
    }

    #[tokio::test]
    async fn objects_that_cannot_be_read_count_towards_the_total() {
        let unreadable = |id: Option<&str>| Unreadable {
            kind: psg_domain::Kind::Group,
            name: None,
            id: id.map(str::to_owned),
            sources: BTreeSet::new(),
            all_sources: false,
            why: String::new(),
        };
        let answer = |_: Page| {
            let listed = Listed {
                operation: Operation::ListGroups,
                items: vec!["1".to_owned(), "2".to_owned()],
                // Object 2 can be read in part, so it is among the items as well.
                unreadable: vec![
                    unreadable(Some("2")),
                    unreadable(Some("3")),
                    unreadable(Some("3")),
                    unreadable(None),
                    unreadable(None),
                ],
                rows: 6,
                total: Some(5),
                bytes: 0,
            };
            async move { Ok(listed) }
        };
        let walked = complete(answer, String::as_str).await.unwrap();
        assert_eq!(walked.differs, None);
        assert_eq!((walked.items.len(), walked.unreadable.len()), (2, 4));
    }

    #[tokio::test]
    async fn a_page_that_repeats_one_counts_it_once() {
        let (first, repeats) = (numbers(0, 250), numbers(249, 260));
        let (items, asked) = walked(&[&first, &repeats], Some(260)).await;
        assert_eq!((complete_one(items), asked.len()), (numbers(0, 260), 2));
        // As many rows as announced, with one object twice.
        let (last, whole) = (numbers(249, 259), numbers(250, 260));
        let (items, asked) = walked(&[&first, &last, &first, &whole], Some(260)).await;
        assert_eq!((complete_one(items), asked.len()), (numbers(0, 260), 4));
    }

    #[tokio::test]
    async fn pages_shorter_than_asked_for_lose_nothing() {
        let (first, second) = (numbers(0, 100), numbers(100, 173));
        let (items, asked) = walked(&[&first, &second, &[]], None).await;
        assert_eq!(complete_one(items), numbers(0, 173));
        assert_eq!(asked, [0, 100, 173]);
        let (items, asked) = walked(&[&first, &second], Some(173)).await;
        assert_eq!(complete_one(items), numbers(0, 173));
        assert_eq!(asked, [0, 100], "nothing is asked that nobody needs");
    }

    #[tokio::test]
    async fn a_tenant_that_announces_too_much_is_not_believed() {
        let first = numbers(0, 250);
        let (items, asked) = walked(&[&first], Some(1_000_000)).await;
        assert_eq!(
            items.unwrap_err().to_string(),
            "status 200 with an answer that cannot be used: the tenant announces 1000000 groups, \
             and at most 50000 are read"
        );
        assert_eq!(asked, [0]);
    }
}
