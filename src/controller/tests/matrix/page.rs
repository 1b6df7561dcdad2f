//! The page `docs/fault-matrix.md`, written from the cells that are played.

use std::{fmt::Write, fs, path::Path};

use super::{
    super::calls::Phase,
    all,
    cell::{Cell, Play, Row},
    claims::{Claim, LEGEND},
};

const BLESS: &str = "PSG_BLESS=1 cargo test -p psg-controller fault_matrix_page";

#[test]
fn fault_matrix_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fault-matrix.md");
    let page = page();
    if std::env::var_os("PSG_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/fault-matrix.md is not what the matrix says: run `{BLESS}`"
    );
}

#[test]
fn each_cell_states_something_or_says_why_it_cannot_occur() {
    let rows = all();
    assert_eq!(rows.len(), 25);
    for row in rows {
        for phase in Phase::ALL {
            match (row.cell)(phase) {
                Cell::Played(plays) => assert!(
                    !plays.is_empty() && plays.iter().all(|play| !play.claims.is_empty()),
                    "{}, {phase:?}",
                    row.name
                ),
                Cell::CannotOccur(why) => assert!(why.len() > 10, "{}, {phase:?}", row.name),
            }
        }
    }
}

fn page() -> String {
    let rows = all();
    let mut page = HEAD.to_owned();
    for (phase, sign) in Phase::ALL.iter().zip(SIGNS) {
        writeln!(page, "| {} | {} |", sign.0, sign.1).unwrap();
        assert_eq!(format!("{phase:?}"), sign.2);
    }
    let (played, plays) = counted(&rows);
    let cells = rows.len() * Phase::ALL.len();
    writeln!(
        page,
        "\nOf {cells} cells {played} are played, in {plays} forms; {} cannot occur.\n\n## The matrix\n",
        cells - played
    )
    .unwrap();
    let signs: Vec<&str> = SIGNS.iter().map(|sign| sign.0).collect();
    writeln!(page, "| fault | {} |", signs.join(" | ")).unwrap();
    writeln!(page, "|{}", "---|".repeat(11)).unwrap();
    for row in &rows {
        let cells: Vec<String> = Phase::ALL
            .iter()
            .map(|phase| shown(&(row.cell)(*phase)))
            .collect();
        writeln!(page, "| {} | {} |", row.name, cells.join(" | ")).unwrap();
    }
    page.push_str("\n## The faults\n\n| fault | what happens |\n|---|---|\n");
    for row in &rows {
        writeln!(page, "| {} | {} |", row.name, row.how).unwrap();
    }
    page.push_str("\n## The results\n\n| in a cell | what is checked |\n|---|---|\n");
    for (word, meaning) in LEGEND {
        writeln!(page, "| {word} | {meaning} |").unwrap();
    }
    page.push_str("\n## What cannot occur\n\n| fault | phases | because |\n|---|---|---|\n");
    for row in &rows {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for (phase, sign) in Phase::ALL.iter().zip(SIGNS) {
            if let Cell::CannotOccur(why) = (row.cell)(*phase) {
                match reasons.iter_mut().find(|(known, _)| *known == why) {
                    Some((_, phases)) => phases.push(sign.0),
                    None => reasons.push((why, vec![sign.0])),
                }
            }
        }
        for (why, phases) in reasons {
            writeln!(page, "| {} | {} | {why} |", row.name, phases.join(", ")).unwrap();
        }
    }
    page
}

fn counted(rows: &[Row]) -> (usize, usize) {
    let cells = rows.iter().flat_map(|row| Phase::ALL.map(row.cell));
    let played: Vec<usize> = cells
        .filter_map(|cell| match cell {
            Cell::Played(plays) => Some(plays.len()),
            Cell::CannotOccur(_) => None,
        })
        .collect();
    (played.len(), played.iter().sum())
}

/// The forms of which the same is claimed stand together. All forms that a cell has need no name
/// if they are several.
fn shown(cell: &Cell) -> String {
    let Cell::Played(plays) = cell else {
        return "–".to_owned();
    };
    let mut groups: Vec<(Vec<&Play>, String)> = Vec::new();
    for play in plays {
        let words = words(&play.claims);
        match groups.iter_mut().find(|(_, known)| *known == words) {
            Some((same, _)) => same.push(play),
            None => groups.push((vec![play], words)),
        }
    }
    if let [(same, words)] = groups.as_slice()
        && (same.len() > 1 || same.iter().all(|play| play.form.is_empty()))
    {
        return words.clone();
    }
    let groups = groups.iter().map(|(plays, words)| {
        let forms: Vec<&str> = plays.iter().map(|play| play.form).collect();
        format!("{}: {words}", forms.join(", "))
    });
    groups.collect::<Vec<_>>().join("<br>")
}

fn words(claims: &[Claim]) -> String {
    let words: Vec<String> = claims.iter().map(|claim| claim.word()).collect();
    words.join(", ")
}

/// The column, what it is about, and the phase.
const SIGNS: [(&str, &str, &str); 10] = [
    ("T", "the request for a token", "Token"),
    ("R", "the first page of the list of groups", "Read"),
    ("I", "the intent is stored in the status", "Intent"),
    ("P", "the POST that makes the group", "Post"),
    ("K", "the new group's id is stored in the status", "Keep"),
    ("U", "the PUT that renames it and exchanges a source", "Put"),
    ("DP", "what is to be undone is stored in the status", "Plan"),
    ("DD", "the DELETE of the group", "Delete"),
    (
        "DR",
        "the PATCH that gives the first source its policy",
        "Assign",
    ),
    ("F", "the finalizer is taken off", "Release"),
];

const HEAD: &str = "\
# Fault matrix

<!-- Made from src/controller/tests/matrix: `PSG_BLESS=1 cargo test -p psg-controller fault_matrix_page` writes it. -->

Each fault at each moment of a group's life, and what comes of it. The operator's own passes, actors
and watches run over an API server in memory and the simulated tenant's library, in virtual time. A
cell stops the very call that its phase is about, lets the fault strike, and sees in the records of
both sides that it did. Then all is healed, and the world must come to the end that the manifest asks
for, or stand still under a reason that the cell names and a person answers, with every write in its
order and none after that; and what the cell says must be true. The words are written from the values
that the tests check. Where all forms that a cell has end alike, they are not named.

```console
$ cargo test -p psg-controller matrix
```

| phase | the call |
|---|---|
";
