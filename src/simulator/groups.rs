//! Password sync groups: list, make, read, replace, delete, and what happens to the sources. No IO.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    call::{Call, Lies, Reply},
    clock::plus_seconds,
    errors::Refusal,
    group_body::Draft,
    group_rules,
    model::{Group, Holder},
    paging::Paging,
    rng::Rng,
    switches::{
        DeleteAbsent, MalformedId, PolicyAfterDelete, PolicyAfterLeave, PostReadOnly,
        PutMissingField, PutOtherId, PutReadOnly, Reads, SourceIds, SourceInTwoGroups,
        SourceWithExceptions, Switches, Timestamps,
    },
    tenant::Tenant,
};

impl Tenant {
    pub(crate) fn list_groups(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let paging = Paging::parse(&call.query, &self.switches)?;
        let mut rng = self.fork_rng();
        let mut rows = self.state.groups.iter_as_of(call.now, self.lag(call));
        if self.switches.reads == Reads::Shuffled {
            rng.shuffle(&mut rows);
        }
        let skips = self.switches.reads == Reads::SkipBetweenPages;
        let lies = Lies {
            shift: call.lies.shift + i64::from(skips),
            ..call.lies
        };
        let (page, total) = paging.cut(&rows, lies);
        let page = page
            .into_iter()
            .map(|group| shown(group, &self.switches, &mut rng))
            .collect();
        Ok(Reply::page(page, total))
    }

    pub(crate) fn read_group(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        self.check_id(call.id)?;
        let mut rng = self.fork_rng();
        let group = self
            .state
            .groups
            .find_as_of(call.id, call.now, self.lag(call));
        let group = group.ok_or_else(|| Refusal::not_found(call.id))?;
        Ok(Reply::ok(shown(group, &self.switches, &mut rng)))
    }

    pub(crate) fn create_group(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let draft = self.draft(call)?;
        let mut group = Group {
            id: String::new(),
            name: draft.name.clone().unwrap_or_default(),
            password_policy_id: draft.policy.clone(),
            source_ids: draft.sources.clone().unwrap_or_default(),
            created: Some(call.now),
            modified: Some(call.now),
        };
        match self.switches.post_read_only {
            PostReadOnly::Refuse if draft.id.is_some() || draft.dated() => {
                return Err(Refusal::bad_request(
                    "id, created and modified are read-only",
                ));
            }
            PostReadOnly::Ignore | PostReadOnly::Refuse => {}
            PostReadOnly::Honour => {
                group.id = draft.id.unwrap_or_default();
                group.created = draft.created.or(group.created);
                group.modified = draft.modified.or(group.modified);
            }
        }
        if self.state.groups.find(&group.id).is_some() {
            return Err(Refusal::bad_request(format!(
                "id \"{}\" exists already",
                group.id
            )));
        }
        let mut group = group_rules::checked(group, &self.state, &self.switches)?;
        if group.id.is_empty() {
            group.id = self.rng.uuid();
        }
        Ok(self.stored(group, call.now))
    }

    pub(crate) fn update_group(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        self.check_id(call.id)?;
        let old = self.state.groups.find(call.id).cloned();
        let old = old.ok_or_else(|| Refusal::not_found(call.id))?;
        let draft = self.draft(call)?;
        if self.switches.put_other_id == PutOtherId::Refuse
            && draft.id.as_ref().is_some_and(|id| id != call.id)
        {
            return Err(Refusal::bad_request(
                "The id in the body is not the id in the path",
            ));
        }
        if self.switches.put_read_only == PutReadOnly::Refuse && draft.dated() {
            return Err(Refusal::bad_request("created and modified are read-only"));
        }
        let group = match self.switches.put_missing_field {
            PutMissingField::Clear => Group {
                name: draft.name.unwrap_or_default(),
                password_policy_id: draft.policy,
                source_ids: draft.sources.unwrap_or_default(),
                ..old
            },
            PutMissingField::KeepOld => Group {
                name: draft.name.unwrap_or(old.name),
                password_policy_id: draft.policy.or(old.password_policy_id),
                source_ids: draft.sources.unwrap_or(old.source_ids),
                ..old
            },
        };
        let group = Group {
            modified: Some(call.now),
            ..group
        };
        let group = group_rules::checked(group, &self.state, &self.switches)?;
        Ok(self.stored(group, call.now))
    }

