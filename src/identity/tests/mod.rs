//! The client against answers written by hand, against the simulator, and over real HTTP.

mod canary;
mod contract;
mod every_field;
mod http;
mod limiter;
mod password_changes;
pub mod scripted;
mod simulated;
mod token;
