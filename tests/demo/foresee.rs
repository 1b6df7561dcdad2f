//! A tenant is connected, and a change is seen before it is made: the plan of a manifest, which writes
//! nothing.

use serde_json::Value;

use crate::{
    Broken,
    scenes::{SAMPLE, promise},
    stage::Stage,
};

/// Tells the operator of the tenant.
pub async fn tenant(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.gap();
    stage.secret().await?;
    stage
        .kubectl(&["apply", "-f", "tests/demo/manifests/tenant.yaml"])
        .await?;
    stage.wait_tenant().await?;
    stage.kubectl(&["get", "idt"]).await.map(drop)
}

/// Plans the sample group, and returns the requests of the plan.
pub async fn plan(stage: &mut Stage<'_>) -> Result<Vec<String>, Broken> {
    stage.screen.scene(
        "A change is seen before it is made",
        "The guide's own example: Salesforce, Workday and Active Directory are to share one password.",
    );
    stage.begin_to_count().await;
    let plan = ["psg", "plan", "-f", SAMPLE, "--allow-insecure-tenants"];
    let printed = stage.show(&plan).await;
    promise(printed.status == 2, "the plan has changes, and ends with 2")?;
    let calls = stage.end_of_scene().await;
    promise(calls.writes().is_empty(), "a plan writes nothing")?;
    let json = stage.typed(&[&plan[..], &["-o", "json"]].concat()).await;
    let requests = requests(&json.stdout)?;
    let comment = stage
        .typed(&[&plan[..], &["-o", "markdown"]].concat())
        .await;
    promise(
        requests
            .iter()
            .all(|request| comment.stdout.contains(request)),
        "the comment names every request",
    )?;
    stage
        .screen
        .kept("no write; with -o markdown it is a comment on a pull request, with -o html a page");
    Ok(requests)
}

/// The requests of a plan, as `POST /path`.
fn requests(json: &str) -> Result<Vec<String>, Broken> {
    let plan: Value = serde_json::from_str(json).map_err(|why| format!("the plan: {why}"))?;
    let resources = plan["tenants"][0]["resources"].as_array();
    let requests = resources.into_iter().flatten();
    let requests = requests.flat_map(|one| one["requests"].as_array().into_iter().flatten());
    let said = |request: &Value, key: &str| request[key].as_str().unwrap_or_default().to_owned();
    Ok(requests
        .map(|request| format!("{} {}", said(request, "method"), said(request, "path")))
        .collect())
}
