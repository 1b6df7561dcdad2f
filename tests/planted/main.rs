//! Plants one bug after another, most from threads about real software of this kind, and says which
//! program finds it. The project's own source holds none of them: they go into a copy, which is built
//! once with a switch for each. `--only ID,ID` looks at these, and writes those rows of the page anew.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for developers, which says why and stops"
)]

mod build;
mod catalogue;
mod page;
mod programs;
mod source;
mod story;

use std::{collections::BTreeSet, path::Path};

use programs::{PROGRAMS, Program, Verdict};

fn main() {
    let only = std::env::args()
        .skip_while(|given| given != "--only")
        .nth(1);
    let only: Option<Vec<&str>> = only.as_deref().map(|ids| ids.split(',').collect());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the project");
    let bugs = catalogue::all();
    for id in only.iter().flatten() {
        assert!(bugs.iter().any(|bug| bug.id == *id), "there is no {id}");
    }
    // Before the copy is made: what is edited later is not in it.
    let source = source::of(root);
    let programs = build::programs(root, &bugs);
    let mut passing = BTreeSet::new();
    let mut must_pass_without_a_bug = |program: &Program| {
        if !passing.insert(program.name) {
            return;
        }
        let verdict = program.run(&programs, "none");
        assert!(
            matches!(verdict, Verdict::Passes),
            "{} fails without any bug, so it finds nothing: {verdict:?}",
            program.name
        );
    };
    for program in PROGRAMS.iter().filter(|_| only.is_none()) {
        must_pass_without_a_bug(program);
    }
    let mut rows = Vec::new();
    for bug in bugs.iter().filter(|bug| {
        only.as_ref()
            .is_none_or(|only| only.contains(&bug.id.as_str()))
    }) {
        let found = PROGRAMS
            .iter()
            .find_map(|program| match program.run(&programs, &bug.id) {
                Verdict::Passes => None,
                Verdict::Finds(how) => {
                    must_pass_without_a_bug(program);
                    Some((program, how))
                }
            });
        let said = found.as_ref().map_or_else(
            || "NOT FOUND".to_owned(),
            |(program, how)| format!("{}, {how}", program.name),
        );
        println!("{:32} {said}", bug.id);
        rows.push((bug, found));
    }
    let whole = only.is_none();
    page::tell(root, &bugs, &rows, &source, whole);
    let missed = rows.iter().filter(|(_, found)| found.is_none()).count();
    assert_eq!(missed, 0, "planted bugs that no program finds");
}
