//! What a seed decides before anything happens: what the tenant does where its documents are silent,
//! how slow all are, and what there is.

use std::time::Duration;

use identity_simulator::rng::Rng;
use serde_json::{Value, json};

use super::{CONTESTED, Story};
use crate::tests::{process::Life, tenant::small, world::World};

/// So that it takes part in most histories, and their end is not mostly waiting.
const RESYNC: Duration = Duration::from_mins(3);
/// So that it takes no part: a resource that is not woken sleeps.
const NO_RESYNC: Duration = Duration::from_hours(12);

impl Story {
    pub(super) fn new(seed: u64, watched: bool, odd: bool) -> Self {
        let mut rng = Rng::new(seed);
        let switches = switches(&mut rng);
        let latency = match rng.below(3) {
            0 => json!("none"),
            1 => json!({"fixed": {"ms": 100}}),
            _ => json!({"lognormal": {"median_ms": 80, "p99_ms": 2000}}),
        };
        // Enough of them for the brake now and then.
        let resources = [3, 4, 4, 4, 4, 4, 4, 9][rng.below(8)];
        let sources = CONTESTED + 2 * resources;
        let mut tenant = small(sources, &switches, &latency, seed);
        let limit = [100, 100, 100, 25][rng.below(4)];
        tenant.set_rate_limit(identity_simulator::RateLimit {
            requests: limit,
            seconds: 10,
        });
        let world = World::new(tenant);
        let names = &["default", "second"][..=rng.below(2)];
        let tenants = names.iter().map(|name| (*name, wishes(&mut rng))).collect();
        let pick = |rng: &mut Rng, of: [u64; 3]| Duration::from_millis(of[rng.below(3)]);
        let life = Life {
            crash: None,
            lag: pick(&mut rng, [0, 200, 4000]),
            pace: pick(&mut rng, [0, 20, 500]),
            seed: Some(seed),
            resync: Some([RESYNC, RESYNC, RESYNC, NO_RESYNC][rng.below(4)]),
            standby: false,
            watched,
        };
        let story = Self {
            world,
            rng,
            process: None,
            stopped: Vec::new(),
            life,
            resources,
            tenants,
            namespace_ends: false,
            // Not the same numbers again.
            odd: odd.then(|| Rng::new(!seed)),
            shown_oddly: Vec::new(),
        };
        story.world.note(&format!(
            "seed {seed}: {switches} {latency} {limit} requests in 10 s, {resources} resources, {life:?}"
        ));
        story.make_tenants();
        story
    }

    /// A person makes each IdentityTenant that is not there.
    pub(super) fn make_tenants(&self) {
        for (name, wishes) in &self.tenants {
            self.world.note(&format!(
                "a person applies the IdentityTenant {name}: {wishes}"
            ));
            self.world.cluster.tenants.apply(name, wishes);
        }
    }
}

/// What an IdentityTenant asks for; all of them mean one tenant.
fn wishes(rng: &mut Rng) -> Value {
    let interval = ["60s", "60s", "20s"][rng.below(3)];
    let version = ["v3", "v3", "v2024", "v2025", "v2026", "v1"][rng.below(6)];
    let requests = [90, 90, 20][rng.below(3)];
    json!({
        "credentialsSecretRef": {"name": "pat"},
        "identityAPIVersion": version,
        "readInterval": interval,
        "rateLimit": {"requests": requests, "per": "10s"},
        "protectSecret": rng.below(4) > 0,
    })
}

fn switches(rng: &mut Rng) -> Value {
    let mut pick = |of: &[Value]| of[rng.below(of.len())].clone();
    json!({
        "duplicate_name": pick(&[json!("allow"), json!("refuse")]),
        "source_in_two_groups": pick(&[json!("refuse"), json!("allow"), json!("move")]),
        "delete_absent": pick(&[json!("not_found"), json!("no_content"), json!("bad_request"), json!("server_error")]),
        "policy_after_delete": pick(&[json!("at_once"), json!("never"), json!({"delayed": {"seconds": 25}}), json!("only_if_none")]),
        "policy_after_join": pick(&[json!("stays"), json!("dropped")]),
        "policy_after_leave": pick(&[json!("group_policy"), json!("default_policy"), json!("previous_policy")]),
        "policy_while_grouped": pick(&[json!("shown"), json!("hidden"), json!({"delayed": {"seconds": 20}})]),
        "source_ids": pick(&[json!("deduplicate"), json!("shuffle"), json!("sort")]),
        "reads": pick(&[json!("steady"), json!("steady"), json!({"lagging": {"seconds": 15}}), json!("shuffled")]),
        "timestamps": pick(&[json!("millis"), json!("absent")]),
        "gateway_errors": pick(&[json!("as_documented"), json!("no_retry_after"), json!("html"), json!("retry_after_zero"), json!("retry_after_date")]),
        "token_life": pick(&[json!("documented"), json!("five_seconds")]),
        "rate_window": pick(&[json!("fixed"), json!("sliding"), json!("token_bucket")]),
        "put_read_only": pick(&[json!("ignore"), json!("refuse")]),
    })
}
