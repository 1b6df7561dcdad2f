//! The client against answers written by hand, against the simulator, and over real HTTP.

mod canary;
mod certificates;
mod company;
mod contract;
mod every_field;
pub mod http;
mod limiter;
mod password_changes;
pub mod scripted;
mod simulated;
mod tenant_proxy;
mod token;
