//! Where this process stands among its replicas. It goes one way: what leads never stands by
//! again, it ends.

use tokio::sync::watch;

/// Where this process stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It has not seen yet who leads.
    #[default]
    Unknown,
    /// Another leads, or nobody does: it watches, calls no tenant and writes nothing.
    Standby,
    /// It alone acts.
    Leader,
}

/// Where this process stands now, and from when on it leads.
pub type RoleReceiver = watch::Receiver<Role>;

/// For a process that has no replicas.
pub fn alone() -> RoleReceiver {
    watch::Sender::new(Role::Leader).subscribe()
}
