//! Makes the document of a plan out of what was read and what is foreseen. Pure.

use std::collections::{BTreeMap, BTreeSet};

use psg_domain::{
    Group, GroupId, Holder, NamespacedName, Picture, PolicyId, SourceId, facts::default_policy,
};
use psg_plan::{
    alignment::{Alignment as Compared, Verdict, align},
    preview::{Change, Ending, Outlook, Preview},
};

use super::document::{
    Aligned, Alignment, Effect, Field, Membership, Named, Outcome, Refusal, Request, Resource,
    Source, Summary, Tenant,
};
use crate::tenant::Accounts;

/// What would change in one tenant; `before` is what the tenant shows now.
pub fn tenant(host: String, before: &Picture, preview: &Preview, accounts: &Accounts) -> Tenant {
    let view = View {
        before,
        preview,
        accounts,
        groups: groups(before),
        later: preview.after.walk().into_iter().map(keyed).collect(),
    };
    Tenant {
        host,
        resources: preview
            .outlooks
            .iter()
            .map(|one| view.resource(one))
            .collect(),
        sources: view.sources(),
    }
}

/// The totals over all tenants.
pub fn summary(tenants: &[Tenant], previews: &[&Preview], other_kinds: usize) -> Summary {
    let mut summary = Summary {
        other_kinds,
        ..Summary::default()
    };
    for change in previews.iter().flat_map(|preview| changes(preview)) {
        match change {
            Change::Create(_) => summary.create += 1,
            Change::Adopt(_) => summary.adopt += 1,
            Change::Update(..) => summary.update += 1,
            Change::Delete(_) => summary.delete += 1,
            Change::Assign(..) => summary.assign_policy += 1,
        }
    }
    for resource in tenants.iter().flat_map(|tenant| &tenant.resources) {
        match resource.outcome {
            Outcome::Refused => summary.refused += 1,
            Outcome::Unchanged => summary.unchanged += 1,
            _ => {}
        }
    }
    let sources = tenants.iter().flat_map(|tenant| &tenant.sources);
    for source in sources.filter(|source| source.effect != Effect::Unchanged) {
        summary.sources += 1;
        summary.accounts += source.accounts.unwrap_or_default();
    }
    summary
}

/// The sources that a changing group has before or after, and those that get a policy.
pub fn touched(before: &Picture, preview: &Preview) -> BTreeSet<SourceId> {
    let (now, then) = (groups(before), preview.after.walk());
    let then: BTreeMap<GroupId, Group> = then.into_iter().map(keyed).collect();
    let mut touched = BTreeSet::new();
    let mut take_in = |group: Option<&Group>| {
        touched.extend(
            group
                .into_iter()
                .flat_map(|group| group.sources.iter().cloned()),
        );
    };
    for change in changes(preview) {
        match change {
            Change::Create(group) | Change::Adopt(group) => {
                take_in(Some(group));
                take_in(then.get(&group.id));
            }
            Change::Update(id, _) | Change::Delete(id) => {
                take_in(now.get(id));
                take_in(then.get(id));
            }
            Change::Assign(..) => {}
        }
    }
    let assigned = changes(preview).filter_map(|change| match change {
        Change::Assign(source, _) => Some(source.clone()),
        _ => None,
    });
    touched.extend(assigned);
    touched.retain(|source| before.source(source).is_some());
    touched
}

fn changes(preview: &Preview) -> impl Iterator<Item = &Change> {
    let planned = preview.outlooks.iter().flat_map(|one| &one.changes);
    planned.map(|planned| &planned.change)
}

fn groups(picture: &Picture) -> BTreeMap<GroupId, Group> {
    picture.groups().cloned().map(keyed).collect()
}

fn keyed(group: Group) -> (GroupId, Group) {
    (group.id.clone(), group)
}

struct View<'a> {
    before: &'a Picture,
    preview: &'a Preview,
    accounts: &'a Accounts,
    groups: BTreeMap<GroupId, Group>,
    later: BTreeMap<GroupId, Group>,
}

