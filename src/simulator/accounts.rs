//! Accounts: the state holds only their number per source; the accounts on a page are made up. No
//! IO.
//!
//! Only the filter by `sourceId` is served: it is what a count for each source needs.

use serde_json::{Value, json};

use crate::{
    call::{Call, Reply},
    errors::Refusal,
    filter::{Allowed, Field, Fields, Filter},
    paging::Paging,
    tenant::Tenant,
};

const FILTERS: &[Allowed] = &[("sourceId", &["eq", "in", "sw"])];

struct OfSource<'a>(&'a str);

impl Fields for OfSource<'_> {
    fn field(&self, _name: &str) -> Field<'_> {
        Field::Text(self.0)
    }
}

impl Tenant {
    pub(crate) fn list_accounts(&self, call: &Call<'_>) -> Result<Reply, Refusal> {
        let paging = Paging::parse(&call.query, &self.switches)?;
        let filter = Filter::parse(call.query.value("filters"), FILTERS)?;
        let counts = self
            .state
            .accounts
            .iter()
            .filter(|(source, _)| filter.passes(&OfSource(source)));
        let mut skip = paging.shifted(call.lies.shift);
        let mut page = Vec::new();
        let mut total = 0;
        for (source, count) in counts {
            let until = count.saturating_sub(skip).min(paging.limit - page.len());
            page.extend((skip..skip + until).map(|number| self.account_shown(source, number)));
            skip = skip.saturating_sub(*count);
            total += count;
        }
        Ok(Reply::page(page, paging.total(total, call.lies)))
    }

    fn account_shown(&self, source: &str, number: usize) -> Value {
        let found = self.state.sources.find(source);
        json!({
            "id": format!("{number:032x}"),
            "name": format!("user{number}"),
            "nativeIdentity": format!("CN=user{number}"),
            "sourceId": source,
            "sourceName": found.map(|source| source.name.clone()),
            "connectionType": found.and_then(|source| source.connection_type.clone()),
            "identityId": format!("{number:032x}"),
            "attributes": {"displayName": format!("user{number}")},
            "authoritative": found.is_some_and(|source| source.authoritative),
            "systemAccount": false,
            "uncorrelated": false,
            "manuallyCorrelated": false,
            "hasEntitlements": false,
            "disabled": false,
            "locked": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{A, B, Bench};

    #[test]
    fn accounts_are_counted_and_paged_by_source() {
        let mut bench = Bench::new();
        let of = |source: &str| {
            format!("/v3/accounts?filters=sourceId+eq+%22{source}%22&count=true&limit=1")
        };
        assert_eq!(
            bench.ask("GET", &of(A)).header("x-total-count"),
            Some("300")
        );
        assert_eq!(bench.ask("GET", &of(B)).header("x-total-count"), Some("5"));
        assert_eq!(
            bench.ask("GET", &of("0")).header("x-total-count"),
            Some("0")
        );
        let length = |list: &serde_json::Value| list.as_array().map(Vec::len);
        assert_eq!(length(&bench.get("/v3/accounts")), Some(250));
        assert_eq!(length(&bench.get("/v3/accounts?offset=250")), Some(55));
        let across = bench.get("/v3/accounts?offset=4&limit=2");
        assert_eq!(
            (&across[0]["sourceId"], &across[1]["sourceId"]),
            (&B.into(), &A.into())
        );
        assert_eq!(
            bench
                .ask("GET", "/v3/accounts?filters=name+eq+%22x%22")
                .status,
            400
        );
    }
}
