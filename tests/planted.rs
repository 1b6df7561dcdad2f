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
fn most_planted_bugs_are_from_a_real_thread() {
    let bugs = catalogue::all();
    let (real, own): (Vec<_>, Vec<_>) = bugs
        .iter()
        .map(|bug| bug.thread.as_str())
        .partition(|thread| !thread.starts_with("none"));
    assert!(real.len() >= 40, "{} from a real thread", real.len());
    for thread in real {
        let (repository, number) = thread.split_once('#').unwrap_or((thread, ""));
        let named = repository
            .split('/')
            .filter(|part| !part.is_empty())
            .count()
            == 2;
        let numbered = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        assert!(named && numbered, "{thread} is not owner/repository#number");
    }
    for thread in own {
        let origin = thread.strip_prefix("none: ").unwrap_or_default();
        assert!(!origin.is_empty(), "{thread}: from where, then?");
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
