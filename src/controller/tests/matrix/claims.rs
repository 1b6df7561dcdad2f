//! What a cell may state. Each claim has its word on the page, its sentence in the legend, and its
//! check; there is no other way to fill a cell.

use std::{collections::BTreeSet, time::Duration};

use super::super::calls::{Call, Phase};

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
    /// `status.origin` in the end.
    pub origin: Option<String>,
    /// As it was while the fault lasted.
    pub writes_meanwhile: u64,
    pub kept_meanwhile: bool,
    pub others_meanwhile: bool,
    pub sources_meanwhile: bool,
    /// The process that was struck ended without being killed.
    pub ended_itself: bool,
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
    Asked "asked again" "The call brought nothing, and a later one of the kind did.";
    Again "done again" "The call had no effect, a later one had, and in all one had.";
    Once "not repeated" "The call took effect, and no other of the kind was sent.";
    Twice "sent twice" "The call took effect, and a later one of the kind as well.";
    Settle "settle, then POST" "The POST that took effect was sent 30 s or more after the strike, and it was the only one that did.";
    Found "found by a look" "One POST was sent in all; its group stands in the status as created.";
    OnePost "one POST" "One POST was sent in all.";
    NoPost "no POST" "None was sent.";
    NoDelete "no DELETE" "None was sent.";
    MadeAgain "made again" "A second POST made the group anew.";
    PutRight "put right" "A PUT afterwards made the group as the manifest says.";
    Conflict "409, read again" "The apiserver refused the write with a conflict, since it was not of the newest version.";
    Quiet "nothing written" "While the fault lasted, no write of the tenant took effect.";
    Keeps "finalizer kept" "While the fault lasted, the resource stayed.";
    OthersGoOn "others go on" "While the fault lasted, another resource became ready.";
    SourcesGoOn "other sources go on" "While the fault lasted, every other source got its policy.";
    NotSent "not sent" "The call itself never took effect.";
    Successor "by the successor" "Another process made the call that took effect.";
    Ends "ends by itself" "The process ended without being killed, once the call in hand was answered.";
    Stored "answer stored first" "It stored the answer of its POST before it ended.";
    LivesOn "goes on" "The same process went on and did the rest.";
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
        self.later()
            .filter(|call| call.phase == struck.phase && call.target == struck.target)
    }

    pub fn struck(&self) -> &Call {
        &self.calls[self.struck]
    }

    pub fn holds(&self, claim: Claim) -> bool {
        let struck = self.struck();
        let effects = || self.same().filter(|call| call.done).count();
        let later = || self.later_same().any(|call| call.done);
        let posts = || self.of(Phase::Post).count();
        match claim {
            Claim::Says(reason) => self.said.contains(reason),
            Claim::TenantSays(reason) => self.tenant_said.contains(reason),
            Claim::Waits(seconds) => self.later_same().next().is_some_and(|next| {
                let waited = next.at - struck.at;
                let asked = Duration::from_secs(seconds);
                waited >= asked && waited < asked + Duration::from_mins(1)
            }),
            Claim::Asked => later(),
            Claim::Again => !struck.done && effects() == 1 && later(),
            Claim::Once => struck.done && self.later_same().next().is_none(),
            Claim::Twice => struck.done && later(),
            Claim::Settle => {
                let mut made = self.of(Phase::Post).filter(|call| call.done);
                let first = made.next();
                made.next().is_none()
                    && first.is_some_and(|post| post.at >= struck.at + Duration::from_secs(30))
            }
            Claim::Found => posts() == 1 && self.origin.as_deref() == Some("Created"),
            Claim::OnePost => posts() == 1,
            Claim::NoPost => posts() == 0,
            Claim::NoDelete => self.of(Phase::Delete).next().is_none(),
            Claim::MadeAgain => self
                .later()
                .any(|call| call.phase == Phase::Post && call.done),
            Claim::PutRight => self
                .later()
                .any(|call| call.phase == Phase::Put && call.done),
            Claim::Conflict => struck.refused == Some(crate::ports::KubeError::Conflict),
            Claim::Quiet => self.writes_meanwhile == 0,
            Claim::Keeps => self.kept_meanwhile,
            Claim::OthersGoOn => self.others_meanwhile,
            Claim::SourcesGoOn => self.sources_meanwhile,
            Claim::NotSent => !struck.done,
            Claim::Successor => self
                .later_same()
                .any(|call| call.done && call.life > struck.life),
            Claim::Ends => self.ended_itself,
            Claim::Stored => self
                .of(Phase::Keep)
                .any(|call| call.done && call.life == struck.life),
            Claim::LivesOn => self.lives_on,
        }
    }
}
