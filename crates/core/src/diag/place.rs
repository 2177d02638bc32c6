//! Places: symbolic ones, as diagnostics carry them, and positions, as they are shown.
//! Turning one into the other is the business of `Files`.

use std::{fmt, ops::Range};

use super::Route;

/// One of the files that were read; only meaningful together with the [`super::Files`] that gave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(super) u32);

/// Which part of `key: value` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key. An item of a list, which has none, is underlined itself.
    Key,
    /// The value. A block that starts on a later line, and a value that was left blank, are shown by their key.
    Value,
    /// A stretch of a scalar, in bytes of what it says: escapes, folding and indentation undone. Where the scalar cannot be followed
    /// so closely, it is shown as a whole.
    Text {
        /// Its first byte.
        start: usize,
        /// Behind its last byte.
        end: usize,
    },
}

/// Where a diagnostic points, before anyone has looked for line and column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A node of the document; where it is not written, its nearest enclosing node that is.
    Node {
        file: FileId,
        /// The way to the node.
        route: Route,
        /// Which part of the entry.
        part: Part,
    },
    /// A stretch of the text.
    Bytes {
        file: FileId,
        /// Bytes from the start of the text.
        span: Range<usize>,
    },
    /// The file as a whole.
    File(FileId),
}

impl Place {
    /// The file this place is in.
    pub fn file(&self) -> FileId {
        match self {
            Place::Node { file, .. } | Place::Bytes { file, .. } | Place::File(file) => *file,
        }
    }
}

/// A place someone can go to. Displayed as `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The name of the file as it is shown.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// Bytes from the start of the text.
    pub span: Range<usize>,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
