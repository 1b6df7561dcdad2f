//! House rules that no compiler holds: each file says what it is, is short enough to be read, and
//! works on every machine.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::support::binaries::repository;

const LONGEST: usize = 800;
const SKIPPED: [&str; 5] = ["target", "dist", "bin", ".git", ".demo"];
const TEXT: [&str; 9] = [
    "rs", "md", "yaml", "toml", "mod", "tpl", "txt", "json", "sh",
];

/// Every file of the repository that is not built.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() && !path.is_symlink() && !SKIPPED.contains(&name.as_ref()) {
                walk(&path, found);
            } else if path.is_file() {
                found.push(path.strip_prefix(repository()).unwrap().to_path_buf());
            }
        }
    }
    let mut found = Vec::new();
    walk(repository(), &mut found);
    found.sort();
    found
}

fn is(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.contains(&ending))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

/// Every file of Rust, with its text.
pub fn rust() -> Vec<(PathBuf, String)> {
    let files = files().into_iter().filter(|path| is(path, &["rs"]));
    files.map(|path| (path.clone(), text(&path))).collect()
}

#[test]
fn each_file_begins_by_saying_what_it_is() {
    let silent = rust()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "));
    let silent: Vec<_> = silent.map(|(path, _)| path).collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let long = rust()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()));
    let long: Vec<_> = long.filter(|(_, lines)| *lines > LONGEST).collect();
    assert_eq!(long, []);
}

#[test]
fn nothing_names_a_folder_of_one_machine() {
    // In two parts, so that this file does not name them.
    let folders = [
        ("/ho", "me/"),
        ("/ro", "ot/"),
        ("/Us", "ers/"),
        ("/wo", "rk/"),
        ("/t", "mp/"),
    ];
    let folders = folders.map(|(a, b)| [a, b].concat());
    let mut found = Vec::new();
    for path in files() {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !is(&path, &TEXT) && !["Makefile", "Dockerfile", "run"].contains(&name) {
            continue;
        }
        for (number, line) in text(&path).lines().enumerate() {
            if folders.iter().any(|folder| names(line, folder)) {
                found.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whether a line has an absolute path that begins so, and not a longer one or a URL.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|letter| !letter.is_alphanumeric() && !"/.-_}*".contains(letter))
    })
}

/// The names in every `pub const ALL` of properties.
fn properties() -> BTreeSet<String> {
    let lists = ["src/identity/properties.rs", "src/api/properties.rs"].map(|path| {
        let text = text(Path::new(path));
        let (_, list) = text.split_once("pub const ALL").unwrap();
        list[..list.find("];").unwrap()].to_owned()
    });
    let names = lists
        .iter()
        .flat_map(|list| list.split('"').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

#[test]
fn each_property_has_a_target_of_fuzzing_and_a_corpus() {
    let properties = properties();
    let of = |folder: &str| -> BTreeSet<String> {
        let names = files().into_iter().filter_map(|path| {
            let rest = path.strip_prefix(folder).ok()?;
            let name = rest.components().next()?.as_os_str().to_str()?;
            Some(name.trim_end_matches(".rs").to_owned())
        });
        names.collect()
    };
    assert_eq!(of("fuzz/targets"), properties);
    assert_eq!(of("fuzz/corpus"), properties);
    let manifest = text(Path::new("fuzz/Cargo.toml"));
    let (_, bins) = manifest.split_once("[[bin]]").unwrap();
    let of_lines = |begin: &str| -> BTreeSet<String> {
        let named = bins.lines().filter_map(|line| line.strip_prefix(begin));
        let names = named.map(|name| name.trim_matches('"').trim_end_matches(".rs"));
        names.map(str::to_owned).collect()
    };
    assert_eq!(of_lines("name = "), properties);
    assert_eq!(of_lines("path = \"targets/"), properties);
}

#[test]
fn each_file_of_tests_is_a_part_of_the_one_binary() {
    let listed = text(Path::new("tests/lib.rs"));
    let missing = files().into_iter().filter(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let line = format!("mod {name};");
        path.parent() == Some(Path::new("tests"))
            && is(path, &["rs"])
            && name != "lib"
            && !listed
                .lines()
                .any(|found| found.trim_start_matches("pub ") == line)
    });
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}
