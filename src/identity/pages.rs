//! A whole list, page after page, within [`crate::bounds`].
//!
//! The next page begins after the rows that came, not after those that were asked for: a tenant may
//! put fewer on a page. The announced total says which page is the last, unless that page is full:
//! a total may be too low, so that more pages follow. Without a total, an empty page is the last.
//!
//! If a page does not fit into the longest answer that is read, fewer objects are asked for.

use psg_domain::Unreadable;

use crate::{
    bounds::{MOST_BYTES, PAGE_LIMIT},
    error::Error,
    routes::Operation,
};

/// The smallest page that is asked for, if larger pages do not fit into an answer.
const FEWEST: usize = 25;

/// A piece of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many objects come before it.
    pub offset: usize,
    /// How many objects it has at most, up to [`PAGE_LIMIT`].
    pub limit: usize,
    /// Whether the tenant should count all objects, which costs it work.
    pub count: bool,
}

impl Page {
    /// The first full page, with the total.
    pub fn first() -> Self {
        Self {
            offset: 0,
            limit: PAGE_LIMIT,
            count: true,
        }
    }

    /// A full page further on, without the total.
    pub fn at(offset: usize) -> Self {
        Self {
            offset,
            limit: PAGE_LIMIT,
            count: false,
        }
    }

    /// A page at the same offset of half as many objects, but at least [`FEWEST`]; none if that is
    /// not fewer.
    fn halved(self) -> Option<Self> {
        let limit = (self.limit / 2).max(FEWEST);
        (limit < self.limit).then_some(Self { limit, ..self })
    }
}

/// The content of a page, or of a whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// Which list it is of.
    pub operation: Operation,
    /// The objects, in the tenant's order; an object may be there twice.
    pub items: Vec<T>,
    /// The objects that cannot be read as a whole.
    pub unreadable: Vec<Unreadable>,
    /// How many rows were shown.
    pub rows: usize,
    /// How many objects the tenant announced in all, if it was asked and answered.
    pub total: Option<usize>,
    /// About how much memory the objects take.
    pub bytes: usize,
}

/// Reads all pages of a list. An object may be among them twice, or missing, if the list changed
/// meanwhile.
///
/// # Errors
/// The error of a page; [`Error::BadAnswer`] for a list beyond the bounds, already after its first
/// page if that announces too much.
pub async fn all<T, F>(list: impl FnMut(Page) -> F) -> Result<Listed<T>, Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    all_by(PAGE_LIMIT, list).await
}

/// Like [`all`], by pages of at most `limit` objects.
///
/// # Errors
/// As [`all`].
pub async fn all_by<T, F>(limit: usize, mut list: impl FnMut(Page) -> F) -> Result<Listed<T>, Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let first = Page {
        limit,
        ..Page::first()
    };
    let (mut whole, mut limit) = fitting(&mut list, first).await?;
    let (name, most) = (whole.operation.objects(), whole.operation.most());
    if let Some(total) = whole.total.filter(|total| *total > most) {
        return Err(too_much(format!(
            "the tenant announces {total} {name}, and at most {most} are read"
        )));
    }
    // The size of a full page: a tenant may put fewer rows on each page than were asked for.
    let mut first = None;
    let mut came = whole.rows;
    loop {
        let read = whole.rows;
        if whole.bytes > MOST_BYTES {
            return Err(too_much(format!(
                "{read} {name} take {} bytes, and at most {MOST_BYTES} are kept",
                whole.bytes
            )));
        }
        let reached = whole.total.is_some_and(|total| read >= total);
        let is_full = came >= limit || first.is_some_and(|first| came >= first);
        if came == 0 || reached && (!is_full || read >= most) {
            return Ok(whole);
        }
        if read >= most {
            return Err(too_much(format!(
                "the tenant shows {read} {name} and does not say that these are all, and at most \
                 {most} are read"
            )));
        }
        first.get_or_insert(came);
        let page = Page {
            limit,
            ..Page::at(read)
        };
        let (page, fits) = fitting(&mut list, page).await?;
        if fits < limit {
            (limit, first) = (fits, None);
        }
        came = page.rows;
        whole.items.extend(page.items);
        whole.unreadable.extend(page.unreadable);
        whole.rows += page.rows;
        whole.bytes = whole.bytes.saturating_add(page.bytes);
    }
}

