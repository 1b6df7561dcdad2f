//! Who owns a source, as its tenant shows it. Only lists for people ask for it.

use psg_domain::{Kind, SourceId};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    field::Field,
    row::{self, Row, Rows, rows},
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    id: Field,
    owner: Owner,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Owner {
    Identity { name: Field },
    Other(IgnoredAny),
}

impl Default for Owner {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

/// Each source whose owner has a name.
pub(crate) fn owners_of_sources(body: &[u8]) -> Result<Rows<(SourceId, String)>, String> {
    rows(body, Kind::Source, |wire: Wire| -> Row<_> {
        let id = match row::id(&wire.id, SourceId::parse) {
            Ok(id) => id,
            Err(why) => return (None, Some(row::nothing_read(Kind::Source, why))),
        };
        let name = match &wire.owner {
            Owner::Identity { name } => name.as_text(),
            Owner::Other(_) => None,
        };
        (name.map(|name| (id, name.to_owned())), None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_named_where_the_tenant_names_one() {
        let body = r#"[{"id": "a", "owner": {"type": "IDENTITY", "id": "i", "name": "Ada"}},
            {"id": "b", "owner": null}, {"id": "c"}, {"id": "d", "owner": "Ada"},
            {"id": "e", "owner": {"name": 7}}, {"id": "f", "owner": {"id": "i"}},
            {"owner": {"name": "Ada"}}, 7]"#;
        let read = owners_of_sources(body.as_bytes()).unwrap();
        let ada = (SourceId::parse("a").unwrap(), "Ada".to_owned());
        assert_eq!(read.items, [ada]);
        assert_eq!((read.count, read.unreadable.len()), (8, 2));
    }
}
