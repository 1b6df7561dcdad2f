//! Plays one cell: a calm life up to what the phase is about, the strike, the healing, the end.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use identity_simulator::FaultKind;
use psg_api::names;
use serde_json::json;
use tokio::{sync::oneshot, time::Instant};

use super::{
    super::{
        calls::{Call, Held, Hindrance, Phase, Verdict, When},
        process::{Life, Process},
        scenarios::{reason, spec},
        tenant::{small, wide},
        world::World,
    },
    cell::{Cell, Play},
    claims::{Claim, Seen},
    faults::Fault,
    hands, said,
};

/// Longer than any forced wait: probe, settle, back-off, Retry-After, a clock an hour behind.
const LIMIT: Duration = Duration::from_hours(2);
pub const LAG: Duration = Duration::from_secs(20);
/// More groups of strangers than a page has, or just as many.
const CROWD: usize = 260;
const PAGE: usize = 250;

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

pub struct Scene<'a> {
    what: &'a str,
    pub world: Arc<World>,
    pub phase: Phase,
    pub process: Option<Process>,
    /// How many versions there were before.
    versions: (usize, usize),
}

async fn play(what: &str, phase: Phase, play: &Play) {
    let mut scene = Scene::prepared(what, phase, &play.fault).await;
    let world = Arc::clone(&scene.world);
    if matches!(play.fault, Fault::LagOfAnother) {
        let held = world.calls.hold(Phase::Delete, When::After);
        scene.act();
        scene.start(&play.fault);
        let (_, verdict) = scene.reached(held).await;
        scene.lag();
        let next = world.calls.hold(phase, play.fault.when());
        verdict.send(Verdict::GoOn).ok();
        scene.go_through(next, play).await;
    } else {
        let held = world.calls.hold(phase, play.fault.when());
        scene.act();
        scene.start(&play.fault);
        scene.go_through(held, play).await;
    }
    // Until every back-off has ended.
    tokio::time::sleep(Duration::from_mins(15)).await;
    world.must_rest(Duration::from_mins(5), what).await;
}

fn names_what_cannot_be_read(world: &World) -> bool {
    let tenant = world.cluster.tenants.get("default");
    let status = tenant.as_ref().and_then(|tenant| tenant.status.as_ref());
    status.is_some_and(|status| !status.unreadable.is_empty())
}

fn short(call: &Call) -> String {
    format!(
        "{:?} by {}, done {}, heard {}, {:?}",
        call.phase, call.life, call.done, call.heard, call.refused
    )
}

impl<'a> Scene<'a> {
    /// Waits for the call; which it is, and what judges it.
    async fn reached(&self, held: Held) -> (usize, oneshot::Sender<Verdict>) {
        let reached = tokio::time::timeout(LIMIT, held.reached).await;
        let Ok(Ok(call)) = reached else {
            panic!("{}: its call never came\n{}", self.what, self.world.story());
        };
        (call, held.verdict)
    }

    /// From the strike to the end.
    async fn go_through(&mut self, held: Held, play: &Play) {
        let (what, phase) = (self.what, self.phase);
        let world = Arc::clone(&self.world);
        let (struck, verdict) = self.reached(held).await;
        let began = Instant::now();
        world.note(&format!("*** {what}"));
        let meanwhile = self.strike(&play.fault, struck, verdict, play).await;
        world.note("*** healed");
        let reached = world.until(LIMIT, || play.end.reached(&world, phase)).await;
        assert!(
            reached,
            "{what}: its end is not reached: {:?}\n{:#?}\n{}",
            world.groups(),
            world.restless(),
            world.story()
        );
        let named = play.claims.contains(&Claim::Named)
            && world
                .until(LIMIT, || names_what_cannot_be_read(&world))
                .await;
        let calls = world.calls.made();
        assert!(
            meanwhile.struck && self.shows(&play.fault, struck, &calls),
            "{what}: it was not struck: {:?}, {}\n{}",
            calls[struck],
            meanwhile.struck,
            world.story()
        );
        let origin = world.cluster.groups.get("g").and_then(|group| {
            let status = group.status.as_ref()?;
            status.origin.clone()
        });
        let life = calls[struck].life;
        let mut lives = self.process.iter();
        let seen = Seen {
            struck,
            said: said::of(&world.cluster.groups, "g", self.versions.0),
            tenant_said: said::of(&world.cluster.tenants, "default", self.versions.1),
            named,
            origin,
            writes_meanwhile: meanwhile.writes,
            kept_meanwhile: meanwhile.kept,
            others_meanwhile: meanwhile.others,
            sources_meanwhile: meanwhile.sources,
            ended_itself: meanwhile.ended,
            dropped: meanwhile.dropped,
            withheld: world
                .calls
                .hindered(began, Hindrance::Fenced)
                .contains(&life),
            lives_on: lives.any(|process| !process.is_dead() && !process.has_ended())
                && life == calls.last().map_or(0, |call| call.life),
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
    }

    async fn prepared(what: &'a str, phase: Phase, fault: &Fault) -> Self {
        let switches = json!({
            "policy_after_delete": "never", "policy_after_leave": "default_policy",
            // Its answer tells that a DELETE had no effect.
            "delete_absent": "not_found",
        });
        let crowd = match fault {
            Fault::Shift { ours: true, .. } => PAGE,
            Fault::Shift { ours: false, .. } | Fault::LargeSources => CROWD,
            // A list that takes its time.
            Fault::Tenant(FaultKind::SlowBody { .. }) => 2,
            _ => 0,
        };
        let world = World::new(match crowd {
            0 => small(8, &switches, &json!("none"), 7),
            _ => wide(8 + 2 * crowd, &switches),
        });
        hands::crowd(&world, crowd);
        if matches!(fault, Fault::LagOfAnother) {
            hands::old_home(&world);
        }
        let there = matches!(fault, Fault::Shift { ours: true, .. } | Fault::LagAtStart);
        if phase >= Phase::Put || there {
            world.cluster.apply("g", &spec("G", &["A", "B", "C"]));
            let calm = Process::start(&world, Life::default());
            if matches!(fault, Fault::LagOfAnother) {
                let waits = || reason(&world, "g").as_deref() == Some("SourceInAnotherGroup");
                assert!(world.until(LIMIT, waits).await, "{what}: {}", world.story());
                // For longer than reads lag.
                tokio::time::sleep(Duration::from_mins(1)).await;
                assert!(hands::let_go(&world));
                let now = Some("then".to_owned());
                world.cluster.groups.annotate("g", names::RECONCILE_AT, now);
            }
            assert!(world.until(LIMIT, || world.quiet()).await, "{what}: before");
            drop(calm);
            if !matches!(fault, Fault::LagOfAnother | Fault::LagAtStart) {
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
        }
        let versions = (
            said::count(&world.cluster.groups),
            said::count(&world.cluster.tenants),
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

    pub fn start(&mut self, fault: &Fault) {
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
}
