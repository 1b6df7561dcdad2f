//! The state of one password change, as the tenant tells it. Source: the vendor's operation
//! "Get password change request status".

use psg_domain::{
    SourceId,
    password_changes::{ChangeState, ChangeStatus},
};
use serde::Deserialize;

use super::{field::Field, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    state: Field,
    source_ids: Field,
    errors: Field,
}

pub(crate) fn password_change(body: &[u8]) -> Result<ChangeStatus, String> {
    let wire: Wire = json(body)?;
    let state = match wire.state.as_text() {
        Some("IN_PROGRESS") => ChangeState::InProgress,
        Some("FINISHED") => ChangeState::Finished,
        Some("FAILED") => ChangeState::Failed,
        _ => ChangeState::Unknown,
    };
    let texts = |field: &Field| -> Vec<String> {
        let items = field.items().iter().filter_map(Field::as_text);
        items.map(str::to_owned).collect()
    };
    let ids = texts(&wire.source_ids);
    Ok(ChangeStatus {
        state,
        sources: ids
            .iter()
            .filter_map(|id| SourceId::parse(id).ok())
            .collect(),
        errors: texts(&wire.errors),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_nobody_documents_is_unknown() {
        for (body, state, sources) in [
            (
                r#"{"requestId":"r","state":"IN_PROGRESS","errors":[],"sourceIds":["a","b"]}"#,
                ChangeState::InProgress,
                2,
            ),
            (
                r#"{"state":"FINISHED","errors":null,"sourceIds":["a"]}"#,
                ChangeState::Finished,
                1,
            ),
            (
                r#"{"state":"FAILED","errors":["no"],"sourceIds":[null, "a/b"]}"#,
                ChangeState::Failed,
                0,
            ),
            (r#"{"state":"DREAMT"}"#, ChangeState::Unknown, 0),
            ("{}", ChangeState::Unknown, 0),
        ] {
            let change = password_change(body.as_bytes()).unwrap();
            assert_eq!(
                (change.state, change.sources.len()),
                (state, sources),
                "{body}"
            );
        }
        assert!(password_change(b"7").is_err());
    }
}
