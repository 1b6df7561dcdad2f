//! Sources: hundreds of kinds of them exist, so only the id must be as it should.

use std::collections::BTreeSet;

use psg_domain::{PolicyId, Source, SourceId};
use serde::Deserialize;
use serde_json::Value;

use super::{kept::short, list};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Wire {
    id: Value,
    name: Value,
    connection_type: Value,
    features: Value,
    healthy: Value,
    status: Value,
    password_policies: Value,
}

pub(crate) fn sources(body: &[u8]) -> Result<Vec<Source>, String> {
    list(body, |wire: Wire| {
        let id = wire.id.as_str().ok_or("a source has no id")?;
        let id = SourceId::parse(id).map_err(|_| "a source's id cannot be used")?;
        Ok(Source {
            id,
            // No manifest can name the empty name, so a nameless source is only found by id.
            name: short(text(&wire.name), "the name of a source")?,
            direct: text(&wire.connection_type).eq_ignore_ascii_case("direct"),
            password: has(&wire.features, "PASSWORD"),
            authenticates: has(&wire.features, "AUTHENTICATE"),
            healthy: wire.healthy.as_bool().unwrap_or(false),
            status: short(text(&wire.status), "the status of a source")?,
            policies: policies(&wire.password_policies),
        })
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn has(features: &Value, wanted: &str) -> bool {
    items(features).any(|feature| feature.as_str() == Some(wanted))
}

fn policies(references: &Value) -> BTreeSet<PolicyId> {
    let ids = items(references).filter_map(|reference| reference.get("id")?.as_str());
    ids.filter_map(|id| PolicyId::parse(id).ok()).collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
