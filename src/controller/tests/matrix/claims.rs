//! What a cell may state. Each claim has its word on the page, its sentence in the legend, and its
//! check; there is no other way to fill a cell.

use std::{collections::BTreeSet, time::Duration};

use super::super::{
    calls::{Call, Phase},
    tenant::source_id,
};

/// What was seen of one play.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that was seen, and any of them may come together"
)]
pub struct Seen {
    /// Every call, and which of them was struck.
    pub calls: Vec<Call>,
    pub struck: usize,
    /// The reasons of `Ready` since then: the resource's, and the IdentityTenant's.
    pub said: BTreeSet<String>,
    pub tenant_said: BTreeSet<String>,
    /// The IdentityTenant lists something that cannot be read, in the end.
    pub named: bool,
    /// `status.origin` in the end.
    pub origin: Option<String>,
    /// As it was while the fault lasted.
    pub writes_meanwhile: u64,
    pub kept_meanwhile: bool,
    pub others_meanwhile: bool,
    pub sources_meanwhile: bool,
    /// The process that was struck ended without being killed, and perhaps before the call in hand
    /// was answered.
    pub ended_itself: bool,
    pub dropped: bool,
    /// A write of that process was withheld.
    pub withheld: bool,
    /// It is still the one that runs.
    pub lives_on: bool,
}

