//! A tenant in memory: groups, sources and their policy holders, with writes that may be lost,
//! late or refused, pages that lag, and a service that hands policies back at once, later or never.
//! It checks nothing by itself and accepts whatever it is sent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use psg_domain::{
    Group, GroupId, Holder, Intent, Policy, PolicyId, Source, SourceId, facts::default_policy,
};

use super::fixture::{everybody, policy, source, source_id};

/// How one write ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Applied and answered.
    Answered,
    /// Applied, and the answer is lost.
    Lost,
    /// No answer; applied so many seconds after it was sent.
    Late(i64),
    /// No answer, and never applied.
    Dropped,
    /// Answered 429: not applied.
    TooMany,
    /// Answered 400: not applied.
    Refused,
}

/// What the service does for a source whose group lets it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    AssignsAtOnce,
    AssignsAfter(i64),
    NeverAssigns,
}

/// One write on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Post(String, Intent),
    Put(Group),
    Delete(GroupId),
    Assign(SourceId, Vec<Holder>),
    /// The service's own work, never on the wire.
    Reassignment(SourceId, PolicyId),
}

/// The sources of every world.
pub const SOURCES: [&str; 8] = ["ad", "sf", "wd", "sn", "gh", "ldap", "erp", "gsuite"];

pub struct Tenant {
    pub groups: BTreeMap<GroupId, Group>,
    pub sources: Vec<Source>,
    pub policies: Vec<Policy>,
    pub holders: BTreeMap<SourceId, Vec<Holder>>,
    /// Which resource's POST made a group.
    pub makers: BTreeMap<GroupId, String>,
    pub service: Service,
    /// For how many seconds pages do not show a group that was just made.
    pub lag: i64,
    /// Writes that will still take effect.
    pub late: Vec<(Timestamp, Write)>,
    made_at: BTreeMap<GroupId, Timestamp>,
}

impl Tenant {
    pub fn new(service: Service, lag: i64) -> Self {
        Self {
            groups: BTreeMap::new(),
            sources: SOURCES
                .iter()
                .map(|id| source(id, &id.to_uppercase()))
                .collect(),
            policies: vec![policy("strong", "Strong"), policy("weak", "Weak")],
            holders: SOURCES
                .iter()
                .map(|id| (source_id(id), vec![everybody("own")]))
                .collect(),
            makers: BTreeMap::new(),
            service,
            lag,
            late: Vec::new(),
            made_at: BTreeMap::new(),
        }
    }

    /// What a walk over all pages shows.
    pub fn walk(&self, now: Timestamp) -> Vec<Group> {
        let shown = |group: &&Group| {
            let made = self.made_at.get(&group.id);
            made.is_none_or(|made| now >= *made + SignedDuration::from_secs(self.lag))
        };
        self.groups.values().filter(shown).cloned().collect()
    }

    /// Lets everything that is due take effect.
    pub fn pass_time(&mut self, now: Timestamp) {
        loop {
            let due = self
                .late
                .iter()
                .enumerate()
                .filter(|(_, (at, _))| *at <= now);
            let Some(first) = due
                .min_by_key(|(place, (at, _))| (*at, *place))
                .map(|(n, _)| n)
            else {
                return;
            };
            let (at, write) = self.late.remove(first);
            self.apply(at, write);
        }
    }

    /// Takes one write; the answer, if it is answered, is the group that it was for, if that is there.
    pub fn take(&mut self, now: Timestamp, write: Write, fate: Fate) -> Option<Group> {
        match fate {
            Fate::Answered => self.apply(now, write),
            Fate::Lost => {
                self.apply(now, write);
                None
            }
            Fate::Late(by) => {
                self.late.push((now + SignedDuration::from_secs(by), write));
                None
            }
            Fate::Dropped | Fate::TooMany | Fate::Refused => None,
        }
    }

    pub fn apply(&mut self, now: Timestamp, write: Write) -> Option<Group> {
        match write {
            Write::Post(uid, intent) => {
                let id = GroupId::parse(&format!("made-{}", self.makers.len())).unwrap();
                let group = Group {
                    id: id.clone(),
                    name: intent.name,
                    policy: Some(intent.policy),
                    sources: intent.sources,
                };
                self.makers.insert(id.clone(), uid);
                self.made_at.insert(id, now);
                self.put(now, &group);
                Some(group)
            }
            Write::Put(group) => {
                self.groups
                    .contains_key(&group.id)
                    .then(|| self.put(now, &group))?;
                Some(group)
            }
            Write::Delete(id) => {
                let group = self.groups.remove(&id)?;
                self.let_go(now, &group.sources, group.policy.as_ref());
                Some(group)
            }
            Write::Assign(source, holders) => {
                self.holders.insert(source, holders);
                None
            }
            Write::Reassignment(source, policy) => {
                let free = self
                    .groups
                    .values()
                    .all(|group| !group.sources.contains(&source));
                if free && let Some(holders) = self.holders.get_mut(&source) {
                    holders.retain(Holder::is_exception);
                    holders.push(Holder::for_everybody(policy));
                }
                None
            }
        }
    }

    /// A group comes or changes: its members have no policy of their own any more.
    pub fn put(&mut self, now: Timestamp, group: &Group) {
        let was = self.groups.insert(group.id.clone(), group.clone());
        for id in &group.sources {
            if let Some(holders) = self.holders.get_mut(id) {
                holders.retain(Holder::is_exception);
            }
        }
        if let Some(was) = was {
            let left = was.sources.difference(&group.sources).cloned().collect();
            self.let_go(now, &left, was.policy.as_ref());
        }
    }

    fn let_go(&mut self, now: Timestamp, sources: &BTreeSet<SourceId>, policy: Option<&PolicyId>) {
        let Some(policy) = policy else { return };
        for id in sources {
            let reassign = Write::Reassignment(id.clone(), policy.clone());
            match self.service {
                Service::AssignsAtOnce => _ = self.apply(now, reassign),
                Service::AssignsAfter(by) => {
                    self.late
                        .push((now + SignedDuration::from_secs(by), reassign));
                }
                Service::NeverAssigns => {}
            }
        }
    }

    /// The sources that are in no group and have no policy for everybody: there must be none.
    pub fn abandoned(&self) -> Vec<&SourceId> {
        let member = |id: &SourceId| self.groups.values().any(|group| group.sources.contains(id));
        let bare = |(id, holders): &(&SourceId, &Vec<Holder>)| {
            !member(id) && default_policy(holders).is_none()
        };
        self.holders.iter().filter(bare).map(|(id, _)| id).collect()
    }

    /// What a resource made, or is about to, and lets go of on request is no longer its own.
    pub fn disown(&mut self, uid: &str) {
        let nobodys = format!("once {uid}");
        for maker in self.makers.values_mut().filter(|maker| **maker == uid) {
            maker.clone_from(&nobodys);
        }
        for (_, write) in &mut self.late {
            if let Write::Post(by, _) = write
                && by == uid
            {
                by.clone_from(&nobodys);
            }
        }
    }

    /// A resource that finds what it once made may take it back.
    pub fn own_again(&mut self, uid: &str, id: &GroupId) {
        if let Some(maker) = self
            .makers
            .get_mut(id)
            .filter(|maker| **maker == format!("once {uid}"))
        {
            uid.clone_into(maker);
        }
    }

    pub fn made_by(&self, uid: &str) -> Vec<&Group> {
        let by = |group: &&Group| self.makers.get(&group.id).is_some_and(|maker| maker == uid);
        self.groups.values().filter(by).collect()
    }
}
