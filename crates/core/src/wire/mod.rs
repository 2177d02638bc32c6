//! The JSON of the API and nothing else, shared by the client, the server and `submit`.
//! Lenient by design: whatever a Librato-compatible service is known to send can be read.
//! Knows nothing of HTTP, of files or of the user's vocabulary.
pub mod entity_tags;
mod errors;
pub mod lenient;
pub mod ours;
mod page;
pub mod unevaluated;
pub mod warned;

pub use errors::{ApiMessage, ApiMessages, Failures};
pub use page::{Page, Query, TextPage};