    pub(crate) fn delete_group(&mut self, call: &Call<'_>) -> Result<Reply, Refusal> {
        self.check_id(call.id)?;
        if self.drop_group(call.id, call.now).is_some() {
            return Ok(Reply::no_content());
        }
        match self.switches.delete_absent {
            DeleteAbsent::NotFound => Err(Refusal::not_found(call.id)),
            DeleteAbsent::NoContent => Ok(Reply::no_content()),
            DeleteAbsent::BadRequest => Err(Refusal::bad_request(format!(
                "There is no password sync group {}",
                call.id
            ))),
            DeleteAbsent::ServerError => Err(Refusal::new(500, "An internal fault occurred.")),
        }
    }

    pub(crate) fn available_sources(&self) -> Reply {
        let free = self.state.sources.iter().filter(|source| {
            source.has("PASSWORD") && self.state.groups_of(&source.id).next().is_none()
        });
        Reply::ok(
            free.map(|source| json!({"id": source.id, "name": source.name}))
                .collect(),
        )
    }

    /// Stores a group without asking any rule, and lets the service do what it does by itself.
    pub fn store_group(&mut self, group: Group, now: Timestamp) {
        let kept = group.source_ids.clone();
        let Some(old) = self.state.put_group(group, now) else {
            return;
        };
        for source in old.source_ids.iter().filter(|id| !kept.contains(id)) {
            self.after_leave(source, old.password_policy_id.as_deref(), now);
        }
    }

    /// Removes a group without asking any rule, and hands its policy to its sources.
    pub fn drop_group(&mut self, id: &str, now: Timestamp) -> Option<Group> {
        let group = self.state.remove_group(id, now)?;
        if let Some(policy) = &group.password_policy_id {
            for source in &group.source_ids {
                self.after_delete(source, policy, now);
            }
        }
        Some(group)
    }

    fn stored(&mut self, group: Group, now: Timestamp) -> Reply {
        if self.switches.source_in_two_groups == SourceInTwoGroups::Move {
            self.take_from_others(&group, now);
        }
        if self.switches.source_with_exceptions == SourceWithExceptions::DropExceptions {
            for source in &group.source_ids {
                self.drop_exceptions(source, now);
            }
        }
        let mut rng = self.fork_rng();
        let body = shown(&group, &self.switches, &mut rng);
        self.store_group(group, now);
        Reply::ok(body)
    }

    fn take_from_others(&mut self, group: &Group, now: Timestamp) {
        for source in &group.source_ids {
            let others = self
                .state
                .groups_of(source)
                .filter(|other| other.id != group.id);
            for mut other in others.cloned().collect::<Vec<_>>() {
                other.source_ids.retain(|id| id != source);
                other.modified = Some(now);
                self.state.put_group(other, now);
            }
        }
    }

    fn drop_exceptions(&mut self, source: &str, now: Timestamp) {
        let Some(found) = self.state.sources.find(source) else {
            return;
        };
        if found
            .holders
            .iter()
            .any(|holder| holder.selectors.is_some())
        {
            let kept = found
                .holders
                .iter()
                .filter(|holder| holder.selectors.is_none());
            let kept: Vec<Holder> = kept.cloned().collect();
            self.state.set_holders(source, kept, now);
        }
    }

    fn after_delete(&mut self, source: &str, policy: &str, now: Timestamp) {
        match self.switches.policy_after_delete {
            PolicyAfterDelete::AtOnce => self.assign(source, policy, now),
            PolicyAfterDelete::Delayed { seconds } => {
                self.assign_later(
                    source.to_owned(),
                    policy.to_owned(),
                    plus_seconds(now, seconds),
                );
            }
            PolicyAfterDelete::Never => {}
            PolicyAfterDelete::OnlyIfNone => {
                let Some(found) = self.state.sources.find(source) else {
                    return;
                };
                if found.default_holder().is_none() {
                    let own = Holder {
                        policy_id: policy.to_owned(),
                        ..Holder::default()
                    };
                    let holders = found.holders.iter().cloned().chain([own]).collect();
                    self.state.set_holders(source, holders, now);
                }
            }
        }
    }

