//! Pieces of a comment in the order of reading, chosen in the order of importance until the room is used up.
//! Knows how long a comment may be; knows nothing of what the pieces say.

use crate::diag::plural;

/// How many characters a comment has; GitHub takes 65,536, and whoever posts it may add a few.
pub(super) const LONGEST: usize = 60_000;

/// So many alerts that are not weaker are shown as they are; more are folded away, so that the table is found.
const UNFOLDED: usize = 20;

/// Room for headings and for saying what was cut.
const RESERVE: usize = 1_500;

/// What is kept longest has the lowest number.
pub(super) const REFUSALS: u8 = 0;
pub(super) const DELETES: u8 = 1;
pub(super) const WEAKER: u8 = 2;
pub(super) const WARNINGS: u8 = 3;
pub(super) const NAMES: u8 = 4;
pub(super) const ROWS: u8 = 5;
pub(super) const HARMLESS: u8 = 6;
pub(super) const DETAILS: u8 = 7;
pub(super) const UPDATES: u8 = 8;
pub(super) const UNMANAGED: u8 = 9;
pub(super) const NOTES: u8 = 10;

/// A part of the comment, in the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Refusals,
    Errors,
    Warnings,
    Impact,
    Changes,
    Details,
    Unmanaged,
    Notes,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Refusals,
        Self::Errors,
        Self::Warnings,
        Self::Impact,
        Self::Changes,
        Self::Details,
        Self::Unmanaged,
        Self::Notes,
    ];

    /// What stands above it.
    fn heading(self) -> &'static str {
        match self {
            Self::Refusals => "#### Refused: this plan would not be applied\n\n",
            Self::Errors => "#### Errors\n\n",
            Self::Warnings => "#### Warnings\n\n",
            Self::Impact => "#### What it means to the people on call\n\n",
            Self::Changes => "| action | kind | name | place | what |\n| --- | --- | --- | --- | --- |\n",
            Self::Details => "#### Details\n\n",
            Self::Unmanaged => "#### Not in these files, and left as they are\n\n",
            Self::Notes => "#### Notes\n\n",
        }
    }

    /// What one piece of it is, and many.
    fn noun(self) -> (&'static str, &'static str) {
        match self {
            Self::Refusals => ("refusal or list of names", "refusals or lists of names"),
            Self::Errors => ("error", "errors"),
            Self::Warnings => ("warning", "warnings"),
            Self::Impact => ("alert", "alerts"),
            Self::Changes => ("change", "changes"),
            Self::Details => ("change in detail", "changes in detail"),
            Self::Unmanaged => ("list of names", "lists of names"),
            Self::Notes => ("note", "notes"),
        }
    }
}

/// Some lines that are shown as a whole or not at all.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) part: Part,
    /// How soon it is given up: the highest first.
    pub(super) keep: u8,
    /// Whole lines, each with its end.
    pub(super) text: String,
}

/// A comment in the making.
pub(super) struct Page {
    head: String,
    /// The heading of one more column of the table of changes.
    column: Option<String>,
    pieces: Vec<Piece>,
}

impl Page {
    /// A comment that begins with `head`, whatever else is cut.
    pub(super) fn new(head: String) -> Self {
        Self { head, column: None, pieces: Vec::new() }
    }

    /// Adds a column to the table of changes.
    pub(super) fn with_column(self, column: Option<String>) -> Self {
        Self { column, ..self }
    }

    /// Puts a piece behind the others of its part.
    pub(super) fn add(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    /// The comment, cut where it must be.
    pub(super) fn finish(self) -> String {
        let kept = self.kept();
        let mut out = self.head;
        let mut cut = Vec::new();
        for part in Part::ALL {
            let of_part = || self.pieces.iter().zip(&kept).filter(|(piece, _)| piece.part == part);
            let lost = of_part().filter(|(_, kept)| !**kept).count();
            let shown = of_part().any(|(_, kept)| *kept);
            if shown {
                out.truncate(out.trim_end().len());
                out.push_str("\n\n");
                match (part, &self.column) {
                    (Part::Changes, Some(column)) => out.push_str(&format!(
                        "| action | kind | name | place | what | {column} |\n| --- | --- | --- | --- | --- | --- |\n"
                    )),
                    _ => out.push_str(part.heading()),
                }
                let pieces: Vec<&Piece> =
                    of_part().filter(|(_, kept)| **kept).map(|(piece, _)| piece).collect();
                out.push_str(&together(&pieces));
            }
            if lost > 0 {
                let (one, many) = part.noun();
                let lost = plural(lost, one, many);
                if shown {
                    out.push_str(&format!("\n… and {lost} more, not shown here.\n"));
                }
                cut.push(lost);
            }
        }
        if !cut.is_empty() {
            let cut = cut.join(", ");
            out.push_str(&format!(
                "\n**This comment was cut to fit**: {cut} left out. \
                 `librato-apply plan --format text` shows everything.\n"
            ));
        }
        out
    }

    /// Which pieces there is room for.
    fn kept(&self) -> Vec<bool> {
        let mut order: Vec<usize> = (0..self.pieces.len()).collect();
        order.sort_by_key(|i| self.pieces[*i].keep);
        let mut room = LONGEST.saturating_sub(RESERVE + self.head.chars().count());
        let mut kept = vec![false; self.pieces.len()];
        let mut cut = false;
        for i in order {
            let Piece { keep, text, .. } = &self.pieces[i];
            let length = text.chars().count();
            // One long piece does not take the others of its rank with it, but notes never outlive what matters.
            kept[i] = length <= room && !(cut && *keep == NOTES);
            cut |= !kept[i];
            room -= if kept[i] { length } else { 0 };
        }
        kept
    }
}

/// Pieces of one part: as they come, but where harmless ones are many, these in the end and folded away.
fn together(pieces: &[&Piece]) -> String {
    let (harmless, others): (Vec<&Piece>, Vec<&Piece>) =
        pieces.iter().copied().partition(|piece| piece.keep == HARMLESS);
    let text = |pieces: &[&Piece]| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
    if harmless.len() <= UNFOLDED {
        return text(pieces);
    }
    let title = plural(harmless.len(), "alert", "alerts");
    let folded = text(&harmless);
    format!(
        "{}\n<details>\n<summary>{title}, none of them weaker</summary>\n\n{folded}\n</details>\n",
        text(&others)
    )
}
