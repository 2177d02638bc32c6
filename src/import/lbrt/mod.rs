//! The Ruby files of lbrt, as its `export` writes them: alerts, services and spaces as plain data. No Ruby is run.
//! What is computed, such as a template, is reported by its place and left out.

mod lexer;
mod names;
mod objects;
mod parser;
mod text;

use super::collected::Collected;
use super::{Imported, Source, too_large};
use crate::diag::{Files, Report};

/// Reads files of all three kinds in any order. Secrets of services are made known to `files`, and what of the texts may be shown.
pub fn lbrt(sources: &[Source], files: &mut Files) -> Imported {
    let mut out = Collected::default();
    let mut all = Vec::new();
    for source in sources {
        if let Some(problem) = too_large(source, files) {
            out.report.push(problem);
            continue;
        }
        let parsed = parser::parse(source.file, files.text(source.file));
        let (shown, hidden) = objects::visible(&parsed);
        files.reveal(source.file, shown, hidden);
        all.push(parsed);
    }
    let mut report = Report::default();
    objects::make(all, sources, files, &mut out, &mut report);
    out.report.extend(report);
    out.finish()
}
