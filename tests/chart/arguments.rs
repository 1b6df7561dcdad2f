//! The arguments of the container: the operator takes those of every set of values, and a flag that
//! the chart sets cannot be given again.

use std::{fs, process::Command};

use super::{args_of, chart, chart_of, pod, refused, root, sets};
use crate::support::binaries;

/// What clap ends with if it refuses an argument.
const MISUSED: i32 = 2;

#[test]
fn the_operator_takes_the_arguments_and_variables_of_every_set_of_values() {
    let folder = tempfile::tempdir().unwrap();
    let ends = |args: &[&str], env: &[(&str, &str)]| {
        let mut operator = Command::new(binaries::own("psg-operator"));
        operator.args(args).envs(env.iter().copied());
        // So that it ends: it has no cluster.
        operator.env("KUBECONFIG", folder.path().join("none"));
        let output = operator.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    for set in sets::ALL {
        let objects = chart_of(set.values);
        let env = pod(&objects)["containers"][0]["env"].as_array().unwrap();
        let env = env
            .iter()
            .filter_map(|one| Some((one["name"].as_str()?, one["value"].as_str()?)));
        let (code, said) = ends(&args_of(&objects), &env.collect::<Vec<_>>());
        assert_eq!(code, Some(1), "{}: {said}", set.name);
    }
    let (code, said) = ends(&["--unheard-of"], &[]);
    assert_eq!(code, Some(MISUSED), "{said}");
}

/// The rows of the page of flags: a flag and its variable.
fn flags() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, section) = page.split_once("\n## Flags\n").unwrap();
    let (table, _) = section.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `--"));
    let rows = rows.map(|line| {
        let mut quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
        (quoted.next().unwrap(), quoted.next().unwrap())
    });
    rows.collect()
}

/// A flag that stands twice ends the operator, and a variable beside its flag has no effect.
#[test]
fn a_flag_that_the_chart_sets_cannot_be_given_again_and_every_other_one_can() {
    let values = [
        ("--watch-namespace", "watchNamespaces"),
        ("--allow-host", "allowHosts"),
        ("--tenant-proxy", "tenantProxy"),
        ("--tenant-ca", "tenantCA"),
        ("--audit-log", "audit.log"),
        ("--audit-annotations", "audit.annotations"),
        ("--log-format", "logFormat"),
        ("--log-level", "logLevel"),
    ];
    let set = [
        "--listen",
        "--lease",
        "--lease-namespace",
        "--lease-identity",
    ];
    let (flags, mut others) = (flags(), Vec::new());
    assert!(flags.len() > 20, "{flags:?}");
    for (flag, variable) in flags {
        let value = values.iter().find(|(name, _)| *name == flag);
        let remedy = match value {
            Some((_, value)) => format!("set {value} instead"),
            None if set.contains(&&*flag) => "since the chart sets it".to_owned(),
            None => {
                others.push(format!("{flag}=x"));
                continue;
            }
        };
        for (given, name) in [
            (format!("extraArgs={{{flag}=x}}"), flag),
            (format!("extraEnv[0].name={variable}"), variable),
        ] {
            let said = refused(&[&given]);
            let expected = format!("leave {name} out");
            assert!(
                said.contains(&expected) && said.contains(&remedy),
                "{given}: {said}"
            );
        }
    }
    assert!(others.len() > 10, "{others:?}");
    let all = format!("extraArgs={{{}}}", others.join(","));
    chart(&[&all, "metrics.service.enabled=false"]);
}
