//! What servers know of each other.

/// What a server tells the others of itself.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Node {
    /// What people call it. Something random by default.
    pub name: String,
    /// Where it can be reached.
    pub url: Option<String>,
    /// A digest of who may come in, which must be the same everywhere.
    pub credentials: String,
}
