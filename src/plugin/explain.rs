//! The catalogue of reasons as text: the same words as `docs/reasons.md`. Pure.

use std::fmt::Write;

use psg_plan::Reason;

/// Every reason with its meaning, one a line.
pub fn all() -> String {
    let width = Reason::ALL
        .iter()
        .map(|reason| reason.as_str().len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for reason in Reason::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:width$}  {}", reason.as_str(), reason.what());
    }
    text
}

/// One reason: what it means, where to look and what to do.
///
/// # Errors
/// What to type instead, if there is no such reason.
pub fn one(word: &str) -> Result<String, String> {
    let found = |reason: &&Reason| reason.as_str().eq_ignore_ascii_case(word);
    match Reason::ALL.iter().find(found) {
        Some(reason) => Ok(format!(
            "{reason}\n  {}\n\n  Look at  {}\n  Do       {}\n",
            reason.what(),
            reason.look(),
            reason.act()
        )),
        None => Err(unknown(word)),
    }
}

fn unknown(word: &str) -> String {
    let wanted = word.to_ascii_lowercase();
    let near: Vec<&str> = Reason::ALL
        .iter()
        .map(|reason| reason.as_str())
        .filter(|known| {
            let known = known.to_ascii_lowercase();
            !wanted.is_empty() && (known.contains(&wanted) || wanted.contains(&known))
        })
        .collect();
    if near.is_empty() {
        format!("there is no reason \"{word}\"; `kubectl psg explain` lists all")
    } else {
        format!(
            "there is no reason \"{word}\"; did you mean {}?",
            near.join(" or ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_reason_once_and_in_the_catalogues_order() {
        let text = all();
        let listed: Vec<&str> = text
            .lines()
            .map(|line| line.split_whitespace().next().unwrap())
            .collect();
        let expected: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn a_reason_is_explained_however_it_is_spelt() {
        let text = one("sourcenotfound").unwrap();
        assert_eq!(text, one("SourceNotFound").unwrap());
        for part in [
            "SourceNotFound\n",
            Reason::SourceNotFound.what(),
            Reason::SourceNotFound.look(),
            Reason::SourceNotFound.act(),
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn a_word_that_is_none_leads_to_one_that_is() {
        assert_eq!(
            one("NotFound").unwrap_err(),
            "there is no reason \"NotFound\"; did you mean GroupNotFound or SourceNotFound or \
             PolicyNotFound or TenantNotFound or SecretNotFound?"
        );
        assert_eq!(
            one("xyz").unwrap_err(),
            "there is no reason \"xyz\"; `kubectl psg explain` lists all"
        );
    }
}
