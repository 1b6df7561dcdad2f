//! The policy holders of a source, including exceptions. No IO.
//!
//! PATCH takes an ordinary JSON array, not a JSON Patch, and the array replaces the whole list.

use serde_json::{Value, json};

use crate::{
    call::{Call, Reply},
    errors::Refusal,
    groups::check_json,
    model::{Holder, Source},
    paging::Paging,
    switches::{SourceWithExceptions, UnfitSource, UnknownReference},
    tenant::Tenant,
};

impl Tenant {
    pub(crate) fn read_holders(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let paging = Paging::parse(&call.query, &self.switches)?;
        let source = self
            .state
            .sources
            .find_as_of(call.id, call.now, call.lies.lag);
        let source = source.ok_or_else(|| Refusal::not_found(call.id))?;
        let rows: Vec<&Holder> = source.holders.iter().collect();
        let (page, total) = paging.cut(&rows, call.lies);
        Ok(Reply::page(
            page.into_iter()
                .map(|holder| self.holder_shown(holder))
                .collect(),
            total,
        ))
    }

    pub(crate) fn write_holders(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let source = self.source(call.id)?;
        check_json(call)?;
        let holders = parsed(&call.request.body)?;
        self.check_holders(source, &holders)?;
        let body = holders
            .iter()
            .map(|holder| self.holder_shown(holder))
            .collect();
        self.state.set_holders(call.id, holders, call.now);
        Ok(Reply::ok(body))
    }

    fn check_holders(&self, source: &Source, holders: &[Holder]) -> Result<(), Refusal> {
        if !source.has("PASSWORD") && self.switches.unfit_source == UnfitSource::Refuse {
            return Err(Refusal::bad_request(
                "The source does not support password management",
            ));
        }
        if holders
            .iter()
            .filter(|holder| holder.selectors.is_none())
            .count()
            > 1
        {
            return Err(Refusal::bad_request(
                "Only one policy may be without selectors",
            ));
        }
        let unknown = holders
            .iter()
            .find(|holder| self.state.policies.find(&holder.policy_id).is_none());
        match (unknown, self.switches.unknown_reference) {
            (Some(holder), UnknownReference::NotFound) => {
                return Err(Refusal::not_found(&holder.policy_id));
            }
            (Some(holder), UnknownReference::BadRequest) => {
                let id = &holder.policy_id;
                return Err(Refusal::bad_request(format!(
                    "policyId: \"{id}\" does not exist"
                )));
            }
            _ => {}
        }
        let excepting = holders.iter().any(|holder| holder.selectors.is_some());
        let grouped = self.state.groups_of(&source.id).next().is_some();
        if excepting
            && grouped
            && self.switches.source_with_exceptions == SourceWithExceptions::Refuse
        {
            return Err(Refusal::bad_request(
                "A source in a sync group cannot have exceptions",
            ));
        }
        Ok(())
    }

    fn holder_shown(&self, holder: &Holder) -> Value {
        let policy = self.state.policies.find(&holder.policy_id);
        let name = policy
            .map(|policy| policy.name.clone())
            .or_else(|| holder.policy_name.clone());
        let mut shown = json!({"policyId": holder.policy_id, "selectors": holder.selectors});
        // The schema has no null here.
        if let Some(name) = name {
            shown["policyName"] = json!(name);
        }
        shown
    }
}

fn parsed(body: &[u8]) -> Result<Vec<Holder>, Refusal> {
    let refused =
        |why: &str| Refusal::bad_request(format!("The body must be policy holders: {why}"));
    let body: Value = serde_json::from_slice(body).map_err(|error| refused(&error.to_string()))?;
    let items = body.as_array().ok_or_else(|| refused("an array"))?;
    items
        .iter()
        .map(|item| {
            let policy_id = item.get("policyId").and_then(Value::as_str);
            let policy_id = policy_id
                .ok_or_else(|| refused("policyId is a string"))?
                .to_owned();
            let selectors = item.get("selectors").filter(|value| !value.is_null());
            if selectors.is_some_and(|value| !well_formed(value)) {
                return Err(refused(
                    "selectors are null or {identityAttr: [{name, value}]}",
                ));
            }
            let policy_name = item
                .get("policyName")
                .and_then(Value::as_str)
                .map(str::to_owned);
            Ok(Holder {
                policy_id,
                policy_name,
                selectors: selectors.cloned(),
            })
        })
        .collect()
}

fn well_formed(selectors: &Value) -> bool {
    let attributes = selectors.get("identityAttr").and_then(Value::as_array);
    attributes.is_some_and(|attributes| {
        attributes
            .iter()
            .all(|one| one["name"].is_string() && one["value"].is_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench, C, DEFAULT, FEED, STRONG, value};

    fn path(source: &str) -> String {
        format!("/v2025/sources/{source}/password-policies")
    }

    #[test]
    fn the_array_replaces_the_list_and_is_answered() {
        let mut bench = Bench::new();
        let body = json!([{"policyId": STRONG, "selectors": null}]);
        let answer = bench.send("PATCH", &path(C), &body);
        assert_eq!(answer.status, 200);
        let stored = json!([{"policyId": STRONG, "policyName": "Strong", "selectors": null}]);
        assert_eq!(value(&answer), stored);
        assert_eq!(bench.get(&path(C)), stored);
        assert_eq!(
            bench.get(&format!("/sources/v1/{C}/password-policies")),
            stored
        );
    }

    #[test]
    fn what_is_no_list_of_holders_is_a_400() {
        let mut bench = Bench::new();
        let one = json!({"policyId": STRONG});
        for body in [
            json!({}),
            json!([{}]),
            json!([{"policyId": "0"}]),
            json!([one, one]),
            json!([{"policyId": STRONG, "selectors": {"identityAttr": "x"}}]),
        ] {
            assert_eq!(bench.send("PATCH", &path(B), &body).status, 400, "{body}");
        }
        assert_eq!(bench.send("PATCH", &path(FEED), &json!([one])).status, 400);
        assert_eq!(bench.send("PATCH", &path("0"), &json!([one])).status, 404);
        let patch = crate::Request::new("PATCH", &path(B)).bearer(&bench.token);
        let patch = patch
            .json("[]")
            .header("content-type", "application/json-patch+json");
        assert_eq!(bench.raw(&patch).status, 400);
        assert_eq!(bench.holders(B), [DEFAULT]);
    }

    #[test]
    fn row_6_an_exception_for_a_grouped_source() {
        let selectors = json!({"identityAttr": [{"name": "x", "value": "y"}]});
        let body = json!([{"policyId": STRONG, "selectors": selectors}]);
        for (setting, status) in [("accept", 200), ("refuse", 400)] {
            let mut bench = Bench::with(json!({"source_with_exceptions": setting}));
            bench.group("x", &[A, B]);
            assert_eq!(bench.send("PATCH", &path(A), &body).status, status);
        }
    }
}
