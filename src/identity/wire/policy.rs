//! Password policies.

use psg_domain::{Policy, PolicyId};
use serde::Deserialize;

use super::{kept::short, list};

#[derive(Deserialize)]
struct Wire {
    id: Option<String>,
    name: Option<String>,
}

pub(crate) fn policies(body: &[u8]) -> Result<Vec<Policy>, String> {
    list(body, |wire: Wire| {
        let id = PolicyId::parse(&wire.id.ok_or("a policy has no id")?);
        let id = id.map_err(|_| "a policy's id cannot be used")?;
        let name = short(
            wire.name.ok_or("a policy has no name")?,
            "the name of a policy",
        )?;
        Ok(Policy { id, name })
    })
}
