//! Where the audit trail goes: standard output, a file, or nowhere.
//!
//! # Guarantees
//! - A line is written in one call, unbuffered.
//! - A line that could not be written is kept, and written before the next; until then no write to
//!   a tenant begins. An incomplete line is ended by a line end of its own.
//! - The place is opened before each write to a tenant, as a check; that it is full shows only at
//!   the first line that does not fit.
//! - A file is opened anew each time, so it may be moved away at any time.
//! - A line that still waits at the end of the process is written to the log.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::fs::{FileExt, OpenOptionsExt},
    },
    path::PathBuf,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus_client::metrics::gauge::Gauge;
use psg_controller::AuditLog;

/// Where the trail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: there is no trail.
    Off,
    /// Standard output.
    Stdout,
    /// The end of a file.
    File(PathBuf),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => Err("name a file, - for standard output, or off".to_owned()),
            "off" => Ok(Self::Off),
            "-" => Ok(Self::Stdout),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl Place {
    /// Opens the place at its end, unbuffered.
    fn open(&self) -> io::Result<Option<File>> {
        match self {
            Self::Off => Ok(None),
            Self::Stdout => {
                let twin = io::stdout().as_fd().try_clone_to_owned()?;
                Ok(Some(twin.into()))
            }
            Self::File(path) => {
                let mut options = File::options();
                let file = options.append(true).create(true).mode(0o640).open(path)?;
                Ok(Some(file))
            }
        }
    }

    /// Whether a file ends in an incomplete line, which an earlier process may have left. A file
    /// that cannot be read counts as torn: the only effect is an empty line.
    fn is_torn(&self) -> bool {
        let Self::File(path) = self else { return false };
        let there = std::fs::metadata(path).ok();
        let length = there.filter(std::fs::Metadata::is_file);
        let Some(last) = length.and_then(|file| file.len().checked_sub(1)) else {
            return false;
        };
        let mut byte = [0];
        let read = File::open(path).and_then(|file| file.read_exact_at(&mut byte, last));
        read.is_err() || byte != *b"\n"
    }
}

/// The trail of this process.
#[derive(Debug)]
pub struct Trail {
    place: Place,
    waiting: Mutex<Waiting>,
    metric: Gauge,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<String>,
    /// The place ends in an incomplete line.
    torn: bool,
}

impl Trail {
    /// A trail at `place`, after a check that `place` can be opened.
    ///
    /// # Errors
    /// The place cannot be opened.
    pub fn open(place: Place) -> io::Result<Self> {
        place.open()?;
        let waiting = Waiting {
            lines: VecDeque::new(),
            torn: place.is_torn(),
        };
        Ok(Self {
            place,
            waiting: Mutex::new(waiting),
            metric: Gauge::default(),
        })
    }

    /// How many lines wait; at least 1 while the place cannot be written.
    pub fn metric(&self) -> Gauge {
        self.metric.clone()
    }

