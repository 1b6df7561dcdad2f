//! The operator's process, as it runs in a cluster but for its address and shorter timers.
//!
//! It runs as the user `psg-operator`, with the rights of `config/rbac`, and watches the namespace
//! of its test alone.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitStatus},
    time::Duration,
};

use super::{
    binaries,
    control_plane::ControlPlane,
    kubernetes::http,
    leash::{Folder, Leashed, Signal},
    logs, ports,
    users::User,
    wait::{until, wait_for},
};

/// Timers at a twentieth, and a simulator is allowed.
const FLAGS: [&str; 8] = [
    "--allow-insecure-tenants",
    "--settle=1500ms",
    "--confirm-gap=500ms",
    "--post-timeout=400ms",
    "--credentials-retry=250ms",
    "--log-format=json",
    "--allow-host=127.0.0.1",
    "--allow-host=localhost",
];
const READY: Duration = Duration::from_mins(2);

/// A running operator; it is killed when it is dropped.
#[derive(Debug)]
pub struct Operator {
    process: Leashed,
    listen: SocketAddr,
    log: PathBuf,
    _folder: Folder,
}

impl Operator {
    /// Starts one for a namespace, and waits until it is ready.
    pub async fn start(plane: &ControlPlane, namespace: &str) -> Self {
        Self::start_with(plane, &[namespace], &[], &[]).await
    }

    /// Starts one for several namespaces (none: all of them), with further flags, which win, and
    /// environment; waits until it is ready.
    pub async fn start_with(
        plane: &ControlPlane,
        namespaces: &[&str],
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut operator = Self::spawn(plane, namespaces, flags, environment);
        operator.wait_ready().await;
        operator
    }

    /// Starts one without waiting: for one that is to fail, or to wait for its lease.
    pub fn spawn(
        plane: &ControlPlane,
        namespaces: &[&str],
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let listen = ports::free();
        let folder = Folder::new("operator");
        let mut command = Command::new(binaries::own("psg-operator"));
        let defaults = defaults(listen).into_iter();
        command
            .args(defaults.filter(|flag| !overridden(flag, flags)))
            .args(
                namespaces
                    .iter()
                    .map(|name| format!("--watch-namespace={name}")),
            )
            .args(flags)
            .env("KUBECONFIG", plane.kubeconfig(User::Operator))
            .env(
                "RUST_LOG",
                "info,psg_controller=debug,psg_snapshot=debug,psg_operator=debug",
            )
            .envs(environment.iter().copied());
        let log = logs::into_file(&mut command, &folder, "psg-operator");
        Self {
            process: Leashed::start(&mut command),
            listen,
            log,
            _folder: folder,
        }
    }

    /// Waits until it says that it is ready; fails at once if it ends before.
    pub async fn wait_ready(&mut self) {
        let http = http();
        let url = format!("http://{}/readyz", self.listen);
        let seen = until(READY, async || {
            if let Some(status) = self.process.ended() {
                return Ok(Err(format!("it ended: {status}")));
            }
            let answer = http
                .get(&url)
                .send()
                .await
                .map_err(|why| format!("{why:?}"))?;
            if answer.status().is_success() {
                return Ok(Ok(()));
            }
            Err(format!(
                "{} {}",
                answer.status(),
                answer.text().await.unwrap_or_default()
            ))
        });
        if let Ok(Err(why)) | Err(why) = seen.await {
            panic!("the operator is not ready: {why}\n{}", self.log_tail());
        }
    }

    /// SIGKILL: as a crash, a lost node or the OOM killer ends it.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, as Kubernetes ends it; how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.wait_ended().await
    }

    /// SIGSTOP: as a machine that is overloaded, or whose disk hangs.
    pub fn pause(&mut self) {
        self.process.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn go_on(&mut self) {
        self.process.signal(Signal::CONT);
    }

    /// Waits for an end of its own accord.
    pub async fn wait_ended(&mut self) -> ExitStatus {
        let process = &mut self.process;
        wait_for("the operator to end", Duration::from_secs(30), async || {
            process.ended().ok_or_else(|| "it runs".to_owned())
        })
        .await
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where its own server listens.
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// A page of its own server: `/metrics`, `/readyz`, `/livez`.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = http()
            .get(format!("http://{}{path}", self.listen))
            .send()
            .await;
        let answer = answer.unwrap_or_else(|why| panic!("{path}: {why}\n{}", self.log_tail()));
        (
            answer.status().as_u16(),
            answer.text().await.unwrap_or_default(),
        )
    }

    /// Everything it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The audit trail: its lines are among the log's, as it goes to standard output.
    pub fn trail(&self) -> Vec<serde_json::Value> {
        let lines = self.log();
        let lines = lines
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &serde_json::Value| {
                line["kind"].is_string() && line["resource"].is_object()
            })
            .collect()
    }

    /// The last of it, for a message.
    pub fn log_tail(&self) -> String {
        logs::tail(&self.log, 40)
    }
}

fn defaults(listen: SocketAddr) -> Vec<String> {
    let flags = FLAGS.iter().map(|flag| (*flag).to_owned());
    flags.chain([format!("--listen={listen}")]).collect()
}

/// Whether a flag is given again; only those that may be repeated are then given twice.
fn overridden(default: &str, given: &[&str]) -> bool {
    let name = default.split('=').next().unwrap_or(default);
    name != "--allow-host"
        && given
            .iter()
            .any(|flag| flag.split('=').next() == Some(name))
}
