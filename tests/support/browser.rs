//! A page in a real browser, where there is one: `PSG_BROWSER`, or chromium on the path. Without one a
//! test says that it was skipped.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::Command;

use super::leash::Folder;

const PATIENCE: Duration = Duration::from_mins(1);

/// What the browser made of a file, as HTML; none if there is no browser.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub async fn shown(file: &Path) -> Option<String> {
    let named = std::env::var("PSG_BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    let profile = Folder::new("browser");
    let mut command = Command::new(&named);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=400,900",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) => {
            eprintln!("SKIPPED: there is no {named} here; PSG_BROWSER may name another browser");
            return None;
        }
        Err(late) => panic!("{named}: {late}"),
    };
    Some(String::from_utf8(output.stdout).expect("HTML in UTF-8"))
}

/// The text of each cell of a table of this class, row by row.
pub fn table(page: &str, class: &str) -> Vec<Vec<String>> {
    let start = page
        .find(&format!("<table class=\"{class}\">"))
        .unwrap_or_else(|| panic!("no table {class} in {page}"));
    let table = &page[start..];
    let table = &table[..table.find("</table>").expect("its end")];
    let rows = table.split("<tr>").skip(1);
    rows.map(|row| row.split("</t").filter_map(cell).collect())
        .collect()
}

/// The text behind the last opening tag of a piece that ends with a cell.
fn cell(piece: &str) -> Option<String> {
    let opened = piece.rfind("<th").max(piece.rfind("<td"))?;
    let opened = &piece[opened..];
    let text = &opened[opened.find('>')? + 1..];
    Some(text.trim().to_owned())
}
