//! Many incidents in one message, for services where people read and nothing keeps count of incidents. Pure.

use serde_json::{Map, Value, json};

use super::{finish, mail, slack, teams};
use crate::notify::message::{Message, Subject};
use crate::notify::request::{Mail, Request, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{blocks, clip, headline, line, link, marked, rest};

/// Names longer than this are cut: there are many.
const MAX_NAME: usize = 100;

/// Whether services of a type take digests.
pub fn digests(kind: &str) -> bool {
    matches!(kind, "slack" | "mail")
}

/// One request for all of `messages`.
pub fn digest(
    kind: &str,
    settings: &Map<String, Value>,
    messages: &[Message],
    at: &Surroundings,
) -> Result<Request, Unsendable> {
    let settings = Settings { kind, all: settings };
    let keys: Vec<String> = messages.iter().map(|one| format!("{}-{}", one.key, one.seq)).collect();
    let id = format!("digest-{}-{}", keys.first().map_or("", String::as_str), mail::hash(&keys.join(" ")));
    match kind {
        "slack" => {
            let url = slack::address(settings.url()?);
            let body = if teams::is_at(&url) {
                teams::card_of(&title(messages), &plain(messages, at, slack::limits(&url).body), true)
            } else {
                slack_body(messages, at, slack::limits(&url).body)
            };
            Ok(finish(slack::post(url, &body), &id).into())
        }
        "mail" => Ok(Request::Mail(Mail {
            letters: mail::letters(settings, at, &id, None)?,
            subject: format!("[Librato] {}", title(messages)),
            text: plain(messages, at, usize::MAX),
            html: mail::page(&html(messages, at)),
            picture: None,
        })),
        _ => Err(Unsendable::NotTaken(format!("services of type {kind} take no digests"))),
    }
}

fn title(messages: &[Message]) -> String {
    format!("{} alerts at once", messages.len())
}

/// One incident on one line, but for its name, which may become a link.
fn about(message: &Message) -> (String, String) {
    let short = Message { alert: short(message), ..message.clone() };
    let text = line(&marked(&short, &headline(&short)));
    let streams: Vec<&str> = blocks(message).iter().take(2).map(|block| block.stream).collect();
    let streams = match (streams.is_empty(), rest(message, streams.len())) {
        (true, _) => String::new(),
        (false, 0) => format!(" ({})", clip(&streams.join(", "), MAX_NAME)),
        (false, more) => format!(" ({} and {more} more)", clip(&streams.join(", "), MAX_NAME)),
    };
    (text, streams)
}

fn short(message: &Message) -> Subject {
    let alert = message.alert.clone();
    Subject { name: clip(&alert.name, MAX_NAME), ..alert }
}

/// As many lines as fit, and how many are left.
fn lines(messages: &[Message], max: usize, line: impl Fn(&Message) -> String) -> String {
    let (mut text, mut left) = (String::new(), messages.len());
    // Room for the last line.
    let max = max.saturating_sub(40);
    for message in messages {
        let next = line(message);
        if text.chars().count() + next.chars().count() > max {
            break;
        }
        (text, left) = (text + &next, left - 1);
    }
    if left > 0 { format!("{text}and {left} more\n") } else { text }
}

fn plain(messages: &[Message], at: &Surroundings, max: usize) -> String {
    lines(messages, max, |message| {
        let (text, streams) = about(message);
        let link = link(message, at).map(|link| format!(" {link}")).unwrap_or_default();
        format!("* {text}{streams}{link}\n")
    })
}

fn slack_body(messages: &[Message], at: &Surroundings, max: usize) -> Value {
    let title = title(messages);
    // The rest of the body, and what JSON puts before quotes and line breaks.
    let text = lines(messages, max - max / 8, |message| {
        let (text, streams) = about(message);
        let (text, streams) = (slack::escaped(&text), slack::escaped(&streams));
        match link(message, at) {
            Some(link) => format!("• <{}|{text}>{streams}\n", slack::target(&link)),
            None => format!("• {text}{streams}\n"),
        }
    });
    json!({"attachments": [{"fallback": title, "color": slack::TRIGGERED, "pretext": title, "text": text.trim_end(),
        "mrkdwn_in": ["text"]}]})
}

fn html(messages: &[Message], at: &Surroundings) -> String {
    let items = messages.iter().map(|message| {
        let (text, streams) = about(message);
        let text = match link(message, at) {
            Some(link) => mail::anchor(&link, &text),
            None => mail::escaped(&text),
        };
        format!("<li>{text}{}</li>\n", mail::escaped(&streams))
    });
    format!(
        "<h1 style=\"font-size:1.3em\">{}</h1>\n<ul>\n{}</ul>\n",
        title(messages),
        items.collect::<String>()
    )
}
