//! Mail: one message in text and HTML, and a thread for each incident and address. Pure; says what is sent, and not how.

use sha2::{Digest as _, Sha256};

use crate::notify::message::{Message, What};
use crate::notify::request::{Letter, Mail, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{
    TEST_NOTE, blocks, clip, headline, line, link, markdown, marked, more, runbook, sentence,
};

/// Longer subjects are shown by no one.
const MAX_SUBJECT: usize = 250;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Mail, Unsendable> {
    let id = |seq: u32| format!("{}-{seq}", message.key);
    let first = (message.seq > 0).then(|| id(0));
    Ok(Mail {
        letters: letters(settings, at, &id(message.seq), first.as_deref())?,
        subject: subject(message),
        text: markdown(message, at, usize::MAX),
        html: page(&html(message, at)),
        picture: None,
    })
}

/// One for each address. `id` is that of the message, `first` that of the first one of its incident.
pub(super) fn letters(
    settings: Settings<'_>,
    at: &Surroundings,
    id: &str,
    first: Option<&str>,
) -> Result<Vec<Letter>, Unsendable> {
    settings.need("addresses")?;
    let mut letters: Vec<Letter> = Vec::new();
    for address in settings.list("addresses") {
        let valid = address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
        if !valid || address.chars().any(|c| c.is_whitespace() || c.is_control() || "<>".contains(c)) {
            return Err(settings.wrong("addresses", "is not a list of addresses with commas"));
        }
        if letters.iter().any(|letter| letter.to.eq_ignore_ascii_case(address)) {
            continue;
        }
        let message_id = |id: &str| format!("<{id}.{}@{}>", hash(&address.to_lowercase()), host(at));
        let (message_id, answers) = (message_id(id), first.map(message_id));
        letters.push(Letter { to: address.to_owned(), message_id, answers });
    }
    if letters.is_empty() { Err(settings.wrong("addresses", "names nobody")) } else { Ok(letters) }
}

/// Short, and the same for the same text.
pub(super) fn hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..4])
}

fn host(at: &Surroundings) -> String {
    let known: String = at.host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
    if known.is_empty() { "localhost".to_owned() } else { known }
}

/// As the original wrote them: people have filters.
fn subject(message: &Message) -> String {
    let text = match message.what {
        What::Trigger { .. } => headline(message),
        What::Clear { .. } => format!("Alert {} has cleared.", message.alert.name),
    };
    clip(&line(&format!("[Librato] {}", marked(message, &text))), MAX_SUBJECT)
}

fn html(message: &Message, at: &Surroundings) -> String {
    let mut html = format!("<h1 style=\"font-size:1.3em\">{}</h1>\n", escaped(&headline(message)));
    let mut add = |element: &str| html += &format!("{element}\n");
    if message.test {
        add(&format!("<p><strong>{TEST_NOTE}</strong></p>"));
    }
    if let Some(description) = &message.alert.description {
        add(&format!("<p>{}</p>", escaped(description).replace('\n', "<br>\n")));
    }
    for block in blocks(message) {
        let items =
            block.violations.iter().map(|one| format!("<li>{}</li>\n", coded(&sentence(message, one))));
        let items: String = items.collect();
        add(&format!("<p>Source <code>{}</code>:</p>\n<ul>\n{items}</ul>", escaped(block.stream)));
    }
    if let Some(more) = more(message, usize::MAX) {
        add(&format!("<p>{more}</p>"));
    }
    match (runbook(message), &message.alert.runbook_url) {
        (Some(url), _) => add(&format!("<p>Runbook: {}</p>", anchor(url.as_str(), url.as_str()))),
        (None, Some(text)) => add(&format!("<p>Runbook: {}</p>", escaped(text))),
        (None, None) => {}
    }
    if let Some(link) = link(message, at) {
        add(&format!("<p>{}</p>", anchor(&link, "Show the alert")));
    }
    add(&format!("<p><small>Account {}</small></p>", escaped(&message.account)));
    html
}

/// A whole document.
pub(super) fn page(body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"></head>\n<body style=\"font-family:sans-serif\">\n{body}</body>\n</html>\n"
    )
}

pub(super) fn anchor(url: &str, text: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(url), escaped(text))
}

/// What stands between backticks as code.
fn coded(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let part = |(i, part)| if i % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) };
    parts.map(part).collect()
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
