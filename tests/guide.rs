//! docs/guide.md: what the vendor's guide and reference say, and the tests that hold it here. Each test that
//! it names exists.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde::Deserialize;

use crate::{house, support::binaries::repository};

#[derive(Deserialize)]
struct Part {
    part: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    says: String,
    here: String,
    tests: Vec<String>,
}

const HEAD: &str = "\
# The vendor's guide, sentence by sentence

What the admin guide on password sync groups and the API reference say, in our words, what serves it here, and \
the tests that hold it. Generated from `tests/guide/guide.yaml`: `PSG_BLESS=1 cargo test -p psg-tests guide`. A \
test fails if a test that is named here is gone.

\"Played by the simulator\" is said of what is the service's own work: there is nothing for the operator to do, and \
every sentence can be tried on the [simulator](simulator.md).
";

fn parts() -> Vec<Part> {
    let text = fs::read_to_string(repository().join("tests/guide/guide.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn page(parts: &[Part]) -> String {
    let mut page = HEAD.to_owned();
    for Part { part, rows } in parts {
        let _ = write!(
            page,
            "\n## {part}\n\n| it says | here | held by |\n|---|---|---|\n"
        );
        for Row { says, here, tests } in rows {
            let tests: Vec<String> = tests.iter().map(|test| format!("`{test}`")).collect();
            let _ = writeln!(page, "| {says} | {here} | {} |", tests.join(", "));
        }
    }
    page
}

#[test]
fn the_page_says_what_the_list_says() {
    let (page, at) = (page(&parts()), repository().join("docs/guide.md"));
    if std::env::var_os("PSG_BLESS").is_some() {
        fs::write(&at, &page).unwrap();
    }
    assert_eq!(
        fs::read_to_string(at).unwrap(),
        page,
        "PSG_BLESS=1 cargo test -p psg-tests guide"
    );
}

#[test]
fn each_test_that_the_page_names_exists() {
    let files = house::rust();
    let known: BTreeSet<&str> = files.iter().flat_map(|(_, text)| tests(text)).collect();
    let rows = parts().into_iter().flat_map(|part| part.rows);
    let mut count = 0;
    for row in rows {
        count += 1;
        assert!(!row.tests.is_empty(), "no test holds: {}", row.says);
        for test in row.tests {
            assert!(
                known.contains(&*test),
                "there is no test {test}: {}",
                row.says
            );
        }
    }
    assert!(count >= 40, "{count} rows");
}

/// The names of the tests in a file; those of the fault matrix stand in a macro.
pub(crate) fn tests(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let attribute = line.starts_with("#[");
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let name = line.trim_start_matches("async ").strip_prefix("fn ");
        if let Some(name) = name.filter(|_| is_test) {
            names.extend(name.split('(').next());
        }
        is_test &= attribute;
        let row = line
            .strip_prefix("rows_")
            .and_then(|line| line.split_once(": \""));
        names.extend(
            row.and_then(|(path, _)| path.split_once("::"))
                .map(|(_, name)| name),
        );
    }
    names
}
