//! Diagnostics as text for people, in the form the Rust compiler has made familiar.
//! It decides which lines are shown; what they may show is decided in `shown`.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::files::SourceFile;
use super::shown::{Shown, clean};
use super::{Diagnostic, FileId, Files, Label, Report, Severity};

/// Labels further apart than this are shown as two pieces of the file.
const MAX_GAP: usize = 200;

/// A piece larger than this (one endless line) is not shown; its position still is.
const MAX_PIECE: usize = 8 << 10;

/// The report as text, one diagnostic after the other, each followed by a blank line; with colours when `styled`.
pub fn render(report: &Report, files: &Files, styled: bool) -> String {
    let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in report {
        let text = renderer.render(&[group(diagnostic, files)]);
        for line in text.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn group(diagnostic: &Diagnostic, files: &Files) -> Group<'static> {
    let title =
        level(diagnostic.severity).primary_title(clean(files, &diagnostic.message)).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for piece in pieces(diagnostic, files) {
        group = group.elements(piece.elements(files));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(clean(files, help)));
    }
    group
}

/// A label with its bytes, or without when it means a whole file.
struct Mark<'a> {
    label: &'a Label,
    kind: AnnotationKind,
    span: Option<Range<usize>>,
    line: usize,
}

/// Labels of one file that are shown together.
struct Piece<'a> {
    file: FileId,
    marks: Vec<Mark<'a>>,
}

fn pieces<'a>(diagnostic: &'a Diagnostic, files: &Files) -> Vec<Piece<'a>> {
    let primary = diagnostic.primary.iter().map(|label| (label, AnnotationKind::Primary));
    let secondary = diagnostic.secondary.iter().map(|label| (label, AnnotationKind::Context));
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for (label, kind) in primary.chain(secondary) {
        let file = label.place.file();
        let position = files.locate(&label.place);
        let line = position.as_ref().map_or(0, |p| p.line - 1);
        let mark = Mark { label, kind, span: position.map(|p| p.span), line };
        let near = |piece: &&mut Piece| piece.file == file && piece.marks.iter().any(|m| m.near(&mark));
        match pieces.iter_mut().find(near) {
            Some(piece) => piece.marks.push(mark),
            None => pieces.push(Piece { file, marks: vec![mark] }),
        }
    }
    pieces
}

impl Mark<'_> {
    fn near(&self, other: &Mark<'_>) -> bool {
        self.span.is_some() && other.span.is_some() && self.line.abs_diff(other.line) <= MAX_GAP
    }

    /// The underline: no more than what is on its first line.
    fn annotation(&self, files: &Files, file: &SourceFile, shown: &Shown) -> Annotation<'static> {
        let span = self.span.clone().unwrap_or_default();
        let end = span.end.min(file.line(self.line).end).max(span.start);
        let text = clean(files, &self.label.text);
        self.kind.span(shown.span(&(span.start..end))).label((!text.is_empty()).then_some(text))
    }
}

impl Piece<'_> {
    fn elements(&self, files: &Files) -> Vec<Element<'static>> {
        let name = clean(files, files.name(self.file));
        match files.get(self.file) {
            Some(file) if self.marks.iter().all(|m| m.span.is_some()) => self.snippet(files, file, name),
            _ => self.without_text(files, name, None),
        }
    }

    fn snippet(&self, files: &Files, file: &SourceFile, name: String) -> Vec<Element<'static>> {
        let first = self.marks.iter().map(|m| m.line).min().unwrap_or(0);
        let last = self.marks.iter().map(|m| m.line).max().unwrap_or(0);
        let window = file.line(first).start..file.line(last).end;
        if window.len() > MAX_PIECE || file.hides(&window) {
            let place = self.marks.first().and_then(|m| files.locate(&m.label.place));
            return self.without_text(files, name, place.map(|p| (p.line, p.column)));
        }
        let shown = Shown::of(files, file, &window);
        let annotations: Vec<_> = self.marks.iter().map(|m| m.annotation(files, file, &shown)).collect();
        let snippet = Snippet::source(shown.text).path(name).line_start(first + 1).annotations(annotations);
        vec![snippet.into()]
    }

    fn without_text(&self, files: &Files, name: String, at: Option<(usize, usize)>) -> Vec<Element<'static>> {
        let origin = Origin::path(name);
        let origin = match at {
            Some((line, column)) => origin.line(line).char_column(column),
            None => origin,
        };
        let texts = self.marks.iter().map(|m| clean(files, &m.label.text)).filter(|text| !text.is_empty());
        std::iter::once(origin.into()).chain(texts.map(|text| Level::NOTE.message(text).into())).collect()
    }
}
