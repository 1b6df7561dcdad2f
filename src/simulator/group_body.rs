//! The body of a group's POST and PUT, read as loosely as switches allow. No IO.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    errors::Refusal,
    switches::{Switches, UnknownFields},
};

/// What a body says; `null` is the same as leaving a field out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Draft {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) sources: Option<Vec<String>>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
}

const FIELDS: [&str; 6] = [
    "id",
    "name",
    "passwordPolicyId",
    "sourceIds",
    "created",
    "modified",
];

impl Draft {
    pub(crate) fn parse(body: &[u8], switches: &Switches) -> Result<Self, Refusal> {
        let object = object(body)?;
        refuse_unknown(&object, &FIELDS, switches)?;
        let sources = match object.get("sourceIds") {
            None | Some(Value::Null) => None,
            Some(value) => Some(texts(value)?),
        };
        Ok(Self {
            id: text(&object, "id")?,
            name: text(&object, "name")?,
            policy: text(&object, "passwordPolicyId")?,
            sources,
            created: time(&object, "created")?,
            modified: time(&object, "modified")?,
        })
    }

    pub(crate) fn dated(&self) -> bool {
        self.created.is_some() || self.modified.is_some()
    }
}

/// The object in a body.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::bad_request(
            "The request body must be a JSON object",
        )),
        Err(error) => Err(Refusal::bad_request(format!(
            "The request body is no JSON: {error}"
        ))),
    }
}

/// Refuses fields the object does not have, if the switch says so.
pub(crate) fn refuse_unknown(
    object: &Map<String, Value>,
    known: &[&str],
    switches: &Switches,
) -> Result<(), Refusal> {
    let unknown = object.keys().find(|key| !known.contains(&key.as_str()));
    match unknown {
        Some(key) if switches.unknown_fields == UnknownFields::Refuse => Err(Refusal::bad_request(
            format!("Unrecognized field \"{key}\""),
        )),
        _ => Ok(()),
    }
}

/// A text field.
pub(crate) fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad_request(format!("{name} must be a string"))),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, Refusal> {
    let refused = || Refusal::bad_request("sourceIds must be an array of strings");
    let items = value.as_array().ok_or_else(refused)?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(refused))
        .collect()
}

fn time(object: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = text(object, name)? else {
        return Ok(None);
    };
    let refused = |_| Refusal::bad_request(format!("{name} must be an ISO 8601 date-time"));
    text.parse().map(Some).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Draft, Refusal> {
        Draft::parse(body.as_bytes(), &Switches::default())
    }

    #[test]
    fn null_is_the_same_as_nothing() {
        let body =
            r#"{"id":null,"name":null,"passwordPolicyId":null,"sourceIds":null,"created":null}"#;
        assert_eq!(parse(body), Ok(Draft::default()));
    }

    #[test]
    fn wrong_types_are_a_400() {
        for body in [
            "",
            "[]",
            "{",
            "1",
            r#"{"name":1}"#,
            r#"{"sourceIds":"a"}"#,
            r#"{"sourceIds":[1]}"#,
            r#"{"created":"yesterday"}"#,
            r#"{"passwordPolicyId":{}}"#,
        ] {
            assert_eq!(parse(body).unwrap_err().status, 400, "{body}");
        }
    }

    #[test]
    fn an_unknown_field_is_ignored_or_refused() {
        let body = br#"{"name":"x","colour":"red"}"#;
        assert!(Draft::parse(body, &Switches::default()).is_ok());
        let strict = Switches {
            unknown_fields: UnknownFields::Refuse,
            ..Switches::default()
        };
        assert_eq!(Draft::parse(body, &strict).unwrap_err().status, 400);
    }
}
