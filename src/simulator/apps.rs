//! Applications: the list open for requests, and the list of all. No IO.
//!
//! The filter `accountSource.id` is not listed for `/all`, yet it works in practice.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    call::{Call, Reply, leave_out_null},
    errors::Refusal,
    filter::{self, Allowed, Field, Fields, Filter},
    model::{AccountSource, App},
    paging::Paging,
    sources::within,
    tenant::Tenant,
};

const COMMON: [Allowed; 5] = [
    ("id", &["eq", "in"]),
    ("name", &["eq", "in", "co", "sw"]),
    ("created", &["gt", "lt", "ge", "le"]),
    ("modified", &["gt", "lt", "ge", "le"]),
    ("accountSource.id", &["eq", "in"]),
];
const ALL_ONLY: [Allowed; 2] = [("owner.id", &["eq", "in"]), ("enabled", &["eq"])];
const SORTERS: &[&str] = &[
    "id",
    "name",
    "created",
    "modified",
    "owner.id",
    "accountSource.id",
];

impl Tenant {
    pub(crate) fn list_apps(&self, call: &Call<'_>, open_only: bool) -> Result<Reply, Refusal> {
        let paging = Paging::parse(&call.query, &self.switches)?;
        let more: &[Allowed] = if open_only { &[] } else { &ALL_ONLY };
        let allowed = [&COMMON, more].concat();
        let filter = Filter::parse(call.query.value("filters"), &allowed)?;
        let mut rows = self.state.apps.iter_as_of(call.now, call.lies.lag);
        rows.retain(|app| (app.enabled || !open_only) && filter.passes(*app));
        filter::sort(&mut rows, call.query.value("sorters"), SORTERS)?;
        let (page, total) = paging.cut(&rows, call.lies);
        let page = page
            .into_iter()
            .map(|app| self.app_shown(app, call.now))
            .collect();
        Ok(Reply::page(page, total))
    }

    pub(crate) fn app_shown(&self, app: &App, now: Timestamp) -> Value {
        let account_source = app.account_source.as_ref().map(|used| {
            let source = self.state.sources.find(&used.id);
            let name = source.map(|source| &source.name).or(used.name.as_ref());
            let mut shown = json!({
                "id": used.id,
                "type": "SOURCE",
                "useForPasswordManagement": used.use_for_password_management,
                "passwordPolicies": self.policy_refs(&self.policies_of(used, now)),
            });
            // The schema has no null here, so what is not known is left out.
            if let Some(name) = name {
                shown["name"] = json!(name);
            }
            shown
        });
        let mut body = Map::new();
        // An application cannot be made without a description.
        let always = json!({
            "cloudAppId": app.id, "description": app.name, "provisionRequestEnabled": false,
            "matchAllAccounts": true, "appCenterEnabled": true, "owner": null,
        });
        let own = json!({
            "id": app.id,
            "name": app.name,
            "enabled": app.enabled,
            "accountSource": account_source,
            "created": app.created.map(|at| format!("{at:.3}")),
            "modified": app.modified.map(|at| format!("{at:.3}")),
        });
        for part in [always, Value::Object(app.rest.clone()), own] {
            if let Value::Object(part) = part {
                body.extend(part);
            }
        }
        leave_out_null(&mut body, &["created", "modified"]);
        Value::Object(body)
    }

    /// An application as the connections of its source show it: without id and name.
    pub(crate) fn dependent_app(&self, app: &App, now: Timestamp) -> Value {
        let flag = |name: &str, default: bool| {
            let own = app.rest.get(name).and_then(Value::as_bool);
            own.unwrap_or(default)
        };
        let description = app.rest.get("description").and_then(Value::as_str);
        let used = app.account_source.as_ref();
        let policies = used.map(|used| self.policies_of(used, now));
        json!({
            "cloudAppId": app.id,
            "description": description.unwrap_or(&app.name),
            "enabled": app.enabled,
            "provisionRequestEnabled": flag("provisionRequestEnabled", false),
            "accountSource": {
                "useForPasswordManagement": used.is_some_and(|used| used.use_for_password_management),
                "passwordPolicies": self.refs_to(&policies.unwrap_or_default()),
            },
            "launcherCount": 0,
            "matchAllAccount": flag("matchAllAccounts", true),
            "owner": [],
            "appCenterEnabled": flag("appCenterEnabled", true),
        })
    }

    fn policies_of(&self, used: &AccountSource, now: Timestamp) -> Vec<String> {
        let rule = self.switches.policy_while_grouped;
        let source = self.state.sources.find(&used.id);
        source.map_or_else(Vec::new, |source| {
            self.state.policies_shown(source, rule, now)
        })
    }
}

impl Fields for App {
    fn field(&self, name: &str) -> Field<'_> {
        match name {
            "id" => Field::Text(&self.id),
            "name" => Field::Text(&self.name),
            "enabled" => Field::Bool(self.enabled),
            "created" => self.created.map_or(Field::Null, Field::Time),
            "modified" => self.modified.map_or(Field::Null, Field::Time),
            "accountSource.id" => self
                .account_source
                .as_ref()
                .map_or(Field::Null, |source| Field::Text(&source.id)),
            nested => within(&self.rest, nested),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench};

    #[test]
    fn all_shows_closed_applications_too() {
        let mut bench = Bench::new();
        let names = |list: Value| -> Vec<Value> {
            list.as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].clone())
                .collect()
        };
        assert_eq!(names(bench.get("/v2025/source-apps")), ["Logon"]);
        assert_eq!(names(bench.get("/source-apps/v1/all")), ["Logon", "Closed"]);
        let of_b = format!("/beta/source-apps/all?filters=accountSource.id+eq+%22{B}%22");
        assert_eq!(names(bench.get(&of_b)), ["Closed"]);
        assert_eq!(
            bench.get("/v2025/source-apps/all")[0]["accountSource"]["id"],
            A
        );
        let open = "/v2025/source-apps?filters=enabled+eq+true";
        assert_eq!(bench.ask("GET", open).status, 400);
        assert_eq!(bench.ask("GET", "/v3/source-apps/all").status, 404);
    }
}
