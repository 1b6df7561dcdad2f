//! The bodies of requests and answers; answers are parsed directly into domain types. Pure.
//!
//! Unknown fields and values are tolerated, as the vendor adds them without notice, and so is null.
//! A field that matters to a decision and cannot be understood is never dropped: in an answer about
//! one object it is an error that names it, in a list its whole row is set aside. No code here is
//! shared with a simulator of the API.

mod application;
mod change;
mod connection;
mod event;
mod field;
mod group;
mod holder;
mod kept;
mod own_token;
mod owners;
mod policy;
pub(crate) mod refusal;
mod row;
mod source;
pub(crate) mod token;

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor},
};

pub use application::Application;
pub(crate) use application::{applications, dependent_applications};
pub(crate) use change::password_change;
pub use connection::Connection;
pub(crate) use connection::connection;
pub(crate) use event::{EventQuery, password_events};
pub use event::{PasswordEvents, SearchAfter};
pub(crate) use group::{GroupBody, Identified, group, groups};
pub(crate) use holder::{assigned, holder_body, holders};
pub(crate) use kept::Kept;
pub use own_token::TokenEnd;
pub(crate) use own_token::token_end;
pub(crate) use owners::owners_of_sources;
pub(crate) use policy::policies;
pub(crate) use row::Rows;
pub(crate) use source::sources;

/// Parses JSON; the error gives the position, not the content.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "JSON of another shape",
            serde_json::error::Category::Eof => "JSON that ends too soon",
            _ => "no JSON",
        };
        format!("{what} (line {}, column {})", error.line(), error.column())
    })
}

/// Parses an array, item by item. An array of more than `MOST` items is refused, and its further
/// items are not kept in memory: a short body has room for a million empty ones.
fn at_most<const MOST: usize, W: DeserializeOwned, T>(
    body: &[u8],
    parse: impl Fn(W) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let Bounded::<MOST, W>(rows) = json(body)?;
    let rows = rows.ok_or_else(|| format!("a list of more than {MOST} items"))?;
    let rows = rows.into_iter().enumerate();
    rows.map(|(at, row)| parse(row).map_err(|what| format!("item {at}: {what}")))
        .collect()
}

/// The items of an array; none if there are too many.
struct Bounded<const MOST: usize, W>(Option<Vec<W>>);

impl<'de, const MOST: usize, W: Deserialize<'de>> Deserialize<'de> for Bounded<MOST, W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Counting(PhantomData))
    }
}

struct Counting<const MOST: usize, W>(PhantomData<W>);

impl<'de, const MOST: usize, W: Deserialize<'de>> Visitor<'de> for Counting<MOST, W> {
    type Value = Bounded<MOST, W>;

    fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        words.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::new();
        while rows.len() < MOST {
            match items.next_element()? {
                Some(row) => rows.push(row),
                None => return Ok(Bounded(Some(rows))),
            }
        }
        let mut more = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(Bounded((!more).then_some(rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::PAGE_LIMIT;

    #[test]
    fn a_page_of_more_items_than_were_asked_for_is_refused_unread() {
        let page = |count: usize| {
            let items = vec![r#"{"id":"p","name":"n"}"#; count];
            policies(format!("[{}]", items.join(",")).as_bytes())
        };
        assert_eq!(page(0).unwrap().items.len(), 0);
        assert_eq!(page(PAGE_LIMIT).unwrap().items.len(), PAGE_LIMIT);
        let why = page(PAGE_LIMIT + 1).unwrap_err();
        assert_eq!(why, "a list of more than 250 items");
        // Empty objects are no policies, but the list is refused for its length before that.
        let empty = format!("[{}]", vec!["{}"; PAGE_LIMIT * 1000].join(","));
        let whole: Bounded<PAGE_LIMIT, serde_json::Value> = json(empty.as_bytes()).unwrap();
        assert!(whole.0.is_none());
        assert_eq!(policies(empty.as_bytes()).unwrap_err(), why);
    }
}
