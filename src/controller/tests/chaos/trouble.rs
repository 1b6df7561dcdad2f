//! What may happen: people who change their minds, faults, other hands, processes that come and go.

use std::time::Duration;

use identity_simulator::FaultKind;
use psg_api::names;
use serde_json::{Value, json};

use super::{CONTESTED, Story};
use crate::tests::tenant::{SECRET, STANDARD, STRONG, source_id, source_name};

impl Story {
    fn name(&mut self) -> String {
        format!("g{}", self.rng.below(self.resources))
    }

    pub(super) fn apply(&mut self) {
        let number = self.rng.below(self.resources);
        let name = format!("g{number}");
        let mut sources: Vec<usize> = (0..CONTESTED).collect();
        self.rng.shuffle(&mut sources);
        sources.truncate(2 + self.rng.below(3));
        let sources: Vec<Value> = sources
            .iter()
            .map(|n| json!({"name": source_name(*n)}))
            .collect();
        let policy = ["Strong", "Standard"][self.rng.below(2)];
        let management = ["Enforce", "Enforce", "Enforce", "OnChange"][self.rng.below(4)];
        let adoption = ["IfIdentical", "Overwrite", "Never"][self.rng.below(3)];
        let deletion = ["Delete", "Delete", "Delete", "Delete", "Orphan"][self.rng.below(5)];
        let spec = json!({
            "name": format!("N{}", self.rng.below(self.resources + 1)),
            "tenantRef": {"name": self.tenants[number % self.tenants.len()].0},
            "passwordPolicyRef": {"name": policy},
            "sourceRefs": sources,
            "managementPolicy": management,
            "adoptionPolicy": adoption,
            "deletionPolicy": deletion,
        });
        if self.namespace_ends && self.world.cluster.groups.get(&name).is_none() {
            return;
        }
        self.world.note(&format!("a person applies {name}: {spec}"));
        self.world.cluster.apply(&name, &spec);
    }

    /// Something happens.
    pub(super) fn chance(&mut self) {
        match self.rng.below(22) {
            0..=4 => self.apply(),
            5 | 6 => {
                let name = self.name();
                self.world.note(&format!("a person deletes {name}"));
                self.world.cluster.delete(&name);
            }
            7..=10 => self.fault(),
            11 | 12 => {
                self.world.note("the operator is killed");
                self.process = None;
                self.start();
            }
            13 => self.stop_or_go_on(),
            14..=16 => self.behind_our_back(),
            17 => self.weather(),
            18 => self.credentials(),
            19 => self.tenant_again(),
            20 => self.namespace(),
            _ => self.annotate(),
        }
    }

    fn fault(&mut self) {
        let route = [
            "POST /password-sync-groups",
            "POST /password-sync-groups",
            "PUT /password-sync-groups/{id}",
            "DELETE /password-sync-groups/{id}",
            "PATCH /sources/{id}/password-policies",
            "GET /password-sync-groups/{id}",
            "GET /password-sync-groups",
            "GET /sources/{id}/password-policies",
            "*",
        ][self.rng.below(9)];
        let write = !route.starts_with("GET") && route != "*";
        let seconds = 1 + self.rng.bits() % 20;
        let kind = match self.rng.below(if write { 8 } else { 5 }) {
            0 => FaultKind::LostAnswer,
            1 => FaultKind::LostRequest,
            2 => self.refusal(),
            3 => FaultKind::GarbageBody { applied: true },
            4 => FaultKind::Delay { ms: 1000 * seconds },
            5 | 6 => FaultKind::LateApply {
                seconds,
                code: None,
            },
            _ => FaultKind::AfterCommit { code: 503 },
        };
        let times = 1 + u32::try_from(self.rng.below(3)).unwrap();
        self.world
            .note(&format!("{times} times {route} will fail: {kind:?}"));
        self.world.strike(route, times, kind);
    }

    fn refusal(&mut self) -> FaultKind {
        let code = [500, 502, 503, 504, 429, 429][self.rng.below(6)];
        let wait = [None, Some("0"), Some("7"), Some("90"), Some("soon")][self.rng.below(5)];
        FaultKind::Status {
            code,
            body: None,
            headers: [].into(),
            retry_after: wait.filter(|_| code == 429).map(str::to_owned),
        }
    }

