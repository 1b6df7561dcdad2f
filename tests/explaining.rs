//! `kubectl explain` says what each field means and what leaving it out means.

use crate::support::{ControlPlane, User};

/// Every field that a person may write: its path, whether it is required, and its default.
const FIELDS: [(&str, &str, &str); 20] = [
    ("psg.spec.name", "Required", ""),
    (
        "psg.spec.tenantRef",
        "",
        "Left out, it is the IdentityTenant named `default`",
    ),
    (
        "psg.spec.tenantRef.kind",
        "",
        "Left out, it is `IdentityTenant`",
    ),
    ("psg.spec.tenantRef.name", "", "Left out, it is `default`"),
    ("psg.spec.passwordPolicyRef", "Required", ""),
    (
        "psg.spec.passwordPolicyRef.name",
        "",
        "Left out, `id` is required",
    ),
    (
        "psg.spec.passwordPolicyRef.id",
        "",
        "Left out, `name` is required",
    ),
    ("psg.spec.sourceRefs", "Required", ""),
    ("psg.spec.managementPolicy", "", "Left out, it is `Enforce`"),
    (
        "psg.spec.adoptionPolicy",
        "",
        "Left out, it is `IfIdentical`",
    ),
    ("psg.spec.deletionPolicy", "", "Left out, it is `Delete`"),
    (
        "psg.spec.groupID",
        "",
        "Left out, the group is found by its name, or created",
    ),
    ("idt.spec.credentialsSecretRef", "Required", ""),
    ("idt.spec.identityAPIVersion", "", "Left out, it is `v3`"),
    ("idt.spec.readInterval", "", "Left out, it is `60s`"),
    (
        "idt.spec.passwordChanges",
        "",
        "Left out, they are not read",
    ),
    (
        "idt.spec.passwordChanges.interval",
        "",
        "Left out, it is `5m`",
    ),
    (
        "idt.spec.rateLimit",
        "",
        "Left out, it is 90 requests per 10s",
    ),
    ("idt.spec.protectSecret", "", "Left out, it is `true`"),
    ("idt.spec.deletionBrake", "", "Left out, it is 5 and 20"),
];

async fn explain(args: &[&str]) -> String {
    let plane = ControlPlane::shared().await;
    let args: Vec<&str> = ["explain"].iter().chain(args).copied().collect();
    let printed = plane.kubectl(User::Viewer, "default", &args).await;
    // Lines are broken where the terminal ends: only the words matter.
    let words: Vec<String> = printed.ok().split_whitespace().map(str::to_owned).collect();
    words.join(" ")
}

#[tokio::test]
async fn every_field_says_what_it_is_and_what_leaving_it_out_means() {
    let explained = FIELDS.map(async |(field, required, default)| {
        let said = explain(&[field]).await;
        let (_, description) = said.split_once("DESCRIPTION:").expect(field);
        for text in [required, default] {
            assert!(description.contains(text), "{field}: {said}\nlacks: {text}");
        }
        assert!(!description.contains("<empty>"), "{field}: {said}");
    });
    futures::future::join_all(explained).await;
}

#[tokio::test]
async fn words_are_listed_where_one_must_be_chosen() {
    for (field, words) in [
        (
            "psg.spec.managementPolicy",
            ["`Enforce`:", "`OnChange`:", "`Observe`:"],
        ),
        (
            "psg.spec.adoptionPolicy",
            ["`IfIdentical`:", "`Overwrite`:", "`Never`:"],
        ),
        (
            "psg.spec.deletionPolicy",
            ["`Delete`:", "`Orphan`:", "May be set while"],
        ),
    ] {
        let said = explain(&[field]).await;
        for word in words {
            assert!(said.contains(word), "{said}");
        }
    }
}

#[tokio::test]
async fn the_whole_spec_is_shown_at_once_and_no_field_is_unlisted_here() {
    for kind in ["psg.spec", "idt.spec"] {
        let plane = ControlPlane::shared().await;
        let args = ["explain", kind, "--recursive"];
        let said = plane.kubectl(User::Viewer, "default", &args).await.ok();
        let (_, fields) = said.split_once("FIELDS:").expect("fields");
        for line in fields.lines().filter(|line| line.contains('<')) {
            let field = line.split_whitespace().next().unwrap();
            let depth = line.len() - line.trim_start().len();
            let listed = FIELDS
                .iter()
                .any(|(path, _, _)| path.starts_with(kind) && path.ends_with(&format!(".{field}")));
            assert!(
                listed || depth > 2,
                "{kind}: {line} is not in the list above"
            );
        }
    }
}

#[tokio::test]
async fn the_kinds_and_their_status_are_explained_too() {
    for (path, text) in [
        ("psg", "A password sync group of an identity tenant"),
        (
            "psg.status.drift",
            "Where the tenant differs and is not written.",
        ),
        ("psg.status.leaving", "Sources that left by a change"),
        (
            "psg.status.deletion",
            "stored before the tenant's group is deleted",
        ),
        ("idt.status.routes", "Which version each operation goes to"),
        (
            "idt.spec.rateLimit.requests",
            "5 to 100. Left out, it is 90.",
        ),
        ("idt.spec.rateLimit.per", "Left out, it is `10s`"),
        (
            "idt.spec.credentialsSecretRef.name",
            "`baseUrl`, `clientId` and `clientSecret`",
        ),
        ("psg.spec.sourceRefs.name", "1 to 256 characters"),
    ] {
        let said = explain(&[path]).await;
        assert!(said.contains(text), "{path}: {said}");
    }
}
