//! The metrics. Labels are words of the code, and names of IdentityTenants while these exist; never
//! text from a tenant. Every series that an alert may use exists from the start, at 0.

pub mod at_scrape;

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use psg_domain::{FailureCause, Failures, TenantName};

/// How a pass ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassResult {
    /// Everything is as wanted.
    Settled,
    /// Nothing is done until the manifest, the tenant or another resource changes.
    Stalled,
    /// The resource waits until a known time.
    Waiting,
    /// A person paused it.
    Paused,
    /// A call did not succeed, or its effect does not show yet.
    Retrying,
    /// It waits for a permit to write the tenant.
    InLine,
    /// The resource was released.
    Released,
    /// The process is about to end.
    Stopping,
    /// Kubernetes did not do what the pass needs.
    Error,
    /// A defect of the operator.
    Panicked,
}

impl PassResult {
    const ALL: [Self; 10] = [
        Self::Settled,
        Self::Stalled,
        Self::Waiting,
        Self::Paused,
        Self::Retrying,
        Self::InLine,
        Self::Released,
        Self::Stopping,
        Self::Error,
        Self::Panicked,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Stalled => "stalled",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Retrying => "retrying",
            Self::InLine => "in_line",
            Self::Released => "released",
            Self::Stopping => "stopping",
            Self::Error => "error",
            Self::Panicked => "panicked",
        }
    }
}

/// The operations that write a tenant, and their results.
const WRITES: [&str; 4] = ["create", "update", "delete", "assign"];
const WRITTEN: [&str; 4] = ["ok", "not_made", "rate_limited", "unknown"];
/// How a read of a whole tenant ends.
const READS: [&str; 2] = ["ok", "failed"];
/// Where panics are caught.
const PLACES: [&str; 3] = ["pass", "actor", "watch"];

/// The operation and the result of a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WriteLabels {
    operation: &'static str,
    result: &'static str,
}

/// What a pass ended in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PassLabels {
    result: &'static str,
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TenantLabels {
    tenant: String,
}

/// One tenant's reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReadLabels {
    tenant: String,
    result: &'static str,
}

/// Why password changes of one tenant failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CauseLabels {
    tenant: String,
    cause: &'static str,
}

/// Where a panic was caught.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PanicLabels {
    place: &'static str,
}

/// One kind of resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabels {
    kind: String,
}

/// All metrics.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    passes: Family<PassLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    reads: Family<ReadLabels, Counter>,
    last_read: Family<TenantLabels, Gauge<f64, AtomicU64>>,
    unreadable: Family<TenantLabels, Gauge>,
    deletions_paused: Family<TenantLabels, Gauge>,
    password_changes_failed: Family<CauseLabels, Gauge>,
    drift_repaired: Counter,
    orphaned: Counter,
    undecodable: Family<KindLabels, Gauge>,
    panics: Family<PanicLabels, Counter>,
}

