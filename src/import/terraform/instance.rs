//! Modules and instances of resources as a configuration has them. Values; nothing is worked out here.

use std::collections::HashMap;

use super::super::node::{Fields, Node};
use super::hcl::Index;

/// One module as it is called: its files, its address, and its variables.
pub(super) struct Module<'a> {
    pub index: &'a Index<'a>,
    /// The number of the root it is below.
    pub world: usize,
    /// Its directory, behind those of the modules around it.
    pub dirs: Vec<&'a str>,
    /// `module.web["eu"].`, or nothing for a root.
    pub path: String,
    /// `None` for a root, whose variables have other sources.
    pub variables: Option<HashMap<String, Node>>,
}

impl<'a> Module<'a> {
    /// The directory of its files.
    pub fn dir(&self) -> &'a str {
        self.dirs.last().copied().unwrap_or_default()
    }
}

/// One instance of a resource or module: how it is written behind the address, and what `count` or `each` stand for.
#[derive(Clone)]
pub(super) struct Instance {
    pub key: Key,
    pub bindings: Fields,
}

/// What tells an instance from the others.
#[derive(Clone, PartialEq)]
pub(super) enum Key {
    Only,
    Index(u64),
    Name(String),
}

impl Key {
    pub fn suffix(&self) -> String {
        match self {
            Self::Only => String::new(),
            Self::Index(index) => format!("[{index}]"),
            Self::Name(name) => format!("[{name:?}]"),
        }
    }
}
