//! What servers know of each other.

/// What a server tells the others of itself, beside its name, which its store has.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Node {
    /// Where it can be reached.
    pub url: Option<String>,
    /// A digest of who may come in, which must be the same everywhere.
    pub credentials: String,
    /// Whether it notifies anybody when it is its turn.
    pub notifies: bool,
}
