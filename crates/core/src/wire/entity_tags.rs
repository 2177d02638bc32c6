//! How the server gives the tags of what it lists, to those who ask for them: a header of the request, and a member of each
//! object, which no kind of object has otherwise.

/// The value of the header `Prefer`.
pub const PREFERENCE: &str = "entity-tags";

/// The member that holds the tag, as a single object has it in the header `ETag`.
pub const MEMBER: &str = "etag";
