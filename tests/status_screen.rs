//! `kubectl psg status` against a real API server: what is ready, what is not, and who waits for whom, for a
//! person who may read the resources and no Secret.

use serde_json::{Value, json};

use crate::support::{User, World, kubectl::Printed, world::spec};

async fn status(world: &World, args: &[&str]) -> Printed {
    let args = [&["psg", "status"], args].concat();
    world
        .plane
        .kubectl(User::Viewer, &world.namespace, &args)
        .await
}

fn refs(names: &[&str]) -> Value {
    let refs: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"spec": {"sourceRefs": refs}})
}

#[tokio::test]
async fn one_screen_says_who_is_ready_and_who_waits_for_whom() {
    let world = World::still("status-screen", "v1").start().await;
    let (alpha, beta) = (
        ["GitHub", "Salesforce", "OpenLDAP"],
        ["G Suite", "Workday", "Active Directory"],
    );
    world.apply_group("alpha", &spec("Alpha", &alpha)).await;
    world.apply_group("beta", &spec("Beta", &beta)).await;
    world.wait_ready("alpha").await;
    world.wait_ready("beta").await;
    let calls = world.tenant.last_request().await;
    let calm = status(&world, &[]).await;
    assert_eq!(calm.status, 0, "{calm:?}");
    assert!(calm.stdout.contains("2  InSync\n"), "{calm:?}");
    assert!(
        calm.stdout
            .contains("Ready: 2 of 2 groups, 1 of 1 tenants.\n"),
        "{calm:?}"
    );
    assert_eq!(
        world.tenant.last_request().await,
        calls,
        "the tenant was asked nothing"
    );

    // Alpha wants a source that beta, which is paused, is to let go.
    let until = json!({"passwordsync.dev/paused-until": "2999-01-01T00:00:00Z"});
    world
        .patch_group("beta", json!({"metadata": {"annotations": until}}))
        .await;
    world
        .patch_group("beta", refs(&["G Suite", "Workday", "OpenLDAP"]))
        .await;
    world
        .patch_group("alpha", refs(&["GitHub", "Salesforce", "Active Directory"]))
        .await;
    world.wait_reason("alpha", "WaitingForSource").await;
    world.wait_reason("beta", "Paused").await;
    world
        .apply_tenant("lonely", "no-such-secret", json!({}))
        .await;
    world
        .wait_tenant("lonely", "Ready", "False", "SecretNotFound")
        .await;
    let screen = status(&world, &[]).await;
    assert_eq!(screen.status, 2, "{screen:?}");
    for line in [
        "alpha  WaitingForSource",
        "beta  Paused",
        "alpha waits for source \"Active Directory\", which beta holds",
        "Ready: 0 of 2 groups, 1 of 2 tenants. Paused groups: 1.",
    ] {
        assert!(
            screen.stdout.lines().any(|said| said == line),
            "{line}\n{}",
            screen.stdout
        );
    }
    assert!(
        screen
            .stdout
            .contains("there is no Secret \"no-such-secret\""),
        "{screen:?}"
    );
    assert!(
        screen.stdout.lines().all(|line| line.chars().count() <= 80),
        "{screen:?}"
    );

    let printed = status(&world, &["-o", "json"]).await;
    let document: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(document["namespace"], json!(&*world.namespace));
    assert_eq!(document["waits"][0]["source"], "Active Directory");
    assert_eq!(document["summary"]["groupsReady"], 0);

    // Of all namespaces this one is a part, whatever -n says.
    let all = status(&world, &["-A", "-o", "yaml"]).await;
    let all: Value = serde_saphyr::from_str(&all.stdout).unwrap();
    assert_eq!(all["namespace"], Value::Null);
    let mine = all["groups"].as_array().unwrap().iter();
    let mine = mine.filter(|group| group["namespace"] == json!(&*world.namespace));
    assert_eq!(mine.count(), 2);
}

#[tokio::test]
async fn what_cannot_be_told_is_an_error_with_a_remedy() {
    let world = World::builder("status-none")
        .without_operator()
        .start()
        .await;
    let told = status(&world, &[]).await;
    assert_eq!(
        told.status, 2,
        "nobody has said anything of the tenant yet: {told:?}"
    );
    assert!(
        told.stdout.contains("has not said anything of it yet"),
        "{told:?}"
    );
    let context = status(&world, &["--context", "no-such"]).await;
    assert_eq!(context.status, 1, "{context:?}");
    assert!(context.stderr.contains("--context"), "{context:?}");
    let form = status(&world, &["-o", "html"]).await.refused();
    assert!(form.contains("possible values"), "{form}");
}
