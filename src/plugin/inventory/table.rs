//! A table for a terminal: each column as wide as its widest cell. Pure.

use psg_domain::text;

use crate::terminal::{Line, Tone};

/// Rows under a heading.
pub struct Table {
    heading: Vec<Cell>,
    rows: Vec<(Tone, Vec<Cell>)>,
}

/// What stands in a column.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    /// Numbers are aligned to the right.
    is_number: bool,
}

impl Cell {
    /// Words. Hidden characters are escaped here, so that the width counts what is printed.
    pub fn words(words: &str) -> Self {
        Self {
            text: text::line(words),
            is_number: false,
        }
    }

    /// A number, or a question mark if it is not known.
    pub fn number(number: Option<String>) -> Self {
        Self {
            text: number.unwrap_or_else(|| "?".to_owned()),
            is_number: true,
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl Table {
    /// A table with these headings; above numbers they are aligned as numbers.
    pub fn new(heading: &[&str]) -> Self {
        Self {
            heading: heading.iter().map(|words| Cell::words(words)).collect(),
            rows: Vec::new(),
        }
    }

    /// One row more.
    pub fn row(&mut self, tone: Tone, cells: Vec<Cell>) {
        self.rows.push((tone, cells));
    }

    /// The heading and all rows.
    pub fn lines(mut self) -> Vec<Line> {
        if let Some((_, first)) = self.rows.first() {
            for (heading, cell) in self.heading.iter_mut().zip(first) {
                heading.is_number = cell.is_number;
            }
        }
        let all = self.rows.iter().map(|(_, cells)| cells);
        let mut widths: Vec<usize> = Vec::new();
        for cells in all.chain([&self.heading]) {
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.width());
            }
        }
        let heading = (Tone::Faint, self.heading);
        let rows = std::iter::once(heading).chain(self.rows);
        rows.map(|(tone, cells)| Line {
            tone,
            text: joined(&cells, &widths),
        })
        .collect()
    }
}

fn joined(cells: &[Cell], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).map(|(cell, &width)| {
        let Cell { text, is_number } = cell;
        if *is_number {
            format!("{text:>width$}")
        } else {
            format!("{text:<width$}")
        }
    });
    let cells: Vec<String> = cells.collect();
    cells.join("  ").trim_end().to_owned()
}
