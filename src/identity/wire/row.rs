//! The rows of a list. A row that cannot be read is set aside with what could be read of it. So it
//! counts neither as a valid object nor as absent, and the other rows are still read.

use std::{collections::BTreeSet, fmt, marker::PhantomData};

use psg_domain::{Kind, Unreadable};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
    },
};

use super::{at_most, field::Field};
use crate::bounds::{LONGEST_TEXT, PAGE_LIMIT};

/// What a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows<T> {
    /// The objects that can be used.
    pub items: Vec<T>,
    /// The objects that cannot be read, or not as a whole.
    pub unreadable: Vec<Unreadable>,
    /// How many rows there are.
    pub count: usize,
}

/// The result of one row: an object, what is wrong with it, or both.
pub(crate) type Row<T> = (Option<T>, Option<Unreadable>);

/// Parses a page row by row. An error means that no row can be read.
pub(crate) fn rows<W: DeserializeOwned, T>(
    body: &[u8],
    kind: Kind,
    parse: impl Fn(W) -> Row<T>,
) -> Result<Rows<T>, String> {
    let fields = at_most::<PAGE_LIMIT, Fields<W>, _>(body, Ok)?;
    let count = fields.len();
    let (mut items, mut unreadable) = (Vec::with_capacity(count), Vec::new());
    for Fields(fields) in fields {
        let (item, wrong) = match fields {
            Some(fields) => parse(fields),
            None => (None, Some(nothing_read(kind, "it is no JSON object"))),
        };
        items.extend(item);
        unreadable.extend(wrong);
    }
    Ok(Rows {
        items,
        unreadable,
        count,
    })
}

/// An object of which nothing could be read yet.
pub(crate) fn nothing_read(kind: Kind, why: impl Into<String>) -> Unreadable {
    Unreadable {
        kind,
        name: None,
        id: None,
        sources: BTreeSet::new(),
        all_sources: false,
        why: why.into(),
    }
}

/// The id and the name of an object, and what is wrong with it if one of them cannot be used. An
/// object without a usable name is still returned: references by id find it.
pub(crate) fn named<I: Clone + Into<String>>(
    kind: Kind,
    id: Result<I, String>,
    name: Result<String, String>,
) -> (Option<(I, String)>, Option<Unreadable>) {
    let why = id.as_ref().err().or_else(|| name.as_ref().err()).cloned();
    let (id, name) = (id.ok(), name.ok());
    let unreadable = why.map(|why| Unreadable {
        name: name.clone(),
        id: id.clone().map(Into::into),
        ..nothing_read(kind, why)
    });
    // No manifest can refer to the empty name.
    (id.map(|id| (id, name.unwrap_or_default())), unreadable)
}

/// A name of at most [`LONGEST_TEXT`] bytes. A longer name is an error and never cut: the cut name
/// could be that of another object.
pub(crate) fn name(value: &Field) -> Result<String, String> {
    let text = match value {
        Field::Null => return Err("it has no name".to_owned()),
        value => value.as_text().ok_or("its name is no text")?,
    };
    let length = text.len();
    if length > LONGEST_TEXT {
        return Err(format!(
            "its name is {length} bytes long, and at most {LONGEST_TEXT} are kept"
        ));
    }
    Ok(text.to_owned())
}

/// A valid id.
pub(crate) fn id<I>(
    value: &Field,
    parse: impl Fn(&str) -> Result<I, psg_domain::InvalidId>,
) -> Result<I, String> {
    match value {
        Field::Null => Err("it has no id".to_owned()),
        value => {
            let id = value.as_text().and_then(|text| parse(text).ok());
            id.ok_or_else(|| "its id cannot be used".to_owned())
        }
    }
}

/// The fields of an object; none if it is anything else.
pub(super) struct Fields<W>(pub Option<W>);

impl<W> Default for Fields<W> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, W: Deserialize<'de>> Deserialize<'de> for Fields<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyRow(PhantomData))
    }
}

struct AnyRow<W>(PhantomData<W>);

impl<'de, W: Deserialize<'de>> Visitor<'de> for AnyRow<W> {
    type Value = Fields<W>;

    fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        words.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        W::deserialize(MapAccessDeserializer::new(map)).map(|fields| Fields(Some(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Fields(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Fields(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Fields(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Fields(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Fields(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Fields(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Fields(None))
    }
}
