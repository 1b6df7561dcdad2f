//! Objects that cannot be read: what they hold stays theirs, and nobody else is held up.

use std::{collections::BTreeSet, sync::Arc};

use kube::runtime::watcher::Event;
use psg_api::{IdentityTenant, PasswordSyncGroup};
use psg_domain::{GroupId, TenantKey};
use psg_plan::TenantState;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    process::{Life, Process},
    tenant,
    world::World,
};
use crate::{
    Context,
    intake::{observe, observe_tenant},
    tolerant::Tolerant,
};

/// A process that has seen nothing yet, and what a watch shows it.
struct Shown {
    process: Process,
    listed: BTreeSet<String>,
    actors: JoinSet<()>,
}

impl Shown {
    fn new() -> Self {
        let world = World::new(tenant::small(2, &json!({}), &json!("none"), 1));
        Self {
            process: Process::start(&world, Life::default()),
            listed: BTreeSet::new(),
            actors: JoinSet::new(),
        }
    }

    fn context(&self) -> &Arc<Context> {
        &self.process.context
    }

    /// The groups that cannot be read.
    fn unreadable(&self) -> Vec<String> {
        self.context().unreadable.ids::<PasswordSyncGroup>()
    }

    fn group(&mut self, event: &Event<Tolerant<PasswordSyncGroup>>) {
        observe(event, &None, &mut self.listed, &self.process.context);
    }

    fn tenant(&mut self, event: Event<Tolerant<IdentityTenant>>) {
        let (context, listed) = (&self.process.context, &mut self.listed);
        observe_tenant(event, &None, listed, context, &mut self.actors);
    }

    fn owner(&self, me: &str) -> Option<String> {
        let claims = self.context().claims();
        let group = GroupId::parse("g1").unwrap();
        let owner = claims.owner_of_group(me, &group);
        owner.map(|owner| owner.uid.clone())
    }
}

fn read<K: serde::de::DeserializeOwned>(object: &Value) -> Tolerant<K> {
    serde_json::from_str(&object.to_string()).unwrap()
}

fn group(name: &str, policy: &str, held: Option<&str>) -> Value {
    let mut group = json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
        "metadata": {"name": name, "namespace": "identity", "uid": name, "resourceVersion": "1"},
        "spec": {
            "name": "One", "managementPolicy": policy, "passwordPolicyRef": {"name": "P"},
            "sourceRefs": [{"id": "s1"}, {"id": "s2"}],
        },
    });
    if let Some(held) = held {
        group["status"] = json!({
            "groupID": held, "origin": "Created", "name": "One",
            "tenant": {"org": "acme", "tenantID": "t"},
            "sources": [{"ref": "s1", "id": "s1", "name": "A"}, {"ref": "s2", "id": "s2", "name": "B"}],
        });
    }
    group
}

fn is_unreadable<K>(object: &Tolerant<K>) -> bool {
    matches!(object, Tolerant::Unreadable(_))
}

/// The same key as the status records: as the tenant's own actor says it.
fn identified(shown: &Shown) {
    let key = TenantKey {
        org: "acme".to_owned(),
        tenant_id: "t".to_owned(),
    };
    let mut claims = shown.context().claims_mut();
    claims.identify("identity/default", &key);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_cannot_be_read_keeps_what_it_held() {
    let mut shown = Shown::new();
    shown.group(&Event::InitApply(read(&group(
        "holder",
        "Enforce",
        Some("g1"),
    ))));
    shown.group(&Event::InitApply(read(&group("rival", "Enforce", None))));
    identified(&shown);
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));

    let mut odd = group("holder", "Mandatory", None);
    odd["status"] = json!("gone");
    let odd = read(&odd);
    assert!(is_unreadable(&odd));
    shown.group(&Event::Apply(odd.clone()));
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));

    // A list that shows it is no list without it.
    shown.group(&Event::Init);
    shown.group(&Event::InitApply(odd.clone()));
    shown.group(&Event::InitApply(read(&group("rival", "Enforce", None))));
    shown.group(&Event::InitDone);
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));
    assert_eq!(shown.unreadable(), ["holder"]);

    shown.group(&Event::Delete(odd));
    assert_eq!(shown.owner("rival"), None);
    assert!(shown.unreadable().is_empty());
}

