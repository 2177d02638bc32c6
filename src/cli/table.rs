//! Rows in columns, for people: one line each, cut to the width of a terminal.
//! Makes every text harmless; knows nothing of what the rows mean.

use librato_apply::diag::printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands between two columns.
const GAP: &str = "  ";

/// The first columns say which object a row is about; they give way last.
const KEY: usize = 2;

/// Less than this says nothing: a column is not cut further.
const NARROW: usize = 8;

/// A header and rows of as many cells.
pub struct Table {
    pub header: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The lines, each no wider than `width` where there is one.
    pub fn render(&self, width: Option<usize>) -> String {
        let header = self.header.iter().map(|cell| (*cell).to_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect());
        let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        let widths = self.widths(&lines, width);
        lines.iter().map(|line| Self::line(line, &widths)).collect()
    }

    /// The widest cell of each column; where all are too wide together, the widest columns give way.
    fn widths(&self, lines: &[Vec<String>], limit: Option<usize>) -> Vec<usize> {
        let widest = |column: usize| {
            let cells = lines.iter().filter_map(|line: &Vec<String>| line.get(column));
            cells.map(|cell| cell.width()).max()
        };
        let mut widths: Vec<usize> =
            (0..self.header.len()).map(|column| widest(column).unwrap_or(0)).collect();
        let Some(limit) = limit else { return widths };
        let room = limit.saturating_sub(GAP.len() * widths.len().saturating_sub(1));
        let mut narrow = |from: usize| {
            while widths.iter().sum::<usize>() > room {
                let widest = widths.iter_mut().skip(from).max();
                let Some(widest) = widest.filter(|widest| **widest > NARROW) else { break };
                *widest -= 1;
            }
        };
        narrow(KEY);
        narrow(0);
        widths
    }

    fn line(cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let cell = cut(cell, *width);
            let padding = width.saturating_sub(cell.width()) + GAP.len();
            line.push_str(&cell);
            line.push_str(&" ".repeat(padding));
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    }
}

/// A text no wider than `width`, an ellipsis for what is cut off.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        Table {
            header: vec!["ID", "NAME", "WHAT"],
            rows: vec![row(["1", "a\u{1b}b", "a long description of it"]), row(["22", "日本", ""])],
        }
    }

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let expected = "ID  NAME  WHAT\n1   a␛b   a long description of it\n22  日本\n";
        assert_eq!(table().render(None), expected);
        assert_eq!(table().render(Some(80)), expected);
    }

    #[test]
    fn the_widest_column_gives_way_to_the_terminal() {
        let expected = "ID  NAME  WHAT\n1   a␛b   a long de…\n22  日本\n";
        assert_eq!(table().render(Some(20)), expected);
        let mut long = table();
        long.rows[0][1] = "a.rather.long.name".into();
        assert!(
            long.render(Some(34)).contains("a.rather.long.name  a long de…"),
            "{}",
            long.render(Some(34))
        );
        assert!(table().render(Some(1)).lines().all(|line| line.width() <= 2 + 4 + 8 + 4));
    }
}
