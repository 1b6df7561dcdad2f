//! Every remedy in the catalogue of reasons is tried: a resource is brought into the reason, a person
//! does what it says, the API server takes that, and the group becomes Ready.

use std::{collections::BTreeSet, pin::Pin};

use psg_plan::Reason;
use serde_json::{Value, json};

use crate::support::{World, simulator};

const STRONG: &str = "2c91808d744ba0ce01746f93b6204501";

/// What a person does when the reason shows.
enum Remedy {
    /// Edits the spec.
    Edit(Value),
    /// Mends something else.
    Elsewhere(fn(&World) -> Pin<Box<dyn Future<Output = ()> + '_>>),
}

/// A manifest of its own two sources, which is changed so that it shows the reason.
struct Case {
    reason: Reason,
    broken: Value,
    remedy: Remedy,
}

fn edit(reason: Reason, broken: Value, remedy: Value) -> Case {
    let remedy = Remedy::Edit(remedy);
    Case {
        reason,
        broken,
        remedy,
    }
}

fn source(number: usize) -> String {
    format!("Source {number:02}")
}

fn id_of(number: usize) -> String {
    format!("{:032x}", 0x2c91_8085_0000_0000_u64 + number as u64)
}

/// The believable tenant, with plain sources beside, two of which have one name, and groups that
/// nobody manages.
fn seed() -> Value {
    let mut seed = simulator::acme();
    let plain = |number: usize, name: String| {
        json!({"id": id_of(number), "name": name, "features": ["PASSWORD"],
            "holders": [{"policyId": STRONG}]})
    };
    let sources = seed["sources"].as_array_mut().unwrap();
    sources.extend((0..60).map(|number| plain(number, source(number))));
    sources.extend([90, 91].map(|number| plain(number, "Twin".to_owned())));
    let group = |id: &str, name: &str, members: [usize; 2]| {
        json!({"id": id, "name": name, "passwordPolicyId": STRONG,
            "sourceIds": members.map(id_of)})
    };
    let groups = seed["groups"].as_array_mut().unwrap();
    groups.extend([
        group("aaaaaaaa-0000-4000-8000-000000000001", "Taken", [50, 51]),
        group("aaaaaaaa-0000-4000-8000-000000000002", "Same", [52, 53]),
        group("aaaaaaaa-0000-4000-8000-000000000003", "Same", [54, 55]),
        group("aaaaaaaa-0000-4000-8000-000000000004", "Right", [56, 57]),
        group("aaaaaaaa-0000-4000-8000-000000000005", "Holder", [58, 59]),
    ]);
    seed
}

fn refs(names: &[&str]) -> Value {
    json!(
        names
            .iter()
            .map(|name| json!({"name": name}))
            .collect::<Vec<_>>()
    )
}

fn cases() -> Vec<Case> {
    let with = |number: usize, other: &str| json!({"sourceRefs": refs(&[&source(number), other])});
    let plain =
        |number: usize| json!({"sourceRefs": refs(&[&source(number), &source(number + 1)])});
    vec![
        edit(Reason::SourceNotFound, with(0, "Nowhere"), plain(0)),
        edit(
            Reason::PolicyNotFound,
            json!({"passwordPolicyRef": {"name": "Nowhere"}}),
            json!({"passwordPolicyRef": {"name": "Corporate Strong"}}),
        ),
        edit(
            Reason::AmbiguousReference,
            with(4, "Twin"),
            json!({"sourceRefs": [{"name": source(4)}, {"id": id_of(90)}]}),
        ),
        edit(
            Reason::DuplicateSource,
            json!({"sourceRefs": [{"name": source(6)}, {"id": id_of(6)}, {"name": source(7)}]}),
            plain(6),
        ),
        edit(Reason::NotDirectConnect, with(8, "HR Feed"), plain(8)),
        edit(
            Reason::PasswordNotSupported,
            with(10, "ServiceNow"),
            plain(10),
        ),
        edit(
            Reason::NoApplication,
            with(12, "Partner Directory"),
            plain(12),
        ),
        edit(Reason::PolicyExceptions, with(14, "Oracle ERP"), plain(14)),
        edit(
            Reason::GroupExists,
            json!({"name": "Taken"}),
            json!({"adoptionPolicy": "Overwrite"}),
        ),
        edit(
            Reason::AmbiguousGroup,
            json!({"name": "Same", "adoptionPolicy": "Overwrite"}),
            json!({"groupID": "aaaaaaaa-0000-4000-8000-000000000002"}),
        ),
        edit(
            Reason::GroupNotFound,
            json!({"groupID": "aaaaaaaa-0000-4000-8000-00000000000f", "adoptionPolicy": "Overwrite"}),
            json!({"groupID": "aaaaaaaa-0000-4000-8000-000000000004"}),
        ),
        edit(Reason::OwnedByAnother, with(22, &source(0)), plain(22)),
        Case {
            reason: Reason::SourceInAnotherGroup,
            broken: with(24, &source(58)),
            remedy: Remedy::Elsewhere(|world| {
                Box::pin(async {
                    let holder = "groups/aaaaaaaa-0000-4000-8000-000000000005";
                    world.tenant.delete(holder).await;
                    world.poke("default").await;
                })
            }),
        },
        Case {
            reason: Reason::TenantNotFound,
            broken: json!({"tenantRef": {"name": "missing"}}),
            remedy: Remedy::Elsewhere(|world| {
                let spec = json!({"readInterval": "10s", "identityAPIVersion": "v1"});
                Box::pin(world.apply_tenant("missing", "tenant", spec))
            }),
        },
    ]
}

#[tokio::test]
async fn a_manifest_that_is_corrected_as_its_reason_says_becomes_ready() {
    let world = World::v1("remedies").seed(seed()).start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    for (number, case) in cases().into_iter().enumerate() {
        let name = case.reason.as_str().to_lowercase();
        let mut spec = json!({
            "name": format!("Group {number}"), "passwordPolicyRef": {"name": "Corporate Strong"},
            "sourceRefs": refs(&[&source(2 * number), &source(2 * number + 1)]),
        });
        for (field, value) in case.broken.as_object().unwrap() {
            spec[field] = value.clone();
        }
        world.apply_group(&name, &spec.to_string()).await;
        world.wait_reason(&name, case.reason.as_str()).await;
        match case.remedy {
            Remedy::Edit(remedy) => {
                world.patch_group(&name, json!({"spec": remedy})).await;
            }
            Remedy::Elsewhere(mend) => mend(&world).await,
        }
        world.wait_ready(&name).await;
        eprintln!("{name}: ready");
    }
}

#[tokio::test]
async fn a_managed_group_that_is_corrected_as_its_reason_says_becomes_ready() {
    let world = World::v1("remedies_managed").seed(seed()).start().await;
    let two = refs(&[&source(0), &source(1)]);
    let spec = json!({"name": "Mine", "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": two, "managementPolicy": "OnChange"});
    world.apply_group("mine", &spec.to_string()).await;
    world.wait_ready("mine").await;
    let patch = async |spec: Value| world.patch_group("mine", json!({"spec": spec})).await;

    // Of another group the resource says to take groupID out again.
    patch(json!({"groupID": "aaaaaaaa-0000-4000-8000-000000000004"})).await;
    world.wait_reason("mine", "InvalidSpec").await;
    patch(json!({"groupID": null})).await;
    world.wait_ready("mine").await;

    // Drift under OnChange is repaired under Enforce.
    let mut group = world.tenant.group("Mine").await.unwrap();
    let path = format!("groups/{}", group["id"].as_str().unwrap());
    group["sourceIds"] = json!([id_of(0), id_of(2)]);
    world.tenant.put(&path, group).await;
    world.poke("default").await;
    world.wait_reason("mine", "Drifted").await;
    patch(json!({"managementPolicy": "Enforce"})).await;
    world.wait_ready("mine").await;

    // A refusal is answered by another manifest.
    let refuse = json!({"status": {"code": 400, "body": {"messages": [{"text": "not so"}]}}});
    let fault = json!({"match": "PUT /password-sync-groups/{id}", "times": 1, "kind": refuse});
    world.tenant.fault(fault).await;
    patch(json!({"name": "Mine Too"})).await;
    world.wait_reason("mine", "Refused").await;
    patch(json!({"name": "Mine Again"})).await;
    world.wait_ready("mine").await;

    // A source and a policy that were replaced are taken by their ids.
    world.tenant.delete(&format!("sources/{}", id_of(1))).await;
    let source = json!({"id": id_of(95), "name": source(1), "features": ["PASSWORD"]});
    world
        .tenant
        .put(&format!("sources/{}", id_of(95)), source)
        .await;
    world.poke("default").await;
    world.wait_reason("mine", "SourceReplaced").await;
    patch(json!({"sourceRefs": [{"name": self::source(0)}, {"id": id_of(95)}]})).await;
    world.wait_ready("mine").await;
    world.tenant.delete(&format!("policies/{STRONG}")).await;
    let other = "2c91808d744ba0ce01746f93b62045ff";
    let policy = json!({"id": other, "name": "Corporate Strong"});
    world.tenant.put(&format!("policies/{other}"), policy).await;
    world.poke("default").await;
    world.wait_reason("mine", "PolicyReplaced").await;
    patch(json!({"passwordPolicyRef": {"name": null, "id": other}})).await;
    world.wait_ready("mine").await;

    // A group that somebody deleted is made again under Enforce.
    patch(json!({"managementPolicy": "OnChange"})).await;
    world.wait_ready("mine").await;
    let id = world.group("mine").await.data["status"]["groupID"].clone();
    world
        .tenant
        .delete(&format!("groups/{}", id.as_str().unwrap()))
        .await;
    world.poke("default").await;
    world.wait_reason("mine", "GroupVanished").await;
    patch(json!({"managementPolicy": "Enforce"})).await;
    world.wait_ready("mine").await;
}

/// Reasons whose remedy is tried where the trouble is: the file and the test.
const ELSEWHERE: &[(Reason, &str, &str)] = &[
    (Reason::Paused, "pausing.rs", "pause"),
    (Reason::Contested, "drift.rs", "reconcile-at"),
    (Reason::CreateAmbiguous, "lost_answers.rs", "groupID"),
    (Reason::GroupsVanished, "vanishing.rs", "acknowledged-until"),
    (Reason::DeletionPaused, "braking.rs", "acknowledge"),
    (Reason::DeletionBlocked, "orphaning.rs", "Orphan"),
    (Reason::SourceSwapBlocked, "swapping.rs", "wait_ready"),
    (Reason::TenantChanged, "another_tenant.rs", "Orphan"),
    (Reason::SecretNotFound, "credentials.rs", "apply_secret"),
    (Reason::SecretMalformed, "credentials.rs", "wait_ready"),
    (Reason::SecretNotProtected, "confined.rs", "SecretProtected"),
    (Reason::HostNotAllowed, "credentials.rs", "HostNotAllowed"),
    (Reason::CredentialsInvalid, "credentials.rs", "wait_ready"),
    (Reason::MissingScope, "rights.rs", "wait_ready"),
    (Reason::Forbidden, "rights.rs", "wait_ready"),
    (Reason::PolicyMismatch, "prerequisites.rs", "no mismatch"),
    (Reason::NoCommonPassword, "prerequisites.rs", "no mismatch"),
    (Reason::ProxyRefused, "tenant_proxy.rs", "wait_ready"),
    (
        Reason::PasswordChangesFailing,
        "password_changes.rs",
        "doctor",
    ),
    (Reason::AuditUnreadable, "password_changes.rs", "NoFailures"),
];

/// Nothing is to be done about these but to wait, or they are mended by those who run the operator or
/// the tenant, or (the last two) no manifest leads there that the API server takes.
const NOTHING_TO_DO: &[Reason] = &[
    Reason::InSync,
    Reason::Creating,
    Reason::Updating,
    Reason::Deleting,
    Reason::Retrying,
    Reason::Pending,
    Reason::Reading,
    Reason::WaitingForSource,
    Reason::RateLimited,
    Reason::TenantUnreachable,
    Reason::ProxyUnreachable,
    Reason::CertificateInvalid,
    Reason::UnexpectedAnswer,
    Reason::ApplicationsUnknown,
    Reason::GroupUnreadable,
    Reason::NoUserContext,
    Reason::SecretForbidden,
    Reason::SecretNotReleased,
    Reason::TooFewSources,
    Reason::StoredOtherwise,
    Reason::OtherPolicy,
];

#[test]
fn every_reason_has_its_remedy_tried() {
    let mut tried: BTreeSet<Reason> = cases().iter().map(|case| case.reason).collect();
    tried.extend([
        Reason::InvalidSpec,
        Reason::Drifted,
        Reason::Refused,
        Reason::SourceReplaced,
        Reason::PolicyReplaced,
        Reason::GroupVanished,
    ]);
    for (reason, file, sign) in ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap();
        let says = text.contains(&format!("\"{reason}\"")) && text.contains(sign);
        assert!(says, "{file} tries nothing for {reason}");
        assert!(tried.insert(*reason), "{reason} stands twice");
    }
    for reason in NOTHING_TO_DO {
        assert!(tried.insert(*reason), "{reason} stands twice");
    }
    let all: BTreeSet<Reason> = Reason::ALL.iter().copied().collect();
    let missing: Vec<_> = all.difference(&tried).collect();
    assert!(missing.is_empty(), "no remedy is tried for {missing:?}");
}
