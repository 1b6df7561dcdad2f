//! Tests: what the lists say of a small tenant, as tables and as documents.

use std::collections::BTreeSet;

use psg_api::PasswordSyncGroup;
use psg_domain::{Kind, Unreadable};
use serde_json::json;

use super::{
    build,
    document::{API_VERSION, Document},
    fixture::{group, key, policy, seen, source},
    owners,
    tenants::Seen,
    text,
};
use crate::{
    forms,
    tenant::{Accounts, Owners},
    terminal,
};

fn tenant() -> Seen {
    let mut ad = source("ad", "Active Directory", &["strong"]);
    ad.authenticates = true;
    let mut hr = source("hr", "HR\u{1b}[2J files", &[]);
    (hr.direct, hr.password) = (Some(false), false);
    let mut mf = source("mf", "Mainframe", &["weak"]);
    (mf.direct, mf.healthy) = (None, false);
    mf.status = "SOURCE_STATE_ERROR_CLUSTER".to_owned();
    let sources = vec![ad, hr, mf, source("sf", "Salesforce", &["strong"])];
    let policies = vec![policy("strong", "Strong"), policy("weak", "Weak")];
    let groups = vec![
        group("g1", "Staff", "strong", &["ad", "sf"]),
        group("g2", "Odd", "gone", &["mf", "lost"]),
    ];
    let mut seen = seen(sources, policies, groups);
    let odd = Unreadable {
        kind: Kind::Source,
        name: Some("Torn".to_owned()),
        id: None,
        sources: BTreeSet::new(),
        all_sources: false,
        why: "it has no id".to_owned(),
    };
    seen.picture
        .merge_unreadable_facts(vec![odd], BTreeSet::new());
    seen
}

/// A resource whose status has the first group, of the tenant of this org.
fn resource(name: &str, mode: &str, origin: &str, org: &str) -> PasswordSyncGroup {
    let object = json!({
        "metadata": {"name": name, "namespace": "identity"},
        "spec": {
            "name": name, "passwordPolicyRef": {"name": "P"}, "sourceRefs": [],
            "managementPolicy": mode,
        },
        "status": {
            "observedGeneration": 1, "groupID": "g1", "origin": origin,
            "tenant": {"org": org, "tenantID": "t"},
        },
    });
    serde_json::from_value(object).unwrap()
}

/// The same with a cluster, in which a resource manages the first group.
fn owned() -> Seen {
    let resources = [
        resource("looks", "Observe", "Observed", "acme"),
        resource("away", "Enforce", "Created", "other"),
        resource("staff", "Enforce", "Adopted", "acme"),
        resource("late", "Observe", "Observed", "acme"),
    ];
    let places = BTreeSet::from([psg_domain::TenantName::new("identity", "default")]);
    Seen {
        namespace: Some("identity".to_owned()),
        owners: owners::of(&key(), &places, &resources),
        ..tenant()
    }
}

fn document<T>(kind: &'static str, list: Kind, seen: &Seen, items: Vec<T>) -> Document<T> {
    Document {
        api_version: API_VERSION,
        kind,
        tenants: vec![build::tenant(seen, list, items)],
        warnings: vec!["beware".to_owned()],
    }
}

fn sources(seen: &Seen, accounts: Option<&Accounts>) -> Document<super::document::Source> {
    let owners = Owners::from([(source("ad", "", &[]).id, "Ada\u{202e} Kaya".to_owned())]);
    document(
        "Sources",
        Kind::Source,
        seen,
        build::sources(seen, Some(&owners), accounts),
    )
}

fn groups(seen: &Seen) -> Document<super::document::Group> {
    document("Groups", Kind::Group, seen, build::groups(seen))
}

fn policies(seen: &Seen) -> Document<super::document::Policy> {
    document("Policies", Kind::Policy, seen, build::policies(seen))
}

#[test]
fn tables_are_as_expected() {
    let shown = |lines: Vec<terminal::Line>| terminal::print(&lines, false);
    let counted = Accounts::from([(source("ad", "", &[]).id, 1234)]);
    let all = [
        shown(text::sources(&sources(&tenant(), None), false)),
        shown(text::sources(&sources(&owned(), Some(&counted)), true)),
        shown(text::policies(&policies(&tenant()), false)),
        shown(text::policies(&policies(&tenant()), true)),
        shown(text::groups(&groups(&owned()), false)),
        shown(text::groups(&groups(&tenant()), false)),
        shown(text::groups(&groups(&owned()), true)),
    ];
    let all = all.join("=====\n");
    if std::env::var_os("PSG_BLESS").is_some() {
        std::fs::write("inventory/expected.txt", &all).unwrap();
    }
    assert_eq!(all, include_str!("expected.txt"), "\n{all}");
}

#[test]
fn documents_hold_everything_by_stable_names() {
    let counted = Accounts::from([(source("ad", "", &[]).id, 1234)]);
    let seen = owned();
    let json = forms::json(&sources(&seen, Some(&counted))).unwrap();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&read["apiVersion"], &read["kind"], &read["warnings"]),
        (
            &json!("inventory.passwordsync.dev/v1alpha1"),
            &json!("Sources"),
            &json!(["beware"])
        )
    );
    let tenant = &read["tenants"][0];
    assert_eq!(tenant["identityTenants"], json!(["default"]));
    assert_eq!(
        tenant["unreadable"],
        json!(["source \"Torn\": it has no id"])
    );
    let managed = json!({"namespace": "identity", "name": "staff", "managementPolicy": "Enforce"});
    assert_eq!(
        tenant["items"][0],
        json!({
            "name": "Active Directory", "id": "ad", "type": "direct", "changesPasswords": true,
            "authenticates": true, "healthy": true, "status": "SOURCE_STATE_HEALTHY",
            "owner": "Ada\u{202e} Kaya", "applications": 1, "accounts": 1234,
            "policies": [{"name": "Strong", "id": "strong"}],
            "groups": [{"name": "Staff", "id": "g1", "resource": managed}],
        })
    );
    assert_eq!(tenant["items"][1]["name"], json!("HR\u{1b}[2J files"));
    let types = tenant["items"].as_array().unwrap().iter();
    let types: Vec<_> = types.map(|source| source["type"].clone()).collect();
    assert_eq!(types, ["direct", "fileFed", "unknown", "direct"]);
    let groups = serde_json::to_value(groups(&seen)).unwrap();
    assert_eq!(
        groups["tenants"][0]["items"],
        json!([
            {"name": "Odd", "id": "g2", "policy": {"name": "", "id": "gone"}, "resource": null,
             "sources": [{"name": "", "id": "lost"}, {"name": "Mainframe", "id": "mf"}]},
            {"name": "Staff", "id": "g1", "policy": {"name": "Strong", "id": "strong"},
             "resource": managed,
             "sources": [{"name": "Active Directory", "id": "ad"}, {"name": "Salesforce", "id": "sf"}]},
        ])
    );
    let yaml = forms::yaml(&sources(&seen, Some(&counted))).unwrap();
    let same: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(same, read);
}
