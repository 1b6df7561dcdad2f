//! The planted bugs: what each is, which thread it comes from, if any, and where it goes. `PLANTED`
//! in a text is true while that bug is switched on.

use std::collections::BTreeSet;

use serde::Deserialize;

/// One bug.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bug {
    /// Its name.
    pub id: String,
    /// What it does, for the page.
    pub what: String,
    /// Who had it: `owner/repository#number` of a thread that describes it, or `none: ` and what it
    /// is from.
    pub thread: String,
    /// The places that must change together.
    pub edits: Vec<Edit>,
}

/// One place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// From the root of the project.
    pub file: String,
    /// A text that occurs there once.
    pub find: String,
    /// What takes its place.
    pub plant: String,
}

/// All of them.
///
/// # Panics
/// The list is not as it must be.
pub fn all() -> Vec<Bug> {
    let bugs: Vec<Bug> = serde_saphyr::from_str(include_str!("bugs.yaml")).expect("bugs.yaml");
    let ids: BTreeSet<&str> = bugs.iter().map(|bug| bug.id.as_str()).collect();
    assert_eq!(ids.len(), bugs.len(), "two bugs of one name");
    bugs
}

/// A source text with all that go there.
///
/// # Errors
/// A place that is not there exactly once: the source has moved on, and the list must follow.
pub fn splice(file: &str, text: &str, bugs: &[Bug]) -> Result<String, String> {
    let mut spliced = text.to_owned();
    for bug in bugs {
        for edit in bug.edits.iter().filter(|edit| edit.file == file) {
            let times = spliced.matches(&edit.find).count();
            if times != 1 {
                return Err(format!(
                    "{}: {times} times in {file}: {}",
                    bug.id, edit.find
                ));
            }
            let switch = format!("psg_domain::planted(\"{}\")", bug.id);
            let switch = if file.starts_with("src/domain/") {
                switch.replace("psg_domain", "crate")
            } else {
                switch
            };
            spliced = spliced.replace(&edit.find, &edit.plant.replace("PLANTED", &switch));
        }
    }
    Ok(spliced)
}
