//! Sources. Hundreds of kinds of them exist, so only the id must be valid.

use std::collections::BTreeSet;

use psg_domain::{Kind, PolicyId, Source, SourceId};
use serde::Deserialize;

use super::{
    field::Field,
    row::{self, Row, Rows, rows},
};
use crate::bounds::LONGEST_TEXT;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    id: Field,
    name: Field,
    connection_type: Field,
    features: Field,
    healthy: Field,
    status: Field,
    password_policies: Field,
}

pub(crate) fn sources(body: &[u8]) -> Result<Rows<Source>, String> {
    rows(body, Kind::Source, |wire: Wire| -> Row<Source> {
        let (id, name) = (row::id(&wire.id, SourceId::parse), row::name(&wire.name));
        let (shown, unreadable) = row::named(Kind::Source, id, name);
        let source = shown.map(|(id, name)| Source {
            id,
            name,
            direct: direct(&wire.connection_type),
            password: has(&wire.features, "PASSWORD"),
            authenticates: has(&wire.features, "AUTHENTICATE"),
            healthy: wire.healthy == Field::Flag(true),
            status: status(&wire.status),
            policies: policies(&wire.password_policies),
        });
        (source, unreadable)
    })
}

/// `None` for a type that is no text or is empty.
fn direct(connection_type: &Field) -> Option<bool> {
    let said = connection_type.as_text().filter(|said| !said.is_empty())?;
    Some(said.eq_ignore_ascii_case("direct"))
}

/// The status is only shown to people, so one that is too long is left out.
fn status(value: &Field) -> String {
    let status = value.as_text().filter(|text| text.len() <= LONGEST_TEXT);
    status.unwrap_or_default().to_owned()
}

fn has(features: &Field, wanted: &str) -> bool {
    let mut features = features.items().iter();
    features.any(|feature| feature.as_text() == Some(wanted))
}

fn policies(references: &Field) -> BTreeSet<PolicyId> {
    let references = references.items().iter();
    let ids = references.filter_map(|reference| reference.id().as_text());
    ids.filter_map(|id| PolicyId::parse(id).ok()).collect()
}
