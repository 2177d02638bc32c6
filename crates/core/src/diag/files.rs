//! The texts that were read, by file, and where a place is in them.
//! The index of a file is built when something is first looked up in it, so that a good run pays nothing for it.

use std::{ops::Range, sync::OnceLock};

use super::scalar::Scalar;
use super::{FileId, Part, Place, Position, Route, RouteIndex, mask};

/// A line of a secret of several lines is a secret by itself from this many bytes on.
const SECRET_LINE: usize = 8;

/// One file: its display name, its text, and (once asked for) its index and masks.
pub struct SourceFile {
    name: String,
    text: String,
    indexer: fn(&str) -> RouteIndex,
    index: OnceLock<RouteIndex>,
    line_starts: OnceLock<Vec<usize>>,
    masks: OnceLock<Vec<Range<usize>>>,
    foreign: bool,
}

/// All files that were read, with the literal values that must never be shown.
///
/// Has no `Debug`: texts may hold secrets.
#[derive(Default)]
pub struct Files {
    files: Vec<SourceFile>,
    secrets: Vec<String>,
}

impl Files {
    /// Keeps a text under a display name. `indexer` is called at most once, when a place in this file is first looked up.
    pub fn add(&mut self, name: impl Into<String>, text: String, indexer: fn(&str) -> RouteIndex) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            name: name.into(),
            text,
            indexer,
            index: OnceLock::new(),
            line_starts: OnceLock::new(),
            masks: OnceLock::new(),
            foreign: false,
        });
        id
    }

    /// Keeps a text that is not in our own format, so that no one here can say which of it is secret: none of it is shown until
    /// [`Files::reveal`] says what may be.
    pub fn add_foreign(
        &mut self,
        name: impl Into<String>,
        text: String,
        indexer: fn(&str) -> RouteIndex,
    ) -> FileId {
        let id = self.add(name, text, indexer);
        if let Some(file) = self.files.last_mut() {
            file.foreign = true;
            file.masks = std::iter::once(0..file.text.len()).collect::<Vec<_>>().into();
        }
        id
    }

    /// Says what of a foreign text may be shown: these bytes, in any order, but for those that are hidden.
    pub fn reveal(&mut self, file: FileId, mut shown: Vec<Range<usize>>, hidden: Vec<Range<usize>>) {
        let Some(file) = self.files.get_mut(file.0 as usize).filter(|file| file.foreign) else { return };
        shown.sort_by_key(|range| range.start);
        let mut masks = hidden;
        let mut from = 0;
        for range in shown {
            masks.push(from..range.start.max(from));
            from = from.max(range.end);
        }
        masks.push(from..file.text.len().max(from));
        file.masks = mask::merged(masks).into();
    }

    /// Replaces this value by `*` in everything that is shown from now on; of a value of several lines also each long line.
    /// Empty values are ignored; those shorter than four bytes are replaced only where they are a whole scalar, since they occur
    /// everywhere by chance.
    pub fn add_secret(&mut self, value: &str) {
        let value = value.trim();
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= SECRET_LINE);
        for secret in std::iter::once(value).chain(lines) {
            if !secret.is_empty() && !self.secrets.iter().any(|known| known == secret) {
                self.secrets.push(secret.to_owned());
            }
        }
        // A longer value may contain a shorter one and is replaced first.
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// The display name of a file.
    pub fn name(&self, file: FileId) -> &str {
        self.get(file).map_or("", |f| &f.name)
    }

    /// The text of a file, unmasked: for reading, never for showing.
    pub fn text(&self, file: FileId) -> &str {
        self.get(file).map_or("", |f| &f.text)
    }

    /// Line, column and bytes of a place; `None` for a place without any (a whole file).
    pub fn locate(&self, place: &Place) -> Option<Position> {
        let file = self.get(place.file())?;
        let span = match place {
            Place::Node { route, part: Part::Text { start, end }, .. } => {
                let scalar = file.scalar(route).and_then(|scalar| scalar.span(&(*start..*end)));
                scalar.or_else(|| file.index().span(route, Part::Value))?
            }
            Place::Node { route, part, .. } => file.index().span(route, *part)?,
            Place::Bytes { span, .. } => span.clone(),
            Place::File(_) => return None,
        };
        Some(file.position(&span))
    }

    /// Whether exactly this node is in the document, also by way of an alias or a merge.
    pub fn contains(&self, file: FileId, route: &Route) -> bool {
        self.get(file).is_some_and(|f| f.index().contains(route))
    }

    /// What the scalar at a route says, references still in it; `None` where there is none, or where it cannot be followed.
    pub fn scalar(&self, file: FileId, route: &Route) -> Option<String> {
        self.get(file)?.scalar(route).map(Scalar::into_text)
    }

    pub(super) fn get(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }
}

impl SourceFile {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn index(&self) -> &RouteIndex {
        self.index.get_or_init(|| (self.indexer)(&self.text))
    }

    fn scalar(&self, route: &Route) -> Option<Scalar> {
        Scalar::read(&self.text, self.index().scalar(route)?)
    }

    /// Whether all of a piece is hidden and it has nothing to show but stars.
    pub(super) fn hides(&self, piece: &Range<usize>) -> bool {
        self.foreign && self.masks().iter().any(|mask| mask.start <= piece.start && piece.end <= mask.end)
    }

    /// What of the text must not be shown, sorted and disjoint.
    pub(super) fn masks(&self) -> &[Range<usize>] {
        self.masks.get_or_init(|| mask::ranges(&self.text, self.index()))
    }

    /// The number (from zero) of the line that holds this byte.
    pub(super) fn line_of(&self, byte: usize) -> usize {
        self.line_starts().partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// The bytes of a line (numbered from zero) without its line break.
    pub(super) fn line(&self, number: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(number).copied().unwrap_or(self.text.len());
        let end = starts.get(number + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or_default();
        start..start + line.trim_end_matches(['\n', '\r']).len()
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        })
    }

    fn position(&self, span: &Range<usize>) -> Position {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.ceil_char_boundary(span.end.max(start));
        let line = self.line_of(start);
        let before = self.text.get(self.line(line).start..start).unwrap_or_default();
        let column = before.trim_start_matches('\u{feff}').chars().count() + 1;
        Position { file: self.name.clone(), line: line + 1, column, span: start..end }
    }
}
