//! Password policies.

use psg_domain::{Kind, Policy, PolicyId};
use serde::Deserialize;

use super::{
    field::Field,
    row::{self, Row, Rows, rows},
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    id: Field,
    name: Field,
}

pub(crate) fn policies(body: &[u8]) -> Result<Rows<Policy>, String> {
    rows(body, Kind::Policy, |wire: Wire| -> Row<Policy> {
        let (id, name) = (row::id(&wire.id, PolicyId::parse), row::name(&wire.name));
        let (shown, unreadable) = row::named(Kind::Policy, id, name);
        (shown.map(|(id, name)| Policy { id, name }), unreadable)
    })
}
