//! One mail, handed to the relay once for each address: a relay that refuses one address would refuse all of them.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::{Address, Message};
use tokio::time::timeout;

use super::relay::{Relay, Tls};
use super::{Letter, Mail};

/// By which the HTML of a mail names its picture.
const PICTURE: &str = "picture";

/// How handing over one mail went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handed {
    /// Who may have it later.
    pub waiting: Vec<String>,
    /// Whom the relay refuses for good.
    pub refused: Vec<String>,
    /// Whether someone has it, or may have it without the relay having said so.
    pub arrived: bool,
    /// What went wrong, for people.
    pub troubles: Vec<String>,
}

/// Why one address does not have it.
enum Trouble {
    Passing { why: String, arrived: bool },
    Lasting(String),
}

impl Relay {
    /// Hands over a mail to those of `rest`, or to everybody where that is empty.
    pub async fn hand_over(&self, mail: &Mail, rest: &[String]) -> Handed {
        let (mut handed, mut connection) = (Handed::default(), None);
        for letter in mail.letters.iter().filter(|letter| rest.is_empty() || rest.contains(&letter.to)) {
            let Err(trouble) = self.one(mail, letter, &mut connection).await else {
                handed.arrived = true;
                continue;
            };
            connection = None;
            let why = match trouble {
                Trouble::Passing { why, arrived } => {
                    handed.waiting.push(letter.to.clone());
                    handed.arrived |= arrived;
                    why
                }
                Trouble::Lasting(why) => {
                    handed.refused.push(letter.to.clone());
                    why
                }
            };
            handed.troubles.push(format!("{}: {why}", letter.to));
        }
        if let Some(mut connection) = connection {
            let _ = timeout(Duration::from_secs(1), connection.quit()).await;
        }
        handed
    }

    async fn one(
        &self,
        mail: &Mail,
        letter: &Letter,
        open: &mut Option<AsyncSmtpConnection>,
    ) -> Result<(), Trouble> {
        let (envelope, message) = self.message(mail, letter)?;
        let late = |what: &str, arrived| Trouble::Passing { why: format!("no {what} in time"), arrived };
        let connection = match open {
            Some(connection) => connection,
            None => {
                let connected = timeout(self.patience.whole, self.connect()).await;
                open.insert(connected.map_err(|_| late("connection to the mail relay", false))??)
            }
        };
        let sent = timeout(self.patience.whole, connection.send(&envelope, &message)).await;
        sent.map_err(|_| late("answer of the mail relay", true))?.map_err(|error| trouble(&error, true))?;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let wrapped = match &self.tls {
            Tls::Wrapped(parameters) => Some(parameters.clone()),
            Tls::Required(_) | Tls::Opportunistic(_) | Tls::None => None,
        };
        let before = |error: SmtpError| trouble(&error, false);
        let to = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(to, Some(self.patience.connect), &self.hello, wrapped, None)
                .await
                .map_err(before)?;
        match &self.tls {
            Tls::Required(_) if !connection.can_starttls() => {
                return Err(Trouble::Lasting(
                    "the mail relay offers no STARTTLS, and mail is not sent in the clear; `?tls=opportunistic` in its URL allows it".to_owned(),
                ));
            }
            Tls::Required(parameters) | Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.hello).await.map_err(before)?;
            }
            Tls::Required(_) | Tls::Opportunistic(_) | Tls::Wrapped(_) | Tls::None => {}
        }
        if let Some(credentials) = &self.credentials {
            if !connection.is_encrypted() && !self.is_loopback() {
                return Err(Trouble::Lasting(
                    "the mail relay offers no encryption, and the password is not sent in the clear"
                        .to_owned(),
                ));
            }
            let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await;
            login.map_err(|error| match error.status() {
                // Some relays quote what they were sent.
                Some(code) => Trouble::Lasting(format!("the mail relay refuses user and password ({code})")),
                None => trouble(&error, false),
            })?;
        }
        Ok(connection)
    }

    fn message(&self, mail: &Mail, letter: &Letter) -> Result<(Envelope, Vec<u8>), Trouble> {
        let bad = |_| Trouble::Lasting("not an address".to_owned());
        let to: Address = letter.to.parse().map_err(bad)?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]);
        let unmade =
            |error: lettre::error::Error| Trouble::Lasting(format!("no mail can be made of it: {error}"));
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.as_str())
            .message_id(Some(letter.message_id.clone()))
            .header(AutoSubmitted);
        if let Some(first) = &letter.answers {
            builder = builder.in_reply_to(first.clone()).references(first.clone());
        }
        let message = builder.multipart(body(mail)).map_err(unmade)?;
        Ok((envelope.map_err(unmade)?, message.formatted()))
    }
}

