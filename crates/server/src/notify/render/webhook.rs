//! A URL of someone's own: the original's payload in a form, the same as JSON, or a card for Teams. Pure.

use serde_json::{Value, json};

use super::teams;
use crate::notify::message::Message;
use crate::notify::payload::payload;
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let url = settings.url()?;
    let format = settings.choice("format", &["librato", "json", "teams"])?;
    if format == "teams" || (settings.get("format").is_none() && teams::is_at(&url)) {
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
