//! Accounts: only how many a source has is stored; those on a page are made up. No IO.
//!
//! Only the filter by `sourceId` is served: it is what a count for each source needs.

use serde_json::{Value, json};

use crate::{
    errors::Refusal,
    filter::{Allowed, Field, Fields, Filter},
    paging::Paging,
    tenant::{Call, Reply, Tenant},
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
            "uncorrelated": false,
            "disabled": false,
            "locked": false,
        })
    }
}
