//! A complete walk over a paged list. The tenant promises no order, so a page may shift while
//! the list changes: only distinct ids that add up to the announced total count as complete.
//!
//! How much is read at most, and when the last page was, is decided in [`psg_identity::pages`].

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use psg_domain::SourceId;
use psg_identity::{Client, Error, Lane, Listed, Page, pages};

/// How often a list that shifts is walked again before the read fails.
const TRIES: usize = 4;

/// Walks until every announced object was seen once. Without an announced total, an empty page
/// ends the walk.
///
/// # Errors
/// Whatever a page answers; [`Error::BadAnswer`] if the list shifts each time, or is larger than
/// [`psg_identity::bounds`] allow.
pub async fn complete<T, I, F>(
    mut list: impl FnMut(Page) -> F,
    id: impl Fn(&T) -> I,
) -> Result<Vec<T>, Error>
where
    I: Ord,
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let mut last = String::new();
    for _ in 0..TRIES {
        let Listed {
            operation,
            items,
            total,
            ..
        } = pages::all(&mut list).await?;
        let mut seen = BTreeSet::new();
        let mut distinct = Vec::with_capacity(items.len());
        for item in items {
            if seen.insert(id(&item)) {
                distinct.push(item);
            }
        }
        match total {
            Some(total) if total != distinct.len() => {
                let objects = operation.objects();
                last = format!("{total} {objects} announced and {} shown", distinct.len());
            }
            _ => return Ok(distinct),
        }
    }
    Err(Error::BadAnswer {
        status: 200,
        what: format!(
            "a list that never adds up to its announced total: {last} at the last of {TRIES} tries"
        ),
    })
}

/// How many applications each source has.
///
/// # Errors
/// As [`complete`].
pub async fn applications(client: &Client) -> Result<BTreeMap<SourceId, u32>, Error> {
    let applications = complete(
        |page| client.list_applications(page, Lane::Read),
        |application| application.id.clone(),
    )
    .await?;
    let mut counts: BTreeMap<SourceId, u32> = BTreeMap::new();
    for source in applications
        .into_iter()
        .filter_map(|application| application.source)
    {
        let count = counts.entry(source).or_default();
        *count = count.saturating_add(1);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use psg_identity::Operation;

    use super::*;

    /// Walks over lists that are answered page by page, and says at which offsets.
    async fn walked(
        pages: &[&[u32]],
        total: Option<usize>,
    ) -> (Result<Vec<u32>, Error>, Vec<usize>) {
        let mut asked = Vec::new();
        let answer = |page: Page| {
            let items = pages[asked.len() % pages.len()].to_vec();
            asked.push(page.offset);
            let listed = Listed {
                operation: Operation::ListGroups,
                items,
                total,
                bytes: 0,
            };
            async move { Ok(listed) }
        };
        let items = complete(answer, |item| *item).await;
        (items, asked)
    }

    fn numbers(from: u32, to: u32) -> Vec<u32> {
        (from..to).collect()
    }

    #[tokio::test]
    async fn a_page_that_skips_one_makes_the_walk_begin_again() {
        let first = numbers(0, 250);
        let (skips, whole) = (numbers(251, 260), numbers(250, 260));
        // What is at offset 259 after one was skipped: nothing.
        let pages = [&first, &skips, &[][..], &first, &whole];
        let (items, asked) = walked(&pages, Some(260)).await;
        assert_eq!(items.unwrap(), numbers(0, 260));
        assert_eq!(asked, [0, 250, 259, 0, 250]);
        let (items, asked) = walked(&[&first, &skips, &[]], Some(260)).await;
        assert_eq!(
            items.unwrap_err().to_string(),
            "status 200 with an answer that cannot be used: a list that never adds up to its \
             announced total: 260 groups announced and 259 shown at the last of 4 tries"
        );
        assert_eq!(asked.len(), 3 * TRIES, "it is not walked for ever");
    }

    #[tokio::test]
    async fn a_page_that_repeats_one_counts_it_once() {
        let (first, repeats) = (numbers(0, 250), numbers(249, 260));
        let (items, asked) = walked(&[&first, &repeats], Some(260)).await;
        assert_eq!((items.unwrap(), asked.len()), (numbers(0, 260), 2));
        // As many as announced, and one of them twice.
        let (last, whole) = (numbers(249, 259), numbers(250, 260));
        let (items, asked) = walked(&[&first, &last, &first, &whole], Some(260)).await;
        assert_eq!((items.unwrap(), asked.len()), (numbers(0, 260), 4));
    }

    #[tokio::test]
    async fn pages_shorter_than_asked_for_lose_nothing() {
        let (first, second) = (numbers(0, 100), numbers(100, 173));
        let (items, asked) = walked(&[&first, &second, &[]], None).await;
        assert_eq!(items.unwrap(), numbers(0, 173));
        assert_eq!(asked, [0, 100, 173]);
        let (items, asked) = walked(&[&first, &second], Some(173)).await;
        assert_eq!(items.unwrap(), numbers(0, 173));
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