    fn after_leave(&mut self, source: &str, policy: Option<&str>, now: Timestamp) {
        let given = match self.switches.policy_after_leave {
            PolicyAfterLeave::GroupPolicy => policy.map(str::to_owned),
            PolicyAfterLeave::DefaultPolicy => {
                let default = self
                    .state
                    .policies
                    .iter()
                    .find(|policy| policy.default_policy);
                default.map(|policy| policy.id.clone())
            }
            PolicyAfterLeave::PreviousPolicy => None,
        };
        if let Some(policy) = given {
            self.assign(source, &policy, now);
        }
    }

    fn draft(&self, call: &Call<'_>) -> Result<Draft, Refusal> {
        check_json(call)?;
        Draft::parse(&call.request.body, &self.switches)
    }

    fn check_id(&self, id: &str) -> Result<(), Refusal> {
        if self.switches.malformed_id == MalformedId::BadRequest && !is_uuid(id) {
            return Err(Refusal::bad_request(format!("\"{id}\" is no valid UUID")));
        }
        Ok(())
    }

    fn lag(&self, call: &Call<'_>) -> u64 {
        match self.switches.reads {
            Reads::Lagging { seconds } => seconds.max(call.lies.lag),
            _ => call.lies.lag,
        }
    }

    fn fork_rng(&mut self) -> Rng {
        Rng::new(self.rng.bits())
    }
}

/// A body must say that it is JSON; a JSON Patch is another thing.
pub(crate) fn check_json(call: &Call<'_>) -> Result<(), Refusal> {
    let content_type = call
        .request
        .headers
        .get("content-type")
        .map_or("", String::as_str);
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "Content-Type must be application/json, got {essence:?}"
    )))
}

fn shown(group: &Group, switches: &Switches, rng: &mut Rng) -> Value {
    let mut sources = group.source_ids.clone();
    if switches.source_ids == SourceIds::Shuffle {
        rng.shuffle(&mut sources);
    }
    let mut body = json!({
        "id": group.id,
        "name": group.name,
        "passwordPolicyId": group.password_policy_id,
        "sourceIds": sources,
    });
    if switches.timestamps != Timestamps::Absent {
        body["created"] = moment(group.created, switches.timestamps);
        body["modified"] = moment(group.modified, switches.timestamps);
    }
    body
}

fn moment(at: Option<Timestamp>, form: Timestamps) -> Value {
    let Some(at) = at else { return Value::Null };
    match form {
        Timestamps::Millis => json!(format!("{at:.3}")),
        Timestamps::Seconds => json!(format!("{at:.0}")),
        Timestamps::Nanos => json!(format!("{at:.9}")),
        Timestamps::Offset => {
            json!(
                at.to_zoned(TimeZone::UTC)
                    .strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00")
                    .to_string()
            )
        }
        Timestamps::Null | Timestamps::Absent => Value::Null,
    }
}

