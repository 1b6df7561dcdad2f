//! How much memory the objects that are kept take.

use std::mem::size_of;

use psg_domain::{Group, Holder, Policy, Rule, Source, SourceId, Unreadable};

use super::Application;

/// About how many bytes an id takes beside its text: a counted pointer, and its place in a list.
const AN_ID: usize = 48;

/// An object that is kept in memory.
pub(crate) trait Kept: Sized {
    /// About how many bytes it takes on the heap.
    fn beside(&self) -> usize;

    /// About how many bytes it takes in all.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.beside()
    }
}

impl Kept for Group {
    fn beside(&self) -> usize {
        let policy = self.policy.iter().map(|id| id_bytes(id.as_str()));
        let sources = self.sources.iter().map(|id| id_bytes(id.as_str()));
        id_bytes(self.id.as_str()) + self.name.len() + policy.chain(sources).sum::<usize>()
    }
}

impl Kept for Source {
    fn beside(&self) -> usize {
        let policies = self.policies.iter().map(|id| id_bytes(id.as_str()));
        id_bytes(self.id.as_str()) + self.name.len() + self.status.len() + policies.sum::<usize>()
    }
}

impl Kept for Policy {
    fn beside(&self) -> usize {
        let rules = self.rules.rules().count() * size_of::<Rule>();
        id_bytes(self.id.as_str()) + self.name.len() + rules
    }
}

/// A source and who owns it.
impl Kept for (SourceId, String) {
    fn beside(&self) -> usize {
        id_bytes(self.0.as_str()) + self.1.len()
    }
}

impl Kept for Application {
    fn beside(&self) -> usize {
        let source = self.source.iter().map(|id| id_bytes(id.as_str()));
        self.id.len() + source.sum::<usize>()
    }
}

impl Kept for Unreadable {
    fn beside(&self) -> usize {
        let texts = [&self.name, &self.id].into_iter().flatten();
        let sources = self.sources.iter().map(|id| id_bytes(id.as_str()));
        texts.map(String::len).sum::<usize>() + self.why.len() + sources.sum::<usize>()
    }
}

/// Selectors are not counted: their length and the number of holders are bounded instead.
impl Kept for Holder {
    fn beside(&self) -> usize {
        id_bytes(self.policy.as_str())
    }
}

fn id_bytes(id: &str) -> usize {
    AN_ID + id.len()
}
