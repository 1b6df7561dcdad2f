//! Password sync groups: list, make, read, replace, delete. No IO.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    call::{Call, Lies, Reply},
    errors::Refusal,
    group_body::Draft,
    group_rules,
    model::Group,
    paging::Paging,
    rng::Rng,
    switches::{
        DeleteAbsent, MalformedId, PostReadOnly, PutMissingField, PutOtherId, PutReadOnly, Reads,
        SourceIds, SourceInTwoGroups, SourceWithExceptions, Switches, Timestamps,
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
            DeleteAbsent::NoContent => Ok(Reply::no_content()),
            DeleteAbsent::NotFound => Err(Refusal::not_found(call.id)),
            DeleteAbsent::BadRequest => Err(Refusal::bad_request(format!(
                "There is no password sync group {}",
                call.id
            ))),
            DeleteAbsent::ServerError => Err(Refusal::of(500)),
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

/// Requires the content type JSON; JSON Patch is refused.
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
    let mut body = json!({"id": group.id, "name": group.name, "sourceIds": sources});
    // The schema has no null here, so a group without a policy leaves the field out.
    if let Some(policy) = &group.password_policy_id {
        body["passwordPolicyId"] = json!(policy);
    }
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
    use crate::testing::{A, B, Bench, C, GROUPS, STRONG, group, value};

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
        let all = ["no_content", "not_found", "bad_request", "server_error"].map(delete);
        assert_eq!(all, [204, 404, 400, 500]);
        assert_eq!(Bench::new().ask("DELETE", ABSENT).status, 204);
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
