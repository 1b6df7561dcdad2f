//! Applications, of which only the source behind each counts.

use std::collections::BTreeMap;

use psg_domain::SourceId;
use serde::{Deserialize, de::IgnoredAny};

use super::{json, kept::short, list};

/// An application that people use, and the source that its accounts are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id, to tell a repeated one.
    pub id: String,
    /// Its source; some have none.
    pub source: Option<SourceId>,
}

/// How many applications each source has; one that two pages showed counts once.
pub fn applications_by_source(applications: &[Application]) -> BTreeMap<SourceId, u32> {
    let distinct: BTreeMap<&str, &Application> = applications
        .iter()
        .map(|application| (application.id.as_str(), application))
        .collect();
    let mut counts = BTreeMap::new();
    for source in distinct
        .into_values()
        .filter_map(|application| application.source.as_ref())
    {
        *counts.entry(source.clone()).or_insert(0) += 1;
    }
    counts
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Option<String>,
    account_source: Option<AccountSource>,
}

#[derive(Deserialize)]
struct AccountSource {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connections {
    dependent_apps: Option<Vec<IgnoredAny>>,
}

pub(crate) fn applications(body: &[u8]) -> Result<Vec<Application>, String> {
    list(body, |wire: Wire| {
        let id = wire.id.ok_or("an application has no id")?;
        let id = short(id, "the id of an application")?;
        let source = wire.account_source.and_then(|source| source.id);
        let source = source.map(|source| SourceId::parse(&source)).transpose();
        let source = source.map_err(|_| "the source id of an application cannot be used")?;
        Ok(Application { id, source })
    })
}

/// How many applications the answer about one source's connections shows.
pub(crate) fn dependent_applications(body: &[u8]) -> Result<u32, String> {
    let connections: Connections = json(body)?;
    let count = connections.dependent_apps.unwrap_or_default().len();
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
