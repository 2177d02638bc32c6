//! Zapier, whose hooks start something and hear of no end. Pure.

use serde_json::json;

use crate::notify::message::Message;
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::sentences;

/// Ours, in characters: texts are for people.
const MAX_TEXT: usize = 10_000;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    _: &Surroundings,
) -> Result<Http, Unsendable> {
    let url = settings.url()?;
    if !message.is_trigger() {
        let why = "services of type zapier are not notified when an incident ends";
        return Err(Unsendable::NotTaken(why.to_owned()));
    }
    let alert = &message.alert;
    let body = json!({
        "id": alert.id,
        "name": alert.name,
        "description": alert.description.clone().unwrap_or_default(),
        "runbook_url": alert.runbook_url.clone().unwrap_or_default(),
        "violations": sentences(message, MAX_TEXT),
        "triggered_by_user_test": message.test,
    });
    Ok(Http::json(url, &body))
}
