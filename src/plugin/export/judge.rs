//! Judges the manifests by the operator's own engine: a manifest that the operator would refuse, or
//! by which it would change the tenant, is not written. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use psg_api::PasswordSyncGroup;
use psg_plan::preview::{Change, Ending, Outlook, Subject, preview};

use super::{Written, manifest::Manifest};
use crate::{inventory::tenants::Seen, manifests::DEFAULT_NAMESPACE, plan::subjects};

/// Leaves out the groups that the operator would not accept as they are.
pub fn all(
    written: Vec<Written>,
    seen: &Seen,
    namespace: Option<&str>,
    now: Timestamp,
) -> Vec<Written> {
    let objections = objections(&written, seen, namespace.unwrap_or(DEFAULT_NAMESPACE), now);
    let judged = written.into_iter().map(|one| {
        let Written::Whole(manifest, remarks) = one else {
            return one;
        };
        let objection = match &objections {
            Ok(objections) => objections.get(&manifest.metadata.name),
            Err(error) => Some(error),
        };
        match objection {
            Some(why) => Written::LeftOut(manifest.called(), why.clone()),
            None => Written::Whole(manifest, remarks),
        }
    });
    judged.collect()
}

/// By the name of the resource: why it would not be in sync from the start.
fn objections(
    written: &[Written],
    seen: &Seen,
    namespace: &str,
    now: Timestamp,
) -> Result<BTreeMap<String, String>, String> {
    let mut subjects: Vec<Subject> = Vec::new();
    for one in written {
        if let Written::Whole(manifest, _) = one {
            subjects.push(subjects::new(&resource(manifest)?, namespace, now));
        }
    }
    let places = subjects.iter().map(|subject| subject.tenant.clone());
    let views = places.map(|place| (place, seen.view.clone())).collect();
    let foreseen = preview(subjects, seen.picture.clone(), &views, now);
    let objections = foreseen.outlooks.into_iter();
    let objections = objections.filter_map(|outlook| {
        let why = objection(&outlook)?;
        Some((outlook.name.name, why))
    });
    Ok(objections.collect())
}

/// The manifest as a cluster would store it.
pub fn resource(manifest: &Manifest) -> Result<PasswordSyncGroup, String> {
    let object = serde_json::to_value(manifest).and_then(serde_json::from_value);
    object.map_err(|error| error.to_string())
}

fn objection(outlook: &Outlook) -> Option<String> {
    if let Ending::Refused(why) | Ending::Waits(why) = &outlook.ending {
        return Some(format!("{}, {}", why.reason.as_str(), why.message));
    }
    let mut changes = outlook.changes.iter().map(|planned| &planned.change);
    changes
        .any(|change| !matches!(change, Change::Adopt(_)))
        .then(|| "the operator would change it".to_owned())
}
