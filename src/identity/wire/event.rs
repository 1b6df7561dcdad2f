//! Audit events of password changes: the body of a search for them, and its answer. Source: the
//! vendor's search index `events`.
//!
//! The names of the actions differ in the vendor's texts (`passwordChange`, `PASSWORD_CHANGE_FAILED`,
//! `PasswordChangeSuccess`), so they are compared without case and underscores. An event that must be
//! about a password change, and cannot be understood, is counted.

use jiff::Timestamp;
use psg_domain::{ChangeEvent, ChangeStep};
use serde::{Deserialize, Serialize};

use super::{at_most, field::Field, row::Fields};
use crate::bounds::{LONGEST_TEXT, MOST_EVENTS};

/// What marks an action or a technical name as that of a password change.
const ACTIONS: [&str; 5] = [
    "passwordchange",
    "passwordactionchange",
    "accountpasswordsync",
    "accountpasswordreset",
    "userpasswordupdate",
];

/// The audit events of password changes that one search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordEvents {
    /// The events, in the tenant's order.
    pub events: Vec<ChangeEvent>,
    /// How many events of password changes cannot be understood.
    pub unreadable: usize,
    /// Where the next search begins, if there may be more events.
    pub next: Option<SearchAfter>,
    /// Whether there may be more events.
    pub more: bool,
    /// The time of the tenant's clock when it answered, to the second; none if it does not tell.
    pub answered_at: Option<Timestamp>,
}

/// The place of an event in the order of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SearchAfter(String, String);

/// The body of a search for the events of a stretch of time, the newest first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventQuery<'a> {
    indices: [&'static str; 1],
    query: Text,
    sort: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    search_after: Option<&'a SearchAfter>,
}

#[derive(Serialize)]
struct Text {
    query: String,
}

