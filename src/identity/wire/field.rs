//! One field of an object, of any type. Only the parts that are used are kept in memory: a short
//! body has room for a million empty lists.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The longest list that is held, such as the sources of one group.
const LONGEST_LIST: usize = 10_000;

/// A field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Field {
    /// It is null or left out.
    #[default]
    Null,
    Flag(bool),
    Text(String),
    List(Vec<Self>),
    /// An object, of which only the id is held.
    Object(Box<Self>),
    /// A number, a list in a list, or a list that is too long.
    Other,
}

impl Field {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; a field of another type has none.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The id of an object.
    pub fn id(&self) -> &Self {
        match self {
            Self::Object(id) => id,
            _ => &Self::Null,
        }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reading { inside: false }.deserialize(deserializer)
    }
}

/// Reads a field, or a value inside a field.
struct Reading {
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading {
    type Value = Field;

    fn expecting(&self, words: &mut fmt::Formatter<'_>) -> fmt::Result {
        words.write_str("a field")
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Field, E> {
        Ok(Field::Flag(flag))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Field, E> {
        Ok(Field::Text(text))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
        let mut items = Vec::new();
        while !self.inside && items.len() < LONGEST_LIST {
            match list.next_element_seed(Self { inside: true })? {
                Some(item) => items.push(item),
                None => return Ok(Field::List(items)),
            }
        }
        let mut more = self.inside;
        while list.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(if more {
            Field::Other
        } else {
            Field::List(items)
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Field, A::Error> {
        let mut id = Field::Null;
        while let Some(key) = object.next_key::<Key>()? {
            match key {
                Key::Id => id = object.next_value_seed(Self { inside: true })?,
                Key::Other => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Field::Object(Box::new(id)))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Id,
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Field {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_used_of_a_field_is_held_and_nothing_else() {
        let text = |text: &str| Field::Text(text.to_owned());
        assert_eq!(read("null"), Field::Null);
        assert_eq!(read("true"), Field::Flag(true));
        assert_eq!(read(r#""a\n""#), text("a\n"));
        for number in ["7", "-7", "7.5", "1e300"] {
            assert_eq!(read(number), Field::Other, "{number}");
        }
        let list = read(r#"["a", null, 7, ["b"], {"id": "c", "x": [1]}]"#);
        let [a, null, number, nested, object] = list.items() else {
            panic!("{list:?}")
        };
        assert_eq!((a, null, number), (&text("a"), &Field::Null, &Field::Other));
        assert_eq!((nested, object.id()), (&Field::Other, &text("c")));
        assert_eq!(read(r#"{"x": 1}"#).id(), &Field::Null);
        assert_eq!(read("[]"), Field::List(Vec::new()));
    }

    #[test]
    fn a_list_that_is_too_long_is_not_held() {
        let of = |count: usize| read(&format!("[{}]", vec!["[]"; count].join(",")));
        assert_eq!(of(LONGEST_LIST).items().len(), LONGEST_LIST);
        assert_eq!(of(LONGEST_LIST + 1), Field::Other);
    }
}
