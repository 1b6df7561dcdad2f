//! An owner of a tenant, who may write IdentityTenants and their Secrets in a namespace, and who
//! chooses which tenant answers.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::DeleteParams};
use serde_json::{Value, json};

use super::{
    author::{credentials, large_tenant},
    watched::{Ground, MIB, held, large_seed},
};
use crate::support::{
    TenantSim, World,
    kubernetes::apply_value,
    many, simulator, stays, until, wait_for,
    world::{PATIENCE, spec},
};

const ON_ONE_SECRET: usize = 60;
const INTERVAL: Duration = Duration::from_secs(10);

fn every_ten_seconds() -> Value {
    json!({"readInterval": "10s", "identityAPIVersion": "v1"})
}

/// Applies so many IdentityTenants that all mean the tenant of `default`, and waits until each is read.
async fn apply_and_wait(world: &World, count: usize, name: impl Fn(usize) -> String) {
    for n in 0..count {
        let spec = every_ten_seconds();
        world.apply_tenant(&name(n), "tenant", spec).await;
    }
    for n in 0..count {
        world
            .wait_tenant(&name(n), "Ready", "True", "Reading")
            .await;
    }
}

/// Applies as many as make [`ON_ONE_SECRET`] with `default`, and waits until each is read.
pub async fn many_on_one_secret(world: &World) {
    apply_and_wait(world, ON_ONE_SECRET - 1, |n| format!("same-{n}")).await;
}

#[tokio::test]
async fn sixty_identity_tenants_on_one_secret_share_one_picture_and_its_reads() {
    let mut world = large_tenant("one_picture").start().await;
    world
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
    world.read_again().await;
    let one = held(&mut world);
    let began = Instant::now();
    many_on_one_secret(&world).await;
    let took = began.elapsed();
    world.tenant.clear_ledger().await;
    let began = Instant::now();
    many::wait_read(&world, 3).await;
    let apart = began.elapsed();
    let more = held(&mut world).saturating_sub(one);
    eprintln!(
        "with one IdentityTenant {} MiB, with {ON_ONE_SECRET} {} KiB more, all read after {took:.1?}; \
         three reads in {apart:.1?}",
        one / MIB,
        more / 1024
    );
    // Three reads, of which the first may come at once.
    assert!(apart >= INTERVAL * 3 / 2, "{apart:?}");
    assert!(more < 32 * MIB, "{more} bytes more");
}

const HEAVY: usize = 100;

/// Applies groups whose sources are nowhere, each with an annotation of so many bytes, and waits
/// until each is told.
pub async fn with_annotations(world: &World, prefix: &str, bytes: usize) {
    let name = |n: usize| format!("{prefix}-{n}");
    for n in 0..HEAVY {
        let spec: Value = serde_json::from_str(&spec("None", &["No Such", "Nor Such"])).unwrap();
        let group = json!({
            "apiVersion": "passwordsync.dev/v1alpha1", "kind": "PasswordSyncGroup",
            "metadata": {
                "name": name(n), "annotations": {"example.com/notes": "x".repeat(bytes)},
            },
            "spec": spec,
        });
        let applied = apply_value(&world.client, &world.namespace, group).await;
        applied.expect("a group");
    }
    for n in 0..HEAVY {
        world.wait_reason(&name(n), "SourceNotFound").await;
    }
}

#[tokio::test]
async fn annotations_of_others_take_no_memory() {
    let mut world = World::v1("heavy").start().await;
    world.begun().await;
    let before = held(&mut world);
    with_annotations(&world, "light", 10).await;
    let light = held(&mut world);
    with_annotations(&world, "heavy", 200_000).await;
    let heavy = held(&mut world);
    let (first, second) = (light.saturating_sub(before), heavy.saturating_sub(light));
    eprintln!(
        "{HEAVY} groups without annotations {} KiB, with 200 KB each {} KiB",
        first / 1024,
        second / 1024
    );
    assert!(second < first + 8 * MIB, "{first} and {second} bytes");
}

/// An IdentityTenant of the abuser for the tenant of somebody else, with the least rate there is.
pub async fn narrow_rate(abuser: &World, credentials: Value) {
    let spec = json!({
        "readInterval": "10s", "identityAPIVersion": "v1",
        "rateLimit": {"requests": 5, "per": "10m"},
    });
    abuser.apply_secret_with("narrow", credentials).await;
    abuser.apply_tenant("narrow", "narrow", spec).await;
}