macro_rules! claims {
    ($($claim:ident $word:literal $meaning:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Claim {
            /// The resource gave this reason.
            Says(&'static str),
            /// The IdentityTenant gave this reason.
            TenantSays(&'static str),
            /// The next call of the kind came after so many seconds.
            Waits(u64),
            $($claim,)*
        }

        impl Claim {
            pub fn word(self) -> String {
                match self {
                    Self::Says(reason) => format!("`{reason}`"),
                    Self::TenantSays(reason) => format!("tenant `{reason}`"),
                    Self::Waits(seconds) => format!("waits {seconds} s"),
                    $(Self::$claim => $word.to_owned(),)*
                }
            }
        }

        pub const LEGEND: &[(&str, &str)] = &[
            ("`Reason`", "The resource's `Ready` gave this reason."),
            ("tenant `Reason`", "The IdentityTenant's `Ready` gave this reason."),
            ("waits n s", "The next call of the kind came no earlier, and less than a minute later."),
            $(($word, $meaning),)*
        ];
    };
}

claims! {
    Asked "asked again" "The call brought the process nothing, and a later one of the kind did.";
    Walked "walked again" "The list did not add up: its first page was asked for again at once, before anything was written.";
    Complete "taken as it is" "The list added up all the same: it was not walked again before the next write.";
    Again "done again" "The call had no effect, a later one had, and in all one had.";
    Once "not repeated" "The call took effect, and no later one of the kind was sent.";
    Twice "sent twice" "The call took effect, and a later one of the kind as well.";
    Skips "leaves the source" "No policy was assigned to the source that another group has by now.";
    Vain "repeated in vain" "The call took effect. It was sent again while reads still showed the group, and had no effect.";
    Outlasts "waits until it is not shown" "The finalizer ended 20 s or more after the strike: no earlier than reads could show it.";
    Settle "settle, then POST" "The POST that took effect was sent 30 s or more after the strike, and it was the only one that did.";
    Found "found by a look" "One POST was sent in all. The process that stored its group as created had not heard the answer: it walked the list after the strike, and then stored.";
    Held "answer kept" "One POST was sent in all, and the process that sent it stored what it was answered.";
    OnePost "one POST" "One POST was sent in all.";
    NoPost "no POST" "None was sent.";
    NoDelete "no DELETE" "None was sent.";
    MadeAgain "made again" "The first POST made a group, and later a second one made it anew; there was no third.";
    PutRight "put right" "A PUT afterwards made the group as the manifest says.";
    Conflict "conflict" "The apiserver refused the write with 409, since it was not of the newest version.";
    Quiet "nothing written" "While the fault lasted, no write of the tenant took effect.";
    Keeps "finalizer kept" "While the fault lasted, the resource stayed.";
    OthersGoOn "others go on" "While the fault lasted, another resource became ready.";
    SourcesGoOn "other sources go on" "While the fault lasted, every other source got its policy.";
    NotSent "not sent" "The call itself never took effect.";
    Withheld "withheld" "What the process was about to write was withheld at the last moment.";
    Successor "by the successor" "Another process made a later call of the kind, and it took effect.";
    Ends "ends by itself" "The process ended without being killed, and not before the call in hand was answered.";
    Dropped "ends at once" "The process ended without being killed, and did not wait for the call in hand.";
    Stored "answer stored first" "It stored the answer of its POST before it ended.";
    LivesOn "goes on" "The same process went on and did the rest.";
    Named "named" "The IdentityTenant's status named what cannot be read.";
    Patient "waits for what lasts" "The source that another group seemed to have got its policy 30 s or more after the DELETE, before the finalizer ended.";
}

impl Seen {
    fn of(&self, phase: Phase) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.phase == phase)
    }

    fn same(&self) -> impl Iterator<Item = &Call> {
        let struck = self.struck();
        self.of(struck.phase)
            .filter(|call| call.target == struck.target)
    }

    fn later(&self) -> impl Iterator<Item = &Call> {
        self.calls[self.struck + 1..].iter()
    }

    fn later_same(&self) -> impl Iterator<Item = &Call> {
        let struck = self.struck();
        self.later().filter(|call| {
            call.phase == struck.phase && place(&call.target) == place(&struck.target)
        })
    }

    pub fn struck(&self) -> &Call {
        &self.calls[self.struck]
    }

    pub fn holds(&self, claim: Claim) -> bool {
        let struck = self.struck();
        let effects = || self.same().filter(|call| call.done).count();
        let later = || self.later_same().any(|call| call.done);
        let posts = || self.of(Phase::Post).count();
        let made = || self.of(Phase::Post).filter(|call| call.done).count();
        match claim {
            Claim::Says(reason) => self.said.contains(reason),
            Claim::TenantSays(reason) => self.tenant_said.contains(reason),
            Claim::Waits(seconds) => self.later_same().next().is_some_and(|next| {
                let waited = next.at - struck.at;
                let asked = Duration::from_secs(seconds);
                waited >= asked && waited < asked + Duration::from_mins(1)
            }),
            Claim::Asked => {
                !(struck.done && struck.heard)
                    && self.later_same().any(|call| call.done && call.heard)
            }
            Claim::Walked => self.next_walk().is_some_and(|next| {
                next.life == struck.life && next.at < struck.at + Duration::from_secs(1)
            }),
            Claim::Complete => self.next_walk().is_none(),
            Claim::Again => !struck.done && effects() == 1 && later(),
            Claim::Once => struck.done && self.later_same().next().is_none(),
            Claim::Twice => struck.done && later(),
            Claim::Skips => {
                let source = source_id(0);
                !self
                    .of(Phase::Assign)
                    .any(|call| call.target.contains(&source))
            }
            Claim::Vain => {
                struck.done
                    && self.later_same().next().is_some()
                    && self.later_same().all(|call| !call.done)
            }
            Claim::Outlasts => {
                let mut released = self.later().filter(|call| call.phase == Phase::Release);
                released.all(|call| call.at >= struck.at + Duration::from_secs(20))
            }
            Claim::Settle => {
                let mut made = self.of(Phase::Post).filter(|call| call.done);
                let first = made.next();
                made.next().is_none()
                    && first.is_some_and(|post| post.at >= struck.at + Duration::from_secs(30))
            }
            Claim::Found => posts() == 1 && self.is_created() && self.found(),
            Claim::Held => posts() == 1 && self.is_created() && self.held(),
            Claim::OnePost => posts() == 1,
            Claim::NoPost => posts() == 0,
            Claim::NoDelete => self.of(Phase::Delete).next().is_none(),
            Claim::MadeAgain => {
                made() == 2
                    && self
                        .later()
                        .any(|call| call.phase == Phase::Post && call.done)
            }
            Claim::PutRight => self
                .later()
                .any(|call| call.phase == Phase::Put && call.done),
            Claim::Conflict => struck.refused == Some(crate::kubernetes::KubeError::Conflict),
            Claim::Quiet => self.writes_meanwhile == 0,
            Claim::Keeps => self.kept_meanwhile,
            Claim::OthersGoOn => self.others_meanwhile,
            Claim::SourcesGoOn => self.sources_meanwhile,
            Claim::NotSent => !struck.done,
            Claim::Successor => self
                .later_same()
                .any(|call| call.done && call.life > struck.life),
            Claim::Withheld => self.withheld,
            Claim::Ends => self.ended_itself && !self.dropped,
            Claim::Dropped => self.ended_itself && self.dropped,
            Claim::Stored => self
                .of(Phase::Keep)
                .any(|call| call.done && call.life == struck.life),
            Claim::LivesOn => self.lives_on && self.later().next().is_some(),
            Claim::Named => self.named,
            Claim::Patient => self.waited(),
        }
    }

    fn is_created(&self) -> bool {
        self.origin.as_deref() == Some("Created")
    }

    /// The first POST, and where the group's id was stored first.
    fn made_and_kept(&self) -> Option<(&Call, usize)> {
        let made = self.of(Phase::Post).next()?;
        let mut calls = self.calls.iter();
        let kept = calls.position(|call| call.phase == Phase::Keep && call.done)?;
        Some((made, kept))
    }

    fn held(&self) -> bool {
        self.made_and_kept()
            .is_some_and(|(made, kept)| made.heard && self.calls[kept].life == made.life)
    }

    fn found(&self) -> bool {
        let Some((_, kept)) = self.made_and_kept() else {
            return false;
        };
        let life = self.calls[kept].life;
        let looked = |call: &Call| call.phase == Phase::Read && call.life == life;
        let between = self.calls.get(self.struck + 1..kept).unwrap_or_default();
        !self.held()
            && between
                .iter()
                .any(|call| looked(call) && call.done && call.heard)
    }

    /// The next walk over the same list, if it began before anything was written.
    fn next_walk(&self) -> Option<&Call> {
        let struck = place(&self.struck().target);
        let mut next = self.later().take_while(|call| call.phase <= Phase::Read);
        next.find(|call| call.phase == Phase::Read && place(&call.target) == struck)
    }

    fn waited(&self) -> bool {
        let last = |phase, target: &str| {
            let mut calls = self.calls.iter();
            let at = calls.rposition(|call| {
                call.phase == phase && call.done && call.target.contains(target)
            })?;
            Some((at, self.calls[at].at))
        };
        let source = source_id(0);
        let (deleted, given) = (last(Phase::Delete, ""), last(Phase::Assign, &source));
        let released = last(Phase::Release, "");
        matches!((deleted, given, released), (Some(deleted), Some(given), Some(released))
            if given.1 >= deleted.1 + Duration::from_secs(30) && given.0 < released.0)
    }
}

/// What a call is about. The same page may be asked for again with fewer objects.
fn place(target: &str) -> (&str, &str) {
    let page = target.split_once("?limit=");
    let page = page.and_then(|(path, page)| Some((path, page.split_once('&')?.1)));
    page.unwrap_or((target, ""))
}
