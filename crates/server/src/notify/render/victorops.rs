//! VictorOps, now Splunk On-Call. Pure.

use serde_json::{Map, Value, json};

use crate::notify::judge::Success;
use crate::notify::message::{Message, What};
use crate::notify::post::{base, below};
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{blocks, clip, fitting, headline, line, link, markdown, marked};

const HOST: &str = "alert.victorops.com";
const MAX_MESSAGE: usize = 20_480;
const MAX_ENTITY: usize = 512;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let (base, trusted) = base(settings, at, HOST)?;
    let route = settings.get("routing_key").unwrap_or("nil");
    let key = settings.need("api_key")?;
    let url = below(&base, &["integrations", "generic", "20131114", "alert", key, route]);
    let request = Http::json(url, &Value::Object(body(settings, message, at))).judged_by(Success::VictorOps);
    Ok(Http { trusted, ..request })
}

/// Settings that mean nothing to us are for the far end; what we say counts more.
fn body(settings: Settings<'_>, message: &Message, at: &Surroundings) -> Map<String, Value> {
    let mut body = settings.all.clone();
    body.shift_remove("api_key");
    let mut put = |name: &str, value: Value| _ = body.insert(name.to_owned(), value);
    put("monitoring_tool", "librato".into());
    put("entity_id", entity(message).into());
    put("entity_display_name", clip(&line(&marked(message, &headline(message))), MAX_ENTITY).into());
    put("state_start_time", message.at.into());
    put("incident_key", message.key.clone().into());
    if let Some(link) = link(message, at) {
        put("alert_url", link.into());
    }
    if let Some(runbook) = &message.alert.runbook_url {
        put("runbook_url", runbook.clone().into());
    }
    let fits = |kept: usize| markdown(message, at, kept).chars().count() <= MAX_MESSAGE;
    let text = markdown(message, at, fitting(blocks(message).len(), fits));
    put("state_message", clip(text.trim_end(), MAX_MESSAGE).into());
    match message.what {
        What::Trigger { .. } => put("message_type", "CRITICAL".into()),
        What::Clear { how } => {
            put("message_type", "RECOVERY".into());
            put("clear", json!(how));
        }
    }
    body
}

/// What makes a message one of an incident there. A test must not end a real one.
fn entity(message: &Message) -> String {
    let name = marked(message, &message.alert.name);
    let entity = match &message.stream {
        Some(stream) => format!("{name}/{stream}"),
        None => name,
    };
    clip(&entity, MAX_ENTITY)
}