impl<'a> EventQuery<'a> {
    pub fn between(since: Timestamp, until: Timestamp, after: Option<&'a SearchAfter>) -> Self {
        let query = format!("type:PASSWORD_ACTIVITY AND created:[{since} TO {until}]");
        Self {
            indices: ["events"],
            query: Text { query },
            sort: ["-created", "id"],
            search_after: after,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    id: Field,
    created: Field,
    action: Field,
    technical_name: Field,
    status: Field,
    tracking_number: Field,
    details: Field,
    target: Fields<Target>,
    attributes: Fields<Attributes>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Target {
    name: Field,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Attributes {
    source_name: Field,
    errors: Field,
}

/// Reads the answer. `total` is how many events the search found in all, if the answer says so.
pub(crate) fn password_events(body: &[u8], total: Option<usize>) -> Result<PasswordEvents, String> {
    let rows = at_most::<MOST_EVENTS, Fields<Wire>, _>(body, Ok)?;
    let count = rows.len();
    let mut read = PasswordEvents {
        more: match total {
            Some(total) => total > count,
            None => count == MOST_EVENTS,
        },
        ..PasswordEvents::default()
    };
    let mut last = None;
    for Fields(row) in rows {
        let Some(wire) = row else {
            read.unreadable += 1;
            continue;
        };
        last = place(&wire);
        if is_of_a_change(&wire) {
            match event(&wire) {
                Some(event) => read.events.push(event),
                None => read.unreadable += 1,
            }
        }
    }
    read.next = last.filter(|_| read.more);
    Ok(read)
}

fn place(wire: &Wire) -> Option<SearchAfter> {
    let (created, id) = (wire.created.as_text()?, wire.id.as_text()?);
    Some(SearchAfter(created.to_owned(), id.to_owned()))
}

fn is_of_a_change(wire: &Wire) -> bool {
    let names = [&wire.action, &wire.technical_name];
    names.into_iter().filter_map(Field::as_text).any(|name| {
        let name = name.replace('_', "").to_lowercase();
        ACTIONS.iter().any(|action| name.contains(action))
    })
}

fn event(wire: &Wire) -> Option<ChangeEvent> {
    let attributes = wire.attributes.0.as_ref();
    let text = |field: &Field| {
        let text = field.as_text().filter(|text| !text.is_empty())?;
        (text.len() <= LONGEST_TEXT).then(|| text.to_owned())
    };
    let step = match wire.status.as_text()? {
        "STARTED" => ChangeStep::Started,
        "PASSED" => ChangeStep::Passed,
        "FAILED" => ChangeStep::Failed(
            attributes
                .and_then(|attributes| joined(&attributes.errors))
                .or_else(|| joined(&wire.details))
                .unwrap_or_default(),
        ),
        _ => return None,
    };
    Some(ChangeEvent {
        at: wire.created.as_text()?.parse().ok()?,
        id: text(&wire.id)?,
        change: text(&wire.tracking_number),
        identity: wire.target.0.as_ref().and_then(|target| text(&target.name)),
        source: attributes.and_then(|attributes| text(&attributes.source_name)),
        step,
    })
}

/// A text, or the texts of a list; of a long one its beginning.
fn joined(field: &Field) -> Option<String> {
    let texts = match field {
        Field::Text(text) => vec![text.as_str()],
        Field::List(items) => items.iter().filter_map(Field::as_text).collect(),
        _ => Vec::new(),
    };
    let mut text = texts.join("; ");
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(rows: &Value, total: Option<usize>) -> PasswordEvents {
        password_events(rows.to_string().as_bytes(), total).unwrap()
    }

    #[test]
    fn events_of_password_changes_are_read_in_each_spelling_of_the_vendors_texts() {
        let row = |action: &str, technical: &str, status: &str| {
            json!({"id": "e", "created": "2026-11-30T08:00:00.000Z", "type": "PASSWORD_ACTIVITY",
                "action": action, "technicalName": technical, "status": status,
                "trackingNumber": "t", "target": {"name": "ada"}, "details": "said elsewhere",
                "attributes": {"sourceName": "AD", "errors": ["timed out", 7, "gave up"]}})
        };
        let rows = json!([
            row("passwordChange", "PASSWORD_CHANGE_STARTED", "STARTED"),
            row(
                "PasswordChangeSuccess",
                "PASSWORD_ACTION_CHANGE_PASSED",
                "PASSED"
            ),
            row("ACCOUNT_PASSWORD_SYNC_PASSED", "", "PASSED"),
            row("passwordChangeFailure", "PASSWORD_CHANGE_FAILED", "FAILED"),
            row(
                "PASSWORD_POLICY_CREATED",
                "PASSWORD_POLICY_CREATED",
                "PASSED"
            ),
            row("SOURCE_PASSWORD_POLICY_ASSIGNED", "", "PASSED"),
        ]);
        let read = read(&rows, Some(6));
        let steps: Vec<_> = read.events.iter().map(|event| event.step.clone()).collect();
        let failed = ChangeStep::Failed("timed out; gave up".to_owned());
        assert_eq!(
            steps,
            [
                ChangeStep::Started,
                ChangeStep::Passed,
                ChangeStep::Passed,
                failed
            ]
        );
        let event = &read.events[0];
        assert_eq!(event.source.as_deref(), Some("AD"));
        assert_eq!(event.identity.as_deref(), Some("ada"));
        assert_eq!((read.unreadable, read.more, read.next), (0, false, None));
    }

    #[test]
    fn an_event_of_an_unknown_form_is_counted_and_never_taken_for_a_success() {
        let rows = json!([
            7, null,
            {"action": "passwordChange"},
            {"action": "passwordChange", "status": "DREAMT", "id": "a", "created": "2026-11-30T08:00:00Z"},
            {"action": "passwordChange", "status": "PASSED", "id": "a", "created": "yesterday"},
            {"action": "passwordChange", "status": "PASSED", "created": "2026-11-30T08:00:00Z"},
            {"action": 7, "technicalName": null, "status": "FAILED"},
        ]);
        let read = read(&rows, None);
        assert_eq!((read.events.len(), read.unreadable), (0, 6));
    }

    #[test]
    fn what_an_event_leaves_out_stays_unknown() {
        let rows = json!([{"action": "passwordChange", "status": "FAILED", "id": "a",
            "created": "2026-11-30T08:00:00Z", "attributes": null, "target": [], "details": {}}]);
        let [event] = read(&rows, None).events.try_into().unwrap();
        assert_eq!(
            (event.change, event.identity, event.source),
            (None, None, None)
        );
        assert_eq!(event.step, ChangeStep::Failed(String::new()));
    }

    #[test]
    fn a_search_that_found_more_says_where_the_next_one_begins() {
        let rows = json!([{"action": "x", "id": "last", "created": "2026-11-30T08:00:00Z"}]);
        let read = read(&rows, Some(2));
        let after = SearchAfter("2026-11-30T08:00:00Z".to_owned(), "last".to_owned());
        assert_eq!((read.more, read.next), (true, Some(after.clone())));
        let at = |second| Timestamp::from_second(second).unwrap();
        let body = serde_json::to_value(EventQuery::between(at(0), at(60), Some(&after))).unwrap();
        let wanted = json!({"indices": ["events"], "sort": ["-created", "id"],
            "query": {"query": "type:PASSWORD_ACTIVITY AND created:[1970-01-01T00:00:00Z TO 1970-01-01T00:01:00Z]"},
            "searchAfter": ["2026-11-30T08:00:00Z", "last"]});
        assert_eq!(body, wanted);
    }
}
