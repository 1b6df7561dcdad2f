//! The role of this process among its replicas. A leader never becomes a standby again: its process
//! ends instead.

use tokio::sync::watch;

/// The role of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// This process has not seen yet which replica leads.
    #[default]
    Unknown,
    /// Another replica leads, or none: this process watches, calls no tenant and writes nothing.
    Standby,
    /// Only this process acts.
    Leader,
}

/// The role of this process now, and its changes.
pub type RoleReceiver = watch::Receiver<Role>;

/// For a process that has no replicas.
pub fn alone() -> RoleReceiver {
    watch::Sender::new(Role::Leader).subscribe()
}
