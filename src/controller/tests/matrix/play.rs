//! Plays one cell: a calm life up to what the phase is about, the strike, the healing, the end.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use identity_simulator::{Fault as Ordered, FaultKind};
use psg_api::names;
use serde_json::json;

use super::{
    super::{
        calls::{Call, Phase, Verdict, When},
        cluster::Shown,
        process::{Life, Process},
        scenarios::spec,
        tenant::{STRONG, small},
        world::World,
    },
    cell::{Cell, Play},
    claims::{Claim, Seen},
    faults::Fault,
};
use crate::ports::KubeError;

/// Longer than any forced wait: probe, settle, back-off, Retry-After, a clock an hour behind.
const LIMIT: Duration = Duration::from_hours(2);
const LAG: Duration = Duration::from_secs(20);

/// Plays every cell of a row, and fails with the names of all that do not hold.
pub async fn row(name: &str, cell: fn(Phase) -> Cell) {
    let mut failed = Vec::new();
    for phase in Phase::ALL {
        if let Cell::Played(plays) = cell(phase) {
            for play in plays {
                let what = format!("{name}, {phase:?} {}", play.form);
                let played = AssertUnwindSafe(self::play(&what, phase, &play)).catch_unwind();
                if played.await.is_err() {
                    failed.push(what);
                }
            }
        }
    }
    assert!(failed.is_empty(), "cells that do not hold: {failed:#?}");
}

struct Scene<'a> {
    what: &'a str,
    world: Arc<World>,
    phase: Phase,
    process: Option<Process>,
    /// How many versions there were before.
    versions: (usize, usize),
}

/// What is noted while a fault lasts.
#[derive(Default)]
struct Meanwhile {
    writes: u64,
    kept: bool,
    others: bool,
    sources: bool,
}

async fn play(what: &str, phase: Phase, play: &Play) {
    let mut scene = Scene::prepared(what, phase, &play.fault).await;
    let world = Arc::clone(&scene.world);
    let held = world.calls.hold(phase, play.fault.when());
    scene.act();
    scene.start(&play.fault);
    let reached = tokio::time::timeout(LIMIT, held.reached).await;
    let Ok(Ok(struck)) = reached else {
        panic!("{what}: its call never came\n{}", world.story());
    };
    world.note(&format!("*** {what}"));
    let (meanwhile, ended_itself) = scene.strike(&play.fault, struck, held.verdict, play).await;
    world.note("*** healed");
    let reached = world.until(LIMIT, || play.end.reached(&world, phase)).await;
    assert!(
        reached,
        "{what}: its end is not reached: {:?}\n{:#?}\n{}",
        world.groups(),
        world.restless(),
        world.story()
    );
    let calls = world.calls.made();
    scene.really_struck(&play.fault, &calls[struck]);
    let origin = world.cluster.groups.get("g").and_then(|group| {
        let status = group.status.as_ref()?;
        status.origin.clone()
    });
    let seen = Seen {
        struck,
        said: scene.said(),
        tenant_said: scene.tenant_said(),
        origin,
        writes_meanwhile: meanwhile.writes,
        kept_meanwhile: meanwhile.kept,
        others_meanwhile: meanwhile.others,
        sources_meanwhile: meanwhile.sources,
        ended_itself,
        lives_on: scene
            .process
            .as_ref()
            .is_some_and(|process| !process.is_dead() && !process.has_ended())
            && calls[struck].life == calls.last().map_or(0, |call| call.life),
        calls,
    };
    for claim in &play.claims {
        assert!(
            seen.holds(*claim),
            "{what}: not {claim:?}: {:#?}, said {:?}, tenant {:?}\n{}",
            seen.calls[struck..].iter().map(short).collect::<Vec<_>>(),
            seen.said,
            seen.tenant_said,
            world.story()
        );
    }
    let minutes = (world.clock)().as_second().unsigned_abs() / 60;
    let most = 200 + 12 * minutes;
    assert!(
        world.calls("*") <= most,
        "{what}: {} calls in {minutes} minutes",
        world.calls("*")
    );
    // Until every back-off has ended.
    tokio::time::sleep(Duration::from_mins(15)).await;
    world.must_rest(Duration::from_mins(5), what).await;
}

fn short(call: &Call) -> String {
    format!(
        "{:?} by {}, done {}, {:?}",
        call.phase, call.life, call.done, call.refused
    )
}

