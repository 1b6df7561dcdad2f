//! The scenes of a good day: a group is applied, repaired, refused with a reason, adopted.

use std::time::Instant;

use serde_json::Value;

use crate::{Broken, stage::Stage, stage::edited};

pub const SAMPLE: &str = "config/samples/shared_password.yaml";
const CLOUD_STANDARD: &str = "2c91808d744ba0ce01746f93b6204502";

/// A group, from nothing to Ready, by the requests that the plan named.
pub async fn apply(stage: &mut Stage<'_>, foreseen: &[String]) -> Result<(), Broken> {
    stage.screen.scene(
        "A group is applied",
        "What the plan said is what the operator does.",
    );
    stage.begin_to_count().await;
    stage.kubectl(&["apply", "-f", SAMPLE]).await?;
    let begin = Instant::now();
    stage.wait_reason("shared-password", "InSync").await?;
    let took = begin.elapsed().as_secs_f64();
    stage.kubectl(&["get", "psg"]).await?;
    let group = named(stage, "Shared Password").await?;
    let sources = group["sourceIds"].as_array().map_or(0, Vec::len);
    promise(sources == 3, "the tenant's group has three sources")?;
    stage.screen.kept(&format!(
        "group {} is in the tenant with {sources} sources, {took:.1} s after it was applied",
        group["id"].as_str().unwrap_or_default()
    ));
    let calls = stage.end_of_scene().await;
    promise(
        calls.in_order() == foreseen,
        "the tenant was sent exactly the requests of the plan",
    )?;
    stage
        .screen
        .kept("the tenant's ledger has the requests of the plan, and no other");
    Ok(())
}

/// A person changes the group in the admin console.
pub async fn drift(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "A change made behind our back",
        "Somebody gives the group another policy and takes Workday out, in the admin console.",
    );
    stage.begin_to_count().await;
    let before = named(stage, "Shared Password").await?;
    let workday = stage.tenant.source("Workday").await["id"].clone();
    let kept: Vec<&str> = before["sourceIds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|id| **id != workday)
        .filter_map(Value::as_str)
        .collect();
    let path = format!("groups/{}", before["id"].as_str().unwrap_or_default());
    let group = edited(&before, CLOUD_STANDARD, &kept);
    stage.control("PUT", &path, Some(&group));
    stage.tenant.put(&path, group).await;
    let begin = Instant::now();
    let found = stage.wait("the group to be repaired", async || {
        let now = stage.tenant.group("Shared Password").await;
        let now = now.ok_or("there is no group")?;
        let same = |field: &str| now[field] == before[field];
        let sources = sorted(&now["sourceIds"]) == sorted(&before["sourceIds"]);
        if same("passwordPolicyId") && same("id") && sources {
            Ok(())
        } else {
            Err(now.to_string())
        }
    });
    found.await?;
    let took = begin.elapsed().as_secs_f64();
    let event = stage.show_event("shared-password", "DriftRepaired").await?;
    promise(
        event.contains("was Cloud Standard, is Corporate Strong"),
        "the Event says what was changed",
    )?;
    stage.screen.kept(&format!(
        "repaired {took:.1} s after the change; the tenant is read every 10 s here"
    ));
    let calls = stage.end_of_scene().await;
    promise(
        calls.written("PUT /password-sync-groups/{id}") == 1,
        "one PUT repaired the group",
    )
}

/// Two mistakes: one that the schema sees, one that only the tenant can tell.
pub async fn refused(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "Two manifests with a mistake",
        "What the schema can see is refused at once. What only the tenant knows is said in the \
         status, with a way out.",
    );
    stage.begin_to_count().await;
    let alone = "tests/demo/manifests/one_source.yaml";
    let printed = stage.show(&["apply", "-f", alone]).await;
    promise(
        printed.status != 0 && printed.stderr.contains("fewer than two sources"),
        "a group of one source is refused at kubectl apply",
    )?;
    let typo = "tests/demo/manifests/unknown_source.yaml";
    stage.kubectl(&["apply", "-f", typo]).await?;
    stage.wait_reason("unix", "SourceNotFound").await?;
    stage.kubectl(&["get", "psg"]).await?;
    let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}"#;
    let said = stage.kubectl(&["get", "psg", "unix", "-o", path]).await?;
    promise(
        said.contains("did you mean \"Legacy Mainframe\""),
        "the near miss is named",
    )?;
    stage.kubectl(&["psg", "explain", "SourceNotFound"]).await?;
    stage.kubectl(&["delete", "psg", "unix"]).await?;
    stage.screen.kept("neither was sent to the tenant");
    no_write(stage).await
}

/// A group that was there before the operator.
pub async fn adopt(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "A group that exists already",
        "\"Support Tools\" was made by hand long ago. The manifest equals it, so it is adopted \
         without a write.",
    );
    stage.begin_to_count().await;
    let before = named(stage, "Support Tools").await?;
    let manifest = "tests/demo/manifests/support_tools.yaml";
    stage.kubectl(&["apply", "-f", manifest]).await?;
    stage.wait_reason("support-tools", "InSync").await?;
    stage.show_event("support-tools", "Adopted").await?;
    let group = stage.group("support-tools").await?;
    promise(
        group.data["status"]["origin"] == "Adopted"
            && group.data["status"]["groupID"] == before["id"],
        "the status says that this group was adopted",
    )?;
    promise(
        named(stage, "Support Tools").await? == before,
        "the tenant's group is as it was, modification time included",
    )?;
    stage
        .screen
        .kept("adopted; in the tenant it is as it was, to the millisecond");
    no_write(stage).await
}

/// The one group of a name.
pub async fn named(stage: &Stage<'_>, name: &str) -> Result<Value, Broken> {
    let group = stage.tenant.group(name).await;
    group.ok_or_else(|| format!("there is no group \"{name}\" in the tenant"))
}

/// What a scene is there to show.
pub fn promise(kept: bool, what: &str) -> Result<(), Broken> {
    if kept {
        Ok(())
    } else {
        Err(format!("this should be so and is not: {what}"))
    }
}

async fn no_write(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let calls = stage.end_of_scene().await;
    promise(
        calls.writes().is_empty(),
        "nothing was written to the tenant",
    )
}

fn sorted(ids: &Value) -> Vec<&str> {
    let ids = ids.as_array().into_iter().flatten();
    let mut ids: Vec<&str> = ids.filter_map(Value::as_str).collect();
    ids.sort_unstable();
    ids
}
