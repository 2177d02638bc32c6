//! What services are told of incidents, and how: [`Message`] is what is to be said, as it waits to be sent; [`render()`] makes a
//! [`Request`] of it for a type of service and its settings; [`Sender`] sends it, and [`Success::judge`]
//! says what an answer means. Knows no tables and no
//! server of HTTP.

mod allowed;
mod client;
mod dead;
mod excerpt;
mod guard;
mod judge;
mod mail;
mod message;
mod payload;
mod post;
mod relay;
mod render;
mod request;
mod sender;
mod settings;
#[cfg(test)]
pub(crate) mod sink;
mod text;

pub use allowed::{AllowList, Allowed};
pub use client::{Answered, Client, ClientError, Failed, Patience, Way};
pub use dead::dead;
pub use guard::{Refusal, refused};
pub use judge::{Answer, Outcome, Success};
pub use mail::Handed;
pub use message::{How, Message, Subject, Test, Violation, What};
pub use relay::{Relay, RelayError, RelayOptions};
pub use render::{BASED, digest, digests, links_pictures, render};
pub use request::{Http, Illustration, Letter, LinkedPicture, Mail, Request, Surroundings, Unsendable};
pub use sender::{Report, Sender, Verdict};
