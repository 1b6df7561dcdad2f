//! How an action ended: what the tenant replied, what that shows of the tenant, and what the next
//! decision is told of it.

use jiff::Timestamp;
use psg_domain::{Changes, Group, GroupId, Picture, SourceId};

use crate::{action::Remembered, reason::Finding};

/// An action or a read failed, or its effect is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setback {
    /// It is not tried again before this moment.
    pub until: Timestamp,
    /// Why.
    pub why: Finding,
}

/// How an action or a read ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The status was stored.
    Recorded(Remembered),
    /// The tenant made this group.
    Made(Group),
    /// The action or the read was done: decide again.
    Done,
    /// The tenant refused what was decided on this basis, and repeating it cannot help.
    Refused(Basis, String),
    /// It was certainly not done.
    NotMade(Setback),
    /// It may have been done.
    Unknown(Setback),
}

/// What a write was decided on. A refusal says nothing about a manifest or facts that changed while
/// the write was under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Basis {
    /// The generation of the manifest.
    pub generation: i64,
    /// Everything whose change makes another try worth while, in 16 hex digits.
    pub facts: String,
}

/// How the tenant replied to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done. The group as the tenant shows it, if the answer holds one.
    Done(Option<Group>),
    /// There is no such group or source. Nothing was done.
    NotFound(Setback),
    /// The tenant refused it, and repeating it as it is cannot help. Nothing was done.
    Refused(Setback),
    /// Nothing was done, and it may be repeated.
    NotMade(Setback),
    /// It may have been done, now or later.
    Unknown(Setback),
}

/// What a reply shows of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Learned {
    /// A write made the group this. Reads that begin before the moment given may not show it yet.
    Wrote(Group, Timestamp),
    /// There is no such group.
    NoGroup(GroupId),
    /// What was known of this group no longer holds: only a read by id tells.
    InDoubt(GroupId),
    /// The tenant knows no such source.
    NoSource(SourceId),
}

impl Learned {
    /// Merges it into the picture, as of `at`.
    pub fn merge(self, picture: &mut Picture, at: Timestamp) -> Changes {
        match self {
            Self::Wrote(group, shown_from) => picture.merge_written(at, group, shown_from),
            Self::NoGroup(id) => picture.merge_refuted(at, &id),
            Self::InDoubt(id) => {
                picture.doubt(&id, at);
                Changes::default()
            }
            Self::NoSource(source) => {
                picture.merge_holders(at, source, None);
                Changes::default()
            }
        }
    }
}
