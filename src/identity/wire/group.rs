//! Password sync groups. In an answer about one group every field must be valid; in a list an
//! invalid group is set aside, with the name and the sources that it shows.

use std::collections::BTreeSet;

use psg_domain::{Group, GroupId, Kind, PolicyId, SourceId, Unreadable};
use serde::{Deserialize, Serialize};

use super::{
    field::Field,
    json,
    row::{self, Row, Rows, rows},
};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    id: Field,
    name: Field,
    password_policy_id: Field,
    source_ids: Field,
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
    /// Any id, but there must be one: the tenant chooses it.
    ByAnswer,
    /// This id, or none: the group was asked for by id.
    As(&'a GroupId),
}

pub(crate) fn groups(body: &[u8]) -> Result<Rows<Group>, String> {
    rows(body, Kind::Group, |wire: Wire| -> Row<Group> {
        match read(&wire, Identified::ByAnswer) {
            Ok(group) => (Some(group), None),
            Err(why) => (None, Some(in_part(&wire, why))),
        }
    })
}

pub(crate) fn group(body: &[u8], identified: Identified<'_>) -> Result<Group, String> {
    let wire: Wire = json(body)?;
    read(&wire, identified).map_err(|why| match identified {
        Identified::As(id) => format!("group {id}: {why}"),
        Identified::ByAnswer => format!("the group: {why}"),
    })
}

fn read(wire: &Wire, identified: Identified<'_>) -> Result<Group, String> {
    let id = match identified {
        Identified::As(asked) if wire.id == Field::Null => asked.clone(),
        _ => row::id(&wire.id, GroupId::parse)?,
    };
    if matches!(identified, Identified::As(asked) if *asked != id) {
        return Err("the answer is about another group".to_owned());
    }
    let (sources, all) = sources(&wire.source_ids);
    if !all {
        let why = match wire.source_ids {
            Field::Null => "it does not say which sources it has",
            _ => "a source id of it cannot be used",
        };
        return Err(why.to_owned());
    }
    Ok(Group {
        name: row::name(&wire.name)?,
        policy: policy(&wire.password_policy_id)?,
        sources,
        id,
    })
}

fn in_part(wire: &Wire, why: String) -> Unreadable {
    let (sources, all_sources) = sources(&wire.source_ids);
    let id = row::id(&wire.id, GroupId::parse).ok();
    Unreadable {
        name: row::name(&wire.name).ok(),
        id: id.map(String::from),
        sources,
        all_sources,
        ..row::nothing_read(Kind::Group, why)
    }
}

/// An empty id counts as none, as if it were left out.
fn policy(id: &Field) -> Result<Option<PolicyId>, String> {
    let id = match id {
        Field::Null => return Ok(None),
        Field::Text(id) if id.is_empty() => return Ok(None),
        id => id.as_text(),
    };
    let id = id.and_then(|id| PolicyId::parse(id).ok());
    let id = id.ok_or("its policy id cannot be used")?;
    Ok(Some(id))
}

/// The sources with valid ids, and whether these are all. A group without the field may have any
/// sources: a group that has none shows an empty list.
fn sources(ids: &Field) -> (BTreeSet<SourceId>, bool) {
    let items = ids.items().iter();
    let known = items.filter_map(|id| SourceId::parse(id.as_text()?).ok());
    let known: Vec<SourceId> = known.collect();
    let all = matches!(ids, Field::List(items) if items.len() == known.len());
    (known.into_iter().collect(), all)
}
