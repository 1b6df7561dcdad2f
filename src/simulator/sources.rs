//! Sources: list with filters and sorters, read one, its connections, health and tests. No IO.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    call::{Call, Reply, leave_out_null},
    errors::Refusal,
    filter::{self, Allowed, Field, Fields, Filter},
    model::Source,
    paging::Paging,
    switches::{ConnectionType, SourceSize, UnknownSourceValues},
    tenant::Tenant,
};

const IDS: &[&str] = &["eq", "in", "ge", "gt", "le", "lt", "ne", "isnull", "sw"];
const FILTERS: &[Allowed] = &[
    ("id", IDS),
    ("owner.id", IDS),
    ("managementWorkgroup.id", IDS),
    (
        "name",
        &["co", "eq", "in", "sw", "ge", "gt", "ne", "isnull"],
    ),
    ("type", &["eq", "in", "ge", "gt", "ne", "isnull", "sw"]),
    ("features", &["ca", "co"]),
    ("created", IDS),
    ("modified", IDS),
    ("description", &["eq", "sw"]),
    ("authoritative", &["eq", "ne", "isnull"]),
    ("healthy", &["isnull"]),
    ("status", IDS),
    ("connectionType", IDS),
    (
        "connectorName",
        &["eq", "ge", "gt", "in", "ne", "isnull", "sw"],
    ),
    (
        "category",
        &["co", "eq", "ge", "gt", "in", "le", "lt", "ne", "sw"],
    ),
];
const SORTERS: &[&str] = &[
    "type",
    "created",
    "modified",
    "name",
    "owner.name",
    "healthy",
    "status",
    "id",
    "description",
    "owner.id",
    "accountCorrelationConfig.id",
    "accountCorrelationConfig.name",
    "managerCorrelationRule.type",
    "managerCorrelationRule.id",
    "managerCorrelationRule.name",
    "authoritative",
    "managementWorkgroup.id",
    "connectorName",
    "connectionType",
];

impl Tenant {
    pub(crate) fn list_sources(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let paging = Paging::parse(&call.query, &self.switches)?;
        let filter = Filter::parse(call.query.value("filters"), FILTERS)?;
        let built_in = call.query.value("includeIDNSource") == Some("true");
        let mut rows = self.state.sources.iter_as_of(call.now, call.lies.lag);
        rows.retain(|source| (built_in || !source.built_in) && filter.passes(*source));
        filter::sort(&mut rows, call.query.value("sorters"), SORTERS)?;
        let (page, total) = paging.cut(&rows, call.lies);
        let page = page
            .into_iter()
            .map(|source| self.source_shown(source, call.now))
            .collect();
        Ok(Reply::page(page, total))
    }

    pub(crate) fn read_source(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let source = self
            .state
            .sources
            .find_as_of(call.id, call.now, call.lies.lag);
        let source = source.ok_or_else(|| Refusal::not_found(call.id))?;
        Ok(Reply::ok(self.source_shown(source, call.now)))
    }

    pub(crate) fn source_connections(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        self.source(call.id)?;
        let apps = self
            .state
            .apps_of(call.id)
            .map(|app| self.dependent_app(app, call.now));
        Ok(Reply::ok(json!({
            "identityProfiles": [],
            "credentialProfiles": [],
            "sourceAttributes": [],
            "mappingProfiles": [],
            "dependentCustomTransforms": [],
            "dependentApps": apps.collect::<Vec<_>>(),
            "missingDependents": [],
        })))
    }

    pub(crate) fn source_health(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let source = self.source(call.id)?;
        Ok(Reply::ok(json!({
            "id": source.id,
            "type": source.kind,
            "name": source.name,
            "org": self.org,
            "isAuthoritative": source.authoritative,
            "isCluster": false,
            "hostname": "sim-va-1",
            "pod": self.pod,
            "iqServiceVersion": "IQService Sep-2025",
            "status": source.status,
        })))
    }

    /// A failed test is a 200 that says FAILURE.
    pub(crate) fn test_source(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let source = self.source(call.id)?;
        let passed = source.healthy && self.passwords.endpoint(&source.id).reachable;
        Ok(Reply::ok(json!({
            "id": source.id,
            "name": source.name,
            "status": if passed { "SUCCESS" } else { "FAILURE" },
            "elapsedMillis": 210,
            "details": {},
        })))
    }

    pub(crate) fn source(&self, id: &str) -> Result<&Source, Refusal> {
        self.state
            .sources
            .find(id)
            .ok_or_else(|| Refusal::not_found(id))
    }

