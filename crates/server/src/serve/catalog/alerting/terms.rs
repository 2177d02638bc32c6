//! On what terms something is written.

use std::sync::Arc;

/// What is the same for all that is written together.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Whose account it is, as messages say it.
    pub account: Arc<str>,
    /// Whether anybody is notified at all.
    pub notify: bool,
    /// The second it is.
    pub now: i64,
}
