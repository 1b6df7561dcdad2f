//! `kubectl psg completion`: a script for a shell, and the answers that the script asks this program for.
//!
//! The program answers a shell if the variable [`VARIABLE`] is set, and kubectl if it runs under
//! the name [`FOR_KUBECTL`]. An answer may list names of the cluster by `candidates`; it writes
//! nothing. Errors are not printed, since they would appear in the line that a person types.

use std::{
    ffi::{OsStr, OsString},
    fmt::Write,
    path::Path,
};

use clap::CommandFactory;
use clap_complete::{
    CompleteEnv,
    engine::{self, CompletionCandidate},
    env::{Bash, EnvCompleter, Fish, Powershell, Zsh},
};
use psg_domain::text;

use crate::args::{Args, Shell};

/// Tells the program which shell asks. Not clap's `COMPLETE`, which may be set for other programs.
pub const VARIABLE: &str = "PSG_COMPLETE";
/// The name under which kubectl runs a program to complete `kubectl psg`.
pub const FOR_KUBECTL: &str = "kubectl_complete-psg";
/// The command that is completed, and the program that the script asks.
const PROGRAM: &str = "kubectl-psg";

/// What the last line of an answer tells kubectl (ShellCompDirective of cobra): add no file names.
const NO_FILES: u8 = 4;
/// The same, and no space after the completed word, which continues.
const NO_FILES_NO_BLANK: u8 = 6;

/// The script for a shell.
///
/// # Errors
/// It cannot be written, which is a defect.
pub fn script(shell: Shell) -> Result<String, String> {
    let shell: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
    };
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| error.to_string())?;
    String::from_utf8(script).map_err(|error| error.to_string())
}

/// Ends the process with an answer, if a shell asks for one; must come before anything is printed.
pub fn answer_a_shell() {
    CompleteEnv::with_factory(Args::command)
        .var(VARIABLE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .complete();
}

/// Whether this is how kubectl asks for an answer.
pub fn is_for_kubectl(program: &OsStr) -> bool {
    Path::new(program).file_stem() == Some(OsStr::new(FOR_KUBECTL))
}

/// The answer for kubectl: what may stand in place of the last word, each with what it means.
pub fn answer_kubectl(words: impl Iterator<Item = OsString>) -> String {
    let mut line: Vec<OsString> = std::iter::once(PROGRAM.into()).chain(words).collect();
    if line.len() == 1 {
        line.push(OsString::new());
    }
    let (last, here) = (line.len() - 1, std::env::current_dir().ok());
    // As with kubectl's own commands, flags are offered only after a dash.
    let with_flags = line[last].to_str().is_none_or(|word| word.starts_with('-'));
    let found = engine::complete(&mut Args::command(), line, last, here.as_deref());
    let mut answer = String::new();
    let mut goes_on = false;
    for candidate in found.unwrap_or_default() {
        let Some(value) = printable(&candidate) else {
            continue;
        };
        if value.starts_with('-') && !with_flags {
            continue;
        }
        goes_on |= value.ends_with(['/', '=']);
        let help = candidate.get_help().map(ToString::to_string);
        let help = help.as_deref().and_then(|help| help.lines().next());
        // Writing to a string cannot fail.
        let _ = match help {
            Some(help) => writeln!(answer, "{value}\t{}", text::line(help)),
            None => writeln!(answer, "{value}"),
        };
    }
    let end = if goes_on { NO_FILES_NO_BLANK } else { NO_FILES };
    let _ = writeln!(answer, ":{end}");
    answer
}

/// A file may have any name; a name with characters that act on a terminal is not offered.
fn printable(candidate: &CompletionCandidate) -> Option<&str> {
    let value = candidate.get_value().to_str()?;
    (!candidate.is_hide_set() && !value.contains(text::is_hidden)).then_some(value)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn answered(words: &[&str]) -> Vec<String> {
        let answer = answer_kubectl(words.iter().map(Into::into));
        answer.lines().map(str::to_owned).collect()
    }

    fn values(words: &[&str]) -> Vec<String> {
        let answer = answered(words).into_iter();
        answer
            .filter(|line| !line.starts_with(':'))
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn each_shell_gets_a_script_that_asks_this_program() {
        for shell in Shell::value_variants() {
            let script = script(*shell).unwrap();
            assert!(script.contains(PROGRAM), "{shell:?}: {script}");
            assert!(script.contains(VARIABLE), "{shell:?}: {script}");
            assert_eq!(
                text::lines(&script.replace('\t', " ")),
                script.replace('\t', " ")
            );
        }
    }

    #[test]
    fn commands_flags_and_reasons_are_completed() {
        let commands = values(&[""]);
        for command in ["plan", "status", "diff", "orphan", "completion"] {
            assert!(
                commands.iter().any(|found| found == command),
                "{commands:?}"
            );
        }
        assert_eq!(values(&[]), commands);
        assert_eq!(values(&["sta"]), ["status"]);
        assert_eq!(values(&["status", "--all"]), ["--all-namespaces"]);
        assert_eq!(values(&["status", "-o", "y"]), ["yaml"]);
        assert_eq!(
            values(&["completion", ""]),
            ["bash", "zsh", "fish", "powershell"]
        );
        assert_eq!(values(&["explain", "SourceSwap"]), ["SourceSwapBlocked"]);
        let explained = answered(&["explain", "SourceSwap"]);
        assert!(
            explained[0].contains("\tGroups wait for one another"),
            "{explained:?}"
        );
        assert_eq!(explained[1], ":4");
    }

    #[test]
    fn nothing_is_said_where_no_cluster_answers() {
        let words = ["pause", "--kubeconfig", "/no/such/file", ""];
        assert_eq!(answered(&words).last().map(String::as_str), Some(":4"));
        assert_eq!(values(&words), Vec::<String>::new());
    }

    #[test]
    fn kubectl_asks_by_another_name_of_the_program() {
        for (program, is) in [
            ("kubectl_complete-psg", true),
            ("/opt/bin/kubectl_complete-psg", true),
            ("kubectl_complete-psg.exe", true),
            ("kubectl-psg", false),
            ("", false),
        ] {
            assert_eq!(is_for_kubectl(OsStr::new(program)), is, "{program}");
        }
    }
}
