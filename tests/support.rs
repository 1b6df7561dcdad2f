//! What tests stand on: a control plane, a simulated tenant, the operator's process, and eyes
//! to see what they did.
//!
//! Begin with [`world::World`], which has one of each; the other modules are its parts.

pub mod audit;
pub mod binaries;
pub mod browser;
pub mod certificates;
pub mod control_plane;
pub mod gitops;
pub mod install;
pub mod kubectl;
pub mod kubernetes;
pub mod leash;
pub mod logs;
pub mod many;
pub mod memory;
pub mod namespace;
pub mod operator;
pub mod planned;
pub mod ports;
pub mod processes;
pub mod promtool;
pub mod proxied;
pub mod simulator;
pub mod store;
pub mod tenant_words;
pub mod users;
pub mod wait;
pub mod world;

pub use control_plane::ControlPlane;
pub use namespace::Namespace;
pub use operator::Operator;
pub use simulator::TenantSim;
pub use users::User;
pub use wait::{stays, until, wait_for};
pub use world::World;
