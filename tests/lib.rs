//! One file a behaviour, against a real kube-apiserver and a simulated tenant.
//!
//! [`support`] starts what a test needs; the demo and the benchmark use it too. Everything that
//! is started ends with the process, however it ends.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says why and stops"
)]

pub mod support;

#[cfg(test)]
mod abuse;
#[cfg(test)]
mod adopting;
#[cfg(test)]
mod another_tenant;
#[cfg(test)]
mod argo_cd;
#[cfg(test)]
mod arrows;
#[cfg(test)]
mod audit_trail;
#[cfg(test)]
mod braking;
#[cfg(test)]
mod chart;
#[cfg(test)]
mod comparing;
#[cfg(test)]
mod completing;
#[cfg(test)]
mod confined;
#[cfg(test)]
mod control_plane;
#[cfg(test)]
mod counting;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod creating;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod deleting;
#[cfg(test)]
mod doctoring;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod editing;
#[cfg(test)]
mod explaining;
#[cfg(test)]
mod exporting;
#[cfg(test)]
mod flags;
#[cfg(test)]
mod flux;
#[cfg(test)]
mod foreign_status;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod house;
#[cfg(test)]
mod image;
#[cfg(test)]
mod judging;
#[cfg(test)]
mod krew;
#[cfg(test)]
mod kustomizing;
#[cfg(test)]
mod leadership;
#[cfg(test)]
mod lost_answers;
#[cfg(test)]
mod many_groups;
#[cfg(test)]
mod many_planned;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod namespaces;
#[cfg(test)]
mod no_secrets;
#[cfg(test)]
mod observing;
#[cfg(test)]
mod odd_objects;
#[cfg(test)]
mod orphaning;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod password_changes;
#[cfg(test)]
mod pausing;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod plugin;
#[cfg(test)]
mod plugin_orphan;
#[cfg(test)]
mod prerequisites;
#[cfg(test)]
mod printing;
#[cfg(test)]
mod protecting;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod rate_limit;
#[cfg(test)]
mod references;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod refused_at_apply;
#[cfg(test)]
mod releasing;
#[cfg(test)]
mod remedies;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod samples_are_valid;
#[cfg(test)]
mod site;
#[cfg(test)]
mod status_screen;
#[cfg(test)]
mod status_table;
#[cfg(test)]
mod swapping;
#[cfg(test)]
mod tenant_proxy;
#[cfg(test)]
mod tenant_trouble;
#[cfg(test)]
mod typos;
#[cfg(test)]
mod uninstalling;
#[cfg(test)]
mod upgrading;
#[cfg(test)]
mod vanishing;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod walkthrough;
#[cfg(test)]
mod workflows;
