//! What cannot be right is refused at `kubectl apply`, with the field and the remedy.

use serde_json::{Value, json};

use crate::support::{ControlPlane, Namespace, User};

/// Applies a manifest as a person with the role of an administrator would.
async fn kubectl(namespace: &str, object: &Value, verb: &[&str]) -> Result<String, String> {
    let plane = ControlPlane::shared().await;
    let args: Vec<&str> = verb.iter().copied().chain(["-f", "-"]).collect();
    let stdin = object.to_string();
    let printed = plane
        .kubectl_with(User::Admin, namespace, &args, &stdin)
        .await;
    if printed.status == 0 {
        Ok(printed.stdout)
    } else {
        Err(printed.stderr)
    }
}

async fn namespace(name: &str) -> Namespace {
    ControlPlane::shared().await.namespace(name).await
}

fn object(kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "passwordsync.dev/v1alpha1", "kind": kind,
        "metadata": {"name": "it"}, "spec": spec,
    })
}

/// A good group with some fields otherwise; `null` leaves one out.
fn group(fields: &Value) -> Value {
    let mut spec = json!({
        "name": "Shared Password",
        "passwordPolicyRef": {"name": "Corporate Strong"},
        "sourceRefs": [{"name": "Salesforce"}, {"name": "Workday"}],
    });
    merge(&mut spec, fields);
    object("PasswordSyncGroup", &spec)
}

fn tenant(fields: &Value) -> Value {
    let mut spec = json!({"credentialsSecretRef": {"name": "acme-pat"}});
    merge(&mut spec, fields);
    object("IdentityTenant", &spec)
}

fn merge(spec: &mut Value, fields: &Value) {
    for (field, value) in fields.as_object().unwrap() {
        spec[field] = value.clone();
    }
}

/// Every manifest is refused with all of its texts, and nothing is stored.
async fn refused(name: &str, cases: Vec<(Value, &[&str])>) {
    let namespace = namespace(name).await;
    let tries = cases.iter().map(async |(object, texts)| {
        let said = kubectl(&namespace, object, &["apply"]).await;
        let said = match said {
            Err(said) => said,
            Ok(done) => panic!("was accepted: {object}\n{done}"),
        };
        for text in *texts {
            assert!(said.contains(text), "{object}\n{said}\nlacks: {text}");
        }
    });
    futures::future::join_all(tries).await;
    let plane = ControlPlane::shared().await;
    let args = ["get", "psg,idt", "--output=name"];
    let left = plane.kubectl(User::Admin, &namespace, &args).await;
    assert_eq!(left.ok(), "");
}