impl View<'_> {
    fn resource(&self, outlook: &Outlook) -> Resource {
        let id = outlook
            .changes
            .iter()
            .find_map(|planned| match &planned.change {
                Change::Create(group) | Change::Adopt(group) => Some(group.id.clone()),
                Change::Update(id, _) | Change::Delete(id) => Some(id.clone()),
                Change::Assign(..) => None,
            })
            .or_else(|| outlook.recorded.group.clone());
        let (was, will_be) = match &id {
            Some(id) => (self.groups.get(id), self.later.get(id)),
            None => (None, None),
        };
        let group = will_be.or(was).map(|group| self.group_named(group));
        let NamespacedName { namespace, name } = outlook.name.clone();
        Resource {
            namespace,
            name,
            outcome: outcome(outlook),
            refusal: refusal(outlook),
            group,
            fields: self.fields(was, will_be),
            requests: self.requests(outlook),
        }
    }

    fn fields(&self, was: Option<&Group>, will_be: Option<&Group>) -> Vec<Field> {
        let name = |group: &Group| BTreeSet::from([group.name.clone()]);
        let policy = |group: &Group| {
            let policy = group.policy.as_ref();
            policy.map(|id| self.policy(id).name).into_iter().collect()
        };
        let sources = |group: &Group| {
            let sources = group.sources.iter();
            sources.map(|id| self.source_name(id)).collect()
        };
        let field = |field, of: &dyn Fn(&Group) -> BTreeSet<String>| Field {
            field,
            was: was.map(of).unwrap_or_default(),
            will_be: will_be.map(of).unwrap_or_default(),
        };
        let all = [
            field("name", &name),
            field("passwordPolicy", &policy),
            field("sources", &sources),
        ];
        all.into_iter()
            .filter(|field| field.was != field.will_be)
            .collect()
    }

    fn requests(&self, outlook: &Outlook) -> Vec<Request> {
        let requests = outlook.changes.iter().filter_map(|planned| {
            let (method, path, summary) = self.request(&planned.change)?;
            Some(Request {
                order: planned.order,
                method,
                path,
                summary,
            })
        });
        requests.collect()
    }

    fn request(&self, change: &Change) -> Option<(&'static str, String, String)> {
        const GROUPS: &str = "/password-sync-groups";
        let name = |id: &GroupId| {
            let known = self.groups.get(id).or_else(|| self.later.get(id));
            known.map_or_else(|| id.to_string(), |group| group.name.clone())
        };
        Some(match change {
            // Nothing is sent: the group is recorded.
            Change::Adopt(_) => return None,
            Change::Create(group) => (
                "POST",
                GROUPS.to_owned(),
                format!("create group \"{}\"", group.name),
            ),
            Change::Update(id, drift) => {
                let fields: Vec<&str> = drift.iter().map(|drift| drift.field.as_str()).collect();
                let summary = format!("update {} of group \"{}\"", fields.join(", "), name(id));
                ("PUT", format!("{GROUPS}/{id}"), summary)
            }
            Change::Delete(id) => (
                "DELETE",
                format!("{GROUPS}/{id}"),
                format!("delete group \"{}\"", name(id)),
            ),
            Change::Assign(id, policy) => {
                let policy = policy.as_ref().map(|id| self.policy(id).name);
                let summary = format!(
                    "assign policy \"{}\" to source \"{}\"",
                    policy.unwrap_or_default(),
                    self.source_name(id)
                );
                ("PATCH", format!("/sources/{id}/password-policies"), summary)
            }
        })
    }

    fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> = touched(self.before, self.preview)
            .iter()
            .map(|id| {
                let now = holding(&self.groups, id);
                let then = holding(&self.later, id);
                let known = self
                    .before
                    .holders(id)
                    .and_then(|(holders, _)| holders.map(<[Holder]>::to_vec));
                let before = self.membership(id, now, known.as_deref());
                let after = self.membership(id, then, self.preview.after.holders(id));
                Source {
                    id: id.to_string(),
                    name: self.source_name(id),
                    effect: effect(now, then, &before, &after),
                    before,
                    after,
                    alignment: self.alignment(id, now, then, known.as_deref()),
                    accounts: self.accounts.get(id).copied(),
                    applications: self.before.applications(id),
                }
            })
            .collect();
        sources.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        sources
    }

    fn membership(
        &self,
        source: &SourceId,
        group: Option<&Group>,
        holders: Option<&[Holder]>,
    ) -> Membership {
        let own = || match holders {
            Some(holders) => default_policy(holders),
            None => self
                .before
                .source(source)
                .and_then(|source| source.policies.iter().next()),
        };
        let policy = match group {
            Some(group) => group.policy.as_ref(),
            None => own(),
        };
        Membership {
            group: group.map(|group| self.group_named(group)),
            policy: policy.map(|id| self.policy(id)),
        }
    }

    /// Compares the policy of the group that a source will be in with the source's own policy. For
    /// a member, the own policy is the one that was recorded when it joined.
    fn alignment(
        &self,
        source: &SourceId,
        now: Option<&Group>,
        then: Option<&Group>,
        holders: Option<&[Holder]>,
    ) -> Option<Alignment> {
        let group = then?.policy.as_ref()?;
        let own = match now {
            None => default_policy(holders?)?,
            Some(_) => self.recorded_own(source)?,
        };
        if own == group {
            return None;
        }
        let rules = |id: &PolicyId| self.before.policy(id).map(|policy| &policy.rules);
        let Verdict {
            alignment,
            undecided,
        } = align(rules(group)?, rules(own)?);
        let undecided: BTreeSet<&str> = undecided.iter().map(|(_, part)| part.field()).collect();
        Some(Alignment {
            verdict: match &alignment {
                Compared::Aligned => Aligned::Aligned,
                Compared::Mismatched { .. } => Aligned::Mismatched,
                Compared::Impossible { .. } => Aligned::Impossible,
            },
            message: alignment.to_string(),
            undecided: undecided.into_iter().collect(),
        })
    }

    fn recorded_own(&self, source: &SourceId) -> Option<&PolicyId> {
        let outlooks = self.preview.outlooks.iter();
        let mut pins = outlooks.flat_map(|outlook| &outlook.recorded.sources);
        pins.find(|pin| pin.id == *source)?.policy_before.as_ref()
    }

    fn group_named(&self, group: &Group) -> Named {
        Named {
            // A group that does not exist yet has no id: the tenant gives it.
            id: self
                .groups
                .contains_key(&group.id)
                .then(|| group.id.to_string()),
            name: group.name.clone(),
        }
    }

    fn policy(&self, id: &PolicyId) -> Named {
        let known = self.before.policy(id);
        Named {
            id: Some(id.to_string()),
            name: known.map_or_else(|| id.to_string(), |policy| policy.name.clone()),
        }
    }

    fn source_name(&self, id: &SourceId) -> String {
        let known = self.before.source(id);
        known.map_or_else(|| id.to_string(), |source| source.name.clone())
    }
}

