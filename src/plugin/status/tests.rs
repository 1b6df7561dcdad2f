//! Tests: what is said of a few resources, as text and as a document.

use std::collections::BTreeMap;

use psg_api::{IdentityTenant, PasswordSyncGroup};
use serde_json::{Value, json};

use super::{build, code, document::Document, text};
use crate::{forms, live::Live, terminal};

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": "Ready", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-23T05:00:00Z",
    })
}

fn tenant(namespace: &str, name: &str, ready: &Value) -> IdentityTenant {
    let object = json!({
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
        "spec": {"credentialsSecretRef": {"name": "tenant"}, "readInterval": "60s"},
        "status": {
            "observedGeneration": 1, "conditions": [ready], "host": "acme.api.identitynow.com",
            "groups": 12, "managedGroups": 9,
        },
    });
    serde_json::from_value(object).unwrap()
}

/// A group that wants these sources, and whose status records those.
fn group(name: &str, wanted: &[&str], held: &[&str], ready: &Value) -> PasswordSyncGroup {
    let refs: Vec<Value> = wanted.iter().map(|name| json!({"name": name})).collect();
    let pin = |name: &&str| json!({"ref": name, "id": format!("id-{name}"), "name": name});
    let pins: Vec<Value> = held.iter().map(pin).collect();
    let object = json!({
        "metadata": {"name": name, "namespace": "identity", "generation": 2},
        "spec": {"name": name, "passwordPolicyRef": {"name": "P"}, "sourceRefs": refs},
        "status": {"observedGeneration": 2, "conditions": [ready], "sources": pins},
    });
    serde_json::from_value(object).unwrap()
}

fn in_sync() -> Value {
    ready("True", "InSync", "2 sources share password policy \"P\"")
}

fn live(tenants: Vec<IdentityTenant>, groups: Vec<PasswordSyncGroup>) -> Live {
    let named = tenants.into_iter().map(|tenant| {
        let place = super::resource::place(&tenant.metadata);
        (
            psg_domain::TenantName::new(place.namespace, place.name),
            tenant,
        )
    });
    Live {
        groups,
        tenants: named.collect::<BTreeMap<_, _>>(),
        warnings: Vec::new(),
    }
}

fn reading() -> IdentityTenant {
    tenant(
        "identity",
        "default",
        &ready("True", "Reading", "the tenant is read"),
    )
}

/// Two wait in a circle, one has a message that is long and odd, one has no status yet, one was edited just
/// now, one is being deleted, and one is paused.
fn troubled() -> Live {
    let waits = "source \"Workday\" is still held by PasswordSyncGroup \"beta\" (group \"Beta\"); it is to \
                 leave there, and joins by itself then";
    let blocked = "\"AD\" is held by PasswordSyncGroup \"alpha\"";
    let long = format!(
        "no source \"Sales\u{1b}[2J\": {}",
        "did you mean this one? ".repeat(20)
    );
    let mut fresh = group("fresh", &["X", "Y"], &[], &in_sync());
    fresh.status = None;
    let mut edited = group("edited", &["X", "Y"], &["X", "Y"], &in_sync());
    edited.metadata.generation = Some(3);
    let going = json!({"deletionTimestamp": "2026-11-23T05:00:00Z"});
    let mut going_group = group(
        "going",
        &["X", "Y"],
        &[],
        &ready("False", "DeletionBlocked", "no answer"),
    );
    going_group.metadata.deletion_timestamp =
        serde_json::from_value(going["deletionTimestamp"].clone()).unwrap();
    let mut paused = group("paused", &["X", "Y"], &[], &in_sync());
    let mut condition = paused.status.as_ref().unwrap().conditions[0].clone();
    (condition.known.type_, condition.known.reason) = ("Paused".to_owned(), "Paused".to_owned());
    paused.status.as_mut().unwrap().conditions.push(condition);
    let lonely = "there is no Secret \"no-such-secret\" in namespace \"identity\"";
    live(
        vec![
            reading(),
            tenant(
                "identity",
                "lonely",
                &ready("False", "SecretNotFound", lonely),
            ),
        ],
        vec![
            paused,
            going_group,
            group("good", &["X", "Y"], &[], &in_sync()),
            group(
                "alpha",
                &["GitHub", "Workday"],
                &["GitHub", "AD"],
                &ready("False", "WaitingForSource", waits),
            ),
            group(
                "beta",
                &["AD", "Box"],
                &["Workday", "Box"],
                &ready("False", "SourceSwapBlocked", blocked),
            ),
            group(
                "long",
                &["X", "Y"],
                &[],
                &ready("False", "SourceNotFound", &long),
            ),
            fresh,
            edited,
        ],
    )
}

fn shown(document: &Document) -> String {
    terminal::print(&text::lines(document), false)
}

