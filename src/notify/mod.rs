//! What services are told of incidents, and how: [`Message`] is what is to be said, as it waits to be sent. Knows no tables and no
//! server of HTTP.

mod allowed;
mod message;

pub use allowed::Allowed;
pub use message::{Message, Subject, Test, Violation, What};
