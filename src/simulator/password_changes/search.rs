//! POST /search over the index of audit events. No IO.
//!
//! Shape and limits: developer.sailpoint.com, API v3, Search. The specification says that limit is
//! 250 by default, the guide 10,000; the simulator follows the specification. Of the two query
//! languages it reads SAILPOINT only, which is the default.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    call::{Call, Reply},
    clock::minus_seconds,
    errors::Refusal,
    group_body::{object, text},
    groups::check_json,
    paging::Paging,
    passwords::{events::Event, query::Query},
    switches::Search,
    tenant::Tenant,
};

/// The most rows of a page, and the last row that paging reaches; further ones need searchAfter.
const MOST: usize = 10_000;
const KNOWN: [&str; 6] = [
    "indices",
    "queryType",
    "query",
    "sort",
    "searchAfter",
    "includeNested",
];

/// One key of the order of the rows.
#[derive(Debug, Clone, Copy)]
struct Sort<'a> {
    field: &'a str,
    down: bool,
}

impl Tenant {
    pub(crate) fn search(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        match self.switches.search {
            Search::Served => {}
            Search::NotFound => return Err(Refusal::no_such_route()),
            Search::Forbidden => return Err(Refusal::forbidden()),
        }
        check_json(call)?;
        let body = object(&call.request.body)?;
        let paging = Paging::parse_up_to(&call.query, &self.switches, MOST)?;
        if paging.offset.saturating_add(paging.limit) > MOST {
            let text = format!("offset and limit reach beyond {MOST}: use searchAfter");
            return Err(Refusal::bad_request(text));
        }
        let query = wanted(&body, call.now)?;
        let sort = order(&body)?;
        let after = behind(&body, &sort)?;
        let matching = self.switches.event_matching;
        let found = self
            .passwords
            .events
            .found(minus_seconds(call.now, call.lies.lag));
        let mut rows: Vec<&Event> = found
            .filter(|event| query.finds(event, matching))
            .filter(|event| after.is_none_or(|after| compare_to(event, after, &sort).is_gt()))
            .collect();
        rows.sort_by(|a, b| compare(a, b, &sort));
        let (page, total) = paging.cut(&rows, call.lies);
        let form = self.switches.event_form;
        let page = page
            .into_iter()
            .map(|event| event.shown(&self.org, &self.pod, form))
            .collect();
        Ok(Reply::page(page, total))
    }
}

fn wanted(body: &Map<String, Value>, now: Timestamp) -> Result<Query, Refusal> {
    if let Some(field) = body.keys().find(|field| !KNOWN.contains(&field.as_str())) {
        return refused(&format!("{field} is not simulated"));
    }
    let indices = body.get("indices").unwrap_or(&Value::Null);
    if *indices != serde_json::json!(["events"]) {
        return refused(&format!("indices must be [\"events\"], not {indices}"));
    }
    match text(body, "queryType")?.as_deref() {
        None | Some("SAILPOINT") => {}
        Some(other) => return refused(&format!("queryType {other} is not simulated")),
    }
    let Some(query) = body.get("query").and_then(Value::as_object) else {
        return refused("query must be an object");
    };
    if let Some(field) = query.keys().find(|field| *field != "query") {
        return refused(&format!("query.{field} is not simulated"));
    }
    let query = text(query, "query")?.unwrap_or_default();
    Query::parse(&query, now).or_else(|why| refused(&format!("query.query: {why}")))
}

fn order(body: &Map<String, Value>) -> Result<Vec<Sort<'_>>, Refusal> {
    let keys = list(body, "sort")?;
    let mut sort = Vec::new();
    for key in keys {
        let text = key.as_str().unwrap_or_default();
        let (field, down) = text
            .strip_prefix('-')
            .map_or((text, false), |field| (field, true));
        if !["created", "id"].contains(&field) {
            return refused(&format!("sort by {key} is not simulated"));
        }
        sort.push(Sort { field, down });
    }
    Ok(sort)
}

