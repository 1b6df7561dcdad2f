//! The scene that other tools fail: the process dies after its POST was carried out and before
//! it heard so.

use serde_json::json;

use crate::{
    Broken,
    scenes::{named, promise},
    stage::Stage,
};

const POST: &str = "POST /password-sync-groups";

/// The operator is killed between the POST and its answer; there is one group afterwards.
pub async fn between_post_and_answer(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "Killed between the POST and its answer",
        "The API has no idempotency keys. The tenant makes the group and keeps its answer back; \
         meanwhile the operator is killed. Who knows now that the group is there?",
    );
    stage.begin_to_count().await;
    let fault = json!({"match": POST, "times": 1, "kind": {"delay": {"ms": 60_000}}});
    stage.control("POST", "faults", Some(&fault));
    stage.tenant.fault(fault).await;
    let manifest = "tests/demo/manifests/developers.yaml";
    stage.kubectl(&["apply", "-f", manifest]).await?;
    let made = stage.wait("the tenant to make the group", async || {
        named(stage, "Developers").await
    });
    let made = made.await?;
    let pid = stage.operator()?.id();
    stage
        .screen
        .command(&format!("kill -9 {pid}   # psg-operator"));
    stage.screen.gap();
    stage.operator()?.kill9();
    let intent = "jsonpath={.status.intent}";
    let intent = stage
        .kubectl(&["get", "psg", "developers", "-o", intent])
        .await?;
    let id = "jsonpath={.status.groupID}";
    let id = stage.run(&["get", "psg", "developers", "-o", id]).await?;
    promise(
        intent.contains("\"name\":\"Developers\"") && id.is_empty(),
        "the status has the intent, and no id yet",
    )?;
    stage.screen.kept(
        "the status holds what was about to be sent, written before the POST; not yet the group's id",
    );
    stage.screen.gap();
    stage.screen.command("psg-operator &   # it comes back");
    stage.screen.gap();
    stage.start_operator().await;
    let group = stage.wait_reason("developers", "InSync").await?;
    stage.kubectl(&["get", "psg"]).await?;
    promise(
        group.data["status"]["groupID"] == made["id"]
            && group.data["status"]["origin"] == "Created",
        "the group that was made is recorded as ours",
    )?;
    // It would fail if there were two.
    named(stage, "Developers").await?;
    stage.screen.kept(&format!(
        "one group \"Developers\" in the tenant, {}; it was found by its content and taken for ours",
        made["id"].as_str().unwrap_or_default()
    ));
    let calls = stage.end_of_scene().await;
    promise(calls.written(POST) == 1, "there was one POST")
}
