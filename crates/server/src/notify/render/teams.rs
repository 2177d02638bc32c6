//! Microsoft Teams by its Workflows: an adaptive card. Pure.

use serde_json::{Value, json};
use url::Url;

use crate::notify::message::Message;
use crate::notify::request::Surroundings;
use crate::notify::text::{blocks, clip, fitting, headline, line, markdown, marked};

/// Teams takes messages of 28 KB; the card around the text takes some of it.
const MAX_BYTES: usize = 28_000;

/// Hosts of the URLs that Workflows give out.
const HOSTS: &[&str] = &[".logic.azure.com", ".powerplatform.com", ".powerautomate.com"];

/// Whether a URL is one of a workflow.
pub(super) fn is_at(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    HOSTS.iter().any(|suffix| host.ends_with(suffix))
}

pub(super) fn card(message: &Message, at: &Surroundings) -> Value {
    let heading = marked(message, &headline(message));
    let whole = |kept: usize| {
        let mut card = card_of(&heading, &text(message, at, kept), message.is_trigger());
        let picture = at.picture.as_ref().filter(|_| message.is_trigger());
        if let (Some(picture), Some(body)) =
            (picture, card["attachments"][0]["content"]["body"].as_array_mut())
        {
            let words = clip(&picture.words, 500);
            body.push(json!({"type": "Image", "url": picture.url, "altText": words, "size": "Stretch"}));
        }
        card
    };
    let fits = |card: &Value| card.to_string().len() <= MAX_BYTES;
    let kept = fitting(blocks(message).len(), |kept| fits(&whole(kept)));
    let card = whole(kept);
    if fits(&card) {
        return card;
    }
    // A description of its own is too long.
    card_of(&heading, &clip(&text(message, at, kept), MAX_BYTES / 8), message.is_trigger())
}

/// A card that says so, of something bad or good.
pub(super) fn card_of(heading: &str, text: &str, bad: bool) -> Value {
    let colour = if bad { "Attention" } else { "Good" };
    let heading = line(&clip(heading, 300));
    json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.2",
            "body": [
                {"type": "TextBlock", "text": heading, "weight": "Bolder", "size": "Medium", "wrap": true,
                 "style": "heading", "color": colour},
                {"type": "TextBlock", "text": text, "wrap": true},
            ],
            "msteams": {"width": "full"},
        },
    }]})
}

/// Without the heading, which stands above it.
fn text(message: &Message, at: &Surroundings, kept: usize) -> String {
    let text = markdown(message, at, kept);
    text.split_once("\n\n").map_or(String::new(), |(_, rest)| rest.trim_end().to_owned())
}
