//! Judges the password changes of a stretch of time: which of them concern a group, what each came
//! to on each of its sources, and what that finds. Pure.

use std::collections::{BTreeMap, BTreeSet};

use psg_domain::{
    Change, ChangeId, FailureCause, Group, Picture, Source, SourceId,
    password_changes::{ChangeStatus, SourceOutcome, outcomes},
};

use super::document::{self, Check, Finding, Outcome, OutcomeKind};
use crate::{forms::Text, tenant::Owners};

/// The password changes that were read of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Those that its audit events tell of, in the order of time.
    read: Vec<Change>,
    /// The places in `read` of the changes of which an event names a source, by its name: a tenant may
    /// have thousands of groups and of changes.
    by_source: BTreeMap<String, Vec<usize>>,
    /// What the tenant says of single changes as a whole.
    pub statuses: BTreeMap<ChangeId, ChangeStatus>,
    /// The only change that the user asks about.
    pub only: Option<ChangeId>,
    /// The time in words, such as "the last 24 h".
    pub within: String,
}

impl Changes {
    /// These changes, in the order of time.
    pub fn new(read: Vec<Change>, within: String) -> Self {
        let mut by_source: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, change) in read.iter().enumerate() {
            let names: BTreeSet<&String> = change.sources.keys().chain(&change.asked_on).collect();
            for name in names {
                by_source.entry(name.clone()).or_default().push(place);
            }
        }
        Self {
            read,
            by_source,
            within,
            ..Self::default()
        }
    }

    /// The changes of these groups of which events alone do not tell enough, the newest first: an
    /// attempt failed, or a source of the group has no event.
    pub fn unclear<'a>(
        &self,
        groups: impl Iterator<Item = &'a Group>,
        picture: &Picture,
    ) -> Vec<ChangeId> {
        let mut unclear = BTreeSet::new();
        for group in groups {
            let sources = sources(group, picture);
            for (place, change) in self.concerning(&sources) {
                let mut sources = sources.iter();
                let lacks = |it: &&Source| !change.sources.contains_key(&it.name);
                if change.fails() || sources.any(lacks) {
                    unclear.insert(place);
                }
            }
        }
        let unclear = unclear.into_iter().rev();
        unclear
            .filter_map(|place| id(self.read.get(place)?))
            .collect()
    }

    /// The changes of which an event names one of these sources, in the order of time.
    fn concerning(&self, sources: &[&Source]) -> BTreeMap<usize, &Change> {
        let places = sources
            .iter()
            .filter_map(|source| self.by_source.get(&source.name));
        let found = places
            .flatten()
            .filter_map(|place| Some((*place, self.read.get(*place)?)));
        found.collect()
    }

    /// What became of the changes that concern a group.
    pub fn of(&self, group: &Group, picture: &Picture) -> document::Changes {
        let mut changes = document::Changes::default();
        let sources = sources(group, picture);
        for change in self.concerning(&sources).into_values().rev() {
            let id = id(change);
            if self.only.is_some() && self.only != id {
                continue;
            }
            let status = id.as_ref().and_then(|id| self.statuses.get(id));
            let found = outcomes(change, status, sources.iter().copied());
            let complete = found.values().all(|it| *it == SourceOutcome::Changed);
            if complete && self.only.is_none() {
                changes.complete += 1;
                continue;
            }
            let found = found.iter();
            changes.listed.push(document::Change {
                id: change.id.clone().map(Text),
                at: change.at.to_string(),
                identity: change.identity.clone().map(Text),
                sources: found.map(|(id, it)| shown(id, it, picture)).collect(),
            });
        }
        changes
    }

    /// What was found on the sources of a group: one finding for each source and cause.
    pub fn findings(
        &self,
        changes: &document::Changes,
        picture: &Picture,
        owners: &Owners,
    ) -> Vec<Finding> {
        let mut failures: BTreeMap<(&Text, OutcomeKind, Option<FailureCause>), Vec<&Outcome>> =
            BTreeMap::new();
        for outcome in changes.listed.iter().flat_map(|change| &change.sources) {
            let kind = match outcome.outcome {
                OutcomeKind::Changed | OutcomeKind::Unknown => continue,
                OutcomeKind::Retrying => OutcomeKind::Failed,
                kind => kind,
            };
            let key = (&outcome.source, kind, outcome.cause);
            failures.entry(key).or_default().push(outcome);
        }
        let found = failures
            .into_iter()
            .map(|((source, kind, cause), of)| Finding {
                check: Check::PasswordChanges,
                source: source.clone(),
                evidence: Text(self.evidence(kind, cause, &of)),
                remedy: remedy(cause),
                ask: owner(source, picture, owners),
            });
        found.collect()
    }

    fn evidence(&self, kind: OutcomeKind, cause: Option<FailureCause>, of: &[&Outcome]) -> String {
        let count = match of.len() {
            1 => "1 password change".to_owned(),
            several => format!("{several} password changes"),
        };
        let within = &self.within;
        let Some(cause) = cause.filter(|_| kind == OutcomeKind::Failed) else {
            return format!(
                "{count} of {within} did not get to it: each ended at the source where it was asked for"
            );
        };
        let because = cause.because();
        let retrying = of
            .iter()
            .filter(|it| it.outcome == OutcomeKind::Retrying)
            .count();
        let again = match retrying {
            0 => String::new(),
            several => format!(", {several} still being tried again"),
        };
        // The newest is the first.
        let words = of.first().and_then(|outcome| outcome.evidence.as_ref());
        let words = words.map(|words| format!("; the last: {}", words.0));
        format!(
            "{count} of {within} failed because {because}{again}{}",
            words.unwrap_or_default()
        )
    }
}

