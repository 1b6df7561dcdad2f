//! The manifests as YAML, with what is left out as comments. Pure.

use psg_domain::text;

use super::{Written, manifest::Manifest};
use crate::{
    forms,
    terminal::{WIDTH, wrapped},
};

/// One text: first what is left out, then the manifests.
///
/// # Errors
/// A manifest cannot be written, which is a defect.
pub fn text(written: &[Written]) -> Result<String, String> {
    let mut printed = left_out(written);
    let mut is_first = true;
    for one in written {
        let Written::Whole(manifest, remarks) = one else {
            continue;
        };
        if !is_first {
            printed.push_str("---\n");
        } else if !printed.is_empty() {
            printed.push('\n');
        }
        is_first = false;
        printed.push_str(&file(manifest, remarks)?);
    }
    Ok(printed)
}

/// One manifest and its remarks.
///
/// # Errors
/// It cannot be written, which is a defect.
pub fn file(manifest: &Manifest, remarks: &[String]) -> Result<String, String> {
    let remarks = remarks.iter().map(|remark| comment(remark));
    Ok(remarks.collect::<String>() + &forms::yaml(manifest)?)
}

/// What is left out, as comments.
pub fn left_out(written: &[Written]) -> String {
    let left_out = written.iter().filter_map(|one| match one {
        Written::LeftOut(group, why) => Some(comment(&format!("Group {group} is left out: {why}"))),
        Written::Whole(..) => None,
    });
    left_out.collect()
}

/// Wraps a text into comment lines. Line breaks in it are escaped, so none of it can end the
/// comment.
fn comment(said: &str) -> String {
    let lines = wrapped(&text::line(said), WIDTH - 2);
    let lines = lines.into_iter().map(|line| format!("# {line}\n"));
    lines.collect()
}
