//! Links of the pages: to pages and sections that exist, and to files of the repository by its
//! address, since the site has only the pages.

use std::collections::BTreeSet;

use super::{page, pages};
use crate::support::binaries::repository;

/// Where the repository is for a reader of the site.
const HOME: &str = "https://github.com/passwordsync/psg-operator/";

/// The text of a page without its blocks of code.
fn prose(text: &str) -> String {
    let parts = text.split("\n```");
    // Every second part is a block, whose end is followed by prose.
    parts
        .enumerate()
        .filter(|(number, _)| number % 2 == 0)
        .map(|(_, part)| part)
        .collect::<Vec<_>>()
        .join("\n")
}

fn targets(text: &str) -> Vec<String> {
    let text = prose(text);
    let links = text.split("](").skip(1);
    links
        .filter_map(|part| Some(part.split_once(')')?.0.to_owned()))
        .collect()
}

/// The names of sections, as the site and the repository's host make them from headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let names = headings.map(|line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let letters = heading.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        });
        letters.collect()
    });
    names.collect()
}

/// What is wrong with a link of a page; nothing if it leads somewhere.
fn wrong(from: &str, target: &str) -> Option<String> {
    let (place, section) = target.split_once('#').unwrap_or((target, ""));
    let file = if place.is_empty() { from } else { place };
    if let Some(path) = place.strip_prefix(HOME) {
        let path = path
            .strip_prefix("blob/main/")
            .or_else(|| path.strip_prefix("tree/main/"));
        let path = path?;
        let there = repository().join(path);
        if !there.exists() {
            return Some(format!("{path} is not in the repository"));
        }
        let text = std::fs::read_to_string(there).unwrap_or_default();
        let known = section.is_empty() || anchors(&text).contains(section);
        return (!known).then(|| format!("{path} has no section {section}"));
    }
    if place.starts_with("https://") {
        return None;
    }
    if file.starts_with("..") {
        return Some(format!("the site has no {file}: link to {HOME}blob/main/…"));
    }
    if super::is_page(file) {
        if !pages().contains(file) {
            return Some(format!("there is no page {file}"));
        }
        let known = section.is_empty() || anchors(&page(file)).contains(section);
        return (!known).then(|| format!("{file} has no section {section}"));
    }
    let there = repository().join("docs").join(file);
    (!there.exists()).then(|| format!("there is no {file}"))
}

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let mut found = Vec::new();
    let mut count = 0;
    for name in pages() {
        for target in targets(&page(&name)) {
            count += 1;
            found.extend(wrong(&name, &target).map(|why| format!("{name}: {target}: {why}")));
        }
    }
    assert!(count > 150, "{count}");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    for target in [
        "nowhere.md",
        "safety.md#nowhere",
        "#nowhere",
        "../README.md",
        "images/nowhere.png",
        "https://github.com/passwordsync/psg-operator/blob/main/nowhere.md",
        "https://github.com/passwordsync/psg-operator/blob/main/SECURITY.md#nowhere",
    ] {
        assert!(wrong("faq.md", target).is_some(), "{target}");
    }
    for target in ["safety.md#deleting", "https://example.com/x"] {
        assert_eq!(wrong("faq.md", target), None);
    }
}