    /// Writes the lines that wait, or else logs them: the process ends, and nothing else keeps
    /// them.
    pub fn close(&self) {
        let mut waiting = self.lock();
        if waiting.lines.is_empty() || self.flush(&mut waiting).is_ok() {
            return;
        }
        for line in waiting.lines.drain(..) {
            let line = line.trim_end();
            tracing::error!(line, "a line of the audit trail that was not written");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush(&self, waiting: &mut Waiting) -> io::Result<()> {
        let done = self.put_all(waiting);
        let left = i64::try_from(waiting.lines.len()).unwrap_or(i64::MAX);
        // Also with no line waiting: a place that cannot be opened holds back writes to tenants.
        self.metric.set(left.max(i64::from(done.is_err())));
        if let Err(error) = &done {
            tracing::error!(%error, left, "the audit log cannot be written: nothing is written to a tenant until it can");
        }
        done
    }

    fn put_all(&self, waiting: &mut Waiting) -> io::Result<()> {
        // Even if no line waits: a place that is gone must be noticed before a write to a tenant.
        let place = self.place.open()?;
        while let Some(line) = waiting.lines.front() {
            if let Some(file) = &place {
                put(file, line, &mut waiting.torn)?;
            }
            waiting.lines.pop_front();
        }
        Ok(())
    }
}

impl AuditLog for Trail {
    fn ready(&self) -> Result<(), String> {
        let mut waiting = self.lock();
        self.flush(&mut waiting).map_err(|error| error.to_string())
    }

    fn write(&self, line: &str) {
        let mut waiting = self.lock();
        waiting.lines.push_back(format!("{line}\n"));
        // `flush` has logged the error, and `ready` tries again before the next write to a tenant.
        self.flush(&mut waiting).ok();
    }
}

/// Writes one line. If only a part of it is written, this is an error, and `torn` is set.
fn put(mut place: impl Write, line: &str, torn: &mut bool) -> io::Result<()> {
    let ended = format!("{}{line}", if *torn { "\n" } else { "" });
    let length = place.write(ended.as_bytes())?;
    if length == ended.len() {
        *torn = false;
        return Ok(());
    }
    *torn |= length > 0;
    let why = format!("{length} of {} bytes were written", ended.len());
    Err(io::Error::new(io::ErrorKind::WriteZero, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("psg-audit-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("audit.jsonl")
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.file()).unwrap_or_default()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn a_place_is_a_file_unless_it_is_a_dash_or_off() {
        assert_eq!("off".parse(), Ok(Place::Off));
        assert_eq!("-".parse(), Ok(Place::Stdout));
        assert_eq!("a/b".parse(), Ok(Place::File("a/b".into())));
        assert!("".parse::<Place>().is_err());
    }

    #[test]
    fn lines_go_to_the_end_of_the_file_wherever_it_was_moved() {
        let folder = Folder::new("moved");
        std::fs::write(folder.file(), "before\n").unwrap();
        let trail = Trail::open(Place::File(folder.file())).unwrap();
        trail.write("one");
        assert_eq!(folder.text(), "before\none\n");
        std::fs::rename(folder.file(), folder.0.join("old")).unwrap();
        trail.write("two");
        assert_eq!(folder.text(), "two\n");
    }

    #[test]
    fn what_cannot_be_written_is_kept_and_goes_first() {
        let folder = Folder::new("kept");
        let trail = Trail::open(Place::File(folder.file())).unwrap();
        std::fs::remove_file(folder.file()).unwrap();
        std::fs::create_dir(folder.file()).unwrap();
        trail.write("one");
        trail.write("two");
        assert!(trail.ready().is_err());
        assert_eq!(trail.metric().get(), 2);
        std::fs::remove_dir(folder.file()).unwrap();
        assert_eq!(trail.ready(), Ok(()));
        trail.write("three");
        assert_eq!(folder.text(), "one\ntwo\nthree\n");
        assert_eq!(trail.metric().get(), 0);
    }

    #[test]
    fn a_place_that_is_gone_is_noticed_before_anything_waits() {
        let folder = Folder::new("gone");
        let trail = Trail::open(Place::File(folder.file())).unwrap();
        assert_eq!(trail.ready(), Ok(()));
        std::fs::remove_dir_all(&folder.0).unwrap();
        assert!(trail.ready().is_err());
        assert_eq!(trail.metric().get(), 1);
        std::fs::create_dir(&folder.0).unwrap();
        assert_eq!(trail.ready(), Ok(()));
        assert_eq!(trail.metric().get(), 0);
        assert_eq!(Trail::open(Place::Off).unwrap().ready(), Ok(()));
    }

    #[test]
    fn a_line_that_an_earlier_process_left_torn_is_ended() {
        let folder = Folder::new("torn");
        for (before, after) in [
            ("", "one\n"),
            ("whole\n", "whole\none\n"),
            ("{\"a\"", "{\"a\"\none\n"),
        ] {
            std::fs::write(folder.file(), before).unwrap();
            let trail = Trail::open(Place::File(folder.file())).unwrap();
            trail.write("one");
            assert_eq!(folder.text(), after);
        }
    }

    #[test]
    fn what_waits_at_the_end_is_written_if_it_can_be_and_kept_no_longer() {
        let folder = Folder::new("close");
        let trail = Trail::open(Place::File(folder.file())).unwrap();
        let block = || {
            std::fs::remove_file(folder.file()).unwrap();
            std::fs::create_dir(folder.file()).unwrap();
        };
        block();
        trail.write("one");
        std::fs::remove_dir(folder.file()).unwrap();
        trail.close();
        assert_eq!(folder.text(), "one\n");
        block();
        trail.write("two");
        trail.close();
        assert!(trail.lock().lines.is_empty(), "it is in the log");
    }

    #[test]
    fn a_place_that_cannot_be_opened_is_said_at_the_start() {
        let folder = Folder::new("start");
        assert!(Trail::open(Place::File(folder.0.clone())).is_err());
    }

    /// A disk with so many bytes left.
    struct Small<'a>(&'a mut Vec<u8>, usize);

    impl Write for Small<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.1);
            self.0.extend(&bytes[..fits]);
            self.1 -= fits;
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_torn_line_is_ended_and_written_again() {
        let (mut disk, mut torn) = (Vec::new(), false);
        put(Small(&mut disk, 0), "{\"a\":1}\n", &mut torn).unwrap_err();
        assert!(!torn, "nothing of it was written");
        put(Small(&mut disk, 4), "{\"a\":1}\n", &mut torn).unwrap_err();
        put(Small(&mut disk, 0), "{\"a\":1}\n", &mut torn).unwrap_err();
        put(Small(&mut disk, 99), "{\"a\":1}\n", &mut torn).unwrap();
        put(Small(&mut disk, 99), "{\"b\":2}\n", &mut torn).unwrap();
        let text = String::from_utf8(disk).unwrap();
        assert_eq!(text, "{\"a\"\n{\"a\":1}\n{\"b\":2}\n");
    }
}
