//! The apiserver's side of one Lease.

use k8s_openapi::api::coordination::v1::Lease;

use crate::election::version;

#[derive(Debug, Default)]
pub struct Server {
    pub lease: Option<Lease>,
    version: u64,
}

impl Server {
    /// Takes what was written for the version that is stored, as kube-apiserver does.
    pub fn store(&mut self, mut lease: Lease) -> Option<Lease> {
        let stored = self.lease.as_ref();
        if version(&lease) != stored.and_then(version) {
            return None;
        }
        if stored.is_some_and(|stored| stored.spec == lease.spec) {
            return Some(lease);
        }
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(lease.clone());
        Some(lease)
    }
}