/// As after a restart: nothing is known of it but what is stored.
#[tokio::test(start_paused = true)]
async fn a_process_that_never_could_read_it_leaves_it_what_its_status_says() {
    let mut shown = Shown::new();
    let mut odd = group("holder", "Mandatory", Some("g1"));
    odd["status"]["observedGeneration"] = json!("one");
    shown.group(&Event::InitApply(read(&group("rival", "Enforce", None))));
    shown.group(&Event::InitApply(read(&odd)));
    shown.group(&Event::InitDone);
    identified(&shown);
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));
    let mended = read(&group("holder", "Enforce", Some("g1")));
    assert!(!is_unreadable(&mended));
    shown.group(&Event::Apply(mended));
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));
    assert!(shown.unreadable().is_empty());
}

/// A word of a newer operator: the object is read, its memory is not.
#[tokio::test(start_paused = true)]
async fn a_memory_that_cannot_be_read_is_not_an_empty_one() {
    let mut shown = Shown::new();
    let mut newer = group("holder", "Enforce", Some("g1"));
    newer["status"]["origin"] = json!("Inherited");
    let newer = read(&newer);
    assert!(!is_unreadable(&newer));
    shown.group(&Event::Apply(newer));
    shown.group(&Event::Apply(read(&group("rival", "Enforce", None))));
    identified(&shown);
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_cannot_be_read_is_not_a_tenant_that_is_gone() {
    let mut shown = Shown::new();
    let object = |spec: Value| {
        read::<IdentityTenant>(&json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "IdentityTenant",
            "metadata": {"name": "acme", "namespace": "identity", "uid": "t", "resourceVersion": "1"},
            "spec": spec,
        }))
    };
    let good = || object(json!({"credentialsSecretRef": {"name": "pat"}}));
    let odd = || object(json!({"credentialsSecretRef": "pat"}));
    let name = "identity/acme";

    // Never read: its groups are told what is wrong, and not that there is none.
    shown.tenant(Event::Init);
    shown.tenant(Event::InitApply(odd()));
    shown.tenant(Event::InitDone);
    let why = shown
        .context()
        .unreadable
        .why::<IdentityTenant>(name)
        .unwrap();
    assert!(why.starts_with("spec.credentialsSecretRef: "), "{why}");
    assert!(shown.context().tenants.get(name).is_none());

    // Mended: it has an actor. Spoilt again: what it had is blocked, and its actor ends.
    shown.tenant(Event::Apply(good()));
    assert_eq!(shown.context().unreadable.why::<IdentityTenant>(name), None);
    let tenant = shown.context().tenants.get(name).unwrap();
    shown.tenant(Event::Apply(odd()));
    assert!(tenant.gone.is_cancelled());
    let TenantState::Blocked(finding) = tenant.state().tenant else {
        panic!("{:?}", tenant.state().tenant);
    };
    assert!(
        finding
            .message
            .contains("identity/acme cannot be read: spec."),
        "{finding:?}"
    );

    shown.tenant(Event::Apply(good()));
    let again = shown.context().tenants.get(name).unwrap();
    assert!(!Arc::ptr_eq(&tenant, &again) && !again.gone.is_cancelled());

    // A list without it: gone, readable or not.
    shown.tenant(Event::Apply(odd()));
    shown.tenant(Event::Init);
    shown.tenant(Event::InitDone);
    assert!(shown.context().tenants.get(name).is_none());
    assert!(
        shown
            .context()
            .unreadable
            .ids::<IdentityTenant>()
            .is_empty()
    );
}
