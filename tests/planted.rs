//! The list of planted bugs fits the source.

#[path = "planted/catalogue.rs"]
mod catalogue;
#[path = "planted/story.rs"]
mod story;

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

/// As libtest prints it: a panic that was meant, what was wrong, and the sum of it.
#[test]
fn a_row_names_the_test_the_seed_and_what_was_wrong() {
    let said = "
running 2 tests
test tests::chaos::every_history ... FAILED

failures:

---- tests::chaos::every_history stdout ----

thread '<unnamed>' (2) panicked at src/world.rs:1:1:
a planted panic over the Secret

thread '<unnamed>' (2) panicked at src/world.rs:2:1:
at the end: [
    \"S9: said to be equal, and never was: G\",
]
     0.300 kubernetes: a story

thread 'tests::chaos::every_history' (1) panicked at src/chaos.rs:3:1:
seeds [62, 70] failed; to see one again: PSG_SEED=62
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
";
    assert_eq!(
        story::story(said),
        "`tests::chaos::every_history`, seed 62: at the end: S9: said to be equal, and never was: G"
    );
}

#[test]
fn a_row_says_what_differs_where_an_assertion_says_no_more() {
    let failed = |message: &str| {
        story::story(&format!(
            "---- tests::one stdout ----\n\nthread 'tests::one' (1) panicked at src/one.rs:1:1:\n{message}\n"
        ))
    };
    let bare = failed("assertion `left == right` failed\n  left: 3\n right: 2");
    assert_eq!(bare, "`tests::one`: left: 3, right: 2, at src/one.rs:1:1");
    let said = failed("assertion `left == right` failed: twice\n  left: 3\n right: 2");
    assert_eq!(said, "`tests::one`: twice; left: 3, right: 2");
    let story = failed("     0.000 kubernetes, by 1: a story");
    assert_eq!(story, "`tests::one`: fails at src/one.rs:1:1");
    let life = failed("an edit with [], Life { lag: 0ns }: not settled");
    assert_eq!(life, "`tests::one`: an edit with []: not settled");
    let long = failed(&"word ".repeat(100));
    assert!(long.len() < 200 && long.ends_with("word…"), "{long}");
}

#[test]
fn a_test_that_does_not_end_is_named() {
    let said = "test tests::one has been running for over 60 seconds
test tests::two has been running for over 60 seconds
test tests::one ... ok
";
    assert_eq!(
        story::endless(said, 2),
        "`tests::two`: does not end within 2 minutes"
    );
    assert_eq!(story::endless("", 2), "does not end within 2 minutes");
}
