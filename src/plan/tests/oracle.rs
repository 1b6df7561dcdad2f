//! What every write, every release and every rest of a [`world`](super::world) must hold.

use std::collections::BTreeSet;

use jiff::Timestamp;
use psg_domain::{
    AdoptionPolicy, DeletionPolicy, GroupId, ManagementPolicy, SourceId, facts::default_policy,
};

use super::{
    model::Write,
    world::{End, World},
};
use crate::{Reason, Release, ReleaseKind};

impl World {
    /// S2, S3, S4 and S10.
    pub fn check_write(&mut self, uid: &str, write: &Write) {
        let resource = &self.resources[uid];
        let stored = &resource.stored;
        assert!(
            resource.object.finalizer,
            "{uid} writes without a finalizer"
        );
        assert!(
            resource
                .object
                .paused_until
                .is_none_or(|until| until <= self.now),
            "{uid} is paused"
        );
        let observes = resource.desired.management == ManagementPolicy::Observe;
        assert!(!observes, "{uid} only looks and writes {write:?}");
        let ours = |id: &GroupId| {
            resource.ours.contains(id) || self.tenant.makers.get(id).is_some_and(|by| by == uid)
        };
        match write {
            Write::Post(_, intent) => {
                assert_eq!(
                    stored.intent.as_ref(),
                    Some(intent),
                    "{uid}: no such intent is stored"
                );
                let once = self
                    .sent_intents
                    .insert((uid.to_owned(), intent.started_at));
                assert!(once, "{uid} sends one intent twice");
                let made = self.tenant.made_by(uid);
                assert!(made.is_empty(), "{uid} creates beside {made:?}");
                self.check_members(uid, None, &intent.sources);
            }
            Write::Put(group) => {
                assert_eq!(
                    stored.held(),
                    Some(&group.id),
                    "{uid} writes what it does not hold"
                );
                assert!(ours(&group.id), "{uid} writes the group of somebody else");
                let announced = stored.update.as_ref().is_some_and(|it| it.made(group));
                assert!(announced, "{uid}: no such change is stored: {group:?}");
                self.check_members(uid, Some(&group.id), &group.sources);
            }
            Write::Delete(id) => {
                let planned = stored.deletion.as_ref().map(|deletion| &deletion.group);
                assert_eq!(planned, Some(id), "{uid} deletes what is not recorded");
                assert!(ours(id), "{uid} deletes the group of somebody else");
            }
            Write::Assign(source, holders) => {
                let planned = stored
                    .deletion
                    .iter()
                    .flat_map(|deletion| &deletion.sources);
                let open = planned
                    .chain(&stored.leaving)
                    .find(|open| open.source == *source);
                let open = open.unwrap_or_else(|| panic!("{uid}: {source} is not recorded"));
                assert_eq!(open.result, None, "{uid}: {source} is done already");
                assert_eq!(default_policy(holders), Some(&open.policy));
                let member = self
                    .tenant
                    .groups
                    .values()
                    .find(|g| g.sources.contains(source));
                assert_eq!(
                    member, None,
                    "{uid} assigns a policy to a member of a group"
                );
            }
            Write::Reassignment(..) => panic!("only the service does that"),
        }
    }

    fn check_members(&self, uid: &str, mine: Option<&GroupId>, sources: &BTreeSet<SourceId>) {
        assert!(
            sources.len() >= 2,
            "{uid} leaves its group with {sources:?}"
        );
        for group in self
            .tenant
            .groups
            .values()
            .filter(|group| Some(&group.id) != mine)
        {
            let shared: Vec<_> = group.sources.intersection(sources).collect();
            assert!(shared.is_empty(), "{uid} takes {shared:?} out of {group:?}");
        }
    }

    /// A group is taken over only as far as the manifest allows it.
    pub fn check_adoption(&self, uid: &str, id: &GroupId) {
        let desired = &self.resources[uid].desired;
        let Some(group) = self.tenant.groups.get(id) else {
            return;
        };
        let lower = |by: &psg_domain::Ref| by.text().to_lowercase();
        let sources: BTreeSet<String> = desired.sources.iter().map(lower).collect();
        let same = group.name == desired.name
            && group.policy.as_ref().map(ToString::to_string) == Some(lower(&desired.policy))
            && sources == group.sources.iter().map(ToString::to_string).collect();
        match desired.adoption {
            AdoptionPolicy::Overwrite => {}
            AdoptionPolicy::IfIdentical => assert!(same, "{uid} adopts {group:?}"),
            AdoptionPolicy::Never => panic!("{uid} adopts {group:?} and should never"),
        }
        for (other, resource) in self.resources.iter().filter(|(other, _)| *other != uid) {
            assert_ne!(
                resource.stored.held(),
                Some(id),
                "{uid} adopts the group of {other}"
            );
        }
    }

    /// S5.
    pub fn check_release(&mut self, uid: &str, release: &Release) {
        let kind = release.kind;
        if !matches!(kind, ReleaseKind::NothingMade | ReleaseKind::Deleted) {
            let stored = &self.resources[uid].desired;
            let asked = stored.deletion == DeletionPolicy::Orphan
                || stored.management == ManagementPolicy::Observe;
            assert!(asked, "{uid} lets go without being asked");
            self.tenant.disown(uid);
            return;
        }
        let made = self.tenant.made_by(uid);
        assert!(made.is_empty(), "{uid} is let go and leaves {made:?}");
        let coming =
            |(_, write): &&(Timestamp, Write)| matches!(write, Write::Post(by, _) if by == uid);
        assert_eq!(
            self.tenant.late.iter().find(coming),
            None,
            "{uid}: a POST is on its way"
        );
        for source in &release.sources {
            assert!(source.result.is_some(), "{uid}: {source:?} is undecided");
        }
    }

    /// S8: at rest, neither time nor a restart causes a write anywhere.
    pub fn assert_rest(&mut self) {
        let versions = |world: &Self| -> Vec<u32> {
            world
                .resources
                .values()
                .map(|resource| resource.version)
                .collect()
        };
        let (writes, before) = (self.writes.len(), versions(self));
        for round in 0..3 {
            self.advance(61_000);
            if round == 2 {
                self.restart();
            }
            for uid in self.resources.keys().cloned().collect::<Vec<_>>() {
                let end = self.pass(&uid);
                let waits = matches!(end, End::Waits(_, Reason::WaitingForSource));
                assert!(
                    waits || matches!(end, End::Settled | End::Stalled(_)),
                    "{uid}: {end:?}"
                );
            }
        }
        assert_eq!(self.writes.len(), writes, "the tenant was written at rest");
        assert_eq!(versions(self), before, "a status was written at rest");
    }
}
