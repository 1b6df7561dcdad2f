//! Applications, of which only the source is used.

use psg_domain::{Kind, SourceId, Unreadable};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    field::Field,
    json,
    row::{self, Row, Rows, rows},
};
use crate::bounds::LONGEST_TEXT;

/// An application that people use, and the source that its accounts are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id, to recognise an application that is listed twice.
    pub id: String,
    /// Its source; some have none.
    pub source: Option<SourceId>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    id: Field,
    account_source: Field,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connections {
    dependent_apps: Option<Vec<IgnoredAny>>,
}

pub(crate) fn applications(body: &[u8]) -> Result<Rows<Application>, String> {
    rows(body, Kind::Application, |wire: Wire| -> Row<Application> {
        let (id, source) = (id(&wire.id), source(&wire.account_source));
        let why = id.as_ref().err();
        let why = why.or_else(|| source.as_ref().err()).cloned();
        // An application without an id cannot be recognised on another page, but its source counts.
        let alone = source.clone().ok().flatten().filter(|_| id.is_err());
        let unreadable = why.map(|why| Unreadable {
            id: id.clone().ok(),
            sources: alone.into_iter().collect(),
            ..row::nothing_read(Kind::Application, why)
        });
        let application = id.ok().map(|id| Application {
            id,
            source: source.unwrap_or_default(),
        });
        (application, unreadable)
    })
}

/// The id only distinguishes applications, so it may be any text.
fn id(value: &Field) -> Result<String, String> {
    match value.as_text() {
        Some(id) if !id.is_empty() && id.len() <= LONGEST_TEXT => Ok(id.to_owned()),
        None if *value == Field::Null => Err("it has no id".to_owned()),
        _ => Err("its id cannot be used".to_owned()),
    }
}

/// An empty id of a source counts as none, as if it were left out.
fn source(account_source: &Field) -> Result<Option<SourceId>, String> {
    let id = match account_source {
        Field::Null => return Ok(None),
        Field::Object(id) => id,
        _ => return Err("its source cannot be used".to_owned()),
    };
    let id = match &**id {
        Field::Null => return Ok(None),
        Field::Text(id) if id.is_empty() => return Ok(None),
        id => id.as_text(),
    };
    let id = id.and_then(|id| SourceId::parse(id).ok());
    let id = id.ok_or("the id of its source cannot be used")?;
    Ok(Some(id))
}

/// How many applications the answer about one source's connections shows.
pub(crate) fn dependent_applications(body: &[u8]) -> Result<u32, String> {
    let connections: Connections = json(body)?;
    let count = connections.dependent_apps.unwrap_or_default().len();
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
