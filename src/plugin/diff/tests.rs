//! Tests: what is said of two small tenants, as text and as a document.

use std::collections::BTreeSet;

use psg_domain::{Kind, Unreadable};
use serde_json::{Value, json};

use super::{code, compare, document::Document, text};
use crate::{
    forms,
    inventory::{
        fixture::{group, policy, seen, source},
        tenants::Seen,
    },
    terminal,
};

fn production() -> Seen {
    let names = [
        ("ad", "AD"),
        ("box", "Box"),
        ("git", "GitHub"),
        ("sf", "Sales\u{1b}[2J"),
        ("zd", "Zendesk"),
    ];
    let sources = names.map(|(id, name)| source(id, name, &[])).to_vec();
    let policies = vec![policy("strong", "Strong"), policy("weak", "Weak")];
    let groups = vec![
        group("g1", "Staff", "strong", &["ad", "git"]),
        group("g2", "Support", "weak", &["box", "zd"]),
        group("g3", "Sales", "strong", &["sf", "box"]),
        group("g4", "Twins", "weak", &["ad", "box"]),
        group("g5", "Same", "strong", &["ad", "zd"]),
    ];
    seen(sources, policies, groups)
}

fn staging() -> Seen {
    let names = [
        ("1", "AD"),
        ("2", "Box"),
        ("3", "GitHub"),
        ("4", "GitHub"),
        ("5", "Zendesk"),
        ("6", "Workday"),
    ];
    let sources = names.map(|(id, name)| source(id, name, &[])).to_vec();
    let policies = vec![policy("p", "Strong"), policy("q", "Cloud")];
    let groups = vec![
        group("a", "Staff", "p", &["1", "3"]),
        group("b", "Support", "q", &["2", "6"]),
        group("c", "New", "p", &["6", "1"]),
        group("d", "Twins", "p", &["1", "2"]),
        group("e", "Twins", "q", &["5", "6"]),
        group("f", "Same", "p", &["5", "1"]),
    ];
    let mut seen = seen(sources, policies, groups);
    seen.host = "acme-sb.api.identitynow.com".to_owned();
    seen
}

fn compared(from: &Seen, to: &Seen) -> Document {
    compare::document(("prod", from), ("staging", to), Vec::new())
}

#[test]
fn the_comparison_is_as_expected() {
    let shown = |document: &Document| terminal::print(&text::lines(document), false);
    let mut warned = compared(&production(), &production());
    warned.warnings.push("beware".to_owned());
    let all = [
        shown(&compared(&production(), &staging())),
        shown(&compared(&staging(), &production())),
        shown(&warned),
    ];
    let all = all.join("=====\n");
    if std::env::var_os("PSG_BLESS").is_some() {
        std::fs::write("diff/expected.txt", &all).unwrap();
    }
    assert_eq!(all, include_str!("expected.txt"), "\n{all}");
    assert!(all.lines().all(|line| line.chars().count() <= 80), "{all}");
}

#[test]
fn the_exit_code_says_whether_they_are_equal() {
    assert_eq!(code(&compared(&production(), &production())), 0);
    assert_eq!(code(&compared(&production(), &staging())), 2);
    let odd = |kind, name: &str| Unreadable {
        kind,
        name: Some(name.to_owned()),
        id: None,
        sources: BTreeSet::new(),
        all_sources: false,
        why: "it has no id".to_owned(),
    };
    let mut torn = production();
    let torn_source = odd(Kind::Source, "Torn");
    torn.picture
        .merge_unreadable_facts(vec![torn_source], BTreeSet::new());
    assert_eq!(code(&compared(&production(), &torn)), 1);
    // Whose policy nobody can name may have any.
    let unknown = |id| {
        let sources = vec![source("ad", "AD", &[]), source("box", "Box", &[])];
        let groups = vec![group("g", "Staff", id, &["ad", "box"])];
        seen(sources, vec![policy("strong", "Strong")], groups)
    };
    assert_eq!(code(&compared(&unknown("gone"), &unknown("lost"))), 1);
    assert_eq!(code(&compared(&unknown("gone"), &unknown("strong"))), 2);
}

#[test]
fn names_that_repeat_within_a_group_count_each() {
    let of = |ids: &[&str]| {
        let sources = vec![
            source("1", "AD", &[]),
            source("2", "AD", &[]),
            source("3", "Box", &[]),
        ];
        let groups = vec![group("g", "Staff", "p", ids)];
        seen(sources, vec![policy("p", "P")], groups)
    };
    let document = compared(&of(&["1", "2", "3"]), &of(&["1", "3"]));
    let found = serde_json::to_value(&document).unwrap();
    assert_eq!(
        found["different"],
        json!([{
            "name": "Staff", "sourcesOnlyInFrom": ["AD"], "sourcesOnlyInTo": [], "sourcesInBoth": 2,
        }])
    );
    assert_eq!(
        found["lacks"]["to"][0]["found"], 2,
        "the name means neither of two"
    );
}

#[test]
fn the_document_holds_everything_by_stable_names() {
    let json = forms::json(&compared(&production(), &staging())).unwrap();
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["apiVersion"], "diff.passwordsync.dev/v1alpha1");
    assert_eq!(read["kind"], "Diff");
    assert_eq!(
        read["from"],
        json!({"name": "prod", "host": "acme.api.identitynow.com", "namespace": null})
    );
    assert_eq!(
        read["onlyInFrom"],
        json!([{"name": "Sales", "policy": "Strong", "sources": ["Box", "Sales\u{1b}[2J"]}])
    );
    assert_eq!(read["onlyInTo"][0]["name"], "New");
    assert_eq!(
        read["different"],
        json!([{
            "name": "Support", "policy": {"from": "Weak", "to": "Cloud"},
            "sourcesOnlyInFrom": ["Zendesk"], "sourcesOnlyInTo": ["Workday"], "sourcesInBoth": 1,
        }])
    );
    assert_eq!(read["equal"], json!(["Same", "Staff"]));
    assert_eq!(
        read["ambiguous"],
        json!([{"name": "Twins", "inFrom": 1, "inTo": 2}])
    );
    assert_eq!(
        read["lacks"]["to"],
        json!([
            {"kind": "policy", "name": "Weak", "found": 0, "neededBy": ["Support", "Twins"]},
            {"kind": "source", "name": "GitHub", "found": 2, "neededBy": ["Staff"]},
            {"kind": "source", "name": "Sales\u{1b}[2J", "found": 0, "neededBy": ["Sales"]},
        ])
    );
    assert_eq!(
        read["lacks"]["from"],
        json!([
            {"kind": "policy", "name": "Cloud", "found": 0, "neededBy": ["Support", "Twins"]},
            {"kind": "source", "name": "Workday", "found": 0, "neededBy": ["New", "Support", "Twins"]},
        ])
    );
    let yaml = forms::yaml(&compared(&production(), &staging())).unwrap();
    let same: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(same, read);
}