/// A page of as many objects as fit into an answer, and the limit that was asked for.
async fn fitting<T, F>(
    list: &mut impl FnMut(Page) -> F,
    mut page: Page,
) -> Result<(Listed<T>, usize), Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    loop {
        let most = match list(page).await {
            Err(Error::TooLarge { most }) => most,
            answer => return answer.map(|listed| (listed, page.limit)),
        };
        page = page.halved().ok_or_else(|| {
            too_much(format!(
                "a page of {} objects after the first {} is larger than {most} bytes, and so were \
                 those of more",
                page.limit, page.offset
            ))
        })?;
    }
}

fn too_much(what: String) -> Error {
    Error::BadAnswer { status: 200, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::{MOST_HOLDERS, MOST_OBJECTS};

    /// A tenant with so many objects, each of so many bytes.
    #[derive(Clone, Copy)]
    struct Tenant {
        operation: Operation,
        objects: usize,
        bytes: usize,
        a_page: usize,
        total: Option<usize>,
    }

    fn page(tenant: Tenant, page: Page) -> Listed<usize> {
        assert_eq!(page.count, page.offset == 0);
        let until = page.offset + tenant.a_page.min(page.limit);
        let items: Vec<_> = (page.offset..tenant.objects.min(until)).collect();
        Listed {
            operation: tenant.operation,
            bytes: items.len() * tenant.bytes,
            rows: items.len(),
            items,
            unreadable: Vec::new(),
            total: tenant.total.filter(|_| page.count),
        }
    }

    /// Reads the list, and returns the offsets that were asked for.
    async fn walk(tenant: Tenant) -> (Result<Listed<usize>, Error>, Vec<usize>) {
        let mut offsets = Vec::new();
        let answer = |asked: Page| {
            assert_eq!(asked.limit, PAGE_LIMIT);
            offsets.push(asked.offset);
            let listed = page(tenant, asked);
            async move { Ok(listed) }
        };
        let walked = all(answer).await;
        (walked, offsets)
    }

    /// Reads the list of a tenant whose answers hold at most `fits` objects, and returns the offset
    /// and the limit of each page that was asked for.
    async fn squeezed(
        tenant: Tenant,
        fits: usize,
    ) -> (Result<Listed<usize>, Error>, Vec<(usize, usize)>) {
        let mut pages = Vec::new();
        let answer = |asked: Page| {
            pages.push((asked.offset, asked.limit));
            let listed = Some(page(tenant, asked)).filter(|page| page.rows <= fits);
            async move { listed.ok_or(Error::TooLarge { most: 8 << 20 }) }
        };
        let walked = all(answer).await;
        (walked, pages)
    }

    #[tokio::test]
    async fn fewer_objects_are_asked_for_where_a_page_is_too_large() {
        for (fits, asked) in [
            (173, vec![(0, 250)]),
            (130, vec![(0, 250), (0, 125), (125, 125)]),
            (70, vec![(0, 250), (0, 125), (0, 62), (62, 62), (124, 62)]),
        ] {
            for total in [Some(173), None] {
                let tenant = Tenant { total, ..SOURCES };
                let (walked, mut pages) = squeezed(tenant, fits).await;
                let walked = walked.unwrap();
                assert_eq!(walked.items, (0..173).collect::<Vec<_>>(), "{fits}");
                assert_eq!((walked.rows, walked.total), (173, total));
                if total.is_none() {
                    assert_eq!(pages.pop().map(|(offset, _)| offset), Some(173));
                }
                assert_eq!(pages, asked);
            }
        }
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_however_few_are_asked_for_is_named() {
        let (walked, pages) = squeezed(SOURCES, 24).await;
        assert_eq!(
            what(walked),
            "a page of 25 objects after the first 0 is larger than 8388608 bytes, and so were those \
             of more"
        );
        let limits: Vec<usize> = pages.into_iter().map(|(_, limit)| limit).collect();
        assert_eq!(limits, [250, 125, 62, 31, 25]);
    }

    /// Without a further page the walk would count as complete, and the objects on it as not there.
    #[tokio::test]
    async fn a_total_that_is_too_low_hides_no_page() {
        for (a_page, objects, total, offsets) in [
            (250, 251, 250, vec![0, 250]),
            (250, 500, 499, vec![0, 250, 500]),
            (250, 501, 500, vec![0, 250, 500]),
            (100, 201, 200, vec![0, 100, 200]),
            // The total is right, and costs an empty page.
            (250, 250, 250, vec![0, 250]),
        ] {
            let tenant = Tenant {
                a_page,
                objects,
                total: Some(total),
                ..SOURCES
            };
            let (walked, asked) = walk(tenant).await;
            assert_eq!(walked.unwrap().items.len(), objects);
            assert_eq!(asked, offsets, "{objects} objects, {total} announced");
        }
    }

    const SOURCES: Tenant = Tenant {
        operation: Operation::ListSources,
        objects: 173,
        bytes: 100,
        a_page: PAGE_LIMIT,
        total: None,
    };

    fn what(walked: Result<Listed<usize>, Error>) -> String {
        match walked {
            Err(Error::BadAnswer { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_next_page_begins_after_what_came() {
        for (a_page, total, offsets) in [
            (250, Some(173), vec![0]),
            (100, Some(173), vec![0, 100]),
            (250, None, vec![0, 173]),
            (100, None, vec![0, 100, 173]),
        ] {
            let tenant = Tenant {
                a_page,
                total,
                ..SOURCES
            };
            let (walked, asked) = walk(tenant).await;
            assert_eq!(walked.unwrap().items, (0..173).collect::<Vec<_>>());
            assert_eq!(asked, offsets, "{a_page} a page, {total:?} announced");
        }
    }

    #[tokio::test]
    async fn without_objects_one_page_is_enough() {
        for total in [None, Some(0)] {
            let tenant = Tenant {
                objects: 0,
                total,
                ..SOURCES
            };
            let (walked, asked) = walk(tenant).await;
            assert_eq!((walked.unwrap().items.len(), asked), (0, vec![0]));
        }
    }

    #[tokio::test]
    async fn an_empty_page_ends_a_list_that_announced_more() {
        let tenant = Tenant {
            total: Some(200),
            ..SOURCES
        };
        let (walked, asked) = walk(tenant).await;
        let walked = walked.unwrap();
        assert_eq!((walked.items.len(), walked.total), (173, Some(200)));
        assert_eq!(asked, [0, 173]);
    }

    #[tokio::test]
    async fn too_many_announced_are_refused_after_the_first_page() {
        for (operation, total, said) in [
            (
                Operation::ListSources,
                1_000_000,
                "the tenant announces 1000000 sources, and at most 50000 are read",
            ),
            (
                Operation::ListGroups,
                MOST_OBJECTS + 1,
                "the tenant announces 50001 groups, and at most 50000 are read",
            ),
            (
                Operation::ReadHolders,
                MOST_HOLDERS + 1,
                "the tenant announces 1001 policies of one source, and at most 1000 are read",
            ),
        ] {
            let tenant = Tenant {
                operation,
                objects: total,
                total: Some(total),
                ..SOURCES
            };
            let (walked, asked) = walk(tenant).await;
            assert_eq!((what(walked).as_str(), asked), (said, vec![0]));
        }
        let most = Tenant {
            objects: MOST_OBJECTS,
            total: Some(MOST_OBJECTS),
            ..SOURCES
        };
        let (walked, asked) = walk(most).await;
        assert_eq!(walked.unwrap().items.len(), MOST_OBJECTS);
        assert_eq!(asked.len(), MOST_OBJECTS / PAGE_LIMIT);
    }

    #[tokio::test]
    async fn too_many_that_nobody_announced_are_refused_when_they_come() {
        let tenant = Tenant {
            objects: usize::MAX,
            ..SOURCES
        };
        let (walked, asked) = walk(tenant).await;
        assert_eq!(
            what(walked),
            "the tenant shows 50000 sources and does not say that these are all, and at most 50000 are read"
        );
        assert_eq!(asked.len(), MOST_OBJECTS / PAGE_LIMIT);
    }

    #[tokio::test]
    async fn too_many_bytes_are_refused_when_they_come() {
        let tenant = Tenant {
            objects: 30_000,
            total: Some(30_000),
            bytes: 8_000,
            ..SOURCES
        };
        let (walked, asked) = walk(tenant).await;
        assert_eq!(
            what(walked),
            "4250 sources take 34000000 bytes, and at most 33554432 are kept"
        );
        assert_eq!(asked.len(), 17);
    }
}
