//! One living picture of a tenant, read by pages, shared by all its resources and merged with
//! our own writes. May read the tenant; never writes it, knows no Kubernetes.
//!
//! # Layout
//! - [`walk`]: a complete walk over a paged list, or an error.
//! - [`shared`]: one picture for all who read it by the same credentials.
//! - [`Snapshot`]: a picture, and the reads that bring it up to date.

pub mod shared;
pub mod walk;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use psg_domain::{Changes, Group, GroupId, Holder, Picture, Source, SourceId, TenantKey};
use psg_identity::{Client, Error, Lane};

pub use shared::{Listener, Pictures};
use shared::{Shared, Whole};

/// How many sources are read at once; the rate limit orders them anyway.
const AT_ONCE: usize = 16;

/// The time of day, as an argument of whoever makes the edges.
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

    /// Which tenant answers.
    pub fn identify(&self, key: &TenantKey) {
        let known = self.shared.key.write();
        *known.unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
    }

    /// Reads everything, unless a read of everything began at `newer_than` or later; says when it
    /// began. Those who ask while one is under way wait for it, and share the next one, whatever
    /// it comes to: many who share a tenant that does not answer do not ask it one after another.
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
            |source| source.id.clone(),
        )
        .await?;
        let policies = walk::complete(
            |page| client.list_policies(page, Lane::Read),
            |policy| policy.id.clone(),
        )
        .await?;
        let applications = self.read_applications(&sources).await?;
        let (_, _, groups) = self.with(Picture::counts);
        self.shared
            .make_room(sources.len() + policies.len() + groups)?;
        self.merge(|picture| picture.merge_facts(began, sources, policies, applications));
        Ok(())
    }

    /// Walks over all groups, unless a complete walk began at `newer_than` or later; walks that
    /// are wanted at the same time share one.
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
        let groups = walk::complete(
            |page| self.client.list_groups(page, lane),
            |group: &Group| group.id.clone(),
        )
        .await?;
        self.merge(|picture| picture.merge_groups(began, groups));
        Ok(())
    }

    /// Reads one group by id: the proof that it is there, or that it is gone.
    pub async fn read_group(&self, id: &GroupId, lane: Lane) -> Result<(), Error> {
        let began = (self.clock)();
        let found = self.client.group(id, lane).await?;
        self.merge(|picture| match found {
            Some(group) => picture.merge_one(began, group),
            None => picture.merge_gone(began, id),
        });
        Ok(())
    }

    /// Reads the policy holders of sources, several at once; names those that failed.
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

    /// One list for the whole tenant; where that is not granted, each authentication source's
    /// own connections tell as much as the rules need.
    async fn read_applications(
        &self,
        sources: &[Source],
    ) -> Result<BTreeMap<SourceId, u32>, Error> {
        let listed = walk::applications(&self.client).await;
        if !matches!(
            listed,
            Err(Error::Forbidden { .. } | Error::NotFound { .. })
        ) {
            return listed;
        }
        let mut counts = BTreeMap::new();
        for source in sources.iter().filter(|source| source.authenticates) {
            let count = self.client.connections(&source.id, Lane::Read).await?;
            counts.insert(source.id.clone(), count.unwrap_or(0));
        }
        Ok(counts)
    }
}
