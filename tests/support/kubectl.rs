//! The real kubectl, as a person would type it.

use std::{ffi::OsString, process::Stdio};

use tokio::{io::AsyncWriteExt, process::Command};

use super::{binaries, control_plane::ControlPlane, users::User};

/// What a command printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit status; -1 after a signal.
    pub status: i32,
}

impl Printed {
    /// Standard output of a command that had to succeed.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.status, 0, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Standard error of a command that had to fail.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_ne!(self.status, 0, "was accepted: {}", self.stdout);
        self.stderr
    }
}

impl ControlPlane {
    /// Runs kubectl in the name of a user and in a namespace; `kubectl psg` finds the plugin.
    pub async fn kubectl(&self, user: User, namespace: &str, args: &[&str]) -> Printed {
        self.kubectl_with(user, namespace, args, "").await
    }

    /// The same with something on standard input: `kubectl apply -f -`.
    pub async fn kubectl_with(
        &self,
        user: User,
        namespace: &str,
        args: &[&str],
        stdin: &str,
    ) -> Printed {
        let mut command = Command::new(self.kubectl_path());
        command
            // Behind the arguments: a plugin's name must come first.
            .args(args)
            .args(["--namespace", namespace])
            .env("KUBECONFIG", self.kubeconfig(user))
            .env("HOME", std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if args.first() == Some(&"psg") {
            command.env("PATH", path_with_plugin());
        }
        let mut child = command.spawn().expect("kubectl");
        let mut pipe = child.stdin.take().expect("its standard input");
        // It may not read it: then the pipe is closed, and what it printed says why.
        let _ = pipe.write_all(stdin.as_bytes()).await;
        drop(pipe);
        let output = child.wait_with_output().await.expect("kubectl");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Printed {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            status: output.status.code().unwrap_or(-1),
        }
    }
}

fn path_with_plugin() -> OsString {
    let plugin = binaries::own("kubectl-psg");
    let mut folders = vec![plugin.parent().expect("a folder").to_path_buf()];
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    std::env::join_paths(folders).expect("PATH")
}
