//! What the files ask for: every declared object with its intent and the place it was written.
//! Knows nothing of the remote, nor of how the files were read.

use std::collections::BTreeMap;

use super::{Address, Kind, Resource, Scopes};
use crate::diag::{FileId, Files, Part, Place, Route, Seg};

/// What is to become of a declared object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It shall exist as written.
    Present,
    /// It shall not exist.
    Absent,
    /// It must exist already; it is never written.
    External,
}

/// Where an object was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The file.
    pub file: FileId,
    /// The object in it.
    pub route: Route,
    /// Where the file's defaults for this kind stand, for the fields the object does not write itself.
    pub defaults: Option<Route>,
}

impl Origin {
    /// The place of something inside the object, or of the object where the files do not show it.
    pub fn place(&self, files: &Files, inside: &Route, part: Part) -> Place {
        let own = self.route.join(inside);
        // An item of a list has no key: a chart is known by its name.
        if let (Part::Key, Some(Seg::Index(_))) = (part, own.segs().last()) {
            return Place::Node { file: self.file, route: own.key("name"), part: Part::Value };
        }
        let route = match &self.defaults {
            Some(defaults)
                if !files.contains(self.file, &own) && files.contains(self.file, &defaults.join(inside)) =>
            {
                defaults.join(inside)
            }
            _ => own,
        };
        Place::Node { file: self.file, route, part }
    }
}

/// One declared object.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The kind of the section it stands in.
    pub kind: Kind,
    /// The fields that are written.
    pub resource: Resource,
    /// What is to become of it.
    pub intent: Intent,
    /// Whether replacing or deleting it is refused.
    pub protect: bool,
    /// Its former name, to be renamed in place.
    pub renamed_from: Option<String>,
    /// Where it was written.
    pub origin: Origin,
    /// Fields that hold secrets, as references that a later run can resolve again: `https://x/${secret.TOKEN}`.
    pub secrets: BTreeMap<Route, String>,
}

/// The names of charts in their order, by the name of their space.
pub type ChartOrder = BTreeMap<String, Vec<String>>;

/// Everything the files ask for.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// Declared objects by identity.
    pub objects: BTreeMap<Address, Wish>,
    /// The names of the declared charts in the order of the files, by space.
    pub chart_order: ChartOrder,
    /// What the `settings` section says.
    pub settings: Settings,
}

/// The `settings` section, resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The service to talk to, and the directory of the file that says so, which relative paths start from.
    pub endpoint: Option<(String, std::path::PathBuf)>,
    /// Which undeclared objects are deleted.
    pub prune: Scopes,
    /// Which objects are none of our business.
    pub ignore: Scopes,
    /// Which objects are never replaced or deleted.
    pub protect: Scopes,
    /// How many deletes and replaces a run may make.
    pub max_deletes: Option<u32>,
    /// The file that holds the section and the directory it stands in.
    pub home: Option<(FileId, std::path::PathBuf)>,
    /// The directory that file really lies in, links followed; none for standard input.
    pub real_home: Option<std::path::PathBuf>,
}
