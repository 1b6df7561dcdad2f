//! Objects that cannot be read: what they hold stays theirs, and nobody else is held up.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::runtime::watcher::Event;
use psg_api::{IdentityTenant, PasswordSyncGroup, names};
use psg_domain::{GroupId, TenantKey, TenantName};
use psg_plan::TenantState;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    objects,
    process::{Life, Process},
    tenant,
    world::World,
};
use crate::{
    Context,
    group::claims::claimant,
    kubernetes::tolerant::Tolerant,
    watch::{
        handlers::{observe, observe_tenant},
        tell_unreadable,
    },
};

/// A process that has seen nothing yet, and what a watch shows it.
struct Shown {
    world: Arc<World>,
    process: Process,
    listed: BTreeSet<String>,
    tenants_listed: BTreeSet<TenantName>,
    actors: JoinSet<()>,
}

impl Shown {
    fn new() -> Self {
        let world = World::new(tenant::small(2, &json!({}), &json!("none"), 1));
        Self {
            process: Process::start(&world, Life::default()),
            world,
            listed: BTreeSet::new(),
            tenants_listed: BTreeSet::new(),
            actors: JoinSet::new(),
        }
    }

    fn context(&self) -> &Arc<Context> {
        &self.process.context
    }

    /// The groups that cannot be read.
    fn unreadable(&self) -> Vec<String> {
        let names = self.context().unreadable.names::<PasswordSyncGroup>();
        names.into_iter().map(|group| group.name).collect()
    }

    fn group(&mut self, event: &Event<Tolerant<PasswordSyncGroup>>) {
        observe(event, &None, &mut self.listed, &self.process.context);
    }

    fn tenant(&mut self, event: Event<Tolerant<IdentityTenant>>) {
        let (context, listed) = (&self.process.context, &mut self.tenants_listed);
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
    claims.identify(&TenantName::new("identity", "default"), &key);
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
    let eager = |shown: &Shown| shown.context().claims().claimant("holder").unwrap().eager;
    assert!(eager(&shown));
    shown.group(&Event::Apply(odd.clone()));
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));
    assert!(!eager(&shown), "it cannot act");

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

