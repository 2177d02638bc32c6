//! PagerDuty, by the first version of its events or, with `api: v2`, by the second. Pure.

use serde_json::{Map, Value, json};
use url::Url;

use crate::notify::judge::Success;
use crate::notify::message::{Message, What};
use crate::notify::payload::payload;
use crate::notify::post::{base, below};
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{TEST_NOTE, blocks, clip, fitting, iso, line, link, marked, runbook};

const HOST: &str = "events.pagerduty.com";
const MAX_EVENT: usize = 512_000;
const MAX_DESCRIPTION: usize = 1_024;
/// Of the 255 characters of a key some are left for that of the incident.
const MAX_PREFIX: usize = 200;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let version = settings.choice("api", &["v1", "v2"])?;
    let (base, trusted) = base(settings, at, HOST)?;
    let event = |kept: usize| match version {
        "v2" => second(settings, message, at, kept),
        _ => first(settings, message, at, kept),
    };
    settings.need("service_key")?;
    let fits = |kept: usize| event(kept).to_string().len() <= MAX_EVENT;
    let event = event(fitting(blocks(message).len(), fits));
    let request = match version {
        "v2" => Http::json(below(&base, &["v2", "enqueue"]), &event),
        _ => Http::json(below(&base, &["generic", "2010-04-15", "create_event.json"]), &event)
            .judged_by(Success::PagerDutyV1),
    };
    Ok(Http { trusted, ..request })
}

fn first(settings: Settings<'_>, message: &Message, at: &Surroundings, kept: usize) -> Value {
    json!({
        "service_key": settings.get("service_key"),
        "event_type": action(message),
        "description": description(settings, message),
        "incident_key": key(settings, message),
        "details": details(message, at, kept),
    })
}

fn second(settings: Settings<'_>, message: &Message, at: &Surroundings, kept: usize) -> Value {
    let source = message.stream.as_deref().unwrap_or(&message.alert.name);
    let mut links = Vec::new();
    let mut add = |href: String, text: &str| links.push(json!({"href": href, "text": text}));
    if let Some(link) = link(message, at) {
        add(link, "Alert");
    }
    if let Some(runbook) = runbook(message).map(Url::into) {
        add(runbook, "Runbook");
    }
    json!({
        "routing_key": settings.get("service_key"),
        "event_action": action(message),
        "dedup_key": key(settings, message),
        "payload": {
            "summary": description(settings, message),
            "source": clip(source, MAX_DESCRIPTION),
            "severity": "error",
            "timestamp": iso(message.at),
            "custom_details": details(message, at, kept),
        },
        "links": links,
    })
}

fn action(message: &Message) -> &'static str {
    match message.what {
        What::Trigger { .. } => "trigger",
        What::Clear { .. } => "resolve",
    }
}

/// The name of the alert; the setting is for alerts without one.
fn description(settings: Settings<'_>, message: &Message) -> String {
    let name = message.alert.name.trim();
    let text = if name.is_empty() { settings.get("description").unwrap_or("alert") } else { name };
    clip(&line(&marked(message, text)), MAX_DESCRIPTION)
}

fn key(settings: Settings<'_>, message: &Message) -> String {
    match settings.get("incident_key") {
        Some(prefix) => format!("{}-{}", prefix.chars().take(MAX_PREFIX).collect::<String>(), message.key),
        None => message.key.clone(),
    }
}

fn details(message: &Message, at: &Surroundings, kept: usize) -> Map<String, Value> {
    let mut details = payload(message, kept);
    // They stand beside the details.
    let elsewhere = ["incident_key", "triggered_by_user_test"];
    elsewhere.iter().for_each(|key| _ = details.shift_remove(*key));
    let mut put = |name: &str, value: String| _ = details.insert(name.to_owned(), value.into());
    if message.test {
        put("note", TEST_NOTE.to_owned());
    }
    if let Some(link) = link(message, at) {
        put("alert_url", link);
    }
    if let Some(runbook) = &message.alert.runbook_url {
        put("runbook_url", runbook.clone());
    }
    if let Some(description) = &message.alert.description {
        put("description", description.clone());
    }
    details
}
