//! The documentation: every page is in the site's list, every link leads somewhere, and every command
//! is run by a test or says why not.

mod commands;
mod links;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::binaries::repository;

fn docs() -> PathBuf {
    repository().join("docs")
}

/// The names of all pages.
fn pages() -> BTreeSet<String> {
    let files = fs::read_dir(docs()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| is_page(name) && name != "SUMMARY.md")
        .collect()
}

fn is_page(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it == "md")
}

fn page(name: &str) -> String {
    fs::read_to_string(docs().join(name)).unwrap()
}

#[test]
fn every_page_is_in_the_list_once() {
    let list = page("SUMMARY.md");
    let listed: Vec<String> = list
        .split("](")
        .skip(1)
        .map(|part| part.split(')').next().unwrap().to_owned())
        .collect();
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a page is listed twice");
    assert_eq!(once, pages());
}
