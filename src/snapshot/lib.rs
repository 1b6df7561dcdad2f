//! One picture of a tenant: read by pages, kept up to date, shared by all resources of the tenant
//! and merged with the operator's own writes. Reads the tenant, never writes it, knows no
//! Kubernetes.
//!
//! # Layout
//! - [`walk`]: a complete walk over a paged list, or an error.
//! - `doubt`: a total that never fits, and how long that must last before it counts as wrong.
//! - `applications`: the one list without which the rest of a tenant is still read.
//! - [`shared`]: one picture for all clients with the same credentials.
//! - [`Snapshot`]: a picture, and the reads that bring it up to date.

mod applications;
mod doubt;
pub mod shared;
pub mod walk;

#[cfg(test)]
mod tests;

use std::sync::{Arc, MutexGuard, PoisonError};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use psg_domain::{
    Changes, Group, GroupId, Holder, Kind, Picture, Policy, Source, SourceId, TenantKey,
};
use psg_identity::{Client, Error, Lane};

use doubt::Doubts;
pub use doubt::LASTING;
pub use shared::{Listener, Pictures};
use shared::{Shared, Whole};

/// How many sources are read at once; the rate limit orders them anyway.
const AT_ONCE: usize = 16;

/// The time of day, given by the code that starts the process.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The picture of one tenant under one set of credentials, as one client reads it.
pub struct Snapshot {
    client: Client,
    clock: Clock,
    shared: Arc<Shared>,
}

impl Snapshot {
    fn new(client: Client, clock: Clock, shared: Arc<Shared>) -> Self {
        Self {
            client,
            clock,
            shared,
        }
    }

    /// The client that it reads through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Looks at the picture.
    pub fn with<R>(&self, look: impl FnOnce(&Picture) -> R) -> R {
        let picture = self.shared.picture.read();
        look(&picture.unwrap_or_else(PoisonError::into_inner))
    }

    /// Merges what a write or a read showed, and tells the listener.
    pub fn merge(&self, merge: impl FnOnce(&mut Picture) -> Changes) {
        self.shared.merge(merge);
    }

    /// Records which tenant answers.
    pub fn identify(&self, key: &TenantKey) {
        let known = self.shared.key.write();
        *known.unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
    }

    /// Reads everything, unless a read of everything that began at `newer_than` or later succeeded;
    /// returns when the read began. Callers that ask during a read wait for its end and share the
    /// next read, even if it fails: so a tenant that does not answer is not read once for each
    /// caller.
    pub async fn read(&self, newer_than: Timestamp) -> Result<Timestamp, Error> {
        let asked = (self.clock)();
        let mut last = self.shared.reading.lock().await;
        if let Some(Whole { began, result }) = &*last
            && (*began >= asked || (*began >= newer_than && result.is_ok()))
        {
            return result.clone().map(|()| *began);
        }
        let began = (self.clock)();
        let result = self.read_everything().await;
        *last = Some(Whole {
            began,
            result: result.clone(),
        });
        result.map(|()| began)
    }

    /// Groups first, then sources, policies and applications.
    async fn read_everything(&self) -> Result<(), Error> {
        self.read_groups((self.clock)(), Lane::Read).await?;
        let began = (self.clock)();
        let client = &self.client;
        let sources = walk::complete(
            |page| client.list_sources(page, Lane::Read),
            |source: &Source| source.id.as_str(),
        )
        .await?;
        let policies = walk::complete(
            |page| client.list_policies(page, Lane::Read),
            |policy: &Policy| policy.id.as_str(),
        )
        .await?;
        let applications = applications::read(client, &sources.items).await?;
        let differing = [sources.differs, policies.differs].into_iter().flatten();
        let doubts = differing.map(|differs| differs.to_string());
        self.doubts().facts = doubts.chain(applications.doubt).collect();
        let lists = [
            (Kind::Source, &sources.differs),
            (Kind::Policy, &policies.differs),
        ];
        let incomplete = lists.into_iter().filter(|(_, differs)| differs.is_some());
        let incomplete = incomplete.map(|(kind, _)| kind).collect();
        let unreadable = [
            sources.unreadable,
            policies.unreadable,
            applications.unreadable,
        ];
        let unreadable = unreadable.concat();
        let (sources, policies) = (sources.items, policies.items);
        let (_, _, groups) = self.with(Picture::counts);
        let objects = sources.len() + policies.len() + groups + unreadable.len();
        self.shared.make_room(objects)?;
        self.merge(|picture| {
            picture.merge_unreadable_facts(unreadable, incomplete);
            picture.merge_facts(began, sources, policies, applications.counts)
        });
        Ok(())
    }

    /// Walks over all groups, unless a complete walk began at `newer_than` or later; callers at the
    /// same time share one walk.
    pub async fn read_groups(&self, newer_than: Timestamp, lane: Lane) -> Result<(), Error> {
        let _only_one = self.shared.walking.lock().await;
        if self.with(|picture| {
            picture
                .groups_as_of()
                .is_some_and(|as_of| as_of >= newer_than)
        }) {
            return Ok(());
        }
        let began = (self.clock)();
        let walked = walk::repeated(
            |page| self.client.list_groups(page, lane),
            |group: &Group| group.id.as_str(),
        )
        .await?;
        self.doubts().groups(began, walked.differs)?;
        self.merge(|picture| picture.merge_walk(began, walked.items, walked.unreadable));
        Ok(())
    }

    /// How many lists and objects of the tenant cannot be read, and the first `most` of them in
    /// words: lists first, then objects, in the order of kinds and names.
    pub fn unreadable(&self, most: usize) -> (usize, Vec<String>) {
        let mut words = self.doubts().in_words();
        let lists = words.len();
        words.truncate(most);
        self.with(|picture| {
            let left = most - words.len();
            let objects = picture.unreadable();
            words.extend(objects.take(left).map(ToString::to_string));
            (lists + picture.unreadable().count(), words)
        })
    }

    fn doubts(&self) -> MutexGuard<'_, Doubts> {
        let doubts = self.shared.doubts.lock();
        doubts.unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one group by id, which proves that it is there or gone.
    pub async fn read_group(&self, id: &GroupId, lane: Lane) -> Result<(), Error> {
        let began = (self.clock)();
        let found = self.client.group(id, lane).await?;
        self.merge(|picture| match found {
            Some(group) => picture.merge_one(began, group),
            None => picture.merge_gone(began, id),
        });
        Ok(())
    }

    /// Reads the policy holders of sources, several at once; returns the reads that failed.
    pub async fn read_holders(&self, sources: &[SourceId], lane: Lane) -> Vec<(SourceId, Error)> {
        let reads: Vec<_> = sources
            .iter()
            .map(|source| self.read_one(source, lane))
            .collect();
        let answers: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
        let mut failed = Vec::new();
        for (source, began, answer) in answers {
            match answer {
                Ok(holders) => self.merge(|picture| {
                    picture.merge_holders(began, source.clone(), holders);
                    Changes::default()
                }),
                Err(error) => failed.push((source.clone(), error)),
            }
        }
        failed
    }

    async fn read_one<'a>(
        &self,
        source: &'a SourceId,
        lane: Lane,
    ) -> (&'a SourceId, Timestamp, Result<Option<Vec<Holder>>, Error>) {
        let began = (self.clock)();
        (source, began, self.client.holders(source, lane).await)
    }
}
