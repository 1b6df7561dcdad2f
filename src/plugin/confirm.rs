//! Asks a person to confirm a change by typing a text that is shown.

use std::io::{self, BufRead, Write};

/// Asks for `text`, which the prompt calls `what`, such as `the name "shared"`.
///
/// # Errors
/// Something else was typed, or nothing.
pub async fn by_typing(what: &str, text: &str) -> Result<(), String> {
    let (what, text) = (what.to_owned(), text.to_owned());
    // In a thread of its own, so that the connection to the cluster stays alive during the prompt.
    let typed = tokio::task::spawn_blocking(move || {
        confirm(&what, &text, &mut io::stdin().lock(), &mut io::stderr())
    });
    typed.await.map_err(|error| error.to_string())?
}

/// The error does not repeat what was typed.
fn confirm(
    what: &str,
    text: &str,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<(), String> {
    let _ = write!(output, "Type {what} to confirm: ");
    let _ = output.flush();
    let mut typed = String::new();
    input
        .read_line(&mut typed)
        .map_err(|error| format!("standard input: {error}"))?;
    if typed.trim() == text {
        Ok(())
    } else {
        Err(format!(
            "that is not {what}, so nothing was changed: run it again, or with --yes"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_confirms() {
        let asked = |typed: &str| {
            let mut prompt = Vec::new();
            let what = "the name \"shared\"";
            let answer = confirm(what, "shared", &mut typed.as_bytes(), &mut prompt);
            (answer, String::from_utf8(prompt).unwrap())
        };
        let prompt = "Type the name \"shared\" to confirm: ".to_owned();
        assert_eq!(asked("shared\n"), (Ok(()), prompt));
        assert!(asked(" shared\r\n").0.is_ok());
        for typed in [
            "",
            "\n",
            "y\n",
            "yes\n",
            "psg/shared\n",
            "share\n",
            "\u{1b}[2J\n",
        ] {
            let said = asked(typed).0.unwrap_err();
            assert!(said.contains("nothing was changed"), "{said}");
            assert!(!said.contains('\u{1b}'), "{said}");
        }
    }
}
