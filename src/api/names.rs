//! Every name that manifests, pipelines and other programs rely on.

/// The API group of both kinds.
pub const GROUP: &str = "passwordsync.dev";
/// The version of both kinds.
pub const VERSION: &str = "v1alpha1";
/// Group and version, as `apiVersion` has them.
pub const API_VERSION: &str = "passwordsync.dev/v1alpha1";

/// Holds a `PasswordSyncGroup` until each of its sources has a password policy of its own again.
pub const FINALIZER: &str = "passwordsync.dev/reassign-policy";

/// Holds an `IdentityTenant` while a `PasswordSyncGroup` needs it.
pub const IN_USE: &str = "passwordsync.dev/in-use";

/// Any new value, on a group or a tenant: read the tenant now.
pub const RECONCILE_AT: &str = "passwordsync.dev/reconcile-at";
/// An RFC 3339 time, on a group: until then nothing is written to the tenant, deletion included.
pub const PAUSED_UNTIL: &str = "passwordsync.dev/paused-until";
/// An RFC 3339 time, on a tenant: until then what a brake holds back may go on.
pub const ACKNOWLEDGED_UNTIL: &str = "passwordsync.dev/acknowledged-until";

/// The name under which the operator's fields are managed.
pub const FIELD_MANAGER: &str = "psg-operator";
