//! How a server says that it keeps alerts without evaluating them, as the built-in one does for now. When it evaluates them,
//! this file goes, and with it all that the compiler then misses.

/// The header of every answer.
pub const HEADER: &str = "x-alerts";

/// What it says.
pub const VALUE: &str = "not-evaluated";
