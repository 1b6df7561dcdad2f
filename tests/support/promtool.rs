//! `promtool test rules`: Prometheus' own evaluation of rules and queries over given series.

use std::{path::Path, process::Command};

use super::binaries::tool;

/// Runs a file of tests in a folder; all of them must pass.
pub fn passes(folder: &Path, tests: &str) {
    let mut promtool = Command::new(tool("promtool"));
    let promtool = promtool.args(["test", "rules", tests]).current_dir(folder);
    let tested = promtool.output().unwrap();
    let [out, err] =
        [tested.stdout, tested.stderr].map(|b| String::from_utf8_lossy(&b).into_owned());
    assert!(tested.status.success(), "{out}\n{err}");
}
