//! The table of the vendor's facts, and the check of an answer against it. Tests only.
//!
//! Every answer that a [`Bench`](crate::testing::Bench) gets is checked against it, except if an
//! ordered fault, an odd object or a setting in [`departs`] makes the answer wrong on purpose.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Response, Tenant,
    switches::{
        ConnectionType, DeleteAbsent, EventForm, GatewayErrors, MissingExperimentalHeader,
        PostAnswer, Search, Switches, UnknownReference, UnknownSourceValues,
    },
};

static TABLE: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("table.yaml")).unwrap());

/// The operations of the table, as `GET /sources`.
pub(crate) fn operations() -> Vec<&'static str> {
    let operations = TABLE["operations"].as_object().unwrap();
    operations.keys().map(String::as_str).collect()
}

/// Whether an operation answers with a list.
pub(crate) fn lists(operation: &str) -> bool {
    let listed = TABLE["operations"][operation].as_str().unwrap();
    listed.contains("[]")
}

/// Checks the last answer of a tenant against the table.
pub(crate) fn hold(tenant: &Tenant, answer: &Response) {
    let Some(entry) = tenant.ledger().since(tenant.ledger().next() - 2).last() else {
        return;
    };
    let meant = entry.fault.is_some() || answer.cut.is_some() || !tenant.odd.is_empty();
    if meant || departs(tenant.switches()) || entry.route == "unknown" {
        return;
    }
    let operation = format!("{} {}", entry.method, entry.route);
    let wrong = breaches(&operation, answer.status, &answer.body);
    let body = String::from_utf8_lossy(&answer.body);
    assert!(
        wrong.is_empty(),
        "{operation} {}: {wrong:#?}\n{body}",
        answer.status
    );
}

/// Whether a setting departs from the documents on purpose.
fn departs(switches: &Switches) -> bool {
    switches.delete_absent == DeleteAbsent::NotFound
        || switches.unknown_reference == UnknownReference::NotFound
        || switches.missing_experimental_header == MissingExperimentalHeader::NotFound
        || switches.unknown_source_values == UnknownSourceValues::On
        || switches.connection_type == ConnectionType::Null
        || switches.search == Search::NotFound
        || switches.event_form != EventForm::Documented
        || matches!(
            switches.gateway_errors,
            GatewayErrors::Empty | GatewayErrors::Html
        )
        || matches!(
            switches.post_answer,
            PostAnswer::BadGateway | PostAnswer::GatewayTimeout
        )
}

/// What is wrong with an answer.
pub(crate) fn breaches(operation: &str, status: u16, body: &[u8]) -> Vec<String> {
    let Some(listed) = TABLE["operations"][operation].as_str() else {
        return vec!["the table has no such operation".to_owned()];
    };
    let words: Vec<&str> = listed.split_whitespace().collect();
    let status = status.to_string();
    let Some(at) = words.iter().position(|word| *word == status) else {
        return vec![format!("only {listed} is listed")];
    };
    let shape = words
        .get(at + 1)
        .filter(|word| word.parse::<u16>().is_err());
    let shape = shape
        .copied()
        .or_else(|| TABLE["refusals"][&status].as_str());
    let mut wrong = Vec::new();
    match (shape, serde_json::from_slice(body)) {
        (Some(shape), Ok(body)) => fit(shape, &body, "body", &mut wrong),
        (None, Err(_)) if body.is_empty() => {}
        (Some(_), Err(error)) => wrong.push(format!("no JSON: {error}")),
        (None, _) => wrong.push("there should be no body".to_owned()),
    }
    wrong
}

fn fit(shape: &str, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let (shape, nullable) = match shape.strip_suffix('?') {
        Some(shape) => (shape, true),
        None => (shape, false),
    };
    if value.is_null() && nullable {
        return;
    }
    if let Some(item) = shape.strip_suffix("[]") {
        match value.as_array() {
            Some(items) => {
                for (number, value) in items.iter().enumerate() {
                    fit(item, value, &format!("{at}[{number}]"), wrong);
                }
            }
            None => wrong.push(format!("{at} is no list: {value}")),
        }
    } else if let Some(fields) = TABLE["objects"][shape].as_object() {
        match value.as_object() {
            Some(object) => fit_fields(fields, object, at, wrong),
            None => wrong.push(format!("{at} is no {shape}: {value}")),
        }
    } else if !shape.split('|').any(|one| is(one, value)) {
        wrong.push(format!("{at} is no {shape}: {value}"));
    }
}

type Object = serde_json::Map<String, Value>;

fn fit_fields(fields: &Object, object: &Object, at: &str, wrong: &mut Vec<String>) {
    for (field, shape) in fields {
        let name = field.trim_end_matches('!');
        match object.get(name) {
            Some(value) => fit(
                shape.as_str().unwrap(),
                value,
                &format!("{at}.{name}"),
                wrong,
            ),
            None if field.ends_with('!') => wrong.push(format!("{at}.{name} is missing")),
            None => {}
        }
    }
    let listed = |name: &str| fields.contains_key(name) || fields.contains_key(&format!("{name}!"));
    let unlisted = object.keys().filter(|name| !listed(name));
    wrong.extend(unlisted.map(|name| format!("{at}.{name} is not listed")));
}

fn is(shape: &str, value: &Value) -> bool {
    match shape {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "int64" => value.is_i64(),
        "object" => value.is_object(),
        "date-time" => value
            .as_str()
            .is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        _ => {
            let listed = TABLE["enums"][shape].as_str();
            let listed = listed.unwrap_or_else(|| panic!("the table has no {shape}"));
            listed.split_whitespace().any(|one| value == one)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(operation: &str, status: u16, body: &Value) -> Vec<String> {
        breaches(operation, status, body.to_string().as_bytes())
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_told() {
        let list = "GET /password-sync-groups";
        assert!(of(list, 200, &json!([{"id": "a", "created": null}])).is_empty());
        for (body, wrong) in [
            (json!([{"name": null}]), "body[0].name is no string: null"),
            (
                json!([{"sourceIds": [1]}]),
                "body[0].sourceIds[0] is no string: 1",
            ),
            (
                json!([{"sourceIds": "a"}]),
                "body[0].sourceIds is no list: \"a\"",
            ),
            (json!([{"colour": 1}]), "body[0].colour is not listed"),
            (
                json!([{"created": "today"}]),
                "body[0].created is no date-time: \"today\"",
            ),
            (json!(["a"]), "body[0] is no Group: \"a\""),
            (json!({}), "body is no list: {}"),
        ] {
            assert_eq!(of(list, 200, &body), [wrong]);
        }
        let source = of(
            "GET /sources/{id}",
            200,
            &json!({"name": "n", "status": "GOOD", "owner": null}),
        );
        let wrong = [
            "body.connector is missing",
            "body.status is no SourceStatus: \"GOOD\"",
        ];
        assert_eq!(source, wrong);
        let listed = "only 204 400 401 403 429 500 is listed";
        let delete = "DELETE /password-sync-groups/{id}";
        assert_eq!(of(delete, 404, &json!({})), [listed]);
        assert_eq!(of(delete, 204, &json!({})), ["there should be no body"]);
        assert!(breaches(delete, 204, b"").is_empty());
        assert_eq!(
            of(delete, 429, &json!({"error": "x"})),
            ["body.error is not listed"]
        );
        assert!(breaches(list, 500, b"<html>")[0].starts_with("no JSON"));
        assert_eq!(of("GET /nonsense", 200, &json!({})).len(), 1);
    }
}
