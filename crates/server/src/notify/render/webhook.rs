//! A URL of someone's own: the original's payload in a form, the same as JSON, or a card for Teams. Pure.

use serde_json::{Value, json};
use url::Url;

use super::teams;
use crate::notify::message::Message;
use crate::notify::payload::payload;
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;

/// Whether it is a card for Teams.
pub(super) fn is_card(settings: Settings<'_>, url: &Url) -> bool {
    settings.get("format").map_or_else(|| teams::is_at(url), |format| format == "teams")
}

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let url = settings.url()?;
    let format = settings.choice("format", &["librato", "json", "teams"])?;
    if is_card(settings, &url) {
        return Ok(Http::json(url, &teams::card(message, at)));
    }
    let mut payload = payload(message, usize::MAX);
    if let Some(clear) = payload.get_mut("clear") {
        // The original never said more to webhooks.
        *clear = json!("normal");
    }
    let payload = Value::Object(payload);
    Ok(match format {
        "json" => Http::json(url, &payload),
        _ => Http::form(url, &[("payload", &payload.to_string())]),
    })
}
