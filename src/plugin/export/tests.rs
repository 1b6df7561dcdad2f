//! Tests: what is exported, and that to apply it changes nothing.

mod properties;

use std::collections::BTreeSet;

use psg_api::PasswordSyncGroup;
use psg_domain::GroupId;

use super::{Written, all, choose, folder, manifest::Style, print};
use crate::{
    inventory::{
        fixture::{at, group, policy, seen, source},
        owners,
        tenants::Seen,
    },
    manifests::{self, Manifest},
};

const PLAIN: Style = Style {
    takeover: false,
    portable: false,
};
const TAKEOVER: Style = Style {
    takeover: true,
    portable: false,
};
const PORTABLE: Style = Style {
    takeover: false,
    portable: true,
};

fn export(seen: &Seen, words: &[&str], style: Style) -> Result<Vec<Written>, String> {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let chosen = choose::groups(&words, &[seen])?;
    Ok(all(&[seen], &chosen, style, None, at(200)))
}

fn text(seen: &Seen, style: Style) -> String {
    print::text(&export(seen, &[], style).unwrap()).unwrap()
}

fn tenant() -> Seen {
    let mut files = source("fi", "Files", &[]);
    files.direct = Some(false);
    let sources = vec![
        source("ad", "Active Directory", &["p"]),
        source("sf", "Salesforce: \"EMEA\"", &["p"]),
        source("x1", "Twin", &["p"]),
        source("x2", "Twin", &["p"]),
        source("y1", "yes", &["p"]),
        files,
    ];
    let groups = vec![
        group("g-1", "Staff", "p", &["ad", "sf"]),
        group("g-2", "-1: \u{202e}null", "p", &["x1", "y1"]),
        group("g-3", "Gone policy", "gone", &["ad", "sf"]),
        group("g-4", "Alone", "p", &["x2"]),
        group("g-5", "Lost source", "p", &["x2", "lost"]),
        group("g-6", "By files", "p", &["x2", "fi"]),
        group("g-7", " ", "p", &["x2", "fi"]),
    ];
    seen(sources, vec![policy("p", "Strong")], groups)
}

#[test]
fn what_is_exported_is_as_expected() {
    let shown = [
        text(&tenant(), PLAIN),
        text(&tenant(), TAKEOVER),
        text(&tenant(), PORTABLE),
    ];
    let shown = shown.join("=====\n");
    if std::env::var_os("PSG_BLESS").is_some() {
        std::fs::write("export/tests/expected.txt", &shown).unwrap();
    }
    assert_eq!(shown, include_str!("tests/expected.txt"), "\n{shown}");
}

#[test]
fn a_group_of_more_sources_than_a_manifest_holds_is_left_out() {
    let ids: Vec<String> = (0..101).map(|number| format!("s{number}")).collect();
    let sources = ids.iter().map(|id| source(id, id, &["p"])).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let groups = vec![group("g", "Wide", "p", &ids)];
    let said = text(&seen(sources, vec![policy("p", "P")], groups), PLAIN);
    assert_eq!(
        said,
        "# Group \"Wide\" (g) is left out: it has 101 sources, and a manifest holds at most\n\
         # 100\n"
    );
}

#[test]
fn a_group_is_asked_for_by_name_or_id() {
    let groups = vec![
        group("g1", "Staff", "p", &["a", "b"]),
        group("g2", "Twin", "p", &["a", "b"]),
        group("g3", "Twin", "p", &["a", "b"]),
    ];
    let tenant = seen(vec![], vec![], groups);
    let chosen = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        choose::groups(&words, &[&tenant])
    };
    let ids = |ids: &[&str]| -> BTreeSet<GroupId> {
        ids.iter().map(|id| GroupId::parse(id).unwrap()).collect()
    };
    assert_eq!(chosen(&["Staff", "g3"]), Ok(vec![ids(&["g1", "g3"])]));
    assert_eq!(chosen(&[]), Ok(vec![ids(&["g1", "g2", "g3"])]));
    assert_eq!(
        chosen(&["Twin"]).unwrap_err(),
        "2 password sync groups are called \"Twin\": name one by its id (g2, g3)"
    );
    assert_eq!(
        chosen(&["staf"]).unwrap_err(),
        "acme.api.identitynow.com: there is no password sync group \"staf\": did you mean \"Staff\" (g1)?"
    );
    assert_eq!(
        chosen(&["Zebra"]).unwrap_err(),
        "acme.api.identitynow.com: there is no password sync group \"Zebra\"; `kubectl psg groups` lists them"
    );
    assert_eq!(
        choose::groups(&[], &[&seen(vec![], vec![], vec![])]).unwrap_err(),
        "acme.api.identitynow.com: there is no password sync group, and so nothing to export"
    );
}

/// The first two share a source, as do the second and the third.
#[test]
fn groups_that_share_a_source_cannot_be_taken_over_together() {
    let sources = ["a", "b", "c", "d"].map(|id| source(id, id, &["p"]));
    let groups = vec![
        group("g1", "One", "p", &["a", "b"]),
        group("g2", "Two", "p", &["b", "c"]),
        group("g3", "Three", "p", &["c", "d"]),
    ];
    let tenant = seen(sources.to_vec(), vec![policy("p", "P")], groups);
    let written = export(&tenant, &[], TAKEOVER).unwrap();
    let left_out = |one: &Written| matches!(one, Written::LeftOut(..));
    assert!(written.iter().all(left_out), "{written:?}");
    let written = export(&tenant, &[], PLAIN).unwrap();
    assert!(!written.iter().any(left_out), "{written:?}");
}

