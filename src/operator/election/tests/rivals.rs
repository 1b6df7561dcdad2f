//! Two candidates, one Lease, and everything that may go wrong between them: clocks that run at
//! other speeds, jump or stand still, answers that are lost or late, processes that stop at any
//! point or die, a Lease that is deleted by hand. Never are both allowed to write a tenant, not
//! even while a write that the other began in time may still be under way.

use proptest::prelude::*;

use super::{server::Server, *};

const TICK: Duration = Duration::from_millis(100);

/// Where a candidate is in its round; it may stop for any time at each of these.
enum Stage {
    Resting,
    Read(Option<Lease>),
    Sent(Lease, Moment),
    /// What the server stored, if that was anything new; the answer is on its way.
    Answered(Option<Lease>, Moment),
}

struct Rival {
    name: &'static str,
    lives: u32,
    now: Moment,
    /// True time, which goes on while the machine sleeps.
    elapsed: Duration,
    /// Of its clocks, in percent of the true time.
    speed: u32,
    stage: Stage,
    /// Sent by an earlier life, and not arrived.
    late: Option<Lease>,
    seen: Option<Seen>,
    renewed: Option<Moment>,
    /// When the last write that it may have begun has ended.
    busy_until: Duration,
}

impl Rival {
    fn new(name: &'static str, speed: u32) -> Self {
        Self {
            name,
            lives: 0,
            now: at(1000),
            elapsed: Duration::ZERO,
            speed,
            stage: Stage::Resting,
            late: None,
            seen: None,
            renewed: None,
            busy_until: Duration::ZERO,
        }
    }

    fn identity(&self) -> String {
        format!("{}{}", self.name, self.lives)
    }

    /// Ends and starts anew.
    fn reborn(&mut self) {
        self.lives += 1;
        if let Stage::Sent(lease, _) = std::mem::replace(&mut self.stage, Stage::Resting) {
            self.late = Some(lease);
        }
        self.seen = None;
        self.renewed = None;
    }

    fn may_write(&self) -> bool {
        let left = self.renewed.map(|renewed| TERMS.left(renewed, self.now));
        left.is_some_and(|left| left > TERMS.to_write())
    }

    fn busy(&self) -> bool {
        self.elapsed < self.busy_until
    }

    fn step(&mut self, server: &mut Server, lost: bool) {
        if let Some(late) = self.late.take() {
            server.store(late);
        }
        let given_up = TERMS.duration.saturating_sub(TERMS.to_end());
        if let Some(renewed) = self.renewed
            && self.now.monotonic.saturating_sub(renewed.monotonic) >= given_up
        {
            return self.reborn();
        }
        self.stage = match std::mem::replace(&mut self.stage, Stage::Resting) {
            Stage::Resting => Stage::Read(server.lease.clone()),
            Stage::Read(found) => {
                let found = found.as_ref();
                let seen = Seen::after(self.seen.take(), found, self.now);
                let leading = self.renewed.is_some();
                let next = evaluate(found, &seen, &self.identity(), &TERMS, leading, self.now);
                self.seen = Some(seen);
                match next {
                    Move::Store(lease) => Stage::Sent(*lease, self.now),
                    Move::Wait => Stage::Resting,
                    Move::Lost => return self.reborn(),
                }
            }
            Stage::Sent(lease, sent) => {
                let before = version(&lease).map(str::to_owned);
                let stored = server.store(lease);
                let new = stored.filter(|stored| version(stored) != before.as_deref());
                Stage::Answered(new, sent)
            }
            Stage::Answered(Some(stored), sent)
                if !lost && holder(Some(&stored)) == Some(&self.identity()) =>
            {
                self.renewed = Some(sent);
                Stage::Resting
            }
            Stage::Answered(..) => Stage::Resting,
        };
    }

