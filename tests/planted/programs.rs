//! The programs that must find the bugs, and how one is run against one.

use std::{
    collections::BTreeMap,
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::story;

/// One program.
pub struct Program {
    /// As the page calls it.
    pub name: &'static str,
    package: &'static str,
    tests: &'static [&'static str],
    /// In minutes; several times of what it takes without a bug, since one may make it hang.
    limit: u64,
}

/// Quick ones first: the first that finds a bug is named.
pub const PROGRAMS: [Program; 10] = [
    Program {
        name: "fault matrix",
        package: "psg-controller",
        tests: &["tests::matrix"],
        limit: 4,
    },
    Program {
        name: "deaths",
        package: "psg-controller",
        tests: &["every_scenario", "a_crash_at_any"],
        limit: 4,
    },
    Program {
        name: "histories",
        package: "psg-controller",
        tests: &["every_history"],
        limit: 4,
    },
    Program {
        name: "counts",
        package: "psg-controller",
        tests: &["tests::alone", "tests::bursts"],
        limit: 2,
    },
    Program {
        name: "watches",
        package: "psg-controller",
        tests: &[
            "tests::held",
            "tests::inputs",
            "tests::kubernetes",
            "tests::panics",
        ],
        limit: 2,
    },
    Program {
        name: "client",
        package: "psg-identity",
        tests: &[],
        limit: 2,
    },
    Program {
        name: "laws",
        package: "psg-plan",
        tests: &["tests::laws"],
        limit: 2,
    },
    Program {
        name: "election",
        package: "psg-operator",
        tests: &["election::tests", "fence::tests"],
        limit: 2,
    },
    Program {
        name: "model check",
        package: "psg-plan",
        tests: &["no_path_breaks_a_law"],
        limit: 10,
    },
    Program {
        name: "rules",
        package: "psg-plan",
        tests: &["tests::"],
        limit: 2,
    },
];

/// Of the histories of a test run, the first so many.
const SEEDS: &str = "1000";

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
            .env("PSG_SEEDS", SEEDS)
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a test program");
        let out = drain(child.stdout.take().expect("its output"));
        let err = drain(child.stderr.take().expect("its errors"));
        let limit = Duration::from_mins(self.limit);
        let ended = wait(&mut child, limit);
        let said = out.join().expect("its output") + &err.join().expect("its errors");
        match ended {
            Some(true) => Verdict::Passes,
            Some(false) => Verdict::Finds(story::story(&said)),
            None => Verdict::Finds(story::endless(&said, self.limit)),
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

fn wait(child: &mut Child, limit: Duration) -> Option<bool> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.success());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("a child that runs");
    child.wait().expect("a child that ended");
    None
}
