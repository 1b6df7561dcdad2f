//! When a personal access token ends. Source: the vendor's operation "List Personal Access Tokens";
//! a token without an expiration date does not end.

use jiff::Timestamp;
use serde::Deserialize;

use super::{at_most, field::Field, row::Fields};
use crate::bounds::PAGE_LIMIT;

/// When a personal access token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenEnd {
    /// Nobody gave it an end.
    Never,
    /// Then, or it ended then.
    At(Timestamp),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    id: Field,
    expiration_date: Field,
}

/// The end of the token with this client id; none if the list lacks it or does not tell.
pub(crate) fn token_end(body: &[u8], client_id: &str) -> Result<Option<TokenEnd>, String> {
    let rows = at_most::<PAGE_LIMIT, Fields<Wire>, _>(body, Ok)?;
    let mut tokens = rows.into_iter().filter_map(|Fields(row)| row);
    let own = tokens.find(|token| token.id.as_text() == Some(client_id));
    Ok(own.and_then(|own| match &own.expiration_date {
        Field::Null => Some(TokenEnd::Never),
        date => Some(TokenEnd::At(date.as_text()?.parse().ok()?)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_own_token_is_found_among_those_of_its_user() {
        let body = br#"[{"id": "other", "expirationDate": "2026-01-01T00:00:00Z"}, 7, null,
            {"id": "own", "expirationDate": "2026-12-31T00:00:00.000Z"},
            {"id": "endless", "expirationDate": null}, {"id": "old"},
            {"id": "odd", "expirationDate": 7}, {"id": "odder", "expirationDate": "soon"}]"#;
        let of = |id: &str| token_end(body, id).unwrap();
        let end = "2026-12-31T00:00:00Z".parse().unwrap();
        assert_eq!(of("own"), Some(TokenEnd::At(end)));
        assert_eq!(
            (of("endless"), of("old")),
            (Some(TokenEnd::Never), Some(TokenEnd::Never))
        );
        assert_eq!((of("odd"), of("odder"), of("unlisted")), (None, None, None));
        assert!(token_end(b"{}", "own").is_err());
    }
}
