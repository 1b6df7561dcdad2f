//! Password sync groups.

use std::collections::BTreeSet;

use psg_domain::{Group, GroupId, PolicyId, SourceId};
use serde::{Deserialize, Serialize};

use super::{json, kept::short, list};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Option<String>,
    name: Option<String>,
    password_policy_id: Option<String>,
    source_ids: Option<Vec<String>>,
}

/// What a POST or PUT carries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a GroupId>,
    pub name: &'a str,
    pub password_policy_id: &'a PolicyId,
    pub source_ids: &'a BTreeSet<SourceId>,
}

/// Which id an answer about one group must have.
#[derive(Clone, Copy)]
pub(crate) enum Identified<'a> {
    /// Any, but one there must be: the tenant mints it.
    ByAnswer,
    /// This one, or none: it was asked for by id.
    As(&'a GroupId),
}

pub(crate) fn groups(body: &[u8]) -> Result<Vec<Group>, String> {
    list(body, |wire| parse(wire, Identified::ByAnswer))
}

pub(crate) fn group(body: &[u8], identified: Identified<'_>) -> Result<Group, String> {
    parse(json(body)?, identified)
}

fn parse(wire: Wire, identified: Identified<'_>) -> Result<Group, String> {
    let answered = match wire.id.as_deref() {
        Some(id) => Some(GroupId::parse(id).map_err(|_| "a group's id cannot be used")?),
        None => None,
    };
    let id = match (answered, identified) {
        (Some(id), Identified::ByAnswer) => id,
        (Some(id), Identified::As(asked)) if id == *asked => id,
        (None, Identified::As(asked)) => asked.clone(),
        (Some(_), Identified::As(_)) => return Err("it is about another group".to_owned()),
        (None, Identified::ByAnswer) => return Err("a group has no id".to_owned()),
    };
    let policy = wire.password_policy_id.filter(|id| !id.is_empty());
    let policy = policy.map(|policy| PolicyId::parse(&policy)).transpose();
    let sources = wire.source_ids.unwrap_or_default();
    let sources = sources
        .iter()
        .map(|source| SourceId::parse(source))
        .collect::<Result<_, _>>();
    Ok(Group {
        name: short(
            wire.name.ok_or("a group has no name")?,
            "the name of a group",
        )?,
        policy: policy.map_err(|_| "the policy id of a group cannot be used".to_owned())?,
        sources: sources.map_err(|_| "a source id of a group cannot be used".to_owned())?,
        id,
    })
}
