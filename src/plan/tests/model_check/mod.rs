//! A model checker over the real [`next`](crate::next()) and [`report`](crate::report()): two
//! resources, two processes that may both believe that they lead, one tenant and the API server.
//! Every order in which their single effects can happen is followed to its end, with lost and late
//! answers, crashes, watches that lag, edits and strangers, each as often as a world allows.
//!
//! # What is real
//! The decisions, the memory in a status, the memory of a process, claims, and the picture of the
//! tenant that decisions are made from. The loop around them ([`turn`], [`wire`]) repeats what
//! `controller/reconcile.rs` and `controller/act.rs` do.
//!
//! # What is left out
//! - Messages, and all conditions but `Ready`. No decision reads them.
//! - Moments that lie closer than a tick. Everything within one happens at one moment, in every
//!   order; whatever must be *newer* than something waits for the next. See [`time`].
//! - Time that passes while somebody has something to do is a fault, and counted. Waiting is not.
//! - A POST takes effect before its intent is older than the settle time, or never. The protocol
//!   assumes that (docs/safety.md). A PUT takes effect within the settle time after it was given up in
//!   worlds with `late_puts`; elsewhere, as a DELETE and an assignment, before it is given up.
//! - Counting repairs: no contest is ever given up.
//! - Failing reads, and what wakes a pass: one may begin at any moment.
//!
//! # Layout
//! - [`state`], [`sight`], [`tenant`]: what is, what a process saw of it, and what the tenant does.
//! - [`machine`]: what may happen next; [`decisions`], [`turn`], [`process`], [`wire`]: what follows.
//! - [`laws`]: what must always hold. [`coverage`]: what happened.
//! - [`calm`], [`circles`], [`rest`]: that it comes to rest.
//! - [`search`]: how a world is searched. [`worlds`]: which ones are.

mod calm;
mod circles;
mod coverage;
mod decisions;
mod laws;
mod machine;
mod process;
mod rest;
mod search;
mod sight;
mod state;
mod tenant;
mod time;
mod turn;
mod wire;
mod worlds;
