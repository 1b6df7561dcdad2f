//! A whole list, page after page, within [`crate::bounds`].
//!
//! The next page begins after the objects that came, not after those that were asked for: a tenant
//! may put fewer on a page. Only the announced total says which page is the last; without one it is
//! an empty page.

use crate::{bounds::MOST_BYTES, error::Error, routes::Operation};

/// The most objects that the API puts on a page.
pub const PAGE_LIMIT: usize = 250;

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
}

/// What a page showed, or a whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// Which list it is of.
    pub operation: Operation,
    /// The objects, in the tenant's order; a walk may meet one twice.
    pub items: Vec<T>,
    /// How many there are in all, if it was asked for and answered.
    pub total: Option<usize>,
    /// About how much memory the objects take.
    pub bytes: usize,
}

/// Reads all pages of a list. An object may be among them twice, or missing, if the list changed
/// meanwhile.
///
/// # Errors
/// Whatever a page answers; [`Error::BadAnswer`] for a list beyond the bounds, after its first page
/// if that announces too much.
pub async fn all<T, F>(mut list: impl FnMut(Page) -> F) -> Result<Listed<T>, Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let mut whole = list(Page::first()).await?;
    let (name, most) = (whole.operation.objects(), whole.operation.most());
    if let Some(total) = whole.total.filter(|total| *total > most) {
        return Err(too_much(format!(
            "the tenant announces {total} {name}, and at most {most} are read"
        )));
    }
    let mut came = whole.items.len();
    loop {
        let read = whole.items.len();
        if whole.bytes > MOST_BYTES {
            return Err(too_much(format!(
                "{read} {name} take {} bytes, and at most {MOST_BYTES} are kept",
                whole.bytes
            )));
        }
        if came == 0 || whole.total.is_some_and(|total| read >= total) {
            return Ok(whole);
        }
        if read >= most {
            return Err(too_much(format!(
                "the tenant shows {read} {name} and does not say that these are all, and at most \
                 {most} are read"
            )));
        }
        let page = list(Page::at(read)).await?;
        came = page.items.len();
        whole.items.extend(page.items);
        whole.bytes = whole.bytes.saturating_add(page.bytes);
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

    /// Walks, and says at which offsets.
    async fn walk(tenant: Tenant) -> (Result<Listed<usize>, Error>, Vec<usize>) {
        let mut offsets = Vec::new();
        let answer = |page: Page| {
            assert_eq!(page.limit, PAGE_LIMIT);
            assert_eq!(page.count, page.offset == 0);
            offsets.push(page.offset);
            let until = tenant.objects.min(page.offset + tenant.a_page);
            let items: Vec<_> = (page.offset..until).collect();
            let listed = Listed {
                operation: tenant.operation,
                bytes: items.len() * tenant.bytes,
                items,
                total: tenant.total.filter(|_| page.count),
            };
            async move { Ok(listed) }
        };
        let walked = all(answer).await;
        (walked, offsets)
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
