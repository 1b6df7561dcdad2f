//! The programs that must find the bugs, and how one is run against one.

use std::{
    collections::BTreeMap,
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// One program.
pub struct Program {
    /// As the page calls it.
    pub name: &'static str,
    package: &'static str,
    tests: &'static [&'static str],
}

/// Quick ones first: the first that finds a bug is named.
pub const PROGRAMS: [Program; 6] = [
    Program {
        name: "histories",
        package: "psg-controller",
        tests: &["every_history"],
    },
    Program {
        name: "deaths",
        package: "psg-controller",
        tests: &["every_scenario", "a_crash_at_any"],
    },
    Program {
        name: "counts",
        package: "psg-controller",
        tests: &["tests::alone", "tests::bursts"],
    },
    Program {
        name: "model check",
        package: "psg-plan",
        tests: &["no_path_breaks_a_law"],
    },
    Program {
        name: "laws",
        package: "psg-plan",
        tests: &["tests::laws"],
    },
    Program {
        name: "election",
        package: "psg-operator",
        tests: &["election::tests", "fence::tests"],
    },
];

/// Longer than any of them takes on a slow machine; a bug may make one hang.
const LIMIT: Duration = Duration::from_mins(15);

/// What a program says of a bug.
#[derive(Debug)]
pub enum Verdict {
    /// It sees nothing.
    Passes,
    /// It fails like this.
    Finds(String),
}

impl Program {
    /// Runs it with one bug switched on.
    pub fn run(&self, executables: &BTreeMap<String, PathBuf>, bug: &str) -> Verdict {
        let mut child = Command::new(&executables[self.package])
            .args(self.tests)
            .env("PSG_PLANTED", bug)
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a test program");
        let out = drain(child.stdout.take().expect("its output"));
        let err = drain(child.stderr.take().expect("its errors"));
        let ended = wait(&mut child);
        let said = out.join().expect("its output") + &err.join().expect("its errors");
        match ended {
            Some(true) => Verdict::Passes,
            Some(false) => Verdict::Finds(story(&said)),
            None => Verdict::Finds(format!("does not end within {LIMIT:?}")),
        }
    }
}

fn drain(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks has said all that it will.
        from.read_to_end(&mut bytes).ok();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child) -> Option<bool> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.success());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("a child that runs");
    child.wait().expect("a child that ended");
    None
}

/// The first line of what failed that tells most: which seed, scenario or law.
fn story(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let seeds = lines.iter().find(|line| line.starts_with("seeds ["));
    let seed = seeds
        .and_then(|line| line.split(['[', ',', ']']).nth(1))
        .map(|seed| format!("seed {seed}: "));
    let violation = lines.iter().find(|line| {
        let line = line.trim_start();
        line.starts_with("\"S")
            || line.starts_with("not converged")
            || line.starts_with("assertion")
    });
    let panicked = lines.iter().position(|line| line.contains("panicked at"));
    let first = panicked
        .and_then(|at| lines.get(at + 1))
        .copied()
        .unwrap_or("fails");
    let what = if seed.is_some() {
        violation.copied().unwrap_or(first)
    } else {
        first
    };
    format!(
        "{}{}",
        seed.unwrap_or_default(),
        what.trim().chars().take(160).collect::<String>()
    )
}
