//! The rule moving: what each of several groups can have while sources move between them. Looks at
//! the resource at hand, at the resources that hold the sources it waits for, at the resources that
//! hold what those wait for, and so on.
//!
//! Assumes the best of everything outside: a source that no group among them holds will come.
//! Manifests decide how many groups wait for how many sources, so the work of one decision ends at
//! [`WORK`]: what was not looked at by then counts as outside.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use psg_domain::{Group, Presence, SourceId};

use crate::{case::Case, claims::Claimant, resolve::Resolved, rules::conflicts::Awaited};

/// The fewest sources that a group may have.
pub const FEWEST: usize = 2;

/// How often one decision may look up who holds a source: some milliseconds, and enough for twenty
/// groups that exchange fifty sources each.
pub const WORK: usize = 20_000;

/// Groups that wait for one another's sources, by the UID of their resources.
pub struct SwapGraph {
    sides: BTreeMap<String, Side>,
    /// The resources that hold a source and let it go.
    owners: BTreeMap<SourceId, BTreeSet<String>>,
    work: Cell<usize>,
}

/// Why a group never gets what it waits for: the group that holds it waits for this one in turn.
pub struct Cycle {
    /// The sources that it misses, each with its holder.
    pub missing: Vec<(SourceId, String)>,
    /// The sources that will leave it and cannot, each with a resource that waits for it.
    pub sought: Vec<(SourceId, String)>,
}

/// One of the groups.
struct Side {
    /// What its group has in the tenant.
    members: BTreeSet<SourceId>,
    /// What its group has, and what its status still claims.
    held: BTreeSet<SourceId>,
    /// What its group will have.
    wanted: BTreeSet<SourceId>,
    /// Its group is being deleted, and so may lose every source.
    ends: bool,
    /// Other resources that ask for what will leave it.
    seekers: BTreeMap<SourceId, BTreeSet<String>>,
}

