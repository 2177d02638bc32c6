//! How a server says that it keeps alerts without evaluating them, as the built-in one does for the length of a command, or where it is
//! told to.

/// The header of every answer.
pub const HEADER: &str = "x-alerts";

/// What it says.
pub const VALUE: &str = "not-evaluated";
