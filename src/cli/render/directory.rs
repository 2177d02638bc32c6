//! A directory of rendered files: what in it is ours, what is not, and what differs. Ours are files with our first line, and the report.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use librato_apply::prometheus::{ALERTMANAGER, HEADER};

use super::super::files::{self, Readers};

/// Where files of ours may stand.
const PLACES: [&str; 3] = ["", "rules", "tests"];

/// What a directory holds, held against what it should.
pub struct Directory {
    root: PathBuf,
    /// Files that are missing.
    missing: Vec<PathBuf>,
    /// Files of ours with another text.
    changed: Vec<PathBuf>,
    /// Files of ours that are no longer rendered.
    pub stale: Vec<PathBuf>,
    /// Files that stand where ours belong, and are not ours.
    pub foreign: Vec<PathBuf>,
}

impl Directory {
    /// Reads it; one that does not exist is empty.
    pub fn look(root: &Path, wanted: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let mut found = Self {
            root: root.to_owned(),
            missing: Vec::new(),
            changed: Vec::new(),
            stale: Vec::new(),
            foreign: Vec::new(),
        };
        for (name, text) in wanted {
            let path = root.join(name);
            match std::fs::read(&path) {
                Ok(bytes) if bytes == text.as_bytes() => {}
                Ok(bytes) if is_ours(name, &bytes) => found.changed.push(path),
                Ok(_) => found.foreign.push(path),
                Err(error) if error.kind() == ErrorKind::NotFound => found.missing.push(path),
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            }
        }
        for place in PLACES {
            found.stale.extend(stale(root, place, wanted)?);
        }
        found.stale.sort();
        Ok(found)
    }

    /// A line for each file that is not as it should be.
    pub fn differences(&self) -> Vec<String> {
        let line = |what: &'static str| move |path: &PathBuf| format!("{what} {}", path.display());
        let lists = [
            ("missing:", &self.missing),
            ("differs:", &self.changed),
            ("differs:", &self.foreign),
            ("no longer rendered:", &self.stale),
        ];
        lists.into_iter().flat_map(|(what, paths)| paths.iter().map(line(what))).collect()
    }

    /// Writes what is missing or differs, each file whole. Where secrets stand in the configuration of Alertmanager, no one else may read it.
    pub fn write(&self, wanted: &BTreeMap<String, String>, secret: bool) -> anyhow::Result<()> {
        for (name, text) in wanted {
            let path = self.root.join(name);
            if !self.missing.contains(&path) && !self.changed.contains(&path) {
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)
                    .with_context(|| format!("cannot make {}", parent.display()))?;
            }
            let readers = if secret && name == ALERTMANAGER { Readers::Owner } else { Readers::All };
            files::replace(&path, text.as_bytes(), readers)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Deletes what is no longer rendered.
    pub fn prune(&self) -> anyhow::Result<()> {
        for path in &self.stale {
            std::fs::remove_file(path).with_context(|| format!("cannot delete {}", path.display()))?;
        }
        Ok(())
    }
}

/// Whether a file was written by an earlier run.
fn is_ours(name: &str, bytes: &[u8]) -> bool {
    if name == "fidelity.json" {
        let report: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
        return report
            .is_some_and(|report| report["target"] == "prometheus" && report["format_version"].is_u64());
    }
    bytes.starts_with(HEADER.as_bytes())
}

fn stale(root: &Path, place: &str, wanted: &BTreeMap<String, String>) -> anyhow::Result<Vec<PathBuf>> {
    let directory = root.join(place);
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", directory.display())),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", directory.display()))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let below = if place.is_empty() { name.to_owned() } else { format!("{place}/{name}") };
        let yaml = path.extension().is_some_and(|end| end == "yml");
        if !yaml || wanted.contains_key(&below) || !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if is_ours(name, &bytes) {
            found.push(path);
        }
    }
    Ok(found)
}
