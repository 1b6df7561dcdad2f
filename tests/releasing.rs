//! `make release`, in a copy of the tree: it sets the version everywhere, moves the notes, commits and
//! tags; and it does nothing to a tree that is not ready.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::support::{binaries::repository, leash::Folder};

fn git(folder: &Path, args: &[&str]) -> String {
    let output = started(folder, "git", args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn started(folder: &Path, program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A. Tester");
        command.env(format!("GIT_{who}_EMAIL"), "tester@example.com");
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.output().unwrap()
}

/// A repository with one commit that has the files of this tree, and one note.
fn copy(folder: &Folder) -> &Path {
    let listed = git(
        repository(),
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    );
    for name in listed.lines() {
        let (from, to) = (repository().join(name), folder.path().join(name));
        // A file that the tree no longer has is still listed.
        if from.is_file() && !name.starts_with("release-notes/") {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
    let notes = folder.path().join("release-notes/unreleased");
    fs::create_dir_all(&notes).unwrap();
    fs::write(notes.join("0001-a.md"), NOTE).unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    commit(folder.path());
    folder.path()
}

const NOTE: &str =
    "# It can do more\n\nMuch more.\n\n```console\n# no heading\n```\n\n## Upgrade\n\nDo.\n";
const TEXT: &str = "# psg-operator 7.8.9\n\n## It can do more\n\nMuch more.\n\n```console\n# no heading\n```\n\n### Upgrade\n\nDo.\n";

fn commit(folder: &Path) {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "all"]);
}

fn release(folder: &Path, version: &str) -> Output {
    started(
        folder,
        "make",
        &["--silent", "release", &format!("VERSION={version}")],
    )
}

fn refused(folder: &Path, version: &str, remedy: &str) {
    let before = git(folder, &["rev-parse", "HEAD"]);
    let wrong = release(folder, version);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success(), "{version} was released");
    assert!(said.contains(remedy), "{remedy}: {said}");
    assert_eq!(git(folder, &["rev-parse", "HEAD"]), before);
    assert_eq!(git(folder, &["tag", "--list", "v9*"]), "");
}

#[test]
fn one_command_makes_a_release() {
    let folder = Folder::new("release");
    let tree = copy(&folder);
    let done = release(tree, "7.8.9");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        said.contains("git push --atomic origin main v7.8.9"),
        "{said}"
    );

    assert_eq!(git(tree, &["status", "--porcelain"]), "");
    assert_eq!(git(tree, &["describe", "--exact-match"]), "v7.8.9\n");
    assert_eq!(git(tree, &["cat-file", "-t", "v7.8.9"]), "tag\n");
    let text = |name: &str| fs::read_to_string(tree.join(name)).unwrap();
    assert_eq!(text("release-notes/7.8.9.md"), TEXT);
    assert_eq!(text("release-notes/7.8.9/0001-a.md"), NOTE);
    assert!(!tree.join("release-notes/unreleased").exists());
    let crd = "passwordsync.dev_passwordsyncgroups.yaml";
    let kept = text(&format!("tests/upgrading/before/{crd}"));
    assert_eq!(
        kept,
        text(&format!("crds/{crd}")),
        "the next upgrade begins there"
    );
    for (file, line) in [
        ("Cargo.toml", "version = \"7.8.9\"\n"),
        ("charts/psg-operator/Chart.yaml", "\nversion: 7.8.9\n"),
        ("charts/psg-operator/Chart.yaml", "\nappVersion: 7.8.9\n"),
        (
            "config/manager/deployment.yaml",
            "image: psg-operator:v7.8.9\n",
        ),
        ("README.md", "/psg-operator:v7.8.9\n"),
    ] {
        assert!(text(file).contains(line), "{file} lacks {line}");
    }
    let version = [
        "metadata",
        "--locked",
        "--offline",
        "--no-deps",
        "--format-version=1",
    ];
    let locked = started(tree, "cargo", &version);
    let said = String::from_utf8_lossy(&locked.stderr);
    assert!(
        locked.status.success(),
        "Cargo.lock has the old version: {said}"
    );
    let changed = git(tree, &["diff", "--unified=0", "HEAD~", "--", "Cargo.lock"]);
    let changed = changed
        .lines()
        .filter(|line| line.starts_with("+ ") || line.starts_with("+v"));
    let changed: Vec<_> = changed.collect();
    assert!(!changed.is_empty());
    assert!(
        changed.iter().all(|line| *line == "+version = \"7.8.9\""),
        "{changed:?}"
    );

    refused(tree, "9.0.0", "release-notes/unreleased has no notes");
}

#[test]
fn the_notes_that_there_are_make_a_text() {
    let notes = repository().join("release-notes/unreleased");
    // Right after a release there are none.
    if notes.exists() {
        let args = ["hack/release/notes.sh", "1.2.3", "release-notes/unreleased"];
        let output = started(repository(), "bash", &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let text = String::from_utf8(output.stdout).unwrap();
        let files = fs::read_dir(notes).unwrap().count();
        let sections = text.lines().filter(|line| line.starts_with("## ")).count();
        assert_eq!(
            sections, files,
            "each note has one heading of the first level"
        );
    }
}

#[test]
fn a_tree_that_is_not_ready_is_left_as_it_was() {
    let folder = Folder::new("release-refused");
    let tree = copy(&folder);
    git(tree, &["tag", "v8.0.0"]);
    refused(tree, "", "VERSION=1.2.3");
    refused(tree, "v9.0.0", "VERSION=1.2.3");
    refused(tree, "8.0.0", "the tag v8.0.0 is there already");
    refused(tree, "0.0.1", "0.0.1 is older than");
    fs::write(tree.join("README.md"), "changed").unwrap();
    refused(tree, "9.0.0", "the tree is not clean");
    git(tree, &["checkout", "--quiet", "README.md"]);
    fs::write(
        tree.join("release-notes/unreleased/0002-b.md"),
        "No heading.\n",
    )
    .unwrap();
    commit(tree);
    refused(tree, "9.0.0", "0002-b.md does not begin with a heading");
    git(
        tree,
        &["rm", "--quiet", "release-notes/unreleased/0002-b.md"],
    );
    commit(tree);
    git(tree, &["checkout", "--quiet", "--detach"]);
    refused(tree, "9.0.0", "no branch is checked out");
}