fn holding<'a>(groups: &'a BTreeMap<GroupId, Group>, source: &SourceId) -> Option<&'a Group> {
    groups.values().find(|group| group.sources.contains(source))
}

fn effect(
    now: Option<&Group>,
    then: Option<&Group>,
    before: &Membership,
    after: &Membership,
) -> Effect {
    match (now, then) {
        (None, Some(_)) => Effect::Shared,
        (Some(_), None) => Effect::Independent,
        (Some(now), Some(then)) if now.id != then.id => Effect::Moved,
        _ if before.policy != after.policy => Effect::OtherPolicy,
        (Some(now), Some(then)) if now.sources != then.sources => Effect::OtherMembers,
        _ => Effect::Unchanged,
    }
}

fn outcome(outlook: &Outlook) -> Outcome {
    let any = |is: fn(&Change) -> bool| {
        let mut changes = outlook.changes.iter();
        changes.any(|planned| is(&planned.change))
    };
    match outlook.ending {
        Ending::Refused(_) | Ending::Waits(_) => Outcome::Refused,
        _ if any(|change| matches!(change, Change::Delete(_))) => Outcome::Delete,
        _ if any(|change| matches!(change, Change::Create(_))) => Outcome::Create,
        _ if any(|change| matches!(change, Change::Adopt(_))) => Outcome::Adopt,
        _ if outlook.changes.is_empty() => Outcome::Unchanged,
        _ => Outcome::Update,
    }
}

fn refusal(outlook: &Outlook) -> Option<Refusal> {
    let (Ending::Refused(why) | Ending::Waits(why)) = &outlook.ending else {
        return None;
    };
    Some(Refusal {
        reason: why.reason.as_str(),
        message: why.message.clone(),
        remedy: why.reason.act().to_owned(),
    })
}
