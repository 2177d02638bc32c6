//! BigPanda, by version 2 of its API of alerts, which takes no objects inside objects. Pure.

use serde_json::{Value, json};

use crate::notify::message::{Message, What};
use crate::notify::post::{base, below};
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{blocks, clip, line, link, marked, sentences};

const HOST: &str = "api.bigpanda.io";
/// Ours, in characters: texts are for people.
const MAX_TEXT: usize = 10_000;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let token = settings.token("token")?;
    let (base, trusted) = base(settings, at, HOST)?;
    let body = body(settings.need("app_key")?, message, at);
    let request = Http::json(below(&base, &["data", "v2", "alerts"]), &body)
        .header("Authorization", format!("Bearer {token}"));
    Ok(Http { trusted, ..request })
}

fn body(app_key: &str, message: &Message, at: &Surroundings) -> Value {
    let status = match message.what {
        What::Trigger { .. } => "critical",
        What::Clear { .. } => "ok",
    };
    let mut body = json!({
        "app_key": app_key,
        "status": status,
        "primary_property": "check",
        "check": line(&marked(message, &message.alert.name)),
        "timestamp": message.at,
        "incident_key": message.key,
    });
    if let Some(stream) = &message.stream {
        // What else tells incidents apart there.
        (body["secondary_property"], body["stream"]) = ("stream".into(), stream.clone().into());
    }
    if let Some(description) = &message.alert.description {
        body["description"] = clip(description, MAX_TEXT).into();
    }
    if let Some(runbook) = &message.alert.runbook_url {
        body["runbook_url"] = runbook.clone().into();
    }
    if let Some(link) = link(message, at) {
        body["link"] = link.into();
    }
    if message.is_trigger() {
        let sources: Vec<&str> = blocks(message).iter().map(|block| block.stream).collect();
        body["violations"] = sentences(message, MAX_TEXT).into();
        body["sources"] = clip(&sources.join(", "), MAX_TEXT).into();
    }
    body
}
