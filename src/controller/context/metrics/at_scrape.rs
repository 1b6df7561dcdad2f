//! Metrics that are read when they are asked for: the conditions of every resource, and how far each
//! tenant's rate limit is used. Nothing is kept for them, and a series ends with its object.
//!
//! Only the leader gives them. A standby sees the same resources, and every count over them would
//! be doubled.

use std::{fmt, sync::Arc};

use kube::ResourceExt;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};
use psg_api::Condition;
use psg_domain::ConditionType;
use psg_identity::Load;
use psg_plan::reason_of;

use crate::context::{Context, metrics::TenantLabels};

/// Registers what is read at each scrape.
pub fn register(registry: &mut Registry, context: Arc<Context>) {
    registry.register_collector(Box::new(AtScrape(context)));
}

struct AtScrape(Arc<Context>);

impl fmt::Debug for AtScrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtScrape")
    }
}

/// One condition of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConditionLabels {
    kind: &'static str,
    resource: String,
    condition: &'static str,
    status: &'static str,
    reason: &'static str,
}

impl Collector for AtScrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        if !self.0.leads() {
            return Ok(());
        }
        self.conditions(encoder.encode_descriptor(
            "psg_status_condition",
            "1 for each condition of each resource, with its status and reason",
            None,
            MetricType::Gauge,
        )?)?;
        let loads = self.loads();
        each_tenant(
            encoder.encode_descriptor(
                "psg_tenant_requests_available",
                "Requests that the rate limit of a tenant lets through now",
                None,
                MetricType::Gauge,
            )?,
            loads.iter().map(|(tenant, load)| (tenant, load.left)),
        )?;
        each_tenant(
            encoder.encode_descriptor(
                "psg_tenant_requests_waiting",
                "Requests to a tenant that wait for its rate limit",
                None,
                MetricType::Gauge,
            )?,
            loads.iter().map(|(tenant, load)| (tenant, load.waiting)),
        )
    }
}

impl AtScrape {
    fn conditions(&self, mut metric: MetricEncoder<'_>) -> fmt::Result {
        for group in self.0.stores.groups() {
            let conditions = group.status.iter().flat_map(|status| &status.conditions);
            encode(&mut metric, "PasswordSyncGroup", &*group, conditions)?;
        }
        for tenant in self.0.tenants.manifests() {
            let conditions = tenant.status.iter().flat_map(|status| &status.conditions);
            encode(&mut metric, "IdentityTenant", &*tenant, conditions)?;
        }
        Ok(())
    }

    /// How far the rate limit of each tenant with credentials is used.
    fn loads(&self) -> Vec<(TenantLabels, Load)> {
        let tenants = self.0.tenants.names().into_iter();
        let loads = tenants.filter_map(|name| {
            let snapshot = self.0.tenants.get(&name)?.state().snapshot?;
            let tenant = name.to_string();
            Some((TenantLabels { tenant }, snapshot.client().load()))
        });
        loads.collect()
    }
}

fn each_tenant<'a>(
    mut metric: MetricEncoder<'_>,
    tenants: impl Iterator<Item = (&'a TenantLabels, usize)>,
) -> fmt::Result {
    for (labels, count) in tenants {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        ConstGauge::new(count).encode(metric.encode_family(labels)?)?;
    }
    Ok(())
}

fn encode<'a>(
    metric: &mut MetricEncoder<'_>,
    kind: &'static str,
    object: &impl ResourceExt,
    conditions: impl Iterator<Item = &'a Condition>,
) -> fmt::Result {
    let resource = format!(
        "{}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    );
    for condition in conditions {
        let Some((condition, status, reason)) = words(condition) else {
            continue;
        };
        let labels = ConditionLabels {
            kind,
            resource: resource.clone(),
            condition,
            status,
            reason,
        };
        ConstGauge::new(1i64).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

/// A condition in the words of the code; none if another tool wrote it, so that the labels stay
/// bounded whatever a status holds.
fn words(condition: &Condition) -> Option<(&'static str, &'static str, &'static str)> {
    let known = ConditionType::ALL.map(ConditionType::as_str);
    let known = known.into_iter().find(|known| *known == condition.type_)?;
    let status = match condition.status.as_str() {
        "True" => "true",
        "False" => "false",
        _ => "unknown",
    };
    Some((known, status, reason_of(&condition.reason)?))
}
