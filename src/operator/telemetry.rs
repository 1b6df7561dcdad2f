//! Logs on standard error: fields, not prose. One event is one line, whatever its fields hold.

use std::io::{self, Write};

use psg_domain::text;
use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Starts logging; an unreadable filter falls back to `info`.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Lines(io::stderr()));
    match format {
        LogFormat::Json => logs.json().flatten_event(true).init(),
        LogFormat::Text => logs.with_ansi(false).init(),
    }
}

/// Shows what would end a line, or what a terminal would obey. Each write is one whole event.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let said = String::from_utf8_lossy(event);
        let said = said.strip_suffix('\n').unwrap_or(&said);
        self.0.write_all((text::line(said) + "\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_field_forges_no_line_and_moves_no_cursor() {
        let kept = Kept::default();
        let writer = kept.clone();
        let logs = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || Lines(writer.clone()));
        tracing::subscriber::with_default(logs.finish(), || {
            let name = "AD\n2026-11-30T00:00:00Z  INFO all is well\u{1b}[2J";
            tracing::warn!(name, error = %name, "{name}");
        });
        let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.trim_end().contains(char::is_control), "{said}");
    }
}
