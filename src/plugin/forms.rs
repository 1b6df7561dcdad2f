//! Documents as JSON, YAML or text. No name in them can act on a terminal, and names read back from
//! JSON and YAML as they were.

use std::fmt::Write;

use psg_domain::text;
use serde::{Serialize, Serializer};
use serde_saphyr::{DoubleQuoted, ser_options};

use crate::{
    args::{Output, Report},
    terminal::{self, Line},
};

/// A text from outside. YAML has it in double quotes if it holds a hidden character, since escapes
/// mean a character only there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.contains(text::is_hidden) {
            DoubleQuoted(self.0.as_str()).serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

/// A field of a document as [`Text`].
///
/// # Errors
/// The serializer fails.
pub fn text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    Text::from(text).serialize(serializer)
}

/// A list of texts, each as [`Text`].
///
/// # Errors
/// The serializer fails.
pub fn texts<'a, S, T>(texts: T, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: IntoIterator<Item = &'a String>,
{
    serializer.collect_seq(texts.into_iter().map(|text| Text::from(text.as_str())))
}

/// A document in the form that was asked for; `lines` makes the text for people.
///
/// # Errors
/// The document cannot be written as such, which is a defect.
pub fn report<T: Serialize>(
    asked: &Report,
    document: &T,
    lines: impl FnOnce(&T) -> Vec<Line>,
) -> Result<String, String> {
    match asked.output {
        Output::Text => {
            let coloured = asked.color.is_on(|name| std::env::var(name).ok());
            Ok(terminal::print(&lines(document), coloured))
        }
        Output::Json => json(document),
        Output::Yaml => yaml(document),
    }
}

/// As JSON.
///
/// # Errors
/// The document cannot be written as such, which is a defect.
pub fn json(document: &impl Serialize) -> Result<String, String> {
    let written = serde_json::to_string_pretty(document).map_err(|error| error.to_string())?;
    Ok(escaped(&written) + "\n")
}

/// As YAML.
///
/// # Errors
/// The document cannot be written as such, which is a defect.
pub fn yaml(document: &impl Serialize) -> Result<String, String> {
    let options = ser_options! { prefer_block_scalars: false };
    let written = serde_saphyr::to_string_with_options(document, options);
    let written = written.map_err(|error| error.to_string())?;
    Ok(escaped(written.trim_end_matches('\n')) + "\n")
}

/// Hidden characters occur only between double quotes, where JSON and YAML both read an escape. All
/// of them fit into four hexadecimal digits.
fn escaped(written: &str) -> String {
    let mut escaped = String::with_capacity(written.len());
    for letter in written.chars() {
        if letter != '\n' && text::is_hidden(letter) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What other readers of YAML take for another type than a text, and what acts on a terminal.
    const ODD: [&str; 20] = [
        "null",
        "~",
        "yes",
        "NO",
        "on",
        "1",
        "1e3",
        "0x1f",
        "1:20",
        "2026-01-01",
        "- a",
        "-",
        "a: b",
        "a #b",
        "\"quoted\" and 'so'",
        "\u{202e}gnp.exe",
        "🔑 Zürich\u{200f}",
        "a\nb\r\u{1b}[2J",
        " around ",
        "{x}",
    ];

    fn reads_back(text: &str) {
        let document = BTreeMap::from([("a", vec![Text::from(text)])]);
        let plain = BTreeMap::from([("a".to_owned(), vec![text.to_owned()])]);
        for written in [yaml(&document).unwrap(), json(&document).unwrap()] {
            assert_eq!(text::lines(&written), written, "nothing acts on a terminal");
            let read: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(&written).unwrap();
            assert_eq!(read, plain, "{written}");
            let value: serde_json::Value = serde_saphyr::from_str(&written).unwrap();
            assert_eq!(value, serde_json::json!(plain), "{written}");
        }
    }

    #[test]
    fn odd_names_read_back_equal() {
        ODD.into_iter().for_each(reads_back);
    }

    proptest! {
        #[test]
        fn every_text_reads_back_equal(text in any::<String>(), marked in "[\u{202a}-\u{202e}\u{80}-\u{9f}\"'\\\\: a-]{0,12}") {
            reads_back(&text);
            reads_back(&marked);
        }
    }
}
