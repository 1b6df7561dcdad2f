//! A complete walk over a paged list. The tenant promises no order, so a page may shift while
//! the list changes: only distinct ids that add up to the announced total count as complete.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

use psg_domain::SourceId;
use psg_identity::{Client, Error, Lane, Listed, Page};

/// The largest page that the API serves.
pub const PAGE: usize = 250;

/// How often a list that shifts is walked again before the read fails.
const TRIES: usize = 4;

/// The most objects that are taken from one list; a tenant that announces more is not believed.
const MOST: usize = 200_000;

/// Walks until every announced object was seen once. Without an announced total, a short page
/// ends the walk.
///
/// # Errors
/// Whatever a page answers; [`Error::BadAnswer`] if the list shifts each time, or never ends.
pub async fn complete<T, I, F>(
    mut list: impl FnMut(Page) -> F,
    id: impl Fn(&T) -> I,
) -> Result<Vec<T>, Error>
where
    I: Ord,
    F: Future<Output = Result<Listed<T>, Error>>,
{
    for _ in 0..TRIES {
        let (items, total) = once(&mut list).await?;
        let mut seen = BTreeSet::new();
        let mut distinct = Vec::with_capacity(items.len());
        for item in items {
            if seen.insert(id(&item)) {
                distinct.push(item);
            }
        }
        if total.is_none_or(|total| total == distinct.len()) {
            return Ok(distinct);
        }
    }
    Err(Error::BadAnswer {
        status: 200,
        what: "a list that never adds up to its announced total".to_owned(),
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

async fn once<T, F>(list: &mut impl FnMut(Page) -> F) -> Result<(Vec<T>, Option<usize>), Error>
where
    F: Future<Output = Result<Listed<T>, Error>>,
{
    let mut items = Vec::new();
    let mut total = None;
    let mut offset = 0;
    while offset < MOST {
        let first = offset == 0;
        let page = list(Page {
            offset,
            limit: PAGE,
            count: first,
        })
        .await?;
        if first {
            total = page.total;
        }
        let got = page.items.len();
        items.extend(page.items);
        offset += PAGE;
        let all_seen = total.is_some_and(|total| offset >= total);
        if all_seen || (total.is_none() && got < PAGE) || got == 0 {
            return Ok((items, total));
        }
    }
    Err(Error::BadAnswer {
        status: 200,
        what: format!("a list of more than {MOST} objects"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks over lists that are answered page by page, and says how many pages it took.
    async fn walked(pages: &[&[u32]], total: Option<usize>) -> (Result<Vec<u32>, Error>, usize) {
        let mut asked = 0;
        let answer = |_: Page| {
            let items = pages[asked % pages.len()].to_vec();
            asked += 1;
            async move { Ok(Listed { items, total }) }
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
        let (items, asked) = walked(&[&first, &skips, &first, &whole], Some(260)).await;
        assert_eq!((items.unwrap(), asked), (numbers(0, 260), 4));
        let (items, asked) = walked(&[&first, &skips], Some(260)).await;
        assert!(matches!(items, Err(Error::BadAnswer { .. })));
        assert_eq!(asked, 2 * TRIES, "it is not walked for ever");
    }

    #[tokio::test]
    async fn a_page_that_repeats_one_counts_it_once() {
        let (first, repeats) = (numbers(0, 250), numbers(249, 260));
        let (items, asked) = walked(&[&first, &repeats], Some(260)).await;
        assert_eq!((items.unwrap(), asked), (numbers(0, 260), 2));
        // As many as announced, and one of them twice.
        let (last, whole) = (numbers(249, 259), numbers(250, 260));
        let (items, asked) = walked(&[&first, &last, &first, &whole], Some(260)).await;
        assert_eq!((items.unwrap(), asked), (numbers(0, 260), 4));
    }
}
