//! The policies on one source.

use psg_domain::{Holder, HolderSelectors, PolicyId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{at_most, row::Rows};
use crate::bounds::{LONGEST_SELECTORS, MOST_HOLDERS, PAGE_LIMIT};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    policy_id: Option<String>,
    #[serde(default)]
    selectors: Value,
}

/// One entry of what a PATCH carries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body<'a> {
    policy_id: &'a PolicyId,
    /// Left out where there are none: the vendor's schema allows no null here.
    #[serde(skip_serializing_if = "Option::is_none")]
    selectors: Option<&'a HolderSelectors>,
}

/// A page of policy holders. All must be valid: an assignment sends the whole list back.
pub(crate) fn holders(body: &[u8]) -> Result<Rows<Holder>, String> {
    let items = at_most::<PAGE_LIMIT, _, _>(body, holder)?;
    Ok(Rows {
        count: items.len(),
        items,
        unreadable: Vec::new(),
    })
}

/// All policy holders in the answer to an assignment.
pub(crate) fn assigned(body: &[u8]) -> Result<Vec<Holder>, String> {
    at_most::<MOST_HOLDERS, _, _>(body, holder)
}

fn holder(wire: Wire) -> Result<Holder, String> {
    let policy = PolicyId::parse(&wire.policy_id.ok_or("a holder has no policy")?);
    let policy = policy.map_err(|_| "the policy id of a holder cannot be used")?;
    let selectors = (!selects_nothing(&wire.selectors)).then_some(wire.selectors);
    let length = selectors.as_ref().map_or(0, |json| json.to_string().len());
    if length > LONGEST_SELECTORS {
        return Err(format!(
            "the selectors of a holder are {length} bytes long, and at most {LONGEST_SELECTORS} \
             are kept"
        ));
    }
    Ok(Holder {
        policy,
        selectors: selectors.map(HolderSelectors),
    })
}

pub(crate) fn holder_body(holders: &[Holder]) -> Vec<Body<'_>> {
    let entries = holders.iter();
    entries
        .map(|Holder { policy, selectors }| Body {
            policy_id: policy,
            selectors: selectors.as_ref(),
        })
        .collect()
}

/// Selectors that are null, or an object of only nulls and empty lists, make no exception.
fn selects_nothing(selectors: &Value) -> bool {
    let is_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    selectors.is_null()
        || selectors
            .as_object()
            .is_some_and(|map| map.values().all(is_nothing))
}