    fn tick(&mut self, asleep: bool) {
        if self.may_write() {
            // It may begin one at the last moment of this tick, and its clock may be slow.
            self.busy_until = self.elapsed + TICK + TERMS.post_timeout * 100 / self.speed;
        }
        self.elapsed += TICK;
        let shown = TICK * self.speed / 100;
        self.now.wall = time::after(self.now.wall, shown);
        if !asleep {
            self.now.monotonic += shown;
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    /// A candidate goes on by one step; an answer that it gets may be lost.
    Step { who: usize, lost: bool },
    /// Time passes; one machine may sleep meanwhile.
    Pass { ticks: u32, asleep: Option<usize> },
    /// Somebody sets a clock.
    Set { who: usize, seconds: i64 },
    /// One is killed.
    Kill(usize),
    /// A leader that has nothing under way lets go.
    Release(usize),
    /// Somebody deletes the Lease.
    Delete,
}

/// A clock that is set back while its machine sleeps hides that it slept, and no fence can know.
/// So in one play clocks are set, in another machines sleep.
fn events(sleeps: bool) -> impl Strategy<Value = Vec<Event>> {
    let who = || 0..2usize;
    let asleep = move || {
        (prop::bool::weighted(0.3), who())
            .prop_map(move |(some, who)| (sleeps && some).then_some(who))
    };
    let pass = move |ticks: std::ops::Range<u32>| {
        (ticks, asleep()).prop_map(|(ticks, asleep)| Event::Pass { ticks, asleep })
    };
    let set = if sleeps { 0 } else { 4000i64 };
    let event = prop_oneof![
        60 => (who(), prop::bool::weighted(0.1)).prop_map(|(who, lost)| Event::Step { who, lost }),
        20 => pass(1..20),
        4 => pass(20..200),
        1 => (who(), -set..=set).prop_map(|(who, seconds)| Event::Set { who, seconds }),
        1 => who().prop_map(Event::Kill),
        2 => who().prop_map(Event::Release),
        1 => Just(Event::Delete),
    ];
    prop::collection::vec(event, 50..400)
}

/// Plays it; who could write, one after the other.
fn play(speeds: [u32; 2], events: &[Event]) -> Result<Vec<String>, TestCaseError> {
    let mut server = Server::default();
    let mut rivals = [Rival::new("a", speeds[0]), Rival::new("b", speeds[1])];
    let mut writers = Vec::new();
    for event in events {
        match *event {
            Event::Step { who, lost } => rivals[who].step(&mut server, lost),
            Event::Pass { ticks, asleep } => {
                for _ in 0..ticks {
                    for (who, rival) in rivals.iter_mut().enumerate() {
                        rival.tick(asleep == Some(who));
                    }
                    check(&rivals, &mut writers)?;
                }
            }
            Event::Set { who, seconds } => {
                let by = jiff::SignedDuration::from_secs(seconds);
                let wall = &mut rivals[who].now.wall;
                *wall = wall.saturating_add(by).unwrap();
            }
            Event::Kill(who) => rivals[who].reborn(),
            Event::Release(who) => {
                let rival = &mut rivals[who];
                let ours = holder(server.lease.as_ref()) == Some(&rival.identity());
                if ours && !rival.busy() {
                    let lease = server.lease.clone().unwrap();
                    server.store(released(lease, rival.now));
                    rival.reborn();
                }
            }
            Event::Delete => server.lease = None,
        }
        check(&rivals, &mut writers)?;
    }
    Ok(writers)
}

fn check(rivals: &[Rival; 2], writers: &mut Vec<String>) -> Result<(), TestCaseError> {
    for (one, other) in [(&rivals[0], &rivals[1]), (&rivals[1], &rivals[0])] {
        if one.may_write() {
            let (one, identity) = (one.identity(), other.identity());
            prop_assert!(!other.may_write(), "{one} and {identity} may write");
            prop_assert!(!other.busy(), "{one} may write, {identity} may be at it");
            if writers.last() != Some(&one) {
                writers.push(one);
            }
        }
    }
    Ok(())
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn never_may_both_write_whatever_their_clocks_show(
        speeds in prop::array::uniform2(97..=103u32),
        events in events(false),
    ) {
        play(speeds, &events)?;
    }

    #[test]
    fn never_may_both_write_though_their_machines_sleep(
        speeds in prop::array::uniform2(97..=103u32),
        events in events(true),
    ) {
        play(speeds, &events)?;
    }
}

/// The plays above prove nothing if the Lease never goes over in them.
#[test]
fn the_plays_have_leaders_that_follow_one_another() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    for sleeps in [false, true] {
        let plays = (0..200).map(|_| {
            let events = events(sleeps).new_tree(&mut runner).unwrap().current();
            play([100, 100], &events).unwrap().len()
        });
        let leaders: Vec<usize> = plays.collect();
        let several = leaders.iter().filter(|count| **count > 1).count();
        assert!(several >= 50, "{several} of 200: {leaders:?}");
    }
}
