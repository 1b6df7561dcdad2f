//! Logs on standard error: fields, not prose. One event is one line, whatever its fields hold.

use std::io::{self, Write};

use psg_domain::text;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// A filter, such as `info` or `psg_controller=debug,info`, as `tracing` reads it. A word that is
/// no level is refused: `tracing` would take it for a part of the program, and silence all others.
pub fn filter(text: &str) -> Result<String, String> {
    let parts = text.split(',').map(str::trim);
    let parts: Result<Vec<String>, String> =
        parts.filter(|part| !part.is_empty()).map(part).collect();
    let filter = parts?.join(",");
    if filter.is_empty() {
        return Err("it is empty: write info, or leave it out".to_owned());
    }
    match EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(why) => Err(format!(
            "{why}; write such as info or psg_controller=debug,info"
        )),
    }
}

/// One part of a filter: a level, or the level of a part of the program.
fn part(text: &str) -> Result<String, String> {
    match text.rsplit_once('=') {
        None if text.ends_with(']') => Ok(text.to_owned()),
        None => level(text).map(str::to_owned),
        // The = belongs to a field: `[span{field=value}]`.
        Some((_, end)) if end.ends_with(']') => Ok(text.to_owned()),
        Some((of, word)) => Ok(format!("{}={}", of.trim(), level(word.trim())?)),
    }
}

fn level(word: &str) -> Result<&str, String> {
    let known = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    match word {
        _ if word.eq_ignore_ascii_case("warning") => Ok("warn"),
        _ if known(word) => Ok(word),
        _ => Err(format!(
            "\"{}\" is no level: off, error, warn, info, debug or trace; for a part of the program, \
             psg_controller=debug,info",
            word.escape_debug()
        )),
    }
}

/// The form of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging by a [`filter`].
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

/// Escapes characters that would end a line or control a terminal. Each write is one whole event.
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

    use proptest::prelude::*;

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
    fn a_level_is_known_by_its_words_and_nothing_else_is_taken_for_one() {
        for (text, meant) in [
            ("info", "info"),
            (" Warning ", "warn"),
            ("psg_controller=warning,info,", "psg_controller=warn,info"),
            ("psg_controller = debug , INFO", "psg_controller=debug,INFO"),
            ("[pass{name=a}]=debug,off", "[pass{name=a}]=debug,off"),
            ("[pass{name=a}]", "[pass{name=a}]"),
            ("[pass]", "[pass]"),
            ("3", "3"),
        ] {
            assert_eq!(filter(text).as_deref(), Ok(meant), "{text}");
        }
        for wrong in [
            "",
            ",",
            "verbose",
            "psg_controller",
            "a=b",
            "a=",
            "a=b=info",
            "6",
        ] {
            let said = filter(wrong).unwrap_err();
            assert!(!said.is_empty() && !said.contains('\n'), "{wrong}: {said}");
        }
        let said = filter("verbose").unwrap_err();
        assert!(
            said.contains("off, error, warn, info, debug or trace"),
            "{said}"
        );
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

    proptest! {
        #[test]
        fn nothing_hidden_reaches_the_log(event in any::<String>()) {
            let kept = Kept::default();
            Lines(kept.clone()).write_all(event.as_bytes()).unwrap();
            let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            let line = said.strip_suffix('\n').unwrap_or(&said);
            prop_assert!(!line.contains(text::is_hidden), "{:?}", line);
        }
    }
}