/// The text, and the same as HTML with its picture; programs that read mail load nothing from elsewhere.
fn body(mail: &Mail) -> MultiPart {
    let Some(picture) = &mail.picture else {
        return MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    };
    let words: String = picture
        .words
        .chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let shown =
        format!("<p><img src=\"cid:{PICTURE}\" width=\"{}\" alt=\"{words}\"></p>\n</body>", picture.width);
    let html = mail.html.replacen("</body>", &shown, 1);
    let png = Attachment::new_inline(PICTURE.to_owned()).body(
        picture.png.clone(),
        // It is one by its form.
        ContentType::parse("image/png").unwrap_or(ContentType::TEXT_PLAIN),
    );
    MultiPart::alternative()
        .singlepart(SinglePart::plain(mail.text.clone()))
        .multipart(MultiPart::related().singlepart(SinglePart::html(html)).singlepart(png))
}

/// What an error of the relay means. `sending`: whether the message was on its way.
fn trouble(error: &SmtpError, sending: bool) -> Trouble {
    if error.is_permanent() {
        return Trouble::Lasting(format!("the mail relay refuses it ({})", said(error)));
    }
    if error.is_transient() {
        return Trouble::Passing {
            why: format!("the mail relay takes it later ({})", said(error)),
            arrived: false,
        };
    }
    // The content was sent once the relay went on, so without an answer no one knows.
    let arrived = sending && !error.is_client();
    Trouble::Passing { why: format!("no mail relay: {error}"), arrived }
}

/// Code and words of the relay.
fn said(error: &SmtpError) -> String {
    let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    super::excerpt::shown(format!("{code} {words}").trim().as_bytes(), &[])
}

/// No person wrote it, so no one's holiday reply is wanted.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Illustration;
    use super::*;

    #[test]
    fn a_picture_lies_beside_the_html_and_its_words_are_text() {
        let mut mail = Mail {
            letters: Vec::new(),
            subject: "s".to_owned(),
            text: "plain words".to_owned(),
            html: "<body>\nwords</body>\n".to_owned(),
            picture: None,
        };
        let without = String::from_utf8(body(&mail).formatted()).unwrap();
        assert!(!without.contains("multipart/related") && !without.contains("image/png"), "{without}");
        let words = "\"><img src=x onerror=alert(1)>".to_owned();
        mail.picture = Some(Illustration { png: vec![0x89, 0x50], words, width: 600 });
        let with = String::from_utf8(body(&mail).formatted()).unwrap();
        for part in [
            "multipart/alternative",
            "multipart/related",
            "text/plain",
            "text/html",
            "image/png",
            "Content-ID: <picture>",
        ] {
            assert!(with.contains(part), "no {part} in {with}");
        }
        let text = with.replace("=\r\n", "").replace("=3D", "=");
        assert!(text.contains("src=\"cid:picture\" width=\"600\""), "{text}");
        assert!(
            text.contains("&lt;img src=x onerror=alert(1)&gt;") && !text.contains("<img src=x"),
            "{text}"
        );
    }
}