/// What an IdentityTenant says of the client id that it shares.
async fn shares(world: &World, name: &str) -> Result<String, String> {
    let status = world.identity_tenant(name).await.data["status"].clone();
    let said = status["sharedRateLimit"].as_str().map(str::to_owned);
    said.ok_or_else(|| status.to_string())
}

/// Whether a tenant is read whole from now on, as its interval says.
async fn is_read(world: &World) -> Result<(), String> {
    world.tenant.clear_ledger().await;
    let patience = INTERVAL * 2;
    let read = until(patience, async || match many::reads(world).await {
        0 => Err(format!("no whole read in {patience:?}")),
        _ => Ok(()),
    });
    read.await
}

#[tokio::test]
async fn a_narrow_rate_holds_up_nobody_but_who_has_it() {
    let mut ground = Ground::start("narrow", World::v1("narrow")).await;
    let Ground { abuser, neighbour } = &mut ground;
    neighbour.world.tenant.clear_ledger().await;
    narrow_rate(abuser, credentials(&neighbour.world.tenant)).await;
    // The third of its calls, and the last that it may send.
    let third = "GET /password-policies";
    abuser
        .wait("its calls to be used up", async || {
            let asked = neighbour.world.tenant.asked(third).await;
            (!asked.is_empty())
                .then_some(())
                .ok_or_else(|| format!("{third} was not asked"))
        })
        .await;
    neighbour.notices_nothing(4).await;
    let beside = is_read(&neighbour.world).await;
    let said = shares(&neighbour.world, "default").await;
    eprintln!("beside it: {beside:?}; {said:?}");

    let params = DeleteParams::default();
    abuser.tenants().delete("narrow", &params).await.unwrap();
    neighbour.notices_nothing(4).await;
    let after = is_read(&neighbour.world).await;
    eprintln!("after it: {after:?}");
    beside.and(after).expect("the neighbour's tenant is read");
    let said = said.expect("it is said that the client id is shared");
    assert!(said.starts_with("90 requests in 10 s of its own"), "{said}");
}

/// Tenants that answer more than anybody can keep: what each IdentityTenant is called, and what it
/// must say.
const ENDLESS: [(&str, &str); 3] = [
    (
        "announces",
        "the tenant announces 1000000 sources, and at most 50000 are read",
    ),
    (
        "long-names",
        "its name is 8192 bytes long, and at most 1024 are kept",
    ),
    ("large-pages", "is larger than 8388608 bytes"),
];

/// Applies an IdentityTenant for each of them, and waits until it says what is too much.
pub async fn endless(world: &World) {
    let mut long_names = simulator::acme();
    long_names["sources"][0]["name"] = json!("n".repeat(8192));
    let mut large_pages = large_seed(30);
    large_pages["switches"] = json!({"source_size": {"padded": {"bytes": 400_000}}});
    let seeds = [simulator::acme(), long_names, large_pages];
    for ((name, _), seed) in ENDLESS.iter().zip(seeds) {
        let there = seed["sources"].as_array().unwrap().len();
        let tenant = TenantSim::new(name, seed).await;
        if *name == "announces" {
            let by = 1_000_000 - there;
            let kind = json!({"wrong_total": {"by": by}});
            tenant
                .fault(json!({"match": "GET /sources", "kind": kind}))
                .await;
        }
        world.apply_secret_with(name, credentials(&tenant)).await;
        world.apply_tenant(name, name, every_ten_seconds()).await;
    }
    for (name, must) in ENDLESS {
        world
            .wait(format!("{name} to say what is too much"), async || {
                let tenant = world.identity_tenant(name).await;
                let told = tenant.data["status"].to_string();
                told.contains(must).then_some(()).ok_or(told)
            })
            .await;
    }
}

