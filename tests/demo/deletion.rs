//! The scene that the vendor's guide warns of: a group is deleted, and no source is left without
//! a password policy.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    Broken,
    calls::Calls,
    scenes::{named, promise},
    stage::Stage,
};

const PATCH: &str = "PATCH /sources/{id}/password-policies";

/// One source and where its policy came from.
struct Row {
    id: String,
    name: String,
    own: String,
    group: String,
}

/// Two groups go; each source gets its group's policy.
pub async fn delete(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "Deletion",
        "The guide: the group's policy \"becomes assigned directly to the associated sources\". \
         This tenant is told to forget it, so that the operator has to do it.",
    );
    stage.begin_to_count().await;
    let forget = json!({"policy_after_delete": "never"});
    stage.control("PATCH", "switches", Some(&forget));
    stage.tenant.switch(forget).await;
    let mut rows = Vec::new();
    for name in ["Shared Password", "Developers"] {
        rows.extend(members(stage, name).await?);
    }
    let names = ["shared-password", "developers"];
    stage
        .kubectl(&[&["delete", "psg"], &names[..], &["--timeout=60s"]].concat())
        .await?;
    for name in ["Shared Password", "Developers"] {
        let gone = stage.tenant.group(name).await.is_none();
        promise(gone, "the group is gone from the tenant")?;
    }
    let calls = stage.calls().await;
    let lost = table(stage, &rows, &calls).await;
    stage.show_event("developers", "Deleted").await?;
    promise(lost == 0, "every source has its group's policy")?;
    promise(
        calls.written("DELETE /password-sync-groups/{id}") == 2,
        "each group was deleted once",
    )?;
    stage.screen.kept(
        "every source has the policy that its group had; the finalizer ended after this was read back",
    );
    stage.screen.note(&calls.shown());
    Ok(())
}

/// Prints every source's policy before and after; how many are without.
async fn table(stage: &Stage<'_>, rows: &[Row], calls: &Calls) -> usize {
    let state = stage.tenant.state().await;
    let paths = calls.paths(PATCH);
    let mut lost = 0;
    let line = |cells: [&str; 5]| {
        let [name, own, group, after, by] = cells;
        format!("{name:18}{own:17}{group:17}{after:17}{by}")
    };
    let mut lines = vec![line([
        "SOURCE",
        "ITS OWN BEFORE",
        "IN THE GROUP",
        "AFTER",
        "BY",
    ])];
    for row in rows {
        let after = policy_of(&state, &row.id);
        lost += usize::from(after != row.group);
        let ours = paths.iter().any(|path| path.contains(&row.id));
        let by = if ours { "operator" } else { "had it" };
        lines.push(line([&row.name, &row.own, &row.group, &after, by]));
    }
    stage.screen.result(&lines.join("\n"));
    lost
}

async fn members(stage: &Stage<'_>, name: &str) -> Result<Vec<Row>, Broken> {
    let group = named(stage, name).await?;
    let state = stage.tenant.state().await;
    let policies = names(&state["policies"]);
    let sources = names(&state["sources"]);
    let called = |names: &BTreeMap<String, String>, id: &Value| {
        let id = id.as_str().unwrap_or_default();
        names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    };
    let ids = group["sourceIds"].as_array().into_iter().flatten();
    let rows = ids.map(|id| Row {
        id: id.as_str().unwrap_or_default().to_owned(),
        name: called(&sources, id),
        own: policy_of(&state, id.as_str().unwrap_or_default()),
        group: called(&policies, &group["passwordPolicyId"]),
    });
    Ok(rows.collect())
}

/// The policy for everybody that is put on a source itself.
fn policy_of(state: &Value, source: &str) -> String {
    let policies = names(&state["policies"]);
    let mut sources = state["sources"].as_array().into_iter().flatten();
    let found = sources.find(|one| one["id"] == source);
    let holders = found.and_then(|source| source["holders"].as_array());
    let mut holders = holders.into_iter().flatten();
    let default = holders.find(|holder| holder["selectors"].is_null());
    let id = default.and_then(|holder| holder["policyId"].as_str());
    let name = id.and_then(|id| policies.get(id));
    name.cloned().unwrap_or_else(|| "none".to_owned())
}

fn names(objects: &Value) -> BTreeMap<String, String> {
    let objects = objects.as_array().into_iter().flatten();
    let pairs = objects.filter_map(|object| {
        let (id, name) = (object["id"].as_str()?, object["name"].as_str()?);
        Some((id.to_owned(), name.to_owned()))
    });
    pairs.collect()
}
