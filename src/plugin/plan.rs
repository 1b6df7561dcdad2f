//! `kubectl psg plan`: the operator's own engine over manifests and a copy of what the tenant shows.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use psg_api::PasswordSyncGroup;
use psg_domain::{Picture, Recorded, SourceId};
use psg_plan::{
    Brake, InUse, Object, TenantState, TenantView,
    preview::{Change, Outlook, Subject, preview},
};

use crate::{
    args::Plan,
    manifests::{self, Manifests},
    outlook, tenant,
};

/// The namespace of a manifest that names none, as kubectl has it.
const DEFAULT: &str = "default";

/// What is printed, and the exit code.
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// 0: nothing to do; 2: changes; 3: a rule refuses at least one.
    pub code: u8,
}

/// Reads manifests and the tenant, and says what the operator would do.
///
/// # Errors
/// What went wrong and what to do, for a person.
pub async fn run(
    asked: &Plan,
    namespace: Option<&str>,
    clock: fn() -> Timestamp,
) -> Result<Answer, String> {
    let manifests = manifests::read(&asked.files)?;
    let now = clock();
    let subjects = subjects(&manifests, namespace.unwrap_or(DEFAULT), now)?;
    // Nobody who pipes the text wants this in it.
    let _ = writeln!(io::stderr(), "reading the tenant …");
    let variable = |name: &str| std::env::var(name).ok();
    let tenant = tenant::read(asked, variable, Arc::new(clock)).await?;
    let view = TenantView {
        state: TenantState::Ready,
        key: Some(tenant.key.clone()),
        interval: Duration::from_mins(1),
        credentials: String::new(),
        vanished: None,
        acknowledged_until: None,
        brake: Brake::default(),
        in_use: InUse::Held,
    };
    // What the first look would touch has policies that only a read for each source tells.
    let picture = tenant.picture();
    let first = preview(subjects.clone(), picture.clone(), &view, clock());
    let touched: Vec<SourceId> = touched(&first, &picture).into_iter().collect();
    tenant.read_holders(&touched).await?;
    let picture = tenant.picture();
    let outlooks = preview(subjects, picture.clone(), &view, clock());
    Ok(Answer {
        text: outlook::text(&outlooks, &picture, manifests.others),
        code: outlook::code(&outlooks),
    })
}

fn subjects(
    manifests: &Manifests,
    namespace: &str,
    now: Timestamp,
) -> Result<Vec<Subject>, String> {
    if manifests.groups.is_empty() {
        return Err("there is no PasswordSyncGroup in these files".to_owned());
    }
    let mut known = BTreeSet::new();
    let mut subjects = Vec::new();
    for (place, group) in &manifests.groups {
        let subject = subject(group, namespace, now);
        if !known.insert(subject.object.uid.clone()) {
            return Err(format!("{place}: {} is there twice", subject.object.uid));
        }
        subjects.push(subject);
    }
    Ok(subjects)
}

fn subject(group: &PasswordSyncGroup, namespace: &str, now: Timestamp) -> Subject {
    let name = group.metadata.name.clone().unwrap_or_default();
    let namespace = group.metadata.namespace.as_deref().unwrap_or(namespace);
    Subject {
        object: Object::new(format!("{namespace}/{name}"), namespace.to_owned(), name),
        created: now,
        desired: group.spec.desired().map_err(|error| error.to_string()),
        recorded: Recorded::default(),
    }
}

/// The sources whose policies or membership would change.
fn touched(outlooks: &[Outlook], picture: &Picture) -> BTreeSet<SourceId> {
    let mut touched = BTreeSet::new();
    for change in outlooks.iter().flat_map(|outlook| &outlook.changes) {
        match change {
            Change::Create(group) | Change::Adopt(group) => {
                touched.extend(group.sources.iter().cloned());
            }
            Change::Assign(source, _) => _ = touched.insert(source.clone()),
            Change::Update(id, _) | Change::Delete(id) => {
                let known = picture.groups().find(|group| group.id == *id);
                touched.extend(known.iter().flat_map(|group| group.sources.iter().cloned()));
            }
        }
    }
    touched.retain(|source| picture.source(source).is_some());
    touched
}