#[test]
fn groups_of_two_tenants_have_names_and_tenants_of_their_own() {
    let sources = ["a", "b"].map(|id| source(id, id, &["p"]));
    let one = |id, name: &str| {
        let group = group(id, "Staff", "p", &["a", "b"]);
        let mut seen = seen(sources.to_vec(), vec![policy("p", "P")], vec![group]);
        seen.names = vec![name.to_owned()];
        seen
    };
    let (red, blue) = (one("g1", "red"), one("g2", "blue"));
    let seen = [&red, &blue];
    let chosen = choose::groups(&[], &seen).unwrap();
    let written = all(&seen, &chosen, TAKEOVER, Some("identity"), at(200));
    let text = print::text(&written).unwrap();
    let found = manifests::of_text("export", &text).unwrap().groups;
    let told = found.iter().map(|Manifest { group, .. }| {
        let metadata = &group.metadata;
        let place = (metadata.namespace.as_deref(), metadata.name.as_deref());
        (place, group.spec.tenant_ref.name.as_str())
    });
    let told: Vec<_> = told.collect();
    let identity = Some("identity");
    let expected = [
        ((identity, Some("staff")), "red"),
        ((identity, Some("staff-g2")), "blue"),
    ];
    assert_eq!(told, expected);
    let ambiguous = choose::groups(&["Staff".to_owned()], &seen).unwrap_err();
    assert!(
        ambiguous.contains("g1 in acme.api.identitynow.com, g2 in"),
        "{ambiguous}"
    );
}

fn stored(name: &str, group: &str, origin: &str) -> PasswordSyncGroup {
    let object = serde_json::json!({
        "metadata": {"name": name, "namespace": "identity"},
        "spec": {"name": name, "passwordPolicyRef": {"name": "P"}, "sourceRefs": []},
        "status": {"observedGeneration": 1, "groupID": group, "origin": origin},
    });
    serde_json::from_value(object).unwrap()
}

#[test]
fn resources_of_the_cluster_are_neither_replaced_nor_rivalled() {
    let sources = ["a", "b", "c", "d", "e", "f"].map(|id| source(id, id, &["p"]));
    let groups = vec![
        group("g1", "Managed", "p", &["a", "b"]),
        group("g2", "Looked at", "p", &["c", "d"]),
        group("g3", "Other", "p", &["e", "f"]),
    ];
    let mut tenant = seen(sources.to_vec(), vec![policy("p", "P")], groups);
    tenant.namespace = Some("identity".to_owned());
    let resources = [
        stored("corp", "g1", "Created"),
        stored("exported-before", "g2", "Observed"),
        stored("other", "elsewhere", "Created"),
    ];
    let places = BTreeSet::from([psg_domain::TenantName::new("identity", "default")]);
    let key = crate::inventory::fixture::key();
    tenant.owners = owners::of(&key, &places, &resources);
    let said = text(&tenant, PLAIN);
    assert!(
        said.starts_with(
            "# Group \"Managed\" (g1) is left out: PasswordSyncGroup identity/corp has it\n\
             # already\n"
        ),
        "{said}"
    );
    let found = manifests::of_text("export", &said).unwrap().groups;
    let names: Vec<_> = found
        .iter()
        .map(|one| one.group.metadata.name.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["exported-before", "other-g3"]);
    let namespace = found[0].group.metadata.namespace.as_deref();
    assert_eq!(namespace, Some("identity"));
}

#[test]
fn files_are_written_once_and_never_over_others() {
    let folder = std::env::temp_dir().join(format!("kubectl-psg-export-{}", std::process::id()));
    let written = export(&tenant(), &["g-1", "g-4"], PLAIN).unwrap();
    let said = folder::write(&folder, &written).unwrap();
    assert!(said.contains("wrote 1 manifests"), "{said}");
    assert!(said.contains("left out 1 groups"), "{said}");
    let kustomization = std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    assert!(
        kustomization.contains("\nresources:\n- staff.yaml\n"),
        "{kustomization}"
    );
    assert!(
        kustomization.starts_with("# Group \"Alone\" (g-4)"),
        "{kustomization}"
    );
    let found = manifests::read(std::slice::from_ref(&folder), &[]).unwrap();
    assert_eq!((found.groups.len(), found.others), (1, 1));
    std::fs::remove_file(folder.join("staff.yaml")).unwrap();
    std::fs::write(folder.join("kustomization.yaml"), "mine").unwrap();
    let refused = folder::write(&folder, &written).unwrap_err();
    assert!(
        refused.contains("kustomization.yaml is there already"),
        "{refused}"
    );
    assert!(!folder.join("staff.yaml").exists(), "nothing was written");
    let kept = std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
    assert_eq!(kept, "mine");
    std::fs::remove_dir_all(&folder).unwrap();
}
