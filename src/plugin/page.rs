//! The frame of a page for a change ticket: no script, no external resource, light and dark colours.
//! Pure.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use psg_domain::text;

const STYLE: &str = include_str!("page.css");

/// A whole page.
pub fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // The page can load and run nothing, whatever the names in it hold.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (body)
                footer { "Nothing was written." }
            }
        }
    };
    page.into_string()
}

/// Text from outside: hidden characters, such as marks that turn the text direction, are escaped.
pub fn shown(text: &str) -> String {
    text::line(text)
}
