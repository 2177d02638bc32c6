//! What was found in a data file, as it is told to people.

use std::fmt;
use std::path::{Path, PathBuf};

/// Tables that the server keeps for itself, whose rows say nothing to people.
const INTERNAL: &[&str] = &[
    "alert_clock",
    "alert_services",
    "alert_states",
    "dashboard_instruments",
    "file_properties",
    "idempotency_keys",
    "journal_folded",
    "streams_of_charts",
];

/// Problems told in one report; a damaged file can have millions.
pub const TOLD: usize = 100;

/// What was found in a data file. Its text is made for people: a line that says whether the file is sound, then what
/// is in it and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Report {
    path: PathBuf,
    schema: i32,
    /// What there is of everything, by its name.
    counts: Vec<(String, u64)>,
    problems: Vec<String>,
    /// What is worth knowing and not wrong.
    notes: Vec<String>,
}

impl Report {
    /// Of a file in which nothing was looked at yet.
    pub(super) fn new(path: PathBuf, schema: i32) -> Report {
        Report { path, schema, counts: Vec::new(), problems: Vec::new(), notes: Vec::new() }
    }

    /// Whether nothing is wrong with the file.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many rows a table has, or how many points are packed in it (`points in <table>`).
    pub fn count(&self, name: &str) -> Option<u64> {
        self.counts.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }

    /// Whether there is such a table.
    pub(in crate::serve) fn has(&self, table: &str) -> bool {
        self.count(table).is_some()
    }

    /// The same file under the name `path`.
    pub(super) fn of(mut self, path: &Path) -> Report {
        path.clone_into(&mut self.path);
        self
    }

    pub(in crate::serve) fn schema(&self) -> i32 {
        self.schema
    }

    pub(in crate::serve) fn counted(&mut self, name: String, count: u64) {
        self.counts.push((name, count));
    }

    pub(in crate::serve) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(in crate::serve) fn problem(&mut self, problem: String) {
        if self.problems.len() < TOLD {
            self.problems.push(problem);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_sound() { "sound" } else { "damaged" };
        writeln!(f, "{}: {verdict} (schema {})", self.path.display(), self.schema)?;
        let internal = |name: &str| INTERNAL.contains(&name);
        for (name, count) in self.counts.iter().filter(|(name, _)| !internal(name)) {
            writeln!(f, "  {count} {}", name.replace('_', " "))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  problem: {problem}"))
    }
}
