//! What services are told of incidents, and how: [`Message`] is what is to be said, as it waits to be sent; [`render`] makes a
//! [`Request`] of it for a type of service and its settings; [`Success::judge`] says what an answer means. Knows no tables and no
//! server of HTTP.

mod allowed;
mod dead;
mod judge;
mod message;
mod payload;
mod post;
mod render;
mod request;
mod settings;
mod text;

pub use allowed::Allowed;
pub use dead::dead;
pub use judge::{Answer, Outcome, Success};
pub use message::{How, Message, Subject, Test, Violation, What};
pub use render::{BASED, digest, digests, render};
pub use request::{Http, Letter, Mail, Request, Surroundings, Unsendable};
