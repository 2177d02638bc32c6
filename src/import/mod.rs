//! Definitions of other tools become ours: Terraform configurations and states, and the Ruby files of lbrt. Texts in, objects out.
//! Nothing is guessed and nothing is run: what is not known from the files alone is reported and left out.

mod collected;
mod draft;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod lbrt;
mod node;
mod reader;
mod settings;
mod terraform;

use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, FileId, Files, Place, Report};
use crate::model::{Address, Resource};

pub use lbrt::lbrt;
pub use terraform::terraform;

/// A file to import.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file, added by [`crate::diag::Files::add_foreign`].
    pub file: FileId,
    /// Its directory, with `/` between the steps; files of one directory belong together.
    pub dir: String,
    /// The name of the file, which may tell what is in it.
    pub name: String,
}

/// Values for the variables of a Terraform configuration, beside the files in which Terraform looks for some itself.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// Files of variables for all roots, the last of which counts.
    pub files: Vec<Source>,
    /// Single values, which count before all files: the name, and a text `name=value`.
    pub set: Vec<(String, FileId)>,
}

/// An object under its identity.
pub type Made = (Address, Resource);

/// What became of the files.
#[derive(Debug, Default)]
pub struct Imported {
    /// Objects that would pass `validate`, sorted; the charts of a space in the order of their creation, as far as it is known.
    /// Settings of services that are secret hold whatever the files have, or a text of no meaning where they only name a source.
    pub objects: Vec<Made>,
    /// Services that objects notify and the files do not declare, with their types.
    pub externals: BTreeMap<String, String>,
    /// What could not be carried over, as errors, and what is worth a look.
    pub report: Report,
}

impl Imported {
    /// How many things the objects lack: what is an error, and what is only warned of since it may be none of ours.
    pub fn left_out(&self) -> usize {
        let unread = |found: &&Diagnostic| found.code == Code::ModuleNotRead.name();
        self.report.errors() + self.report.iter().filter(unread).count()
    }
}

/// The largest text in a language of another tool that is read; its tree takes many times as much.
const LARGEST: usize = 4 << 20;

fn too_large(source: &Source, files: &Files) -> Option<Diagnostic> {
    let message = format!("`{}` is larger than {} MiB", source.name, LARGEST >> 20);
    let found = Diagnostic::error(Code::FileTooLarge, message).at(Place::File(source.file), "");
    (files.text(source.file).len() > LARGEST).then_some(found)
}

#[cfg(test)]
mod tests;
