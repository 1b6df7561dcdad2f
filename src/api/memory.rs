//! A status and the memory it holds, both ways: `Recorded` → status → `Recorded` changes nothing,
//! except that texts that are only for people are cut to the schema's bounds.

#[cfg(test)]
mod newer;
mod read;
#[cfg(test)]
mod round_trip;
mod salvage;
mod write;

use psg_domain::{Assign, Origin, ReassignmentResult};

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

fn result_word(result: ReassignmentResult) -> &'static str {
    match result {
        ReassignmentResult::ByService => "AssignedByService",
        ReassignmentResult::ByOperator => "AssignedByOperator",
        ReassignmentResult::InAnotherGroup => "InAnotherGroup",
        ReassignmentResult::SourceGone => "SourceGone",
        ReassignmentResult::PolicyGone => "PolicyGone",
        ReassignmentResult::HasOwnPolicy => "HasOwnPolicy",
    }
}

fn assign_word(assign: Assign) -> Option<&'static str> {
    match assign {
        Assign::Always => None,
        Assign::IfNone => Some("IfNone"),
    }
}