/// The values behind which the rows begin, one for each key of the order.
fn behind<'a>(
    body: &'a Map<String, Value>,
    sort: &[Sort<'_>],
) -> Result<Option<&'a [Value]>, Refusal> {
    let values = list(body, "searchAfter")?;
    if values.is_empty() {
        return Ok(None);
    }
    if values.len() != sort.len() {
        return refused("searchAfter needs one value for each key of sort");
    }
    for (value, key) in values.iter().zip(sort) {
        if key.field == "created" && moment(value).is_none() || !value.is_string() {
            return refused(&format!("searchAfter: {value} is no {}", key.field));
        }
    }
    Ok(Some(values))
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => refused(&format!("{name} must be a list")),
    }
}

/// Events of the same keys stay in the order in which they happened.
fn compare(a: &Event, b: &Event, sort: &[Sort<'_>]) -> Ordering {
    let keys = sort.iter().map(|key| {
        let order = match key.field {
            "created" => a.created.cmp(&b.created),
            _ => a.id.cmp(&b.id),
        };
        key.turned(order)
    });
    keys.fold(Ordering::Equal, Ordering::then)
}

fn compare_to(event: &Event, values: &[Value], sort: &[Sort<'_>]) -> Ordering {
    let keys = sort.iter().zip(values).map(|(key, value)| {
        let order = match (key.field, moment(value)) {
            ("created", Some(at)) => event.created.cmp(&at),
            _ => event.id.as_str().cmp(value.as_str().unwrap_or_default()),
        };
        key.turned(order)
    });
    keys.fold(Ordering::Equal, Ordering::then)
}

impl Sort<'_> {
    fn turned(self, order: Ordering) -> Ordering {
        if self.down { order.reverse() } else { order }
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn refused<T>(why: &str) -> Result<T, Refusal> {
    Err(Refusal::bad_request(format!("Invalid search: {why}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{A, B, Bench, value};

    const ALL: &str = "type:PASSWORD_ACTIVITY";

    /// Three events of one change: the start, and a success on A and B each.
    fn bench(switches: Value) -> Bench {
        let mut bench = Bench::with(switches);
        bench.group("x", &[A, B]);
        assert_eq!(bench.set_password("ada", "A", "correct horse").status, 202);
        bench
    }

    fn ask(bench: &mut Bench, query: &str, more: &Value) -> crate::Response {
        let mut body = json!({"indices": ["events"], "query": {"query": query}});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        bench.send("POST", "/v3/search?count=true", &body)
    }

    fn found(bench: &mut Bench, query: &str, more: &Value) -> Vec<Value> {
        let answer = ask(bench, query, more);
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{text}");
        value(&answer).as_array().unwrap().clone()
    }

    fn ids(events: &[Value]) -> Vec<String> {
        let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
        events.iter().map(id).collect()
    }

    #[test]
    fn events_are_found_sorted_counted_and_paged() {
        let mut bench = bench(json!({}));
        let all = found(&mut bench, ALL, &json!({}));
        assert_eq!(all.len(), 3);
        assert_eq!(all[0]["actor"]["name"], "id");
        assert_eq!(all[0]["target"]["name"], "ada");
        let counted = ask(&mut bench, "status:PASSED", &json!({}));
        assert_eq!(counted.header("x-total-count"), Some("2"));
        let mut expected = ids(&all);
        expected.sort();
        expected.reverse();
        let sort = json!({"sort": ["created", "-id"], "queryType": "SAILPOINT"});
        let sorted = found(&mut bench, ALL, &sort);
        assert_eq!(ids(&sorted), expected);
        let more = json!({
            "sort": ["created", "-id"],
            "searchAfter": [sorted[0]["created"], sorted[0]["id"]],
        });
        assert_eq!(ids(&found(&mut bench, ALL, &more)), expected[1..]);
        let body = json!({"indices": ["events"], "query": {"query": ALL}});
        let page = bench.send("POST", "/v3/search?limit=1&offset=2", &body);
        assert_eq!(value(&page)[0]["id"], all[2]["id"]);
    }

    #[test]
    fn what_is_not_simulated_is_a_400_that_names_it() {
        let mut bench = bench(json!({}));
        for (more, named) in [
            (json!({"indices": ["identities"]}), "indices"),
            (json!({"indices": ["events", "identities"]}), "indices"),
            (json!({"queryType": "DSL"}), "DSL"),
            (json!({"queryDsl": {}}), "queryDsl"),
            (json!({"query": "x"}), "query must be an object"),
            (json!({"query": {"fields": []}}), "query.fields"),
            (json!({"query": {"query": "action:a*"}}), "a*"),
            (json!({"sort": ["-name"]}), "-name"),
            (json!({"sort": "created"}), "sort must be a list"),
            (json!({"searchAfter": ["x"]}), "searchAfter"),
            (
                json!({"sort": ["created"], "searchAfter": ["x"]}),
                "searchAfter",
            ),
        ] {
            let answer = ask(&mut bench, ALL, &more);
            let body = value(&answer);
            let text = body["messages"][0]["text"].as_str().unwrap_or_default();
            assert!(
                answer.status == 400 && text.contains(named),
                "{more}: {body}"
            );
        }
        for query in ["limit=10001", "limit=9000&offset=2000"] {
            let body = json!({"indices": ["events"], "query": {"query": ALL}});
            let answer = bench.send("POST", &format!("/v3/search?{query}"), &body);
            assert_eq!(answer.status, 400, "{query}");
        }
    }

    #[test]
    fn row_39_the_actions_of_a_change() {
        let actions = |setting: &str| {
            let mut bench = bench(json!({"event_actions": setting}));
            let found = found(&mut bench, ALL, &json!({}));
            [found[0]["action"].clone(), found[1]["action"].clone()]
        };
        assert_eq!(
            actions("search_reference"),
            ["passwordChange", "passwordChange"]
        );
        assert_eq!(
            actions("log_parser"),
            ["PasswordChange", "PasswordChangeSuccess"]
        );
    }

    #[test]
    fn row_40_a_search_that_is_not_there() {
        for (setting, status) in [("served", 200), ("not_found", 404), ("forbidden", 403)] {
            let mut bench = bench(json!({"search": setting}));
            assert_eq!(ask(&mut bench, ALL, &json!({})).status, status);
        }
    }

    #[test]
    fn row_41_events_that_are_found_late() {
        let mut bench = bench(json!({"event_lag": {"delayed": {"seconds": 30}}}));
        bench.pass(29);
        assert_eq!(found(&mut bench, ALL, &json!({})).len(), 0);
        bench.pass(1);
        let events = found(&mut bench, ALL, &json!({}));
        assert_eq!(events[2]["created"], "2026-01-01T00:00:00.000Z");
        assert_eq!(events[2]["synced"], "2026-01-01T00:00:30.000Z");
    }

    #[test]
    fn row_42_events_without_the_name_of_their_source() {
        for (setting, named) in [("present", true), ("left_out", false)] {
            let mut bench = bench(json!({"event_source_names": setting}));
            let events = found(&mut bench, ALL, &json!({}));
            assert_eq!(events[0]["attributes"].get("sourceName").is_some(), named);
            let by_name = found(&mut bench, "attributes.sourceName:A", &json!({}));
            assert_eq!(by_name.is_empty(), !named);
        }
    }

    #[test]
    fn row_43_events_of_an_unknown_form() {
        for (setting, more, null, dated) in [
            ("documented", false, false, true),
            ("extra_fields", true, false, true),
            ("null_attributes", false, true, true),
            ("without_created", false, false, false),
            ("all", true, true, false),
        ] {
            let mut bench = bench(json!({"event_form": setting}));
            let event = found(&mut bench, "status:STARTED", &json!({})).remove(0);
            assert_eq!(event.get("addedNextYear").is_some(), more, "{setting}");
            assert_eq!(event["attributes"].is_null(), null, "{setting}");
            assert_eq!(event.get("created").is_some(), dated, "{setting}");
        }
    }

    #[test]
    fn row_44_upper_and_lower_case_in_a_query() {
        for (setting, number) in [("exact", 0), ("ignoring_case", 2)] {
            let mut bench = bench(json!({"event_matching": setting}));
            assert_eq!(found(&mut bench, "status:passed", &json!({})).len(), number);
        }
    }
}
