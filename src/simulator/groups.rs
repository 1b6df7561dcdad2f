//! Password sync groups: list, make, read, replace, delete, and what happens to the sources. No IO.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
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
    tenant::{Call, Lies, Reply, Tenant},
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
