//! The client secret and the access token appear nowhere: not in the log at its loudest, not in a
//! status, not in an Event, not in a metric, not in the audit trail, whatever the tenant echoes.

use serde_json::json;

use crate::support::{Operator, World, world::spec};

/// Visible ASCII that every encoding changes.
const CANARY: &str = "C4nary+/=&%\"secret'<42>\\";
const FIRST_OF_EVERY_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9";

/// The canary as it might be written down.
fn disguises() -> Vec<String> {
    let percent = |upper: bool| -> String {
        let byte = |byte: u8| match (byte.is_ascii_alphanumeric(), upper) {
            (true, _) => char::from(byte).to_string(),
            (false, true) => format!("%{byte:02X}"),
            (false, false) => format!("%{byte:02x}"),
        };
        CANARY.bytes().map(byte).collect()
    };
    let hex: Vec<String> = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let numbers: Vec<String> = CANARY.bytes().map(|byte| byte.to_string()).collect();
    let json = json!(CANARY).to_string();
    vec![
        CANARY.to_owned(),
        // What stays the same in most of them.
        "C4nary".to_owned(),
        json.trim_matches('"').to_owned(),
        format!("{CANARY:?}"),
        percent(true),
        percent(false),
        base64(CANARY.as_bytes()),
        hex.to_uppercase(),
        hex,
        numbers.join(", "),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(ALPHABET[(bits & 63) as usize]);
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        // The end is left out: it depends on what follows.
        for at in 0..chunk.len() {
            text.push(digit(bits >> (18 - 6 * at)));
        }
    }
    text
}

#[tokio::test]
async fn a_secret_is_in_no_log_status_event_or_metric() {
    let world = World::v1("canary").without_operator().start().await;
    world
        .tenant
        .credentials(json!({"clientSecret": CANARY}))
        .await;
    let content = |secret: &str| {
        json!({"baseUrl": world.tenant.base_url, "clientId": world.tenant.client_id,
            "clientSecret": secret})
    };
    world.apply_secret_with("tenant", content(CANARY)).await;
    // A tenant that repeats what it was sent, in every refusal.
    let echo = json!({"detailCode": CANARY, "trackingId": CANARY, "causes": [],
        "messages": [{"text": format!("you sent {CANARY} as eyJhbGciOiJSUzI1NiJ9.a.b")}]});
    let status = |code: u16| json!({"status": {"code": code, "body": echo}});
    for (what, code) in [
        ("POST /oauth/token", 500),
        ("GET /sources", 500),
        ("POST /password-sync-groups", 400),
        ("PUT /password-sync-groups/{id}", 403),
    ] {
        let fault = json!({"match": what, "times": 1, "kind": status(code)});
        world.tenant.fault(fault).await;
    }
    let namespace: &str = &world.namespace;
    let flags = ["--probe-interval=1s"];
    let trace = [("RUST_LOG", "trace")];
    let mut operator = Operator::start_with(world.plane, &[namespace], &flags, &trace).await;

    world
        .apply_group("pair", &spec("Pair", &["Salesforce", "Workday"]))
        .await;
    world.wait_reason("pair", "Refused").await;
    world
        .patch_group("pair", json!({"spec": {"name": "Second"}}))
        .await;
    world.wait_ready("pair").await;
    world
        .patch_group("pair", json!({"spec": {"name": "Third"}}))
        .await;
    world.wait_reason("pair", "Forbidden").await;
    world.wait_ready("pair").await;
    // A rotation away from it and back, with a malformed one between.
    let malformed = format!("{CANARY} and a blank");
    world.apply_secret_with("tenant", content(&malformed)).await;
    world.poke("default").await;
    world
        .wait_tenant("default", "Ready", "False", "SecretMalformed")
        .await;
    world.apply_secret_with("tenant", content("wrong")).await;
    world
        .wait_tenant("default", "Ready", "False", "CredentialsInvalid")
        .await;
    world.apply_secret_with("tenant", content(CANARY)).await;
    world.wait_ready("pair").await;
    world.delete_group("pair").await;
    world.wait_gone("pair").await;

    let (_, metrics) = operator.page("/metrics").await;
    assert!(operator.terminate().await.success());
    let log = operator.log();
    let trace = log.matches("\"level\":\"TRACE\"").count();
    assert!(trace > 100, "it is loud: {trace}");
    let trail = operator.trail();
    assert!(trail.len() > 3, "the log holds the audit trail: {trail:?}");
    let mut shown = vec![("log", log), ("metrics", metrics)];
    for what in ["psg", "idt", "events"] {
        let printed = world.kubectl(&["get", what, "--output=json"]).await;
        shown.push((what, printed.ok().clone()));
    }
    let mut disguises = disguises();
    disguises.push(FIRST_OF_EVERY_TOKEN.to_owned());
    for (place, text) in &shown {
        for disguise in &disguises {
            if let Some(at) = text.find(disguise.as_str()) {
                let around = at.saturating_sub(200)..(at + 200).min(text.len());
                let around = String::from_utf8_lossy(&text.as_bytes()[around]);
                panic!("{disguise} is in the {place}: …{around}…");
            }
        }
    }
}
