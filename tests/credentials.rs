//! Credentials that are missing, wrong, worn out or somebody else's: said where a person looks,
//! asked about sparingly, and gone on from as soon as they are mended.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    TenantSim, World, stays,
    world::{said, spec},
};

const POST: &str = "POST /password-sync-groups";
const TOKEN: &str = "POST /oauth/token";

/// The Secret of a tenant, with differences.
fn secret(tenant: &TenantSim, changes: &Value) -> Value {
    let mut secret = json!({
        "baseUrl": tenant.base_url, "clientId": tenant.client_id,
        "clientSecret": tenant.client_secret,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        secret[key] = value.clone();
    }
    secret
}

fn pair() -> String {
    spec("Pair", &["Salesforce", "Workday"])
}

#[tokio::test]
async fn a_secret_that_is_missing_is_waited_for_and_taken_up_at_once() {
    let world = World::v1("no_secret").start().await;
    world
        .apply_tenant("late", "not-yet", json!({"identityAPIVersion": "v1"}))
        .await;
    let mut wanted: Value = serde_json::from_str(&pair()).unwrap();
    wanted["tenantRef"] = json!({"name": "late"});
    world.apply_group("pair", &wanted.to_string()).await;
    world
        .wait_tenant("late", "Ready", "False", "SecretNotFound")
        .await;
    let group = world.wait_reason("pair", "SecretNotFound").await;
    assert!(said(&group, "Ready").starts_with("Unknown SecretNotFound"));
    assert!(said(&group, "Ready").contains("\"not-yet\""));
    assert!(said(&group, "Reconciling").starts_with("True"));

    let begun = std::time::Instant::now();
    world.apply_secret("not-yet").await;
    world.wait_ready("pair").await;
    // The read interval is a minute.
    assert!(begun.elapsed() < Duration::from_secs(55));
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn a_malformed_secret_is_described_by_its_keys_and_never_by_its_values() {
    let world = World::v1("malformed").start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    let value = "hush-hush\u{7}";
    for (content, key) in [
        (json!({"baseUrl": value, "clientId": "x"}), "baseUrl"),
        (
            json!({"baseUrl": world.tenant.base_url, "clientId": "hush-hush"}),
            "clientSecret",
        ),
        (
            secret(&world.tenant, &json!({"clientSecret": ""})),
            "clientSecret",
        ),
        (
            secret(&world.tenant, &json!({"clientId": value})),
            "clientId",
        ),
    ] {
        let mut tenant = json!({"readInterval": "10s"});
        tenant["identityAPIVersion"] = json!("v1");
        world.apply_secret_with("bad", content).await;
        world.apply_tenant("bad", "bad", tenant).await;
        let bad = world
            .wait("the key to be named", async || {
                world.poke("bad").await;
                let bad = world.identity_tenant("bad").await;
                let ready = said(&bad, "Ready");
                let named = ready.contains(&format!("key {key} "));
                if ready.starts_with("False SecretMalformed: Secret \"bad\"") && named {
                    Ok(bad)
                } else {
                    Err(ready)
                }
            })
            .await;
        let shown = serde_json::to_string(&bad).unwrap() + &world.events("bad").await.join("");
        assert!(!shown.contains("hush-hush"), "{shown}");
        let secrets = world.kubectl(&["delete", "secret", "bad"]).await;
        secrets.ok();
    }
    assert_eq!(world.tenant.asked(TOKEN).await.len(), 1, "of the good one");
}

#[tokio::test]
async fn the_address_of_the_web_pages_is_answered_with_that_of_the_api() {
    let vendor = "--allow-host=api.identitynow.com";
    let mut world = World::v1("web-pages")
        .flag(vendor)
        .without_operator()
        .start()
        .await;
    let pages = "https://acme.identitynow.com";
    let content = secret(&world.tenant, &json!({"baseUrl": pages}));
    world.apply_secret_with("tenant", content).await;
    world.restart().await;
    world
        .wait_tenant("default", "Ready", "False", "SecretMalformed")
        .await;
    let ready = said(&world.identity_tenant("default").await, "Ready");
    assert!(
        ready.contains("key baseUrl is the address of the tenant's web pages"),
        "{ready}"
    );
    assert!(
        ready.contains("https://acme.api.identitynow.com"),
        "{ready}"
    );
}

#[tokio::test]
async fn a_host_that_is_not_allowed_gets_no_request_and_is_not_repeated() {
    let world = World::v1("host").without_operator().start().await;
    let content = secret(
        &world.tenant,
        &json!({"baseUrl": "http://evil.example.org"}),
    );
    world.apply_secret_with("tenant", content).await;
    let mut world = world;
    world.restart().await;
    world
        .wait_tenant("default", "Ready", "False", "HostNotAllowed")
        .await;
    let tenant = world.identity_tenant("default").await;
    assert!(
        said(&tenant, "Ready").contains("names a host that is not on the operator's allow-list")
    );
    assert!(
        !serde_json::to_string(&tenant)
            .unwrap()
            .contains("evil.example")
    );
    assert_eq!(world.tenant.ledger().await, Vec::<Value>::new());
    world.apply_secret("tenant").await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
}

#[tokio::test]
async fn credentials_that_are_refused_are_tried_once_until_the_secret_changes() {
    let mut world = World::v1("wrong").without_operator().start().await;
    let wrong = secret(&world.tenant, &json!({"clientSecret": "wrong"}));
    world.apply_secret_with("tenant", wrong).await;
    world.restart().await;
    world.apply_group("pair", &pair()).await;
    world
        .wait_tenant("default", "Ready", "False", "CredentialsInvalid")
        .await;
    let group = world.wait_reason("pair", "CredentialsInvalid").await;
    assert!(said(&group, "Ready").starts_with("Unknown"));
    // Eight more looks at the Secret, at 250 ms each, and none at the tenant.
    stays("one token request", Duration::from_secs(2), async || {
        let ledger = world.tenant.ledger().await;
        if ledger.len() == 1 {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    })
    .await;
    assert_eq!(world.tenant.ledger().await[0]["status"], 401);

    world.apply_secret("tenant").await;
    world.wait_ready("pair").await;
    assert_eq!(world.tenant.asked(TOKEN).await.len(), 2);
    assert_eq!(world.tenant.writes().await, [POST]);
}

#[tokio::test]
async fn a_tenant_that_refuses_is_asked_again_every_probe_interval_and_no_more() {
    let mut world = World::v1("probe")
        .flag("--probe-interval=1s")
        .without_operator()
        .start()
        .await;
    let wrong = secret(&world.tenant, &json!({"clientSecret": "wrong"}));
    world.apply_secret_with("tenant", wrong).await;
    world.restart().await;
    let three = async || match world.tenant.asked(TOKEN).await.len() {
        0..3 => Err("fewer than three".to_owned()),
        _ => Ok(()),
    };
    world.wait("three token requests", three).await;
    let ledger = world.tenant.asked(TOKEN).await;
    let at = |entry: &Value| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>();
    let times: Vec<_> = ledger.iter().map(|entry| at(entry).unwrap()).collect();
    for pair in times.windows(2) {
        let apart = pair[1].duration_since(pair[0]);
        assert!(apart.as_millis() >= 950, "{times:?}");
    }
    // What the tenant has mended by itself is found without a change of the Secret.
    let mended = json!({"clientSecret": "wrong"});
    world.tenant.credentials(mended).await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
}

#[tokio::test]
async fn a_rotated_secret_is_used_without_a_restart() {
    let world = World::v1("rotated").start().await;
    world.apply_group("pair", &pair()).await;
    world.wait_ready("pair").await;
    world.refuse_credentials("second").await;
    world.wait_reason("pair", "CredentialsInvalid").await;
    world
        .patch_group("pair", json!({"spec": {"name": "Renamed"}}))
        .await;

    let content = secret(&world.tenant, &json!({"clientSecret": "second"}));
    world.apply_secret_with("tenant", content).await;
    world.wait_ready("pair").await;
    assert!(world.tenant.group("Renamed").await.is_some());
    let writes = [POST, "PUT /password-sync-groups/{id}"];
    assert_eq!(world.tenant.writes().await, writes);
}

#[tokio::test]
async fn a_rotation_while_a_write_is_refused_loses_nothing() {
    let world = World::v1("rotated_write").start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    // The Secret is new before the operator knows; the old token is dead.
    world
        .tenant
        .credentials(json!({"clientSecret": "second"}))
        .await;
    let content = secret(&world.tenant, &json!({"clientSecret": "second"}));
    world.apply_secret_with("tenant", content).await;
    world.tenant.revoke_tokens().await;
    world.apply_group("pair", &pair()).await;
    world.wait_ready("pair").await;
    assert!(world.tenant.group("Pair").await.is_some());
    let carried_out = world.tenant.asked(POST).await;
    let made = carried_out.iter().filter(|post| post["applied"] == true);
    assert_eq!(made.count(), 1);
}

#[tokio::test]
async fn tokens_that_end_are_renewed_before_their_end_and_one_revoked_is_replaced_once() {
    let world = World::v1("tokens").without_operator().start().await;
    world.tenant.credentials(json!({"tokenSeconds": 2})).await;
    let mut world = world;
    world.restart().await;
    world.apply_group("pair", &pair()).await;
    world.wait_ready("pair").await;
    let renewed = async || {
        world.read_again().await;
        match world.tenant.asked(TOKEN).await.len() {
            0..3 => Err("too few".to_owned()),
            _ => Ok(()),
        }
    };
    world.wait("two renewals", renewed).await;
    let refused = |ledger: &[Value]| ledger.iter().filter(|one| one["status"] == 401).count();
    assert_eq!(refused(&world.tenant.ledger().await), 0, "never too late");

    world.tenant.credentials(json!({"tokenSeconds": 749})).await;
    // The last short token ends, and a long one takes its place.
    let long = async || {
        let before = world.tenant.asked(TOKEN).await.len();
        world.read_again().await;
        let ledger = world.tenant.asked(TOKEN).await;
        if ledger.len() > before {
            Ok(())
        } else {
            Err("not yet".to_owned())
        }
    };
    world.wait("a long token", long).await;
    world.tenant.clear_ledger().await;
    world.tenant.revoke_tokens().await;
    world.read_again().await;
    let ledger = world.tenant.ledger().await;
    assert_eq!(refused(&ledger), 1, "{ledger:?}");
    assert_eq!(world.tenant.asked(TOKEN).await.len(), 1);
    let group = world.group("pair").await;
    assert!(said(&group, "Ready").starts_with("True InSync"));
}
