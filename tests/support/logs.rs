//! What a process wrote to its log file, for messages of failing tests.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::leash::Folder;

/// Lets a command write both its streams into `<name>.log`, and says where that is.
pub fn into_file(command: &mut Command, folder: &Folder, name: &str) -> PathBuf {
    let path = folder.path().join(format!("{name}.log"));
    let file = File::options().create(true).append(true).open(&path);
    let file = file.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let twin = file.try_clone().expect("a second handle");
    command.stdin(Stdio::null()).stdout(twin).stderr(file);
    path
}

/// The last lines.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    let last = all[all.len().saturating_sub(lines)..].join("\n");
    format!("--- {} ({} lines)\n{last}", path.display(), all.len())
}