    fn source_shown(&self, source: &Source, now: Timestamp) -> Value {
        let policies = self
            .state
            .policies_shown(source, self.switches.policy_while_grouped, now);
        let mut body = Map::new();
        let always = json!({
            "owner": null, "cluster": null, "deleteThreshold": 10, "connectorAttributes": {},
        });
        let own = json!({
            "id": source.id,
            "name": source.name,
            "description": source.described(),
            "type": source.kind,
            "connector": source.connector,
            "connectorName": source.connector_named(),
            "connectionType": source.connection_type,
            "features": source.features,
            "authoritative": source.authoritative,
            "healthy": source.healthy,
            "status": source.status,
            "category": source.category,
            "passwordPolicies": self.policy_refs(&policies),
            "created": source.created.map(|at| format!("{at:.3}")),
            "modified": source.modified.map(|at| format!("{at:.3}")),
        });
        for part in [always, Value::Object(source.rest.clone()), own] {
            if let Value::Object(part) = part {
                body.extend(part);
            }
        }
        leave_out_null(&mut body, &["created", "modified"]);
        match self.switches.connection_type {
            ConnectionType::Shown => {}
            ConnectionType::Null => {
                body.insert("connectionType".to_owned(), Value::Null);
            }
            ConnectionType::LeftOut => {
                body.remove("connectionType");
            }
        }
        let mut body = Value::Object(body);
        if self.switches.unknown_source_values == UnknownSourceValues::On {
            if let Some(features) = body["features"].as_array_mut() {
                features.push(json!("TELEPATHIC_SYNC"));
            }
            body["status"] = json!("SOURCE_STATE_DREAMING");
            body["addedNextYear"] = json!({"nested": [1, null]});
        }
        if let SourceSize::Padded { bytes } = self.switches.source_size {
            pad(&mut body, bytes);
        }
        body
    }

    /// References as sources and applications show them; no reference at all is `null`, as in the
    /// service.
    pub(crate) fn policy_refs(&self, ids: &[String]) -> Value {
        if ids.is_empty() {
            return Value::Null;
        }
        self.refs_to(ids)
    }

    /// References where a list may be empty, but not `null`.
    pub(crate) fn refs_to(&self, ids: &[String]) -> Value {
        let refs = ids.iter().map(|id| {
            let mut shown = json!({"type": "PASSWORD_POLICY", "id": id});
            if let Some(policy) = self.state.policies.find(id) {
                shown["name"] = json!(policy.name);
            }
            shown
        });
        refs.collect()
    }
}

impl Source {
    /// The description that is shown. The schema has no null here, so the name is shown instead.
    fn described(&self) -> &str {
        self.description.as_deref().unwrap_or(&self.name)
    }

    /// The connector's display name that is shown; without one, its script name.
    fn connector_named(&self) -> &str {
        self.connector_name.as_deref().unwrap_or(&self.connector)
    }
}

/// Fills a source up to a size by its connector's attributes, which make real sources large.
fn pad(source: &mut Value, bytes: usize) {
    let field = r#""padding":"","#.len();
    let missing = bytes.saturating_sub(source.to_string().len() + field);
    if let Some(attributes) = source["connectorAttributes"].as_object_mut() {
        attributes.insert("padding".to_owned(), json!("x".repeat(missing)));
    }
}

impl Fields for Source {
    fn field(&self, name: &str) -> Field<'_> {
        match name {
            "id" => Field::Text(&self.id),
            "name" => Field::Text(&self.name),
            "type" => Field::Text(&self.kind),
            "status" => Field::Text(&self.status),
            "features" => Field::List(&self.features),
            "authoritative" => Field::Bool(self.authoritative),
            "healthy" => Field::Bool(self.healthy),
            "description" => Field::Text(self.described()),
            "connectionType" => optional(self.connection_type.as_deref()),
            "connectorName" => Field::Text(self.connector_named()),
            "category" => optional(self.category.as_deref()),
            "created" => self.created.map_or(Field::Null, Field::Time),
            "modified" => self.modified.map_or(Field::Null, Field::Time),
            nested => within(&self.rest, nested),
        }
    }
}

/// A text, or null.
pub(crate) fn optional(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Null, Field::Text)
}

