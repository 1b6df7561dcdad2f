//! The list of planted bugs fits the source.

#[path = "planted/catalogue.rs"]
mod catalogue;

use std::{collections::BTreeSet, fs, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn every_planted_bug_has_its_place_in_the_source() {
    let bugs = catalogue::all();
    assert!(bugs.len() >= 40, "{} bugs", bugs.len());
    let said = |bug: &catalogue::Bug| !bug.what.is_empty() && !bug.thread.is_empty();
    assert!(
        bugs.iter().all(said),
        "each says what it does and where it is from"
    );
    let edits = bugs.iter().flat_map(|bug| &bug.edits);
    let files: BTreeSet<&str> = edits.map(|edit| edit.file.as_str()).collect();
    for file in files {
        let text =
            fs::read_to_string(root().join(file)).unwrap_or_else(|why| panic!("{file}: {why}"));
        let spliced = catalogue::splice(file, &text, &bugs).unwrap_or_else(|why| panic!("{why}"));
        assert_ne!(spliced, text);
    }
}

#[test]
fn the_page_tells_of_every_planted_bug_and_of_no_other() {
    let page = fs::read_to_string(root().join("docs/planted-bugs.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let bugs = catalogue::all();
    let expected: Vec<&str> = bugs.iter().map(|bug| bug.id.as_str()).collect();
    assert_eq!(told, expected, "make planted writes it");
    assert!(!page.contains("**nothing**"), "a bug that nothing finds");
}