impl<'a> Scene<'a> {
    async fn prepared(what: &'a str, phase: Phase, fault: &Fault) -> Self {
        let sources = if matches!(fault, Fault::Tenant(FaultKind::PageShift { .. })) {
            260
        } else {
            8
        };
        let switches =
            json!({"policy_after_delete": "never", "policy_after_leave": "default_policy"});
        let world = World::new(match sources {
            8 => small(8, &switches, &json!("none"), 7),
            _ => super::super::tenant::wide(sources, &switches),
        });
        if phase >= Phase::Put {
            world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
            let calm = Process::start(&world, Life::default());
            assert!(world.until(LIMIT, || world.quiet()).await, "{what}: before");
            drop(calm);
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        let versions = (
            count(&world.cluster.groups.histories()),
            count(&world.cluster.tenants.histories()),
        );
        Self {
            what,
            world,
            phase,
            process: None,
            versions,
        }
    }

    /// A person does what leads to the phase.
    fn act(&self) {
        let cluster = &self.world.cluster;
        match self.phase {
            phase if phase < Phase::Put => cluster.apply("g", &spec("G", &["A", "B", "C"])),
            Phase::Put => cluster.apply("g", &spec("New", &["A", "B", "D"])),
            _ => cluster.delete("g"),
        }
    }

    fn start(&mut self, fault: &Fault) {
        let lag = match fault {
            Fault::StaleWatch(_) => LAG,
            _ => Duration::ZERO,
        };
        let life = Life {
            lag,
            ..Life::default()
        };
        self.process = Some(Process::start(&self.world, life));
    }

    fn order(&self, route: &str, times: Option<u32>, kind: &FaultKind, on: &str) {
        let mut order = Ordered::new(route, 1, kind.clone()).on(on);
        order.times = times;
        if matches!(kind, FaultKind::PageShift { .. }) {
            order = order.after(1);
        }
        self.world.tenant.lock().unwrap().add_fault(order);
    }

    async fn strike(
        &mut self,
        fault: &Fault,
        struck: usize,
        verdict: tokio::sync::oneshot::Sender<Verdict>,
        play: &Play,
    ) -> (Meanwhile, bool) {
        let world = Arc::clone(&self.world);
        let mut meanwhile = Meanwhile::default();
        let mut ended = false;
        let target = world.calls.made()[struck].target.clone();
        let go_on =
            |verdict: tokio::sync::oneshot::Sender<Verdict>| verdict.send(Verdict::GoOn).ok();
        match fault {
            Fault::Death(_) => {
                self.process = None;
                self.start(fault);
            }
            Fault::Tenant(kind) => {
                let route = if matches!(kind, FaultKind::PageShift { .. }) {
                    "GET /sources"
                } else {
                    self.phase.route().unwrap()
                };
                self.order(route, Some(1), kind, "");
                go_on(verdict);
            }
            Fault::Lasting(kind, seconds) => {
                self.order(self.phase.route().unwrap(), None, kind, &target);
                go_on(verdict);
                meanwhile = self.lasts(*seconds, play, &target).await;
                world.tenant.lock().unwrap().clear_faults();
            }
            Fault::Kube(error) => drop(verdict.send(Verdict::Fail(error.clone()))),
            Fault::Unheard => {
                let lost = KubeError::Other("no answer".to_owned());
                drop(verdict.send(Verdict::Fail(lost)));
            }
            Fault::Meanwhile(_, act) | Fault::StaleWatch(act) => {
                if matches!(fault, Fault::StaleWatch(_)) {
                    act(&world);
                    let unseen = world
                        .cluster
                        .groups
                        .changed_since(tokio::time::Instant::now() - LAG);
                    assert!(unseen > 0, "{}: the watch is not behind", self.what);
                } else {
                    act(&world);
                }
                go_on(verdict);
            }
            Fault::Spell(begin, end, seconds) => {
                begin(&world);
                go_on(verdict);
                meanwhile = self.lasts(*seconds, play, &target).await;
                end(&world);
            }
            Fault::Lag { lost } => {
                if *lost {
                    self.order(
                        self.phase.route().unwrap(),
                        Some(1),
                        &FaultKind::LostAnswer,
                        "",
                    );
                }
                for route in [
                    "GET /password-sync-groups",
                    "GET /password-sync-groups/{id}",
                ] {
                    self.order(route, None, &FaultKind::Stale { seconds: 20 }, "");
                }
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(2)).await;
                let now = Some("now".to_owned());
                world.cluster.groups.annotate("g", names::RECONCILE_AT, now);
                tokio::time::sleep(Duration::from_secs(23)).await;
                world.tenant.lock().unwrap().clear_faults();
            }
            Fault::LeaseLost => {
                self.process.as_ref().unwrap().lose_the_lease();
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.process = None;
                self.start(fault);
            }
            Fault::TwoLeaders { aware } => {
                let first = self.process.take().unwrap();
                first.pause();
                go_on(verdict);
                self.start(fault);
                tokio::time::sleep(Duration::from_mins(3)).await;
                if *aware {
                    first.lose_the_lease();
                    first.go_on();
                } else {
                    first.go_on_unaware();
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Fault::Clock(ahead) | Fault::ClockWhileLate(ahead) => {
                if matches!(fault, Fault::ClockWhileLate(_)) {
                    let late = FaultKind::LateApply {
                        seconds: 15,
                        code: None,
                    };
                    self.order(self.phase.route().unwrap(), Some(1), &late, "");
                    go_on(verdict);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                self.process = None;
                world.set_clocks(*ahead);
                self.start(fault);
            }
            Fault::Panic => {
                drop(verdict.send(Verdict::Panic));
                tokio::time::sleep(Duration::from_millis(1)).await;
                let violations = &mut world.oracle.lock().unwrap().violations;
                violations.retain(|known| known != "a pass panicked");
            }
            Fault::Stop => {
                let process = self.process.take().unwrap();
                process.stop();
                go_on(verdict);
                ended = world
                    .until(Duration::from_secs(15), || process.has_ended())
                    .await;
                drop(process);
                self.start(fault);
            }
        }
        (meanwhile, ended)
    }

    /// Lets a fault last, with another resource beside it if that is claimed to go on.
    async fn lasts(&self, seconds: u64, play: &Play, target: &str) -> Meanwhile {
        let world = &self.world;
        let before = self.effects();
        let others = play.claims.contains(&Claim::OthersGoOn);
        if others {
            world.cluster.apply("h", &spec("H", &["E", "F"]));
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let ready = || super::super::scenarios::reason(world, "h").as_deref() == Some("InSync");
        let holders = world.holders();
        let concerned = |n: &usize| !target.contains(&super::super::tenant::source_id(*n));
        let given = |n: usize| holders[&super::super::tenant::source_name(n)] == [STRONG];
        Meanwhile {
            writes: self.effects() - before,
            kept: world.cluster.groups.get("g").is_some(),
            others: others && ready(),
            sources: (0..3).filter(concerned).all(given),
        }
    }

    fn effects(&self) -> u64 {
        let tenant = self.world.tenant.lock().unwrap();
        let writes = |entry: &&identity_simulator::ledger::Entry| {
            entry.applied && entry.method != "GET" && !entry.route.contains("oauth")
        };
        tenant.ledger().since(0).filter(writes).count() as u64
    }

    /// Asserts from the records of both sides that the fault struck the very call. What a spell did
    /// shows in the claims of its cell.
    fn really_struck(&self, fault: &Fault, call: &Call) {
        let what = self.what;
        let hit = |name: &str| {
            let tenant = self.world.tenant.lock().unwrap();
            let mut entries = tenant.ledger().since(0);
            entries.any(|entry| entry.fault.as_deref() == Some(name))
        };
        let struck = match fault {
            Fault::Tenant(kind) | Fault::Lasting(kind, _) => hit(kind.name()),
            Fault::ClockWhileLate(_) => hit("late_apply") && !call.done,
            Fault::Lag { .. } => hit("stale"),
            Fault::Kube(error) => call.refused.as_ref() == Some(error),
            Fault::Death(When::After) | Fault::Unheard | Fault::Clock(_) => call.done,
            Fault::Death(When::Before) | Fault::Panic => !call.done,
            // The call was stopped and the world changed meanwhile.
            Fault::Meanwhile(..)
            | Fault::Spell(..)
            | Fault::StaleWatch(_)
            | Fault::LeaseLost
            | Fault::TwoLeaders { .. }
            | Fault::Stop => true,
        };
        assert!(struck, "{what}: it was not struck\n{}", self.world.story());
    }

    fn said(&self) -> BTreeSet<String> {
        let shelf = &self.world.cluster.groups;
        let versions = (self.versions.0..).map_while(|index| shelf.version("g", index));
        let reasons = versions.filter_map(|(_, shown)| match shown {
            Shown::There(group) | Shown::Gone(group) => {
                let status = group.status.as_ref()?;
                crate::status::reason(&status.conditions).map(str::to_owned)
            }
        });
        reasons.collect()
    }

    fn tenant_said(&self) -> BTreeSet<String> {
        let shelf = &self.world.cluster.tenants;
        let versions = (self.versions.1..).map_while(|index| shelf.version("default", index));
        let reasons = versions.filter_map(|(_, shown)| match shown {
            Shown::There(tenant) | Shown::Gone(tenant) => {
                let status = tenant.status.as_ref()?;
                crate::status::reason(&status.conditions).map(str::to_owned)
            }
        });
        reasons.collect()
    }
}

fn count(histories: &[(String, usize)]) -> usize {
    histories.first().map_or(0, |(_, versions)| *versions)
}