    /// A leader is stopped and another takes over, or a stopped one goes on and notices.
    pub(super) fn stop_or_go_on(&mut self) {
        if let Some(stopped) = self.stopped.pop() {
            self.world.note("the stopped operator goes on");
            stopped.go_on();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(stopped);
            });
        } else if let Some(leader) = self.process.take() {
            self.world
                .note("the operator is stopped, and another takes over");
            leader.pause();
            self.stopped.push(leader);
            self.start();
        }
    }

    fn behind_our_back(&mut self) {
        let what = self.rng.below(6);
        let policy = [STRONG, STANDARD][self.rng.below(2)];
        if what < 4 {
            return self.change_a_group(what, policy);
        }
        let free = self.world.free_sources();
        let free: Vec<usize> = (0..CONTESTED)
            .filter(|n| free.contains(&source_id(*n)))
            .collect();
        if what == 4 && free.len() >= 2 {
            let name = format!("N{}", self.rng.below(self.resources + 1));
            let sources = &free[free.len() - 2..];
            self.world.note(&format!(
                "somebody makes {name} in the tenant: {policy} {sources:?}"
            ));
            self.world.add_group(&name, policy, sources);
        } else if let Some(number) = free.first() {
            self.world.note(&format!(
                "somebody gives {} the policy {policy}",
                source_name(*number)
            ));
            self.world.assign(&source_id(*number), policy);
        }
    }

    fn change_a_group(&mut self, what: usize, policy: &str) {
        let groups = self.world.groups();
        let Some((name, _)) = groups.get(self.rng.below(groups.len().max(1))) else {
            return;
        };
        self.world
            .note(&format!("somebody changes {name} in the tenant: {what}"));
        match what {
            0 => self.world.drop_group(name),
            1 => self.world.edit_group(name, |group| group.name.push('x')),
            2 => self.world.edit_group(name, |group| {
                group.password_policy_id = Some(policy.to_owned());
            }),
            _ => self.world.edit_group(name, |group| {
                if group.source_ids.len() > 2 {
                    group.source_ids.pop();
                }
            }),
        }
    }

    fn weather(&mut self) {
        let mut weather = self.world.weather.lock().unwrap();
        match self.rng.below(3) {
            0 => weather.api_down = !weather.api_down,
            1 => weather.api_deaf = !weather.api_deaf,
            _ => (weather.api_down, weather.api_deaf) = (false, false),
        }
        let said = format!(
            "the API server: down {}, deaf {}",
            weather.api_down, weather.api_deaf
        );
        drop(weather);
        self.world.note(&said);
    }

    fn credentials(&mut self) {
        if self.rng.below(4) == 0 {
            self.world.note("a person deletes the Secret");
            self.world.cluster.delete_secret();
            return;
        }
        let secret = [None, Some("wrong"), Some(SECRET)][self.rng.below(3)];
        if self.namespace_ends && secret.is_some() {
            return;
        }
        self.world
            .note(&format!("by force: the Secret holds {secret:?}"));
        self.world.cluster.set_secret(secret);
    }

    fn tenant_again(&mut self) {
        let cluster = &self.world.cluster;
        let (name, _) = self.tenants[self.rng.below(self.tenants.len())];
        let there = cluster.tenants.get(name).is_some();
        let by_force = self.rng.below(2) == 0;
        self.world.note(&format!(
            "the IdentityTenant {name} was there: {there}; by force: {by_force}"
        ));
        match (there, by_force) {
            (true, true) => cluster.remove_tenant_by_force(name),
            (true, false) => cluster.tenants.delete(name),
            (false, _) if self.namespace_ends => {}
            (false, _) => self.make_tenants(),
        }
    }

    /// Everything in it is deleted, in one order or another; nothing new is made until all is gone.
    fn namespace(&mut self) {
        self.world.note("the namespace is deleted");
        self.namespace_ends = true;
        let cluster = &self.world.cluster;
        let mut order = [0, 1, 2];
        self.rng.shuffle(&mut order);
        for kind in order {
            match kind {
                0 => cluster.delete_secret(),
                1 => (self.tenants.iter()).for_each(|(name, _)| cluster.tenants.delete(name)),
                _ => (0..self.resources).for_each(|n| cluster.delete(&format!("g{n}"))),
            }
        }
    }

    fn annotate(&mut self) {
        let name = self.name();
        let (key, value) = match self.rng.below(3) {
            0 => (names::RECONCILE_AT, Some(self.rng.bits().to_string())),
            1 => (names::PAUSED_UNTIL, Some("2030-01-01T00:00:00Z".to_owned())),
            _ => (names::PAUSED_UNTIL, None),
        };
        self.world
            .note(&format!("a person annotates {name}: {key} {value:?}"));
        self.world.cluster.groups.annotate(&name, key, value);
    }
}
