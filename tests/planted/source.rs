//! Which source a page is made from.

use std::{path::Path, process::Command};

/// What a run changes itself.
const OUR_PAGE: &str = ":!docs/planted-bugs.md";

/// The commit, and whether tracked files differ from it.
pub fn of(root: &Path) -> String {
    let git = |args: &[&str]| {
        let asked = Command::new("git").args(args).current_dir(root).output();
        String::from_utf8_lossy(&asked.expect("git").stdout)
            .trim()
            .to_owned()
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    let changed = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ".",
        OUR_PAGE,
    ]);
    if changed.is_empty() {
        format!("`{commit}`")
    } else {
        format!("`{commit}` with changes that are not committed")
    }
}