impl SwapGraph {
    /// The resource at hand and all on which it waits, directly or not.
    pub fn around(
        case: &Case<'_>,
        resolved: &Resolved,
        group: &Group,
        awaited: &[Awaited<'_>],
    ) -> Self {
        let me = case.object.uid.clone();
        let members = group.sources.clone();
        let side = Side::new(case, &me, members, &BTreeSet::new(), resolved.source_ids());
        let mut graph = Self {
            sides: BTreeMap::from([(me.clone(), side)]),
            owners: BTreeMap::new(),
            work: Cell::new(WORK),
        };
        let mut open = vec![me];
        while let Some(uid) = open.pop() {
            for owner in graph.lookup(case, &uid) {
                if !graph.sides.contains_key(&owner.uid) {
                    let side = Side::of(case, owner);
                    graph.spend(side.members.len() + side.wanted.len());
                    graph.sides.insert(owner.uid.clone(), side);
                    open.push(owner.uid.clone());
                }
            }
        }
        // Even if an owner's group does not show it, a source that is waited for is not free.
        for Awaited { source, owner } in awaited {
            if let Some(side) = graph.sides.get_mut(&owner.uid) {
                side.held.insert(source.id.clone());
            }
        }
        graph.index();
        graph
    }

    /// Takes `work` from what is left; false once nothing is left.
    fn spend(&self, work: usize) -> bool {
        let left = self.work.get().saturating_sub(work);
        self.work.set(left);
        left > 0
    }

    fn index(&mut self) {
        self.owners.clear();
        for (uid, side) in &self.sides {
            for id in side.held.difference(&side.wanted) {
                let owners = self.owners.entry(id.clone()).or_default();
                owners.insert(uid.clone());
            }
        }
    }

    /// The resources that hold what a side waits for, and let it go.
    fn lookup<'a>(&self, case: &'a Case<'_>, uid: &str) -> Vec<&'a Claimant> {
        let missing = self.sides.get(uid).into_iter().flat_map(Side::missing);
        // One owner takes several look-ups to find.
        let missing = missing.take_while(|_| self.spend(8));
        let sources = missing.filter_map(|id| case.picture.source(id));
        let owners = sources.filter_map(|source| {
            let owner = case.claims.owner_of_source(uid, source);
            let groups = || case.picture.groups_with(&source.id).into_iter();
            let owner = owner.or_else(|| {
                groups().find_map(|group| case.claims.recorded_owner_of_group(uid, &group.id))
            });
            owner.filter(|owner| owner.lets_go(source))
        });
        owners.collect()
    }

    /// What a side's group can have now: what it keeps, what is free, and, as long as those are
    /// fewer than [`FEWEST`], some of what will leave it.
    pub fn reach(&self, uid: &str) -> BTreeSet<SourceId> {
        let Some(side) = self.sides.get(uid).filter(|side| !side.ends) else {
            return BTreeSet::new();
        };
        let comes = side.missing().filter(|id| self.owner(uid, id).is_none());
        let keeps = side.members.intersection(&side.wanted);
        let mut reached: BTreeSet<SourceId> = keeps.chain(comes).cloned().collect();
        let lacking = FEWEST.saturating_sub(reached.len());
        let mut leavers: Vec<&SourceId> = side.members.difference(&side.wanted).collect();
        if (1..leavers.len()).contains(&lacking) {
            let upstream = self.upstream(uid);
            leavers.sort_by_key(|id| side.pressure(id, &upstream));
        }
        reached.extend(leavers.into_iter().take(lacking).cloned());
        reached
    }

    /// Another side that holds a source and lets it go.
    fn owner(&self, me: &str, id: &SourceId) -> Option<&String> {
        self.spend(1);
        self.owners.get(id)?.iter().find(|uid| *uid != me)
    }

    /// Every side on which a side waits, directly or not; including itself if it is in a cycle.
    fn upstream(&self, me: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![me];
        while let Some(uid) = open.pop().filter(|_| self.spend(1)) {
            let missing = self.sides.get(uid).into_iter().flat_map(Side::missing);
            for owner in missing.filter_map(|id| self.owner(uid, id)) {
                if found.insert(owner.as_str()) {
                    open.push(owner);
                }
            }
        }
        found
    }

    /// Moves every side as far as it can go; returns what the resource at hand still misses then,
    /// if it waits for itself. None as well if the work is used up before that is known.
    pub fn cycle(mut self, me: &str) -> Option<Cycle> {
        for side in self.sides.values_mut() {
            side.held.clone_from(&side.members);
        }
        self.index();
        let uids: Vec<String> = self.sides.keys().cloned().collect();
        let mut moving = true;
        // Every round brings in wanted sources or takes out others, so the loop ends.
        while moving {
            moving = false;
            for uid in &uids {
                let reached = self.reach(uid);
                if !self.spend(reached.len()) {
                    return None;
                }
                moving |= self.goes_to(uid, reached);
            }
        }
        let upstream = self.upstream(me);
        let side = self.sides.get(me).filter(|_| upstream.contains(me))?;
        let held_up = side.missing().filter_map(|id| {
            let owner = self.owner(me, id)?;
            Some((id.clone(), owner.clone()))
        });
        let leavers = side.members.difference(&side.wanted);
        let sought = leavers.filter_map(|id| {
            let mut seekers = side.seekers.get(id)?.iter();
            let seeker = seekers.find(|uid| upstream.contains(uid.as_str()))?;
            Some((id.clone(), seeker.clone()))
        });
        Some(Cycle {
            missing: held_up.collect(),
            sought: sought.collect(),
        })
    }

    /// Gives a side these sources; true if that is a change.
    fn goes_to(&mut self, uid: &str, reached: BTreeSet<SourceId>) -> bool {
        let Some(side) = self.sides.get_mut(uid).filter(|it| it.members != reached) else {
            return false;
        };
        for id in side.held.difference(&reached) {
            if let Some(owners) = self.owners.get_mut(id) {
                owners.remove(uid);
            }
        }
        let comes = reached.difference(&side.held);
        for id in comes.filter(|id| !side.wanted.contains(*id)) {
            let owners = self.owners.entry(id.clone()).or_default();
            owners.insert(uid.to_owned());
        }
        side.members.clone_from(&reached);
        side.held = reached;
        true
    }
}

impl Side {
    fn of(case: &Case<'_>, claimant: &Claimant) -> Self {
        let claimed: BTreeSet<SourceId> = claimant.held_sources().cloned().collect();
        let members = match claimant.group().map(|id| case.picture.group(id)) {
            Some(Presence::There(group, _)) => group.sources.clone(),
            _ => claimed.clone(),
        };
        let wanted = claimant.wanted_sources(case.picture);
        let side = Self::new(case, &claimant.uid, members, &claimed, wanted);
        Self {
            ends: claimant.ends(),
            ..side
        }
    }

    fn new(
        case: &Case<'_>,
        uid: &str,
        members: BTreeSet<SourceId>,
        claimed: &BTreeSet<SourceId>,
        wanted: BTreeSet<SourceId>,
    ) -> Self {
        let leavers = members.difference(&wanted);
        let sources = leavers.filter_map(|id| case.picture.source(id));
        let seekers = sources.map(|source| {
            let uids = case.claims.seekers_of_source(uid, source).into_iter();
            (source.id.clone(), uids.map(str::to_owned).collect())
        });
        Self {
            seekers: seekers.collect(),
            held: members.union(claimed).cloned().collect(),
            members,
            wanted,
            ends: false,
        }
    }

    fn missing(&self) -> impl Iterator<Item = &SourceId> {
        self.wanted.difference(&self.members)
    }

    /// What waits for a source to leave: nothing (0), another group (1), or one that this side
    /// waits for (2).
    fn pressure(&self, id: &SourceId, upstream: &BTreeSet<&str>) -> u8 {
        match self.seekers.get(id) {
            Some(seekers) if seekers.iter().any(|uid| upstream.contains(uid.as_str())) => 2,
            Some(seekers) if !seekers.is_empty() => 1,
            _ => 0,
        }
    }
}
