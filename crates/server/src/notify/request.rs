//! What goes to a service, and what stands around a message when it does. Pure. URLs, headers and bodies hold secrets of the settings:
//! they show themselves to no one but who sends them.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

use super::judge::Success;

/// What a message is rendered with, beside the settings of the service.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Where people reach this server; without it nothing is linked.
    pub public_url: Option<Url>,
    /// Whether it has pages for people, to which links then lead; else to the API.
    pub has_pages: bool,
    /// Where the operator wants services of a type to be reached, by type: other regions, tests. See [`super::BASED`].
    pub bases: BTreeMap<String, Url>,
    /// The name that stands in the ids of mails: of the public URL, or of this machine.
    pub host: String,
    /// Wall time of the attempt, in epoch seconds: signatures hold for minutes.
    pub now: i64,
    /// What the alert watches, where chats may show it.
    pub picture: Option<LinkedPicture>,
}

/// A picture that whoever has its address may see.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkedPicture {
    pub url: Url,
    /// What it shows, for who does not see it.
    pub words: String,
}

/// One attempt.
#[derive(Debug)]
pub enum Request {
    /// To someone who speaks HTTP.
    Http(Http),
    /// To people, by the relay of the operator.
    Mail(Mail),
}

/// A `POST`.
pub struct Http {
    /// Where to. User and password of a URL have become a header.
    pub url: Url,
    /// All of them, with the content type.
    pub headers: Vec<(&'static str, String)>,
    /// What is posted.
    pub body: Vec<u8>,
    /// What an answer means.
    pub success: Success,
    /// Whether the operator chose the address, which then is not guarded.
    pub trusted: bool,
}

impl fmt::Debug for Http {
    /// Path, query, headers and body hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "POST to {}, {} bytes", self.url.host_str().unwrap_or_default(), self.body.len())
    }
}

/// A mail, which goes to each address by itself: a relay that refuses one would refuse all.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// To whom.
    pub letters: Vec<Letter>,
    /// What it is about, as text without line breaks.
    pub subject: String,
    /// For people who read text.
    pub text: String,
    /// The same for everyone else.
    pub html: String,
    /// What the alert watches, where it could be drawn.
    pub picture: Option<Illustration>,
}

/// A picture in a mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Illustration {
    /// The picture itself.
    pub png: Vec<u8>,
    /// What it shows, for who does not see it.
    pub words: String,
    /// How wide it is shown, in pixels.
    pub width: u32,
}

/// What differs from address to address. The ids stand in angle brackets, as headers have them.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// The same for every attempt.
    pub message_id: String,
    /// The first mail of the incident to this address, for `References` and `In-Reply-To`; that one itself has none.
    pub answers: Option<String>,
}

/// Why a message cannot be sent, in words for the people who run this. No values of settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// There is no one any more who takes messages of this type.
    #[error("{0}")]
    Dead(String),
    /// Services of this type take no such message: not that an incident is over, no digest.
    #[error("{0}")]
    NotTaken(String),
    /// The settings do not say where to, or do so wrongly; repaired, they heal the backlog.
    #[error("{0}")]
    Settings(String),
}
