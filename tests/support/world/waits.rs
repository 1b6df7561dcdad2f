//! Waiting in a world: for conditions that speak of the present spec, and with the operator's
//! last words if it is in vain.

use std::{fmt::Display, time::Duration};

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::World;
use crate::support::{
    kubernetes::condition,
    operator::Operator,
    wait::{Look, until},
};

/// How long a test waits for what should take a second or two; two cores are shared by many.
pub const PATIENCE: Duration = Duration::from_mins(3);

impl World {
    /// Waits until a group is Ready for its present spec.
    pub async fn wait_ready(&self, name: &str) -> DynamicObject {
        self.wait_condition(name, "Ready", "True", None).await
    }

    /// Waits until the operator's figures have this line: it may come a moment after what it counts.
    pub async fn wait_metric(&self, line: &str) {
        let operator = self.operator.as_ref().expect("an operator was started");
        self.wait(line, async || {
            let (_, metrics) = operator.page("/metrics").await;
            let found = metrics.lines().any(|found| found == line);
            found.then_some(()).ok_or(metrics)
        })
        .await;
    }

    /// Waits until a group's Ready condition has a reason for its present spec.
    pub async fn wait_reason(&self, name: &str, reason: &str) -> DynamicObject {
        self.wait_group(name, format!("Ready with reason {reason}"), |group| {
            current(group, "Ready").is_some_and(|ready| ready["reason"] == reason)
        })
        .await
    }

    /// Waits until a group's condition has a status, and a reason if one is given.
    pub async fn wait_condition(
        &self,
        name: &str,
        kind: &str,
        status: &str,
        reason: Option<&str>,
    ) -> DynamicObject {
        let what = format!("{kind}={status} {}", reason.unwrap_or_default());
        self.wait_group(name, what, |group| {
            current(group, kind).is_some_and(|found| {
                found["status"] == status && reason.is_none_or(|reason| found["reason"] == reason)
            })
        })
        .await
    }

    /// Waits until a group is as a test wants it.
    pub async fn wait_group(
        &self,
        name: &str,
        what: impl Display,
        good: impl Fn(&DynamicObject) -> bool,
    ) -> DynamicObject {
        self.wait(format!("group {name}: {what}"), async || {
            let group = self
                .groups()
                .get(name)
                .await
                .map_err(|why| why.to_string())?;
            if good(&group) {
                Ok(group)
            } else {
                Err(shown(&group))
            }
        })
        .await
    }

    /// Waits until an IdentityTenant's condition has a status and a reason.
    pub async fn wait_tenant(&self, name: &str, kind: &str, status: &str, reason: &str) {
        self.wait(
            format!("tenant {name}: {kind}={status} {reason}"),
            async || {
                let tenant = self
                    .tenants()
                    .get(name)
                    .await
                    .map_err(|why| why.to_string())?;
                let found = current(&tenant, kind);
                let good =
                    found.is_some_and(|one| one["status"] == status && one["reason"] == reason);
                if good { Ok(()) } else { Err(shown(&tenant)) }
            },
        )
        .await;
    }

    /// Waits until a group's deletion is complete.
    pub async fn wait_gone(&self, name: &str) {
        self.wait(format!("group {name} to be gone"), async || {
            let found = self
                .groups()
                .get_opt(name)
                .await
                .map_err(|why| why.to_string())?;
            found.map_or(Ok(()), |group| Err(shown(&group)))
        })
        .await;
    }

    /// Waits for anything; a failure shows what was seen last and the operator's log.
    pub async fn wait<T>(&self, what: impl Display, look: impl AsyncFnMut() -> Look<T>) -> T {
        match until(PATIENCE, look).await {
            Ok(found) => found,
            Err(seen) => {
                let log = self.operator.as_ref().map(Operator::log_tail);
                let log = log.unwrap_or_default();
                panic!("waited {PATIENCE:?} for {what}; seen last: {seen}\n{log}")
            }
        }
    }
}

/// A condition that speaks of the object's present spec.
fn current<'a>(object: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let found = condition(object, kind)?;
    let generation = object.metadata.generation;
    (found["observedGeneration"].as_i64() == generation).then_some(found)
}

fn shown(object: &DynamicObject) -> String {
    let about = json!({
        "generation": object.metadata.generation,
        "finalizers": object.metadata.finalizers,
        "deletionTimestamp": object.metadata.deletion_timestamp,
        "status": object.data["status"],
    });
    serde_json::to_string_pretty(&about).expect("JSON")
}
