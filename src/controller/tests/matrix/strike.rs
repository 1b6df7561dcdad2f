//! Lets a fault strike the call that was stopped, and sees in the records of both sides that it did.

use std::{sync::Arc, time::Duration};

use identity_simulator::{Fault as Ordered, FaultKind};
use psg_api::names;
use serde_json::json;
use tokio::{sync::oneshot, time::Instant};

use super::{
    super::{
        calls::{Call, Hindrance, Phase, Verdict, When},
        scenarios::{reason, spec},
        tenant::{STRONG, source_id, source_name},
    },
    cell::Play,
    claims::Claim,
    faults::{Fault, Spell},
    play::{LAG, Scene},
};
use crate::kubernetes::KubeError;

/// What was seen while a fault struck.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that was seen, and any of them may come together"
)]
pub struct Meanwhile {
    /// It did what it is for, as far as that does not show in the call itself.
    pub struck: bool,
    pub writes: u64,
    pub kept: bool,
    pub others: bool,
    pub sources: bool,
    pub ended: bool,
    pub dropped: bool,
}

impl Scene<'_> {
    fn order(&self, route: &str, times: Option<u32>, kind: &FaultKind, on: &str) {
        let mut order = Ordered::new(route, 1, kind.clone()).on(on);
        order.times = times;
        if matches!(kind, FaultKind::PageShift { .. }) {
            order = order.after(1);
        }
        self.world.tenant.lock().unwrap().add_fault(order);
    }

    /// The tenant spoils the next call of the phase, whatever it is about.
    fn spoil(&self, kind: &FaultKind) {
        self.order(self.phase.route().unwrap(), Some(1), kind, "");
    }

    pub fn lag(&self) {
        for route in [
            "GET /password-sync-groups",
            "GET /password-sync-groups/{id}",
        ] {
            let seconds = LAG.as_secs();
            self.order(route, None, &FaultKind::Stale { seconds }, "");
        }
    }

    pub async fn strike(
        &mut self,
        fault: &Fault,
        struck: usize,
        verdict: oneshot::Sender<Verdict>,
        play: &Play,
    ) -> Meanwhile {
        let world = Arc::clone(&self.world);
        let mut meanwhile = Meanwhile {
            struck: true,
            ..Meanwhile::default()
        };
        let call = world.calls.made()[struck].clone();
        let target = call.target.split('?').next().unwrap_or_default();
        let go_on = |verdict: oneshot::Sender<Verdict>| verdict.send(Verdict::GoOn).ok();
        match fault {
            Fault::Death(_) => {
                self.process = None;
                self.start(fault);
            }
            Fault::Tenant(kind) => {
                self.spoil(kind);
                go_on(verdict);
            }
            Fault::Shift { by, .. } => {
                self.spoil(&FaultKind::PageShift { by: *by });
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            Fault::Lasting(kind, seconds) => {
                self.order(self.phase.route().unwrap(), None, kind, target);
                go_on(verdict);
                meanwhile = self.lasts(*seconds, play, target).await;
                world.tenant.lock().unwrap().clear_faults();
            }
            Fault::Kube(error) => drop(verdict.send(Verdict::Fail(error.clone()))),
            Fault::Unheard => {
                let lost = KubeError::Other("no answer".to_owned());
                drop(verdict.send(Verdict::Fail(lost)));
            }
            Fault::Meanwhile(_, act) | Fault::StaleWatch(act) => {
                meanwhile.struck = act(&world);
                go_on(verdict);
            }
            Fault::Spell(spell) => {
                let Spell { begin, end, .. } = spell;
                let (began, did) = (Instant::now(), begin(&world));
                go_on(verdict);
                meanwhile = self.lasts(spell.seconds, play, target).await;
                end(&world);
                let met = world.calls.hindered(began, spell.seen);
                meanwhile.struck = did && met.contains(&call.life);
            }
            Fault::Lag { lost } => {
                if *lost {
                    self.spoil(&FaultKind::LostAnswer);
                }
                let seq = self.newest_entry();
                self.lag();
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(2)).await;
                let now = Some("now".to_owned());
                world.cluster.groups.annotate("g", names::RECONCILE_AT, now);
                tokio::time::sleep(Duration::from_secs(23)).await;
                world.tenant.lock().unwrap().clear_faults();
                meanwhile.struck = self.was_hit(seq, "stale");
            }
            Fault::LargeSources => {
                world.switch(&json!({"source_size": {"padded": {"bytes": 50_000}}}));
                go_on(verdict);
                let smaller = || {
                    let tenant = world.tenant.lock().unwrap();
                    let mut asked = tenant.ledger().since(0);
                    asked
                        .any(|entry| entry.route == "/sources" && entry.query.contains("limit=125"))
                };
                meanwhile.struck = world.until(Duration::from_secs(30), smaller).await;
            }
            Fault::LagAtStart => {
                self.lag();
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(25)).await;
                world.tenant.lock().unwrap().clear_faults();
            }
            Fault::LagOfAnother => {
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(25)).await;
                world.tenant.lock().unwrap().clear_faults();
                meanwhile.struck = self.was_hit(0, "stale");
            }
            Fault::LeaseLost => {
                let began = Instant::now();
                self.process.as_ref().unwrap().lose_the_lease();
                go_on(verdict);
                tokio::time::sleep(Duration::from_secs(1)).await;
                let withheld = world.calls.hindered(began, Hindrance::Fenced);
                meanwhile.struck = withheld.contains(&call.life);
                self.process = None;
                self.start(fault);
            }
            Fault::TwoLeaders { aware } => {
                let first = self.process.take().unwrap();
                first.pause();
                go_on(verdict);
                self.start(fault);
                tokio::time::sleep(Duration::from_mins(3)).await;
                let resumed = Instant::now();
                let mut made = world.calls.made().into_iter();
                let both = made.any(|other| other.life > call.life && other.done);
                if *aware {
                    first.go_on();
                } else {
                    first.go_on_unaware();
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                let withheld = world.calls.hindered(resumed, Hindrance::Fenced);
                let ended = world.calls.made()[struck].ended;
                meanwhile.struck = both
                    && if *aware {
                        withheld.contains(&call.life)
                    } else {
                        ended.is_some_and(|at| at >= resumed)
                    };
            }
            Fault::Clock(ahead) | Fault::ClockWhileLate(ahead) => {
                if matches!(fault, Fault::ClockWhileLate(_)) {
                    self.spoil(&FaultKind::LateApply {
                        seconds: 15,
                        code: None,
                    });
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
                tokio::time::sleep(Duration::from_millis(100)).await;
                meanwhile.dropped = process.has_ended();
                go_on(verdict);
                let end = Duration::from_secs(15);
                meanwhile.ended = world.until(end, || process.has_ended()).await;
                drop(process);
                self.start(fault);
            }
        }
        meanwhile
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
        let ready = || reason(world, "h").as_deref() == Some("InSync");
        let holders = world.holders();
        let concerned = |n: &usize| !target.contains(&source_id(*n));
        let given = |n: usize| holders[&source_name(n)] == [STRONG];
        Meanwhile {
            struck: true,
            writes: self.effects() - before,
            kept: world.cluster.groups.get("g").is_some(),
            others: others && ready(),
            sources: (0..3).filter(concerned).all(given),
            ..Meanwhile::default()
        }
    }

    fn effects(&self) -> u64 {
        let tenant = self.world.tenant.lock().unwrap();
        let writes = |entry: &&identity_simulator::ledger::Entry| {
            entry.applied && entry.method != "GET" && !entry.route.contains("oauth")
        };
        tenant.ledger().since(0).filter(writes).count() as u64
    }

    fn newest_entry(&self) -> u64 {
        self.world.tenant.lock().unwrap().ledger().next() - 1
    }

    /// Whether that fault hit any request since then.
    fn was_hit(&self, seq: u64, name: &str) -> bool {
        let tenant = self.world.tenant.lock().unwrap();
        let mut entries = tenant.ledger().since(seq);
        entries.any(|entry| entry.fault.as_deref() == Some(name))
    }

    /// Whether that fault hit this very call.
    fn is_hit(&self, call: &Call, name: &str) -> bool {
        let tenant = self.world.tenant.lock().unwrap();
        let seq = call.entry.map(|seq| seq - 1);
        let entry = seq.and_then(|seq| tenant.ledger().since(seq).next());
        entry.is_some_and(|entry| entry.fault.as_deref() == Some(name))
    }

    /// Whether the records of both sides show that the fault struck the very call, as far as it is
    /// about the call.
    pub fn shows(&self, fault: &Fault, struck: usize, calls: &[Call]) -> bool {
        let call = &calls[struck];
        match fault {
            Fault::Tenant(kind) | Fault::Lasting(kind, _) => self.is_hit(call, kind.name()),
            Fault::ClockWhileLate(_) => self.is_hit(call, "late_apply") && !call.done,
            Fault::LagAtStart => self.is_hit(call, "stale"),
            Fault::Lag { lost: true } => self.is_hit(call, "lost_answer"),
            // The second page of the same walk.
            Fault::Shift { .. } => {
                let mut later = calls[struck + 1..].iter();
                let page = later.find(|later| later.phase == Phase::Read);
                page.is_some_and(|page| self.is_hit(page, "page_shift"))
            }
            Fault::Kube(error) => call.refused.as_ref() == Some(error),
            Fault::Death(When::After) | Fault::Unheard | Fault::Clock(_) => {
                call.done && !call.heard
            }
            Fault::Death(When::Before) | Fault::Panic => !call.done,
            Fault::Lag { lost: false }
            | Fault::Meanwhile(..)
            | Fault::Spell(_)
            | Fault::LargeSources
            | Fault::LagOfAnother
            | Fault::StaleWatch(_)
            | Fault::LeaseLost
            | Fault::TwoLeaders { .. }
            | Fault::Stop => true,
        }
    }
}