impl Metrics {
    /// The metrics, registered under their names.
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "psg_passes",
            "Passes over a resource, by what they ended in",
            metrics.passes.clone(),
        );
        registry.register(
            "psg_tenant_writes",
            "Writes to tenants, by operation and result",
            metrics.writes.clone(),
        );
        registry.register(
            "psg_tenant_reads",
            "Whole reads of a tenant, by result",
            metrics.reads.clone(),
        );
        registry.register(
            "psg_tenant_last_read_timestamp_seconds",
            "When a tenant was last read whole, in seconds since 1970",
            metrics.last_read.clone(),
        );
        registry.register(
            "psg_tenant_unreadable_objects",
            "Objects and lists of a tenant that cannot be read as they should be",
            metrics.unreadable.clone(),
        );
        registry.register(
            "psg_tenant_deletions_paused",
            "Deletions of a tenant's groups that the brake holds back",
            metrics.deletions_paused.clone(),
        );
        registry.register(
            "psg_tenant_password_changes_failed",
            "Password changes of the last two hours that failed on a source, by cause; only of tenants \
             with passwordChanges, while their audit events can be read",
            metrics.password_changes_failed.clone(),
        );
        registry.register(
            "psg_drift_repaired",
            "Changes made in a tenant that were undone",
            metrics.drift_repaired.clone(),
        );
        registry.register(
            "psg_orphaned",
            "Groups left in a tenant on request",
            metrics.orphaned.clone(),
        );
        registry.register(
            "psg_undecodable",
            "Resources that cannot be read, by kind",
            metrics.undecodable.clone(),
        );
        registry.register(
            "psg_panics",
            "Panics that were caught, by where",
            metrics.panics.clone(),
        );
        metrics.begin();
        metrics
    }

    /// A counter that appears only with its first event shows no increase to an alert.
    fn begin(&self) {
        for result in PassResult::ALL.map(PassResult::as_str) {
            self.passes.get_or_create(&PassLabels { result }).inc_by(0);
        }
        for operation in WRITES {
            for result in WRITTEN {
                self.writes
                    .get_or_create(&WriteLabels { operation, result })
                    .inc_by(0);
            }
        }
        for place in PLACES {
            self.panics.get_or_create(&PanicLabels { place }).inc_by(0);
        }
        for kind in ["PasswordSyncGroup", "IdentityTenant"] {
            self.undecodable(kind, 0);
        }
    }

    /// Registers the metrics of an IdentityTenant that was not read yet.
    pub(crate) fn know(&self, tenant: &TenantName) {
        for result in READS {
            self.reads
                .get_or_create(&ReadLabels {
                    tenant: tenant.to_string(),
                    result,
                })
                .inc_by(0);
        }
        self.last_read
            .get_or_create(&TenantLabels {
                tenant: tenant.to_string(),
            })
            .set(0.0);
        self.unreadable(tenant, 0);
        self.deletions_paused(tenant, 0);
    }

    /// An IdentityTenant is gone.
    pub(crate) fn forget(&self, tenant: &TenantName) {
        for result in READS {
            self.reads.remove(&ReadLabels {
                tenant: tenant.to_string(),
                result,
            });
        }
        let labels = TenantLabels {
            tenant: tenant.to_string(),
        };
        self.last_read.remove(&labels);
        self.unreadable.remove(&labels);
        self.deletions_paused.remove(&labels);
        self.password_changes(tenant, None);
    }

    pub(crate) fn pass(&self, result: PassResult) {
        let result = result.as_str();
        self.passes.get_or_create(&PassLabels { result }).inc();
    }

    pub(crate) fn write(&self, operation: &'static str, result: &'static str) {
        self.writes
            .get_or_create(&WriteLabels { operation, result })
            .inc();
    }

    pub(crate) fn read(&self, tenant: &TenantName, ok: bool, now: Timestamp) {
        let [done, failed] = READS;
        let result = if ok { done } else { failed };
        self.reads
            .get_or_create(&ReadLabels {
                tenant: tenant.to_string(),
                result,
            })
            .inc();
        if ok {
            #[allow(clippy::cast_precision_loss)] // whole seconds of this century fit a double
            let seconds = now.as_second() as f64;
            self.last_read
                .get_or_create(&TenantLabels {
                    tenant: tenant.to_string(),
                })
                .set(seconds);
        }
    }

    /// How many objects and lists of a tenant could not be read.
    pub(crate) fn unreadable(&self, tenant: &TenantName, count: usize) {
        set(&self.unreadable, tenant, count);
    }

    /// How many deletions of a tenant the brake holds back.
    pub(crate) fn deletions_paused(&self, tenant: &TenantName, count: usize) {
        set(&self.deletions_paused, tenant, count);
    }

    /// How many password changes of a tenant failed; none if that is not known.
    pub(crate) fn password_changes(&self, tenant: &TenantName, failures: Option<&Failures>) {
        for cause in FailureCause::ALL {
            let labels = CauseLabels {
                tenant: tenant.to_string(),
                cause: cause.label(),
            };
            let Some(failures) = failures else {
                self.password_changes_failed.remove(&labels);
                continue;
            };
            let counts = failures.sources.values().map(|source| source.count(cause));
            let count: i64 = counts.map(i64::from).sum();
            self.password_changes_failed
                .get_or_create(&labels)
                .set(count);
        }
    }

    pub(crate) fn drift(&self) {
        self.drift_repaired.inc();
    }

    pub(crate) fn orphan(&self) {
        self.orphaned.inc();
    }

    pub(crate) fn undecodable(&self, kind: &str, count: usize) {
        let kind = kind.to_owned();
        let gauge = self.undecodable.get_or_create(&KindLabels { kind });
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    #[cfg(test)]
    pub(crate) fn panics(&self, place: &'static str) -> u64 {
        self.panics.get_or_create(&PanicLabels { place }).get()
    }

    pub(crate) fn panic(&self, place: &'static str) {
        self.panics.get_or_create(&PanicLabels { place }).inc();
    }
}

fn set(figures: &Family<TenantLabels, Gauge>, tenant: &TenantName, count: usize) {
    let tenant = tenant.to_string();
    let gauge = figures.get_or_create(&TenantLabels { tenant });
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}