fn is_uuid(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{A, B, Bench, C, DEFAULT, GROUPS, STRONG, group, value};

    const ABSENT: &str = "/v3/password-sync-groups/6881f631-3bd5-4213-9c75-000000000000";

    #[test]
    fn row_8_repeated_ids_and_their_order() {
        let sent = json!({"name": "x", "passwordPolicyId": STRONG, "sourceIds": [A, B, A]});
        let stored = |setting: &str| {
            let mut bench = Bench::with(json!({"source_ids": setting}));
            value(&bench.post_group(&sent))["sourceIds"].clone()
        };
        assert_eq!(stored("deduplicate"), json!([A, B]));
        assert_eq!(stored("keep"), json!([A, B, A]));
        assert_eq!(stored("sort"), json!([B, A]));
        let mut bench = Bench::with(json!({"source_ids": "shuffle"}));
        let path = bench.group("x", &[A, B, C]);
        let first = bench.get(&path)["sourceIds"].clone();
        assert!((0..20).any(|_| bench.get(&path)["sourceIds"] != first));
    }

    #[test]
    fn row_9_a_field_left_out_of_a_put() {
        let put = |setting: &str, body: Value| {
            let mut bench = Bench::with(json!({"put_missing_field": setting}));
            let path = bench.group("x", &[A, B]);
            bench.send("PUT", &path, &body)
        };
        assert_eq!(put("clear", json!({"name": "y"})).status, 400);
        let kept = put("keep_old", json!({"name": "y"}));
        assert_eq!(
            (kept.status, &value(&kept)["sourceIds"]),
            (200, &json!([A, B]))
        );
    }

    #[test]
    fn rows_10_and_11_a_put_with_another_id_or_with_dates() {
        let mut body = group("y", &[A, B]);
        body["id"] = json!("6881f631-3bd5-4213-9c75-000000000000");
        let mut dated = group("y", &[A, B]);
        dated["modified"] = json!("2020-01-01T00:00:00Z");
        let put = |patch: Value, body: &Value| {
            let mut bench = Bench::with(patch);
            let path = bench.group("x", &[A, B]);
            let status = bench.send("PUT", &path, body).status;
            (status, bench.get(&path)["modified"].clone())
        };
        assert_eq!(put(json!({}), &body).0, 200);
        assert_eq!(put(json!({"put_other_id": "refuse"}), &body).0, 400);
        let (status, modified) = put(json!({}), &dated);
        assert_eq!(status, 200);
        assert_ne!(modified, "2020-01-01T00:00:00.000Z");
        assert_eq!(put(json!({"put_read_only": "refuse"}), &dated).0, 400);
    }

    #[test]
    fn rows_13_and_14_ids_that_lead_nowhere() {
        let delete = |setting: &str| {
            Bench::with(json!({"delete_absent": setting}))
                .ask("DELETE", ABSENT)
                .status
        };
        let all = ["not_found", "no_content", "bad_request", "server_error"].map(delete);
        assert_eq!(all, [404, 204, 400, 500]);
        let read = |setting: &str, path: &str| {
            Bench::with(json!({"malformed_id": setting}))
                .ask("GET", path)
                .status
        };
        let malformed = format!("{GROUPS}/nonsense");
        assert_eq!(
            [
                read("not_found", &malformed),
                read("bad_request", &malformed)
            ],
            [404, 400]
        );
        assert_eq!(read("bad_request", ABSENT), 404);
    }

    #[test]
    fn row_15_the_policy_after_a_delete() {
        let after = |setting: Value, seconds: u64| {
            let mut bench = Bench::with(json!({"policy_after_delete": setting}));
            let path = bench.group("x", &[A, B]);
            assert_eq!(bench.ask("DELETE", &path).status, 204);
            bench.pass(seconds);
            (bench.holders(A), bench.holders(B))
        };
        let strong = vec![STRONG.to_owned()];
        let own = vec![DEFAULT.to_owned()];
        assert_eq!(after(json!("at_once"), 0), (strong.clone(), strong.clone()));
        assert_eq!(after(json!("never"), 99), (vec![], own.clone()));
        assert_eq!(
            after(json!("only_if_none"), 0),
            (strong.clone(), own.clone())
        );
        let delayed = json!({"delayed": {"seconds": 5}});
        assert_eq!(after(delayed.clone(), 4), (vec![], own));
        assert_eq!(after(delayed, 5), (strong.clone(), strong));
    }

    #[test]
    fn row_16_what_a_grouped_source_shows() {
        let shown = |setting: Value, seconds: u64| {
            let mut bench = Bench::with(json!({"policy_while_grouped": setting}));
            bench.group("x", &[A, B]);
            bench.pass(seconds);
            let source = bench.get(&format!("/v3/sources/{B}"));
            let policy = bench.get(&format!("/v3/password-policies/{STRONG}"));
            let listed = policy["sourceIds"].as_array().unwrap().contains(&json!(B));
            (source["passwordPolicies"][0]["id"].clone(), listed)
        };
        assert_eq!(shown(json!("shown"), 0), (json!(STRONG), true));
        assert_eq!(shown(json!("hidden"), 99), (json!(DEFAULT), false));
        let delayed = json!({"delayed": {"seconds": 5}});
        assert_eq!(shown(delayed.clone(), 4), (json!(DEFAULT), false));
        assert_eq!(shown(delayed, 5), (json!(STRONG), true));
    }

    #[test]
    fn row_17_the_policy_of_a_source_that_leaves() {
        let after = |setting: &str| {
            let mut bench = Bench::with(json!({"policy_after_leave": setting}));
            let path = bench.group("x", &[A, B, C]);
            assert_eq!(bench.send("PUT", &path, &group("x", &[B, C])).status, 200);
            bench.holders(A)
        };
        assert_eq!(after("group_policy"), [STRONG]);
        assert_eq!(after("default_policy"), [DEFAULT]);
        assert!(after("previous_policy").is_empty());
    }

    #[test]
    fn row_19_reads_that_lag_shuffle_or_skip() {
        let mut bench = Bench::with(json!({"reads": {"lagging": {"seconds": 10}}}));
        let path = bench.group("x", &[A, B]);
        assert_eq!(bench.get(GROUPS), json!([]));
        assert_eq!(bench.ask("GET", &path).status, 404);
        bench.pass(10);
        assert_eq!(bench.get(&path)["name"], "x");

        let names = |bench: &mut Bench, query: &str| -> Vec<String> {
            let list = bench.get(&format!("{GROUPS}?{query}"));
            let name = |one: &Value| one["name"].as_str().unwrap().to_owned();
            list.as_array().unwrap().iter().map(name).collect()
        };
        let patch = json!({"source_in_two_groups": "allow"});
        let mut bench = Bench::with(patch);
        for name in ["a", "b", "c", "d", "e", "f"] {
            bench.group(name, &[A, B]);
        }
        assert_eq!(names(&mut bench, "limit=3"), ["a", "b", "c"]);
        assert_eq!(names(&mut bench, "limit=3&offset=3"), ["d", "e", "f"]);
        bench.tenant.switches_mut().reads = Reads::SkipBetweenPages;
        assert_eq!(names(&mut bench, "limit=3&offset=3"), ["e", "f"]);
        bench.tenant.switches_mut().reads = Reads::Shuffled;
        let order = names(&mut bench, "");
        assert!((0..20).any(|_| names(&mut bench, "") != order));
    }

    #[test]
    fn row_20_the_form_of_dates() {
        let created = |setting: &str| {
            let mut bench = Bench::with(json!({"timestamps": setting}));
            let path = bench.group("x", &[A, B]);
            bench.get(&path).get("created").cloned()
        };
        assert_eq!(created("millis"), Some(json!("2026-01-01T00:00:00.000Z")));
        assert_eq!(created("seconds"), Some(json!("2026-01-01T00:00:00Z")));
        assert_eq!(
            created("nanos"),
            Some(json!("2026-01-01T00:00:00.000000000Z"))
        );
        assert_eq!(
            created("offset"),
            Some(json!("2026-01-01T00:00:00.000+00:00"))
        );
        assert_eq!(created("null"), Some(Value::Null));
        assert_eq!(created("absent"), None);
    }

    #[test]
    fn row_30_sources_that_are_free() {
        let path = "/v2025/password-sync-groups/available-sources";
        assert_eq!(Bench::new().ask("GET", path).status, 404);
        let mut bench = Bench::with(json!({"available_sources": "served"}));
        bench.group("x", &[A, B]);
        assert_eq!(bench.get(path), json!([{"id": C, "name": "C"}]));
    }

    #[test]
    fn row_32_a_post_that_carries_an_id() {
        let mut body = group("x", &[A, B]);
        body["id"] = json!("6881f631-3bd5-4213-9c75-8e05cc3e35dd");
        let mut bench = Bench::with(json!({"post_read_only": "refuse"}));
        assert_eq!(bench.post_group(&body).status, 400);
        let mut bench = Bench::with(json!({"post_read_only": "honour"}));
        assert_eq!(value(&bench.post_group(&body))["id"], body["id"]);
        assert_eq!(bench.post_group(&body).status, 400);
    }

    #[test]
    fn a_body_that_is_not_declared_as_json_is_refused() {
        let mut bench = Bench::new();
        let request = crate::Request::new("POST", GROUPS)
            .bearer(&bench.token)
            .form("name=x");
        assert_eq!(bench.raw(&request).status, 400);
    }
}
