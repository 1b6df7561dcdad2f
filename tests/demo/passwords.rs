//! The scenes for which there are sync groups: a password is changed once and seen on every source, a
//! source is offline, and after the deletion of a group each source is alone.

use serde_json::{Value, json};

use crate::{Broken, scenes::promise, stage::Stage};

const PERSON: &str = "ada.kaya";
const DOCTOR: [&str; 4] = [
    "psg",
    "doctor",
    "shared-password",
    "--allow-insecure-tenants",
];

/// One change reaches three sources, and the doctor proves it.
pub async fn once(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "A password is changed once",
        "A person changes it on one source of the group, as in Password Manager.",
    );
    let id = change(stage, "Active Directory").await;
    let proof = stage
        .show(&[&DOCTOR[..], &["--change", &id]].concat())
        .await;
    promise(
        proof.status == 0,
        "the doctor proves that it reached every source",
    )?;
    let sources = last(stage).await["sources"].as_array().map_or(0, Vec::len);
    promise(sources == 3, "the change was for three sources")?;
    stage
        .screen
        .kept("one change, three sources; exit code 0 is the proof");
    Ok(())
}

/// A source that cannot be reached is tried again, and named.
pub async fn offline(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "A source goes offline",
        "The next change cannot reach Salesforce. The service tries it again: after 5 s, and six times \
         within 90 minutes.",
    );
    let path = format!("endpoints/{}", stage.tenant.source_id("Salesforce").await);
    reach(stage, &path, false).await;
    change(stage, "Workday").await;
    stage
        .wait("a second attempt on Salesforce", async || {
            let change = last(stage).await;
            let mut sources = change["sources"].as_array().into_iter().flatten();
            let attempts = sources.any(|one| one["attempts"].as_u64() == Some(2));
            if attempts {
                Ok(())
            } else {
                Err(change.to_string())
            }
        })
        .await?;
    let found = stage.show(&DOCTOR).await;
    promise(found.status == 2, "the doctor finds it")?;
    let said = found.stdout.contains("\"Salesforce\"") && found.stdout.contains("+  ~  +");
    promise(
        said,
        "the doctor names the source, and says that it is tried again",
    )?;
    reach(stage, &path, true).await;
    stage
        .screen
        .kept("the doctor names the source, why, and whom to ask");
    Ok(())
}

/// The group is gone, and so is what tied the passwords together.
pub async fn alone(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.screen.scene(
        "Passwords are independent again",
        "The same change as before, after the group was deleted.",
    );
    change(stage, "Active Directory").await;
    let change = last(stage).await;
    let sources = change["sources"].as_array().into_iter().flatten();
    let names: Vec<&str> = sources
        .filter_map(|one| one["sourceName"].as_str())
        .collect();
    promise(
        names == ["Active Directory"],
        "the change reached one source alone",
    )?;
    stage
        .screen
        .kept("it reached Active Directory, and no other source");
    Ok(())
}

/// A person changes the password; returns the id of the change.
async fn change(stage: &Stage<'_>, source: &str) -> String {
    let shown = json!({"identity": PERSON, "source": source, "password": "…"});
    stage.control("POST", "password-changes", Some(&shown));
    stage.tenant.change_password(PERSON, source).await
}

async fn reach(stage: &Stage<'_>, path: &str, reachable: bool) {
    let patch = json!({"reachable": reachable});
    stage.control("PATCH", path, Some(&patch));
    stage.tenant.patch(path, patch).await;
}

/// What the tenant knows of the newest change.
async fn last(stage: &Stage<'_>) -> Value {
    let changes = stage.tenant.get("password-changes").await;
    let newest = changes
        .as_array()
        .and_then(|changes| changes.last().cloned());
    newest.unwrap_or_default()
}
