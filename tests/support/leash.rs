//! Nothing that is started here outlives this process, however it ends.
//!
//! Statics are never dropped and a killed process drops nothing, so dropping is not enough. One
//! shell for each process waits at a pipe that only we hold: it is told what runs and which folders
//! are ours, and when the pipe closes it kills the one and removes the other.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

pub use rustix::process::Signal;

/// Signals that reach the whole foreground group must not end the one who cleans up.
const SHELL: &str = r#"
trap '' HUP INT TERM
pids=' '
while read -r word what; do
  case $word in
    run) pids="$pids$what " ;;
    end) pids="${pids%% $what *} ${pids#* $what }" ;;
    folder) set -- "$@" "$what" ;;
  esac
done
[ "$pids" = ' ' ] || kill -9 $pids 2>/dev/null
[ $# -gt 0 ] || exit 0
rm -rf -- "$@" 2>/dev/null && exit 0
sleep 1
rm -rf -- "$@"
"#;

/// A process that ends with this one at the latest.
#[derive(Debug)]
pub struct Leashed {
    child: Child,
    ended: bool,
}

impl Leashed {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let child = command.spawn();
        let child = child.unwrap_or_else(|why| panic!("cannot start {command:?}: {why}"));
        tell("run", &child.id().to_string());
        Self {
            child,
            ended: false,
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("a child of ours");
        if status.is_some() && !self.ended {
            self.ended = true;
            tell("end", &self.child.id().to_string());
        }
        status
    }

    /// A signal, if it runs: TERM lets it finish what it is doing, STOP and CONT pause it.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let pid = i32::try_from(self.child.id()).ok();
            let pid = pid.and_then(rustix::process::Pid::from_raw).expect("a pid");
            // It may have ended meanwhile; it is not reaped yet, so the id is still its own.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// SIGKILL, and gone when this returns.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
            self.ended();
        }
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder that is removed when it is dropped, or with this process.
///
/// `PSG_TEST_KEEP=1` keeps it and says where it is.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new, empty folder, readable by us alone.
    pub fn new(name: &str) -> Self {
        let made = tempfile::Builder::new()
            .prefix(&format!("psg-{name}-"))
            .tempdir();
        let path = made.expect("a temporary folder").keep();
        if keeping() {
            eprintln!("keeping {}", path.display());
        } else {
            tell("folder", path.to_str().expect("a path in UTF-8"));
        }
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and says where it is.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !keeping() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

fn keeping() -> bool {
    std::env::var_os("PSG_TEST_KEEP").is_some_and(|value| !value.is_empty())
}

fn tell(word: &str, what: &str) {
    static SHELL_STDIN: OnceLock<Mutex<ChildStdin>> = OnceLock::new();
    let stdin = SHELL_STDIN.get_or_init(|| {
        let shell = Command::new("sh")
            .args(["-c", SHELL, "leash"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let stdin = shell.expect("a shell").stdin.take();
        Mutex::new(stdin.expect("its standard input"))
    });
    let mut stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(stdin, "{word} {what}").expect("the shell that cleans up is alive");
}