#[test]
fn the_screen_is_as_expected() {
    let here = Some("identity");
    let calm = live(
        vec![reading()],
        vec![group("good", &["X"], &["X"], &in_sync())],
    );
    let mut torn = build::document(&calm, here);
    torn.warnings =
        vec!["PasswordSyncGroup identity/odd cannot be read and is left out".to_owned()];
    let all = [
        shown(&build::document(&troubled(), here)),
        shown(&build::document(&troubled(), None)),
        shown(&torn),
        shown(&build::document(&Live::default(), here)),
    ];
    let all = all.join("=====\n");
    if std::env::var_os("PSG_BLESS").is_some() {
        std::fs::write("status/expected.txt", &all).unwrap();
    }
    assert_eq!(all, include_str!("expected.txt"), "\n{all}");
    assert!(all.lines().all(|line| line.chars().count() <= 80), "{all}");
}

#[test]
fn the_exit_code_says_whether_all_are_ready() {
    let good = || group("good", &["X"], &["X"], &in_sync());
    let of = |live: &Live| code(&build::document(live, None));
    assert_eq!(of(&live(vec![reading()], vec![good()])), 0);
    assert_eq!(of(&Live::default()), 0);
    assert_eq!(of(&troubled()), 2);
    let unknown = tenant("a", "b", &ready("Unknown", "TenantUnreachable", ""));
    assert_eq!(of(&live(vec![unknown], vec![good()])), 2);
    let mut torn = live(vec![reading()], vec![good()]);
    torn.warnings.push("left out".to_owned());
    assert_eq!(of(&torn), 1);
    let mut going = good();
    going.metadata.deletion_timestamp =
        serde_json::from_value(json!("2026-11-23T05:00:00Z")).unwrap();
    assert_eq!(of(&live(vec![reading()], vec![going])), 2);
}

#[test]
fn what_waits_is_found_by_the_manifests_and_the_statuses() {
    let found = |live: &Live| {
        let document = build::document(live, None);
        let waits = document.waits.iter().map(|wait| {
            format!(
                "{}>{}:{}",
                wait.waiting.name, wait.holder.name, wait.source.0
            )
        });
        waits.collect::<Vec<String>>()
    };
    assert_eq!(found(&troubled()), ["alpha>beta:Workday", "beta>alpha:AD"]);
    // Of another tenant the same name means another source.
    let waiting = ready("False", "WaitingForSource", "");
    let pinned = |org: &str| serde_json::from_value(json!({"org": org, "tenantID": "t"})).unwrap();
    let mut seeker = group("seeker", &["A", "B"], &["A"], &waiting);
    let mut holder = group("holder", &["C", "D"], &["B", "C", "D"], &in_sync());
    let both = |seeker: &PasswordSyncGroup, holder: &PasswordSyncGroup| {
        found(&live(Vec::new(), vec![seeker.clone(), holder.clone()]))
    };
    assert_eq!(both(&seeker, &holder), ["seeker>holder:B"]);
    seeker.status.as_mut().unwrap().tenant = pinned("acme");
    holder.status.as_mut().unwrap().tenant = pinned("other");
    assert_eq!(both(&seeker, &holder), Vec::<String>::new());
    // One that was let go counts until it has its policy back.
    let mut left = group("holder", &["C", "D"], &["C", "D"], &in_sync());
    let leaving = json!([{"id": "id-B", "name": "B", "policyID": "p"}]);
    left.status.as_mut().unwrap().leaving = serde_json::from_value(leaving).unwrap();
    seeker.status.as_mut().unwrap().tenant = None;
    assert_eq!(both(&seeker, &left), ["seeker>holder:B"]);
}

#[test]
fn the_document_holds_everything_by_stable_names() {
    let json = forms::json(&build::document(&troubled(), Some("identity"))).unwrap();
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["apiVersion"], "status.passwordsync.dev/v1alpha1");
    assert_eq!(
        (&read["kind"], &read["namespace"]),
        (&json!("Status"), &json!("identity"))
    );
    assert_eq!(
        read["tenants"][0],
        json!({
            "namespace": "identity", "name": "default", "ready": true, "reason": "Reading",
            "message": "the tenant is read", "since": "2026-11-23T05:00:00Z",
            "host": "acme.api.identitynow.com", "groups": 12, "managedGroups": 9, "readInterval": "60s",
        })
    );
    assert_eq!(
        read["groups"][3],
        json!({
            "namespace": "identity", "name": "fresh", "group": "fresh", "tenant": "default",
            "ready": false, "reason": "Pending",
            "message": "the operator has not said anything of it yet", "since": null,
            "paused": false, "deleting": false,
        })
    );
    assert_eq!(
        read["waits"][0],
        json!({
            "waiting": {"namespace": "identity", "name": "alpha"}, "source": "Workday",
            "holder": {"namespace": "identity", "name": "beta"},
        })
    );
    assert_eq!(
        read["summary"],
        json!({"tenants": 2, "tenantsReady": 1, "groups": 8, "groupsReady": 2, "groupsPaused": 1})
    );
    assert_eq!(read["reasons"][0], json!({"reason": "InSync", "groups": 2}));
    let yaml = forms::yaml(&build::document(&troubled(), Some("identity"))).unwrap();
    let same: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(same, read);
}