/// The text at a dotted path in the untyped rest of an object.
pub(crate) fn within<'a>(rest: &'a Map<String, Value>, path: &str) -> Field<'a> {
    let mut parts = path.split('.');
    let first = parts.next().and_then(|part| rest.get(part));
    optional(
        parts
            .fold(first, |value, part| value?.get(part))
            .and_then(Value::as_str),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench, FEED, STRONG, group, value};

    fn names(bench: &mut Bench, query: &str) -> Vec<String> {
        let list = bench.get(&format!("/v3/sources?{query}"));
        let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect()
    }

    #[test]
    fn sources_are_filtered_sorted_and_paged() {
        let mut bench = Bench::new();
        assert_eq!(names(&mut bench, ""), ["A", "B", "C", "Feed"]);
        assert_eq!(
            names(&mut bench, "sorters=-name&limit=2&offset=1"),
            ["C", "B"]
        );
        let password = "filters=features%20ca%20(%22PASSWORD%22)";
        assert_eq!(names(&mut bench, password), ["A", "B", "C"]);
        let ids = format!("filters=id+in+(%22{A}%22,%22{FEED}%22)");
        assert_eq!(names(&mut bench, &ids), ["A", "Feed"]);
        assert_eq!(
            names(&mut bench, "filters=connectionType+eq+%22file%22"),
            ["Feed"]
        );
        let counted = bench.ask("GET", &format!("/v3/sources?{password}&count=true&limit=1"));
        assert_eq!(counted.header("x-total-count"), Some("3"));
        for bad in [
            "filters=healthy+eq+true",
            "filters=nonsense+eq+1",
            "sorters=nonsense",
        ] {
            assert_eq!(
                bench.ask("GET", &format!("/v3/sources?{bad}")).status,
                400,
                "{bad}"
            );
        }
    }

    #[test]
    fn the_built_in_source_is_shown_on_demand() {
        let mut bench = Bench::new();
        assert_eq!(
            names(&mut bench, "includeIDNSource=true").last().unwrap(),
            "IdentityNow"
        );
    }

    #[test]
    fn row_29_values_that_came_later() {
        for (setting, more) in [("off", false), ("on", true)] {
            let mut bench = Bench::with(json!({"unknown_source_values": setting}));
            let source = bench.get(&format!("/v3/sources/{A}"));
            assert_eq!(source.get("addedNextYear").is_some(), more);
            let features = source["features"].as_array().unwrap();
            assert_eq!(features.contains(&json!("TELEPATHIC_SYNC")), more);
            assert_eq!(source["status"] == "SOURCE_STATE_HEALTHY", !more);
        }
    }

    #[test]
    fn row_37_sources_that_do_not_say_how_they_are_connected() {
        let shown = |setting: &str| {
            let mut bench = Bench::with(json!({"connection_type": setting}));
            let source = bench.get(&format!("/v3/sources/{A}"));
            assert_eq!(bench.post_group(&group("x", &[A, B])).status, 200);
            source.get("connectionType").cloned()
        };
        assert_eq!(shown("shown"), Some(json!("direct")));
        assert_eq!(shown("null"), Some(Value::Null));
        assert_eq!(shown("left_out"), None);
    }

    #[test]
    fn row_38_large_sources() {
        let mut bench = Bench::with(json!({"source_size": {"padded": {"bytes": 20_000}}}));
        let page = bench.ask("GET", "/v3/sources");
        assert!((80_000..81_000).contains(&page.body.len()));
        let one = bench.ask("GET", &format!("/v3/sources/{A}"));
        assert!((19_900..=20_000).contains(&one.body.len()));
        assert_eq!(value(&one)["name"], "A");
    }

    #[test]
    fn a_source_shows_its_policies_connections_health_and_tests() {
        let mut bench = Bench::new();
        assert_eq!(
            bench.get(&format!("/v3/sources/{A}"))["passwordPolicies"],
            Value::Null
        );
        bench.group("x", &[A, B]);
        let refs = bench.get(&format!("/v3/sources/{A}"))["passwordPolicies"].clone();
        assert_eq!(
            refs,
            json!([{"type": "PASSWORD_POLICY", "id": STRONG, "name": "Strong"}])
        );
        let connections = bench.get(&format!("/v3/sources/{A}/connections"));
        let app = &connections["dependentApps"][0];
        assert_eq!(app["description"], "Logon");
        assert_eq!(app["accountSource"]["passwordPolicies"], refs);
        let health = bench.get(&format!("/v3/sources/{A}/source-health"));
        assert_eq!(health["status"], "SOURCE_STATE_HEALTHY");
        let test = format!("/v2025/sources/{A}/connector/check-connection");
        assert_eq!(bench.ask("POST", &test).status, 200);
        assert_eq!(bench.ask("GET", "/v3/sources/0").status, 404);
        assert_eq!(bench.ask("GET", "/v3/sources/0/connections").status, 404);
    }
}
