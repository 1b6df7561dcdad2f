//! The rooms of a crate: which module names which, read from the sources. One way down: no circle
//! between two rooms, and none between files, except between a file and its own children.
//!
//! A room is a module that `lib.rs` declares, with all its children. Tests may look anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::house::rust;

/// A module of one crate: its path below the crate's root.
type Module = Vec<String>;

/// What names what.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_circle_of_modules_or_rooms() {
    let mut found = Vec::new();
    for (name, modules) in crates() {
        let arrows = arrows(&modules);
        found.extend(circles(&arrows).map(|circle| format!("{name}: {circle}")));
        found.extend(circles(&rooms(&arrows)).map(|circle| format!("rooms of {name}: {circle}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_circle_is_found_behind_any_form_of_a_path() {
    let modules: BTreeMap<Module, String> = [
        ("a", "use crate::{\n    b::{self, Thing},\n    c,\n};"),
        ("b", "fn f() { super::c::g(); }"),
        ("c", "use crate::Named; // crate::a"),
        ("c/child", "use super::inner; use crate::c::other;"),
        ("", "mod a; mod b; mod c;\npub use a::{Named, Other};"),
    ]
    .map(|(path, text)| (module(path), text.to_owned()))
    .into();
    let circles: Vec<String> = circles(&arrows(&modules)).collect();
    assert_eq!(circles, ["a b c"]);
    let apart = modules.into_iter().filter(|(path, _)| *path != module("c"));
    let apart = arrows(&apart.collect());
    assert_eq!(self::circles(&apart).next(), None);
}

/// The modules of each crate of `src/`, without its tests.
fn crates() -> BTreeMap<String, BTreeMap<Module, String>> {
    let mut crates: BTreeMap<String, BTreeMap<Module, String>> = BTreeMap::new();
    for (path, text) in rust() {
        let Ok(path) = path.strip_prefix("src") else {
            continue;
        };
        let path = path.with_extension("");
        let Some((name, rest)) = path.to_str().and_then(|path| path.split_once('/')) else {
            continue;
        };
        let module = module(if matches!(rest, "lib" | "main") {
            ""
        } else {
            rest
        });
        let is_test = |part: &String| matches!(part.as_str(), "tests" | "testing");
        if !module.iter().any(is_test) && Path::new(rest) != Path::new("main") {
            crates
                .entry(name.to_owned())
                .or_default()
                .insert(module, text);
        }
    }
    assert!(crates.len() >= 9, "{:?}", crates.keys());
    crates
}

fn module(path: &str) -> Module {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Which module names which: a name that a parent passes on is named where it is declared.
fn arrows(modules: &BTreeMap<Module, String>) -> Arrows {
    let codes: BTreeMap<&Module, String> = modules
        .iter()
        .map(|(path, text)| (path, code(text)))
        .collect();
    let passed_on: BTreeMap<(&Module, String), Module> = codes
        .iter()
        .flat_map(|(path, code)| {
            let uses = code
                .match_indices("pub use ")
                .chain(code.match_indices("pub(crate) use "));
            let uses = uses.map(|(at, word)| &code[at + word.len()..]);
            uses.flat_map(|list| paths(&format!("self::{list}")))
                .filter_map(|(_, names)| {
                    let (last, declared) = names.split_last()?;
                    let declared = path.iter().chain(declared).cloned().collect();
                    Some(((*path, last.clone()), declared))
                })
        })
        .collect();
    let mut arrows = Arrows::new();
    for (path, code) in &codes {
        for (begins, names) in paths(code) {
            let mut at: Module = match begins {
                "crate" => Vec::new(),
                "super" => path[..path.len().saturating_sub(1)].to_vec(),
                _ => (*path).clone(),
            };
            for name in names {
                let child: Module = at.iter().cloned().chain([name.clone()]).collect();
                if modules.contains_key(&child) {
                    at = child;
                } else if name == "super" {
                    at.pop();
                } else {
                    let declared = passed_on.get(&(&at, name)).cloned();
                    at = declared.filter(|it| modules.contains_key(it)).unwrap_or(at);
                    break;
                }
            }
            if !at.starts_with(path) && !path.starts_with(&at) {
                arrows.entry((*path).clone()).or_default().insert(at);
            }
        }
    }
    arrows
}

/// A file without its comments and without the tests at its end.
fn code(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    let tests = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code[..tests].to_owned()
}

/// Every path that begins with `crate`, `super` or `self`: that word, and the names behind it.
fn paths(code: &str) -> Vec<(&'static str, Vec<String>)> {
    let mut found = Vec::new();
    for begins in ["crate", "super", "self"] {
        let word = format!("{begins}::");
        for (at, _) in code.match_indices(&word) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|before| !before.is_alphanumeric() && !"_:".contains(before)) {
                let mut list = Vec::new();
                tree(&code[at + word.len()..], &Vec::new(), &mut list);
                found.extend(list.into_iter().map(|names| (begins, names)));
            }
        }
    }
    found
}

/// Reads one tree of a `use`, or one path, into `found`; returns what follows it.
fn tree<'a>(text: &'a str, before: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut names = before.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inner) = rest.strip_prefix('{') {
            while !inner.trim_start().starts_with('}') && !inner.is_empty() {
                inner = tree(inner, &names, found)
                    .trim_start()
                    .trim_start_matches(',');
            }
            return inner.trim_start().strip_prefix('}').unwrap_or_default();
        }
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        if name.is_empty() {
            found.push(names);
            return rest.trim_start_matches(|letter: char| !",}".contains(letter));
        }
        if name != "self" {
            names.push(name.to_owned());
        }
        if let Some(more) = after.strip_prefix("::") {
            rest = more.trim_start();
            continue;
        }
        found.push(names);
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let alias = after.trim_start().strip_prefix("as ");
        return alias.map_or(after, |alias| alias.trim_start_matches(is_word));
    }
}

/// The same between rooms.
fn rooms(arrows: &Arrows) -> Arrows {
    let mut rooms = Arrows::new();
    for (from, to) in arrows {
        for to in to {
            if let (Some(from), Some(to)) = (from.first(), to.first())
                && from != to
            {
                let named = rooms.entry(vec![from.clone()]).or_default();
                named.insert(vec![to.clone()]);
            }
        }
    }
    rooms
}

/// Every set of modules that name one another in a circle.
fn circles(arrows: &Arrows) -> impl Iterator<Item = String> {
    let reach = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.clone()];
        while let Some(at) = open.pop() {
            for next in arrows.get(&at).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        arrows.keys().map(|from| (from, reach(from))).collect();
    let circle = |from: &&Module| {
        let mine = &reached[*from];
        let back = |to: &&Module| reached.get(to).is_some_and(|theirs| theirs.contains(*from));
        let members: Vec<String> = mine
            .iter()
            .filter(back)
            .map(|module| module.join("/"))
            .collect();
        (!members.is_empty()).then(|| members.join(" "))
    };
    let circles: BTreeSet<String> = arrows.keys().filter_map(|from| circle(&from)).collect();
    circles.into_iter()
}