#[tokio::test]
async fn sources_too_few_too_many_or_given_twice_are_refused() {
    let many: Vec<Value> = (0..101).map(|n| json!({"name": format!("S{n}")})).collect();
    let one: &[&str] = &[
        "spec.sourceRefs",
        "fewer than two sources",
        "add one, or delete this resource",
    ];
    let twice: &[&str] = &[
        "spec.sourceRefs",
        "the same source twice: remove one of them",
    ];
    refused(
        "few-sources",
        vec![
            (group(&json!({"sourceRefs": []})), one),
            (group(&json!({"sourceRefs": [{"name": "Salesforce"}]})), one),
            (
                group(&json!({"sourceRefs": [{"name": "A"}, {"name": "B"}, {"name": "A"}]})),
                twice,
            ),
            (
                group(&json!({"sourceRefs": [{"id": "a"}, {"id": "a"}]})),
                twice,
            ),
            (
                group(&json!({"sourceRefs": many})),
                &["spec.sourceRefs", "must have at most 100 items"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_reference_with_both_or_neither_of_name_and_id_is_refused() {
    let remedy = "give name or id, exactly one of the two";
    let policy: &[&str] = &["spec.passwordPolicyRef", remedy];
    let source: &[&str] = &["spec.sourceRefs[1]", remedy];
    let of = |wrong: Value| json!({"sourceRefs": [{"name": "A"}, wrong]});
    refused(
        "name-or-id",
        vec![
            (group(&json!({"passwordPolicyRef": {}})), policy),
            (
                group(&json!({"passwordPolicyRef": {"name": "A", "id": "a"}})),
                policy,
            ),
            (group(&of(json!({}))), source),
            (group(&of(json!({"name": "B", "id": "b"}))), source),
        ],
    )
    .await;
}

#[tokio::test]
async fn empty_blank_and_long_names_and_impossible_ids_are_refused() {
    let long = "x".repeat(129);
    let longer = "x".repeat(257);
    let id = "a".repeat(65);
    let of = |wrong: Value| json!({"sourceRefs": [{"name": "A"}, wrong]});
    refused(
        "names",
        vec![
            (
                group(&json!({"name": ""})),
                &["spec.name", "at least 1 chars long"],
            ),
            (
                group(&json!({"name": " \t"})),
                &[
                    "spec.name",
                    "name is blank: give the name that people are to see",
                ],
            ),
            (group(&json!({"name": long})), &["spec.name", "128"]),
            (
                group(&json!({"name": null})),
                &["spec.name", "Required value"],
            ),
            (
                group(&json!({"passwordPolicyRef": {"name": " "}})),
                &[
                    "spec.passwordPolicyRef.name",
                    "name is blank: give the name that the tenant shows",
                ],
            ),
            (
                group(&json!({"passwordPolicyRef": {"name": longer}})),
                &["spec.passwordPolicyRef.name", "256"],
            ),
            (
                group(&of(json!({"name": ""}))),
                &["spec.sourceRefs[1].name", "at least 1 chars long"],
            ),
            (
                group(&of(json!({"id": "a/../b"}))),
                &[
                    "spec.sourceRefs[1].id",
                    "id is not an id: give it as the tenant shows it",
                ],
            ),
            (
                group(&of(json!({"id": id}))),
                &["spec.sourceRefs[1].id", "64"],
            ),
            (
                group(&json!({"groupID": "a b"})),
                &["spec.groupID", "groupID is not an id", "or leave it out"],
            ),
            (
                group(&json!({"groupID": ""})),
                &["spec.groupID", "at least 1 chars long"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn unknown_words_and_fields_are_refused_with_the_known_ones() {
    refused(
        "words",
        vec![
            (
                group(&json!({"managementPolicy": "Sometimes"})),
                &[
                    "spec.managementPolicy",
                    "\"Enforce\", \"OnChange\", \"Observe\"",
                ],
            ),
            (
                group(&json!({"adoptionPolicy": "Always"})),
                &[
                    "spec.adoptionPolicy",
                    "\"IfIdentical\", \"Overwrite\", \"Never\"",
                ],
            ),
            (
                group(&json!({"deletionPolicy": "Retain"})),
                &["spec.deletionPolicy", "\"Delete\", \"Orphan\""],
            ),
            (
                group(&json!({"tenantRef": {"kind": "Tenant"}})),
                &["spec.tenantRef.kind", "\"IdentityTenant\""],
            ),
            (
                group(&json!({"sources": []})),
                &["unknown field \"spec.sources\""],
            ),
            (
                group(&json!({"tenantRef": {"name": "acme", "namespace": "other"}})),
                &["unknown field \"spec.tenantRef.namespace\""],
            ),
            (
                tenant(&json!({"identityAPIVersion": "v4"})),
                &[
                    "spec.identityAPIVersion",
                    "\"v3\", \"v2024\", \"v2025\", \"v2026\", \"v1\"",
                ],
            ),
            (
                tenant(&json!({"baseUrl": "https://elsewhere.example"})),
                &["unknown field \"spec.baseUrl\""],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn absurd_intervals_and_limits_of_a_tenant_are_refused() {
    let interval: &[&str] = &[
        "spec.readInterval",
        "readInterval is out of bounds: give a duration from 10s to 1h, such as 60s or 5m",
    ];
    let per: &[&str] = &["spec.rateLimit.per", "give a duration from 10s to 10m"];
    let secret: &[&str] = &[
        "spec.credentialsSecretRef.name",
        "a Secret of this namespace",
    ];
    let mut cases: Vec<(Value, &[&str])> = Vec::new();
    for wrong in ["9s", "2h", "60", "-60s", "soon", "1d"] {
        cases.push((tenant(&json!({"readInterval": wrong})), interval));
    }
    for wrong in ["1s", "11m"] {
        cases.push((tenant(&json!({"rateLimit": {"per": wrong}})), per));
    }
    for (wrong, bound) in [
        (4, "greater than or equal to 5"),
        (101, "less than or equal to 100"),
    ] {
        let texts: &[&str] = match wrong {
            4 => &["spec.rateLimit.requests", "greater than or equal to 5"],
            _ => &["spec.rateLimit.requests", "less than or equal to 100"],
        };
        assert!(texts.contains(&bound));
        cases.push((tenant(&json!({"rateLimit": {"requests": wrong}})), texts));
    }
    for (field, wrong) in [
        ("max", 1001),
        ("max", -1),
        ("percent", 101),
        ("percent", -1),
    ] {
        let texts: &[&str] = match field {
            "max" => &["spec.deletionBrake.max"],
            _ => &["spec.deletionBrake.percent"],
        };
        cases.push((tenant(&json!({"deletionBrake": {field: wrong}})), texts));
    }
    for wrong in ["other/acme-pat", "Acme"] {
        cases.push((
            tenant(&json!({"credentialsSecretRef": {"name": wrong}})),
            secret,
        ));
    }
    cases.push((
        tenant(&json!({"credentialsSecretRef": {"name": "x", "namespace": "other"}})),
        &["unknown field \"spec.credentialsSecretRef.namespace\""],
    ));
    refused("limits", cases).await;
}

#[tokio::test]
async fn what_may_not_change_is_refused_with_what_it_was() {
    let namespace = namespace("immutable").await;
    let first = group(&json!({"tenantRef": {"name": "acme"}, "groupID": "6881f631"}));
    kubectl(&namespace, &first, &["create"]).await.unwrap();
    let cases: [(Value, &[&str]); 2] = [
        (
            json!({"tenantRef": {"name": "other"}, "groupID": "6881f631"}),
            &[
                "spec.tenantRef",
                "tenantRef is immutable: it is acme, asked for other",
                "put it back, or delete this resource and create another",
            ],
        ),
        (
            json!({"groupID": "6881f631"}),
            &[
                "spec.tenantRef",
                "asked for default (left out means default)",
            ],
        ),
    ];
    for (fields, texts) in cases {
        let said = kubectl(&namespace, &group(&fields), &["replace"]).await;
        let said = said.expect_err("a refusal");
        for text in texts {
            assert!(said.contains(text), "{said}\nlacks: {text}");
        }
    }
    let args = [
        "get",
        "psg",
        "it",
        "--output=jsonpath={.spec.tenantRef.name} {.spec.groupID} {.metadata.generation}",
    ];
    let plane = ControlPlane::shared().await;
    let kept = plane.kubectl(User::Admin, &namespace, &args).await;
    assert_eq!(kept.ok(), "acme 6881f631 1");
}

#[tokio::test]
async fn what_is_at_the_bounds_is_accepted() {
    let namespace = namespace("bounds").await;
    let many: Vec<Value> = (0..100)
        .map(|n| json!({"name": format!("{n:0>256}")}))
        .collect();
    let large = group(&json!({"name": "x".repeat(128), "sourceRefs": many}));
    kubectl(&namespace, &large, &["create"]).await.unwrap();
    for (interval, requests, per) in [("10s", 5, "10s"), ("1h", 100, "10m")] {
        let limit = json!({"requests": requests, "per": per});
        let tenant = tenant(&json!({"readInterval": interval, "rateLimit": limit}));
        kubectl(&namespace, &tenant, &["apply"]).await.unwrap();
    }
    let args = [
        "get",
        "psg",
        "it",
        "--output=jsonpath={.spec.tenantRef} {.spec.managementPolicy} {.spec.adoptionPolicy} {.spec.deletionPolicy}",
    ];
    let plane = ControlPlane::shared().await;
    let defaults = plane.kubectl(User::Admin, &namespace, &args).await;
    assert_eq!(
        defaults.ok(),
        r#"{"kind":"IdentityTenant","name":"default"} Enforce IfIdentical Delete"#
    );
}