/// Nobody tells that it went: the next list is one without it.
#[tokio::test(start_paused = true)]
async fn a_group_that_went_while_the_watch_was_cut_holds_nothing() {
    let mut shown = Shown::new();
    let rival = || read(&group("rival", "Enforce", None));
    shown.group(&Event::Apply(read(&group("holder", "Enforce", Some("g1")))));
    shown.group(&Event::Apply(rival()));
    identified(&shown);
    assert_eq!(shown.owner("rival").as_deref(), Some("holder"));
    shown.group(&Event::Init);
    shown.group(&Event::InitApply(rival()));
    shown.group(&Event::InitDone);
    assert_eq!(shown.owner("rival"), None);
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
    let needs = |shown: &Shown| {
        shown
            .context()
            .claims()
            .is_in_use(&TenantName::new("identity", "default"), true)
    };
    assert!(!needs(&shown));
    odd["metadata"]["finalizers"] = json!([names::FINALIZER]);
    shown.group(&Event::Delete(read(&odd)));
    shown.group(&Event::Apply(read(&odd)));
    assert!(needs(&shown), "it has a finalizer");
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
    assert!(
        shown
            .context()
            .tenants
            .get(&TenantName::new("identity", "acme"))
            .is_none()
    );

    // Mended: it has an actor. Spoilt again: what it had is blocked, and its actor ends.
    shown.tenant(Event::Apply(good()));
    assert_eq!(shown.context().unreadable.why::<IdentityTenant>(name), None);
    let tenant = shown
        .context()
        .tenants
        .get(&TenantName::new("identity", "acme"))
        .unwrap();
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
    let again = shown
        .context()
        .tenants
        .get(&TenantName::new("identity", "acme"))
        .unwrap();
    assert!(!Arc::ptr_eq(&tenant, &again) && !again.gone.is_cancelled());
    shown.tenant(Event::Delete(good()));
    assert!(again.gone.is_cancelled(), "its actor ends");
    shown.tenant(Event::Apply(good()));

    // A list without it: gone, readable or not.
    shown.tenant(Event::Apply(odd()));
    shown.tenant(Event::Init);
    shown.tenant(Event::InitDone);
    assert!(
        shown
            .context()
            .tenants
            .get(&TenantName::new("identity", "acme"))
            .is_none()
    );
    assert!(
        shown
            .context()
            .unreadable
            .names::<IdentityTenant>()
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_counted_and_told_once() {
    let mut shown = Shown::new();
    let (context, world) = (Arc::clone(shown.context()), Arc::clone(&shown.world));
    tokio::spawn(async move { tell_unreadable(&context).await });
    // Its own first list is empty.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let with = |name: Value| {
        let mut object = group("holder", "Enforce", None);
        object["spec"]["name"] = name;
        read(&object)
    };
    shown.group(&Event::Apply(with(json!(7))));
    shown.group(&Event::Apply(with(json!(7))));
    let told = async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let trace = world.trace();
        trace
            .iter()
            .filter(|line| line.contains(" event on Some(\"holder\"): InvalidSpec"))
            .count()
    };
    let counted = |shown: &Shown| {
        let figures = shown.process.figures();
        let line = figures
            .lines()
            .find(|line| line.starts_with("psg_undecodable{kind=\"PasswordSyncGroup\""));
        line.unwrap().to_owned()
    };
    assert_eq!(told().await, 1);
    assert_eq!(
        counted(&shown),
        "psg_undecodable{kind=\"PasswordSyncGroup\"} 1"
    );
    shown.group(&Event::Apply(with(json!(null))));
    assert_eq!(told().await, 2, "it is wrong in another way");
    shown.group(&Event::Apply(with(json!("G"))));
    assert_eq!(told().await, 2);
    assert_eq!(
        counted(&shown),
        "psg_undecodable{kind=\"PasswordSyncGroup\"} 0"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_of_one_namespace_says_nothing_of_another() {
    let mut shown = Shown::new();
    let tenant = |namespace: &str| {
        let metadata = json!({"name": "acme", "namespace": namespace, "uid": namespace});
        Tolerant::Read(Arc::new(objects::tenant(&metadata)))
    };
    shown.tenant(Event::Apply(tenant("one")));
    shown.tenant(Event::Apply(tenant("two")));
    let mut listed = BTreeSet::new();
    for event in [Event::Init, Event::InitDone] {
        let context = &shown.process.context;
        observe_tenant(
            event,
            &Some("one".to_owned()),
            &mut listed,
            context,
            &mut shown.actors,
        );
    }
    assert!(
        shown
            .context()
            .tenants
            .get(&TenantName::new("one", "acme"))
            .is_none()
    );
    assert!(
        shown
            .context()
            .tenants
            .get(&TenantName::new("two", "acme"))
            .is_some()
    );
}

/// A group wins what nobody holds only if it may act.
#[test]
fn who_is_observed_paused_or_deleted_is_not_eager() {
    let now = Timestamp::UNIX_EPOCH;
    let eager = |change: fn(&mut Value)| {
        let mut object = group("one", "Enforce", None);
        change(&mut object);
        let object: PasswordSyncGroup = serde_json::from_value(object).unwrap();
        claimant(&object, now).unwrap().eager
    };
    assert!(eager(|_| {}));
    assert!(!eager(
        |group| group["spec"]["managementPolicy"] = json!("Observe")
    ));
    let deleted =
        |group: &mut Value| group["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(!eager(deleted));
    let paused = |group: &mut Value| {
        group["metadata"]["annotations"] = json!({names::PAUSED_UNTIL: "1970-01-01T00:00:01Z"});
    };
    assert!(!eager(paused));
    let no_longer = |group: &mut Value| {
        group["metadata"]["annotations"] = json!({names::PAUSED_UNTIL: "1970-01-01T00:00:00Z"});
    };
    assert!(eager(no_longer));
}