#[tokio::test]
async fn a_tenant_without_end_is_not_kept_and_holds_up_nobody() {
    let mut ground = Ground::start("endless", World::v1("endless")).await;
    let before = held(&mut ground.abuser);
    let watch = ground.watch();
    let Ground { abuser, neighbour } = &mut ground;
    let notices = neighbour.notices_nothing(4);
    tokio::join!(notices, endless(abuser));
    neighbour.notices_nothing(2).await;
    let more = watch.nothing_missed().saturating_sub(before);
    eprintln!("{} KiB more", more / 1024);
    assert!(more < 48 * MIB, "{more} bytes more");
    abuser
        .wait_tenant("default", "Ready", "True", "Reading")
        .await;
}

#[tokio::test]
async fn a_secret_that_holds_no_credentials_is_not_held() {
    let world = World::v1("not_credentials").audited().start().await;
    let audit = world.audit().await.expect("an audit log");
    let password = json!({"username": "app", "password": "not-a-secret"});
    world.apply_secret_with("database", password).await;
    let mut wrong = credentials(&world.tenant);
    wrong["clientSecret"] = json!("another");
    world.apply_secret_with("refused", wrong).await;
    for (name, reason) in [
        ("database", "SecretMalformed"),
        ("refused", "CredentialsInvalid"),
    ] {
        world.apply_tenant(name, name, every_ten_seconds()).await;
        let mut wanted: Value = serde_json::from_str(&spec("One", &["A", "B"])).unwrap();
        wanted["tenantRef"] = json!({"name": name});
        world.apply_group(name, &wanted.to_string()).await;
        world.wait_tenant(name, "Ready", "False", reason).await;
        // What it does with its Secret comes right after this.
        world
            .wait(format!("{name} to be in use"), async || {
                let held = world.identity_tenant(name).await.finalizers().to_vec();
                (held == ["passwordsync.dev/in-use"])
                    .then_some(())
                    .ok_or_else(|| format!("{held:?}"))
            })
            .await;
    }
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &world.namespace);
    stays(
        "a Secret without a finalizer",
        Duration::from_secs(2),
        async || {
            for name in ["database", "refused"] {
                let secret = secrets.get(name).await.map_err(|why| why.to_string())?;
                if !secret.finalizers().is_empty() {
                    return Err(format!("{:?}", secret.metadata));
                }
            }
            Ok(())
        },
    )
    .await;
    let mut writes = world.operator_writes(&audit).await;
    writes.retain(|write| write.resource == "secrets" && write.name != "tenant");
    assert_eq!(writes, []);
    for name in ["database", "refused"] {
        let tenant = world.identity_tenant(name).await;
        assert_eq!(tenant.data["status"]["protectedSecret"], Value::Null);
    }
}

#[tokio::test]
async fn the_figures_of_an_identity_tenant_end_with_it() {
    const SERIES: usize = 5;
    let mut world = World::v1("figures").start().await;
    let name = |n: usize| format!("passing-{n}");
    apply_and_wait(&world, SERIES, name).await;
    let there = figures(&world.operator().page("/metrics").await.1);
    let of = |metric: &str| there.iter().filter(|line| line.starts_with(metric)).count();
    assert_eq!(of("psg_tenant_"), 7 * SERIES, "{there:?}");
    assert_eq!(of("psg_status_condition"), SERIES, "{there:?}");

    // One that is being read meanwhile must not come back when that is done.
    let slow = json!({"match": "GET /sources", "kind": {"delay": {"ms": 500}}});
    world.tenant.fault(slow).await;
    world.tenant.clear_ledger().await;
    world.poke(&name(0)).await;
    world
        .wait("a read to begin", async || {
            let asked = world.tenant.asked("GET /sources").await;
            (!asked.is_empty()).then_some(()).ok_or_else(String::new)
        })
        .await;
    let params = DeleteParams::default();
    for n in 0..SERIES {
        world.tenants().delete(&name(n), &params).await.unwrap();
    }
    let operator = world.operator();
    wait_for("their figures to end", PATIENCE, async || {
        let left = figures(&operator.page("/metrics").await.1);
        left.is_empty()
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    })
    .await;
    world.read_again().await;
    let left = figures(&world.operator().page("/metrics").await.1);
    assert_eq!(left, Vec::<String>::new());
}

/// The figures of the IdentityTenants that come and go.
fn figures(metrics: &str) -> Vec<String> {
    let theirs = metrics.lines().filter(|line| line.contains("/passing-"));
    theirs.map(str::to_owned).collect()
}
