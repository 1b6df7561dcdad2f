//! The picture of the demo in the README: some scenes of a real run as an SVG, line by line as they were
//! printed.

use std::fmt::Write as _;

use crate::screen::{Line, Style, WIDTH};

/// In pixels.
const ROW: usize = 19;
const MARGIN: usize = 18;
/// The advance of one character at the size of the text, in tenths of a pixel.
const ADVANCE: usize = 84;

/// These scenes, as a terminal shows them.
pub fn svg(printed: &[Line], scenes: &[u8]) -> String {
    let lines = printed.iter().filter(|line| scenes.contains(&line.scene));
    let rows: Vec<Vec<(Style, String)>> = lines.flat_map(|line| rows(&line.pieces)).collect();
    let width = MARGIN * 2 + WIDTH * ADVANCE / 10;
    let height = MARGIN * 2 + rows.len() * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"psg-operator in a terminal\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" \
         font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for (number, pieces) in rows.iter().enumerate() {
        let y = MARGIN + number * ROW + 14;
        let mut column = 0;
        for (style, text) in pieces {
            let count = text.chars().count();
            if !text.trim().is_empty() {
                // The length is given, so that every font keeps the columns.
                let x = MARGIN + column * ADVANCE / 10;
                let length = count * ADVANCE / 10;
                let _ = writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" {}>{}</text>",
                    look(*style),
                    escaped(text)
                );
            }
            column += count;
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// One printed line as rows of at most 80 characters, as a terminal breaks it.
fn rows(pieces: &[(Style, String)]) -> Vec<Vec<(Style, String)>> {
    let mut rows = vec![Vec::new()];
    let mut column = 0;
    for (style, text) in pieces {
        let mut piece = String::new();
        for letter in text.chars() {
            if column == WIDTH {
                let full = std::mem::take(&mut piece);
                rows.last_mut()
                    .expect("one row at least")
                    .push((*style, full));
                rows.push(Vec::new());
                column = 0;
            }
            piece.push(letter);
            column += 1;
        }
        rows.last_mut()
            .expect("one row at least")
            .push((*style, piece));
    }
    rows
}

fn look(style: Style) -> &'static str {
    match style {
        Style::Plain => "fill=\"#e6edf3\"",
        Style::Title => "fill=\"#ffffff\" font-weight=\"bold\"",
        Style::Faint => "fill=\"#9198a1\"",
        Style::Command => "fill=\"#56d4dd\" font-weight=\"bold\"",
        Style::Kept => "fill=\"#3fb950\" font-weight=\"bold\"",
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    // Blanks that stand together are one, and those at the ends none, in some viewers.
    text.replace(' ', "\u{a0}")
}
