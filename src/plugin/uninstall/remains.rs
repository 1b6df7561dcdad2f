//! What would wait for an operator that is gone: every object with one of its finalizers. Pure.

use kube::{ResourceExt, api::ObjectMeta};
use psg_api::{IdentityTenant, PasswordSyncGroup, names};

use super::way::Way;
use crate::{
    live::Live,
    terminal::{Page, Tone},
};

/// The objects with a finalizer of the operator, as NAMESPACE/NAME.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// PasswordSyncGroups.
    pub groups: Vec<Group>,
    /// IdentityTenants that are in use.
    pub tenants: Vec<String>,
    /// Secrets that IdentityTenants protect.
    pub secrets: Vec<String>,
}

/// One PasswordSyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    name: String,
    /// What is its own in a tenant.
    has: String,
    /// Whether the cluster refuses its deletion.
    protected: bool,
    /// Whether it is being deleted, and why it is still there.
    waits: Option<String>,
}

impl Remains {
    /// What remains of this.
    pub fn of(live: &Live) -> Self {
        let held = |metadata: &ObjectMeta, by: &str| {
            let mut finalizers = metadata.finalizers.iter().flatten();
            finalizers.any(|held| held == by)
        };
        let groups = live.groups.iter();
        let groups = groups.filter(|group| held(&group.metadata, names::FINALIZER));
        let tenants = || live.tenants.values();
        let in_use = tenants().filter(|tenant| held(&tenant.metadata, names::IN_USE));
        let mut secrets: Vec<String> = tenants().filter_map(secret).collect();
        secrets.sort();
        secrets.dedup();
        let mut groups: Vec<Group> = groups.map(group).collect();
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            groups,
            tenants: in_use.map(|it| place(&it.metadata)).collect(),
            secrets,
        }
    }

    /// Whether nothing would wait.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many objects would wait.
    pub fn count(&self) -> usize {
        self.groups.len() + self.tenants.len() + self.secrets.len()
    }

    /// The report for a person.
    pub fn page(&self) -> Page {
        let mut page = Page::default();
        if self.is_empty() {
            let text = "No object holds a finalizer of the operator, so it can be uninstalled:";
            page.hanging(Tone::Plain, "", text);
            page.line(
                Tone::Plain,
                "  helm uninstall RELEASE --namespace NAMESPACE".to_owned(),
            );
            let text =
                "The definitions stay, with the resources of both kinds. To remove them too:";
            page.hanging(Tone::Plain, "", text);
            let text = "  kubectl delete crd passwordsyncgroups.passwordsync.dev \\";
            page.line(Tone::Plain, text.to_owned());
            page.line(
                Tone::Plain,
                "    identitytenants.passwordsync.dev".to_owned(),
            );
            return page;
        }
        page.title("These would wait for an operator that is gone:");
        for group in &self.groups {
            page.line(Tone::Plain, format!("  psg/{}", group.name));
            page.hanging(Tone::Faint, "    ", &group.has);
            if group.protected {
                let text = "protected by the annotation passwordsync.dev/protect";
                page.hanging(Tone::Changed, "    ", text);
            }
            if let Some(why) = &group.waits {
                page.hanging(Tone::Changed, "    ", &format!("being deleted: {why}"));
            }
        }
        for tenant in &self.tenants {
            page.line(Tone::Plain, format!("  idt/{tenant}"));
        }
        for secret in &self.secrets {
            page.line(Tone::Plain, format!("  secret/{secret}"));
        }
        page.blank();
        page.title("While the operator runs, do one of the two:");
        for way in [Way::Orphan, Way::Delete] {
            page.line(
                Tone::Plain,
                format!("  kubectl psg uninstall --{}", way.as_str()),
            );
            page.hanging(Tone::Faint, "    ", way.meaning());
        }
        page
    }

    /// Whether this may begin: not while the cluster would refuse a deletion halfway.
    pub fn may_go(&self, way: Way) -> Result<(), String> {
        let protected = self.groups.iter().filter(|group| group.protected);
        let names: Vec<String> = protected
            .map(|group| format!("psg/{}", group.name))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(format!(
            "protected against deletion: {}; nothing was changed. If they are to go, take the annotation off \
             each (`kubectl annotate psg NAME -n NAMESPACE passwordsync.dev/protect-`) and run `kubectl psg \
             uninstall --{}` again",
            names.join(", "),
            way.as_str()
        ))
    }

    /// What is about to happen to the groups.
    pub fn meaning(&self, way: Way) -> String {
        let names: Vec<&str> = self
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        format!(
            "This deletes {}: {}. {} Where the manifests are in git, take them out there first, or the next \
             sync applies them again.",
            counted(names.len()),
            names.join(", "),
            way.meaning()
        )
    }

    /// What a person types to confirm.
    pub fn words(&self, way: Way) -> String {
        format!("{} {}", way.as_str(), self.groups.len())
    }

    /// What is still there and why, for the end of a wait.
    pub fn whys(&self) -> String {
        let groups = self.groups.iter().map(|group| {
            let why = group
                .waits
                .as_deref()
                .unwrap_or("the operator has not looked at it yet");
            format!("psg/{}: {why}", group.name)
        });
        let tenants = self.tenants.iter().map(|it| format!("idt/{it}"));
        let secrets = self.secrets.iter().map(|it| format!("secret/{it}"));
        groups
            .chain(tenants)
            .chain(secrets)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn counted(groups: usize) -> String {
    if groups == 1 {
        "1 PasswordSyncGroup".to_owned()
    } else {
        format!("{groups} PasswordSyncGroups")
    }
}

fn place(metadata: &ObjectMeta) -> String {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    format!(
        "{namespace}/{}",
        metadata.name.as_deref().unwrap_or_default()
    )
}

fn secret(tenant: &IdentityTenant) -> Option<String> {
    let name = tenant.status.as_ref()?.protected_secret.as_ref()?;
    let namespace = tenant.namespace().unwrap_or_default();
    Some(format!("{namespace}/{name}"))
}

fn group(group: &PasswordSyncGroup) -> Group {
    let status = group.status.clone().unwrap_or_default();
    let org = status.tenant.as_ref().map_or("?", |tenant| &tenant.org);
    let has = match (&status.group_id, &status.name) {
        (Some(id), Some(name)) => format!("group \"{name}\" ({id}) of tenant {org}"),
        (Some(id), None) => format!("group {id} of tenant {org}"),
        (None, _) if status.intent.is_some() => "a group that is being created".to_owned(),
        (None, _) => "no group of a tenant yet".to_owned(),
    };
    let annotations = group.annotations();
    let ready = status.conditions.iter().find(|it| it.type_ == "Ready");
    let why = ready.map(|it| format!("{} {}", it.reason, it.message));
    let going = group.metadata.deletion_timestamp.is_some();
    Group {
        name: place(&group.metadata),
        has,
        protected: annotations
            .get(names::PROTECT)
            .is_some_and(|it| it == "true"),
        waits: going
            .then(|| why.unwrap_or_else(|| "the operator has not looked at it yet".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn live(groups: Value, tenants: Value) -> Live {
        let groups: Vec<PasswordSyncGroup> = serde_json::from_value(groups).unwrap();
        let tenants: Vec<IdentityTenant> = serde_json::from_value(tenants).unwrap();
        let named = tenants.into_iter().map(|it| {
            let name = psg_domain::TenantName::new(it.namespace().unwrap(), it.name_any());
            (name, it)
        });
        Live {
            groups,
            tenants: named.collect(),
            warnings: Vec::new(),
        }
    }

    fn group(name: &str, metadata: &Value) -> Value {
        let mut object = json!({
            "metadata": {"name": name, "namespace": "identity", "uid": name,
                "finalizers": ["passwordsync.dev/reassign-policy"]},
            "spec": {"name": "Shared", "passwordPolicyRef": {"name": "P"}, "sourceRefs": []},
            "status": {"observedGeneration": 1, "groupID": "g1", "name": "Shared",
                "tenant": {"org": "acme", "tenantID": "t"},
                "conditions": [{"type": "Ready", "status": "False", "reason": "DeletionPaused",
                    "message": "2 of 3", "lastTransitionTime": "2026-11-23T05:00:00Z"}]},
        });
        let more = metadata.as_object().unwrap().clone();
        object["metadata"].as_object_mut().unwrap().extend(more);
        object
    }

    fn tenant(finalizers: &Value, secret: &Value) -> Value {
        json!({
            "metadata": {"name": "default", "namespace": "identity", "finalizers": finalizers},
            "spec": {"credentialsSecretRef": {"name": "tenant"}},
            "status": {"observedGeneration": 1, "protectedSecret": secret},
        })
    }

    fn text(remains: &Remains) -> String {
        crate::terminal::print(&remains.page().0, false)
    }

    #[test]
    fn only_what_holds_a_finalizer_remains() {
        let free = group("free", &json!({"finalizers": []}));
        let live = live(json!([free]), json!([tenant(&json!([]), &Value::Null)]));
        let remains = Remains::of(&live);
        assert!(remains.is_empty(), "{remains:?}");
        assert!(
            text(&remains).contains("helm uninstall"),
            "{}",
            text(&remains)
        );
    }

    #[test]
    fn each_object_is_named_with_what_it_has_and_both_ways_on() {
        let going = json!({"deletionTimestamp": "2026-11-23T05:00:00Z"});
        let groups = json!([group("one", &json!({})), group("going", &going)]);
        let tenants = json!([tenant(
            &json!(["passwordsync.dev/in-use"]),
            &json!("tenant")
        )]);
        let remains = Remains::of(&live(groups, tenants));
        let said = text(&remains);
        for part in [
            "psg/identity/one\n    group \"Shared\" (g1) of tenant acme\n",
            "being deleted: DeletionPaused 2 of 3",
            "  idt/identity/default\n",
            "  secret/identity/tenant\n",
            "kubectl psg uninstall --orphan",
            "kubectl psg uninstall --delete",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(
            said.lines().all(|line| line.chars().count() <= 80),
            "{said}"
        );
        assert_eq!(remains.count(), 4);
        assert_eq!(remains.words(Way::Delete), "delete 2");
        assert!(
            remains
                .whys()
                .contains("psg/identity/going: DeletionPaused 2 of 3")
        );
    }

    #[test]
    fn a_protected_group_stops_it_before_anything_is_changed() {
        let annotated = json!({"annotations": {"passwordsync.dev/protect": "true"}});
        let groups = json!([group("one", &json!({})), group("kept", &annotated)]);
        let remains = Remains::of(&live(groups, json!([])));
        let refused = remains.may_go(Way::Orphan).unwrap_err();
        assert!(
            refused.contains("psg/identity/kept; nothing was changed"),
            "{refused}"
        );
        let one = Remains::of(&live(json!([group("one", &json!({}))]), json!([])));
        assert_eq!(one.may_go(Way::Delete), Ok(()));
    }
}
