//! What of a text that is not YAML can be told from its lines alone: a merge that is not finished, a line in a column where
//! nothing begins. Names only words that can be keys of ours; anything else may be a part of a secret.

use std::ops::Range;

/// The first marker of a merge conflict that was left in the text.
pub(super) fn conflict(text: &str) -> Option<Range<usize>> {
    let marked = |line: &str, mark: &str| {
        line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\r']))
    };
    let mut begin = None;
    for (at, line) in lines(text) {
        match begin {
            None if marked(line, "<<<<<<<") => begin = Some(at..at + "<<<<<<<".len()),
            Some(_) if marked(line, ">>>>>>>") => return begin,
            _ => {}
        }
    }
    None
}

/// A line that begins in a column where nothing does, and the line above that it most likely belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Astray {
    /// Where its key is.
    pub key: Range<usize>,
    /// What is the matter, in words.
    pub message: String,
}

struct Open<'a> {
    column: usize,
    word: &'a str,
    /// Whether its value is still to come, on the lines below.
    holds: bool,
}

/// Looks for such a line at or just before `noticed`, where the parser gave up.
pub(super) fn astray(text: &str, noticed: usize) -> Option<Astray> {
    let mut open: Vec<Open<'_>> = Vec::new();
    // The text of a block, which stands deeper than its key.
    let mut block: Option<usize> = None;
    for (at, line) in lines(text) {
        let bare = line.trim_start_matches(' ');
        let indent = line.len() - bare.len();
        if bare.trim().is_empty() || bare.starts_with('#') || block.is_some_and(|key| indent > key) {
            continue;
        }
        block = None;
        let starts = starts(bare, indent);
        let last = at + line.len() >= noticed;
        if last {
            let (column, word) = starts.first().map(|open| (open.column, open.word))?;
            return misplaced(&open, column, word, at);
        }
        open.retain(|before| before.column < indent);
        if ["|", ">", "|-", ">-", "|+", ">+"].iter().any(|end| bare.trim_end().ends_with(end)) {
            block = starts.last().map(|open| open.column);
        }
        open.extend(starts);
    }
    None
}

fn misplaced(open: &[Open<'_>], column: usize, word: &str, at: usize) -> Option<Astray> {
    // Behind the last one anything may begin; in a column of one of them, a brother.
    let begins = open.last().is_some_and(|last| last.holds && last.column < column);
    if begins || open.iter().any(|open| open.column == column) || !is_word(word) {
        return None;
    }
    let brothers = open.iter().rev().filter(|open| is_word(open.word));
    let nearest = brothers.min_by_key(|open| open.column.abs_diff(column))?;
    let message = format!(
        "`{word}` stands in column {}, `{}` in column {}",
        column + 1,
        nearest.word,
        nearest.column + 1
    );
    Some(Astray { key: at + column..at + column + word.len(), message })
}

/// The list items and the key that begin on a line.
fn starts(mut bare: &str, mut column: usize) -> Vec<Open<'_>> {
    let mut starts = Vec::new();
    while let Some(rest) = bare.strip_prefix("- ") {
        starts.push(Open { column, word: "-", holds: false });
        let inner = rest.trim_start_matches(' ');
        column += bare.len() - inner.len();
        bare = inner;
    }
    if let Some((word, rest)) = bare.split_once(':') {
        let rest = rest.trim();
        starts.push(Open { column, word, holds: rest.is_empty() || rest.starts_with(['#', '&']) });
    }
    starts
}

/// Fields and sections are words of small letters.
fn is_word(word: &str) -> bool {
    (1..=30).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// The lines with their places.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split('\n').map(move |line| {
        let start = at;
        at += line.len() + 1;
        (start, line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, noticed: &str) -> Option<String> {
        astray(text, text.find(noticed).unwrap()).map(|found| found.message)
    }

    #[test]
    fn a_line_between_two_columns_is_named_with_its_neighbour() {
        let text = "alerts:\n  web.slow:\n    conditions:\n      - type: above\n       metric_name: m\n";
        assert_eq!(
            said(text, "metric_name").as_deref(),
            Some("`metric_name` stands in column 8, `type` in column 9")
        );
        let text = "alerts:\n  web.slow:\n    description: Slow\n   conditions: []\n";
        assert_eq!(
            said(text, "conditions").as_deref(),
            Some("`conditions` stands in column 4, `description` in column 5")
        );
        assert_eq!(said("services:\n  a:\n    Sec.ret: x\n   k-1: x\n", "k-1"), None, "not a word of ours");
        assert_eq!(said("alerts:\n  a: x\n  type: [\n", "["), None, "in a column where others begin");
        assert_eq!(said("alerts:\n  a:\n    type: x: y\n", "type"), None, "what begins here may");
    }

    #[test]
    fn conflicts_need_both_ends() {
        assert_eq!(conflict("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n"), Some(5..12));
        assert_eq!(conflict("a: 1\n<<<<<<< HEAD\n"), None);
        assert_eq!(conflict("a: <<<<<<< HEAD\n>>>>>>> x\n"), None);
    }
}
