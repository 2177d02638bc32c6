//! What was found in a data file, as it is told to people.

use std::fmt;
use std::path::{Path, PathBuf};

/// A table, with what one row and several are called.
type Counted = (&'static str, &'static str, &'static str);

/// What there is, as people ask for it: groups of tables.
const GROUPS: &[(&str, &[Counted])] = &[
    (
        "measurements",
        &[
            ("metrics", "metric", "metrics"),
            ("sources", "source", "sources"),
            ("series", "series", "series"),
            (POINTS, "point", "points"),
        ],
    ),
    ("annotations", &[("streams", "stream", "streams"), ("events", "event", "events")]),
    (
        "definitions",
        &[
            ("alerts", "alert", "alerts"),
            ("conditions", "condition", "conditions"),
            ("services", "service", "services"),
            ("spaces", "space", "spaces"),
            ("charts", "chart", "charts"),
            ("instruments", "instrument", "instruments"),
            ("dashboards", "dashboard", "dashboards"),
        ],
    ),
    (
        "alerts' states",
        &[
            ("alert_states", "state", "states"),
            ("incidents", "incident", "incidents"),
            ("deliveries", "delivery", "deliveries"),
            ("silences", "silence", "silences"),
        ],
    ),
    (
        "others",
        &[
            ("snapshots", "snapshot", "snapshots"),
            ("pictures", "picture", "pictures"),
            ("chart_tokens", "chart token", "chart tokens"),
            ("api_tokens", "API token", "API tokens"),
            ("jobs", "job", "jobs"),
            ("audit", "entry of the audit", "entries of the audit"),
        ],
    ),
];

/// The name of the points of all tables together.
const POINTS: &str = "points";

/// How the count of the points that are packed in a table begins.
const POINTS_IN: &str = "points in ";

/// Problems told in one report; a damaged file can have millions.
pub const MAX_REPORTED: usize = 100;

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
    pub(in crate::serve) fn new(path: PathBuf, schema: i32) -> Report {
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

    /// How many there are of what a row of a group stands for.
    fn total(&self, name: &str) -> Option<u64> {
        if name != POINTS {
            return self.count(name);
        }
        let packed = self.counts.iter().filter(|(known, _)| known.starts_with(POINTS_IN));
        packed.map(|(_, count)| *count).reduce(u64::saturating_add)
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
        if self.problems.len() < MAX_REPORTED {
            self.problems.push(problem);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_sound() { "sound" } else { "damaged" };
        writeln!(f, "{}: {verdict} (schema {})", self.path.display(), self.schema)?;
        for (group, rows) in GROUPS {
            let told = rows.iter().filter_map(|(name, one, many)| {
                let count = self.total(name)?;
                Some(format!("{count} {}", if count == 1 { one } else { many }))
            });
            let told = told.collect::<Vec<_>>().join(", ");
            if !told.is_empty() {
                writeln!(f, "  {group:<14}  {told}")?;
            }
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
        self.problems.iter().try_for_each(|problem| writeln!(f, "  problem: {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::schema;
    use super::*;

    /// Tables that the server keeps for itself, whose rows say nothing to people.
    const INTERNAL: &[&str] = &[
        "alert_clock",
        "alert_services",
        "blocks",
        "damaged",
        "dashboard_instruments",
        "file_properties",
        "idempotency_keys",
        "journal",
        "metrics_gone",
        "pages",
        "parts",
        "retention",
        "streams_of_charts",
    ];

    #[test]
    fn every_table_is_told_in_a_group_or_kept_to_itself() {
        let connection = Connection::open_in_memory().unwrap();
        schema::build(&connection, schema::CURRENT).unwrap();
        let sql =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'";
        let mut select = connection.prepare(sql).unwrap();
        let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut found: Vec<String> = found.map(Result::unwrap).collect();
        let told = GROUPS.iter().flat_map(|(_, rows)| rows.iter().map(|(name, ..)| *name));
        let mut known: Vec<&str> =
            told.filter(|name| *name != POINTS).chain(INTERNAL.iter().copied()).collect();
        found.sort();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn a_report_tells_what_people_ask_for_in_groups() {
        let mut report = Report::new("a.db".into(), 8);
        for (name, count) in [
            ("alerts", 1),
            ("conditions", 2),
            ("blocks", 7),
            ("journal", 3),
            ("damaged", 0),
            ("metrics", 1),
            ("alert_states", 0),
            ("points in journal", 20),
            ("points in pages", 400),
        ] {
            report.counted(name.to_owned(), count);
        }
        report.note("note: something".to_owned());
        assert_eq!(
            report.to_string(),
            "a.db: sound (schema 8)\n  measurements    1 metric, 420 points\n  definitions     1 alert, 2 conditions\n  \
             alerts' states  0 states\n  note: something\n"
        );
    }
}
