//! What the decisions must hold: one file a rule over [`fixture`], and laws over a [`world`]
//! in memory in which anything may be lost, late or crash.

pub(crate) mod fixture;

mod adoption;
mod alignment;
mod braking;
mod claim_index;
mod claiming;
mod contested;
mod creating;
mod deleting;
mod drift;
mod laws;
mod leaving;
mod management;
mod model;
mod moving;
mod oracle;
mod ownership;
mod prerequisites;
mod preview;
mod reasons;
mod recording;
mod resolve;
mod swapping;
mod sync;
mod tenant;
mod unreadable;
mod updating;
mod verdict;
mod world;
mod worst;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
