//! What the decisions must hold: one file a rule over [`fixture`], and laws over a [`world`]
//! in memory in which anything may be lost, late or crash.

pub(crate) mod fixture;

mod adoption;
mod alignment;
mod braking;
mod claim_index;
mod claiming;
mod conditions;
mod contested;
mod creating;
mod deleting;
mod drift;
mod engine;
mod laws;
mod leaving;
mod management;
// Mutants are built by the hundred, and this takes longest to compile.
mod model;
#[cfg(not(mutants))]
mod model_check;
mod moving;
mod oracle;
mod ownership;
mod pacing;
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
mod world;
mod worst;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
