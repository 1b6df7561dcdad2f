//! The catalogue of reasons: its page, and what `kubectl get psg` has room for.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{Reason, reason};

const BLESS: &str = "PSG_BLESS=1 cargo test -p psg-plan reasons_page";

#[test]
fn reasons_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
    let page = reason::page();
    if std::env::var_os("PSG_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &page).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/reasons.md is not what the catalogue says: run `{BLESS}`"
    );
}

#[test]
fn every_reason_says_what_where_and_what_to_do() {
    let mut words = BTreeSet::new();
    for reason in Reason::ALL {
        assert!(words.insert(reason.as_str()), "{reason} stands twice");
        for text in [reason.what(), reason.look(), reason.act()] {
            assert!(text.ends_with('.') && text.len() > 4, "{reason}: {text:?}");
            assert!(
                !text.contains('|') && !text.contains('\n'),
                "{reason} breaks the page"
            );
        }
        assert!(reason::page().contains(&format!("### {reason}\n")));
    }
}

/// NAME READY REASON SOURCES AGE as kubectl prints them: each column as wide as its widest cell,
/// three spaces between.
#[test]
fn kubectl_get_stays_within_80_columns_under_every_reason() {
    let name = "n".repeat(20);
    for reason in Reason::ALL {
        let rows = [
            ["NAME", "READY", "REASON", "SOURCES", "AGE"],
            [name.as_str(), "Unknown", reason.as_str(), "100", "2y364d"],
        ];
        let widths = (0..5).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap());
        let width = widths.sum::<usize>() + 4 * 3;
        assert!(width <= 80, "{reason}: {width} columns");
    }
}
