//! A status and the memory it holds, both ways: `Recorded` → status → `Recorded` is the
//! identity, but for texts that are only for people, which are cut to the schema's bounds.

#[cfg(test)]
mod newer;
mod read;
#[cfg(test)]
mod round_trip;
mod salvage;
mod write;

use psg_domain::{Assign, HandBackResult, Origin};

pub use read::InvalidStatus;
pub use salvage::held_of;
pub use write::status_of;

fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Created => "Created",
        Origin::Adopted => "Adopted",
        Origin::Observed => "Observed",
    }
}

fn result_word(result: HandBackResult) -> &'static str {
    match result {
        HandBackResult::ByService => "AssignedByService",
        HandBackResult::ByOperator => "AssignedByOperator",
        HandBackResult::InAnotherGroup => "InAnotherGroup",
        HandBackResult::SourceGone => "SourceGone",
        HandBackResult::PolicyGone => "PolicyGone",
        HandBackResult::HasOwnPolicy => "HasOwnPolicy",
    }
}

fn assign_word(assign: Assign) -> Option<&'static str> {
    match assign {
        Assign::Always => None,
        Assign::IfNone => Some("IfNone"),
    }
}
