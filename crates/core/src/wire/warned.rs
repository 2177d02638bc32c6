//! How a server says of an object that it takes as it is and that will all the same not work as it stands there. In a header, since the
//! answer itself is read by clients that know nothing of it.

/// The header of the answer; its value is a sentence in ASCII.
pub const HEADER: &str = "x-warning";