fn id(change: &Change) -> Option<ChangeId> {
    ChangeId::parse(change.id.as_ref()?).ok()
}

fn sources<'a>(group: &Group, picture: &'a Picture) -> Vec<&'a Source> {
    let ids = group.sources.iter();
    ids.filter_map(|id| picture.source(id)).collect()
}

fn shown(id: &SourceId, outcome: &SourceOutcome, picture: &Picture) -> Outcome {
    let name = picture
        .source(id)
        .map_or(id.as_str(), |source| &source.name);
    let (kind, failure) = match outcome {
        SourceOutcome::Changed => (OutcomeKind::Changed, None),
        SourceOutcome::Failed(failure) => (OutcomeKind::Failed, Some(failure)),
        SourceOutcome::Retrying(failure) => (OutcomeKind::Retrying, Some(failure)),
        SourceOutcome::NotAttempted => (OutcomeKind::NotAttempted, None),
        SourceOutcome::Unknown => (OutcomeKind::Unknown, None),
    };
    let words = failure.map(|failure| failure.why.clone());
    Outcome {
        source: Text(name.to_owned()),
        outcome: kind,
        cause: failure.map(|failure| failure.cause),
        evidence: words.filter(|words| !words.is_empty()).map(Text),
    }
}

fn owner(source: &Text, picture: &Picture, owners: &Owners) -> Option<Text> {
    let mut named = picture.sources_named(&source.0).into_iter();
    let owner = named.find_map(|source| owners.get(&source.id));
    owner.map(|name| Text(name.clone()))
}

fn remedy(cause: Option<FailureCause>) -> &'static str {
    match cause {
        Some(FailureCause::Communication) => {
            "Test the connection of the source (--test-connection), and ask its administrator whether it is \
             down before you change its configuration. A change is tried again for 90 minutes."
        }
        Some(FailureCause::Policy) => {
            "Make the policy of the group as strict as what the source demands; the tenant's words name it. \
             Then let the person change the password again."
        }
        Some(FailureCause::TooFrequent) => {
            "The source limits how often a password is changed, as a minimum password age does: let the \
             person try again later, or have the limit of the source changed."
        }
        Some(FailureCause::Other) => {
            "Search the tenant's audit events for the change, by its id as tracking number."
        }
        None => {
            "Mend the source where the change was asked for, and let the person change the password again: \
             with pass-through authentication a failure there stops the other sources."
        }
    }
}
