//! Opsgenie and its successor, Jira Service Management, by version 2 of their API of alerts. Pure.

use serde_json::{Map, Value, json};

use crate::notify::message::{Message, What};
use crate::notify::post::{base, below};
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{blocks, clip, fitting, headline, iso, line, link, markdown, marked};

const HOST: &str = "api.opsgenie.com";
/// Where the successor has the same API, below another path.
const SUCCESSOR: &str = "api.atlassian.com";
const SOURCE: &str = "librato";

// In characters.
const MAX_MESSAGE: usize = 130;
const MAX_DESCRIPTION: usize = 15_000;
const MAX_ENTITY: usize = 512;
const MAX_DETAIL: usize = 1_000;
const MAX_TAGS: usize = 20;
const MAX_TAG: usize = 50;

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let key = settings.token("customer_key")?;
    let host = settings.get("hostname").unwrap_or(HOST);
    let (base, trusted) = base(settings, at, host)?;
    let mut path =
        if host.eq_ignore_ascii_case(SUCCESSOR) { vec!["jsm", "ops", "integration"] } else { vec![] };
    path.extend(["v2", "alerts"]);
    let request = match message.what {
        What::Trigger { .. } => Http::json(below(&base, &path), &create(settings, message, at)),
        What::Clear { .. } => {
            path.extend([message.key.as_str(), "close"]);
            let mut url = below(&base, &path);
            url.query_pairs_mut().append_pair("identifierType", "alias");
            Http::json(url, &json!({"source": SOURCE, "note": clip(&headline(message), MAX_DESCRIPTION)}))
        }
    };
    let request = request.header("Authorization", format!("GenieKey {key}"));
    Ok(Http { trusted, ..request })
}

fn create(settings: Settings<'_>, message: &Message, at: &Surroundings) -> Value {
    let fits = |kept: usize| markdown(message, at, kept).chars().count() <= MAX_DESCRIPTION;
    let kept = fitting(blocks(message).len(), fits);
    let text = markdown(message, at, kept);
    let mut alert = json!({
        "alias": message.key,
        "message": clip(&line(&marked(message, &message.alert.name)), MAX_MESSAGE),
        "description": clip(text.trim_end(), MAX_DESCRIPTION),
        "details": details(message, at),
        "source": SOURCE,
        "entity": clip(message.stream.as_deref().unwrap_or(&message.alert.name), MAX_ENTITY),
    });
    let tags: Vec<String> = settings.list("tags").take(MAX_TAGS).map(|tag| clip(tag, MAX_TAG)).collect();
    if !tags.is_empty() {
        alert["tags"] = json!(tags);
    }
    let responders = responders(settings);
    if !responders.is_empty() {
        alert["responders"] = responders.into();
    }
    alert
}

/// Everybody, which the first version of the API called `all`, is who the integration is for when no one is named.
fn responders(settings: Settings<'_>) -> Vec<Value> {
    let teams = settings.list("teams").map(|team| json!({"name": team, "type": "team"}));
    let users = settings.list("recipients").filter(|user| !user.eq_ignore_ascii_case("all"));
    teams.chain(users.map(|user| json!({"username": user, "type": "user"}))).collect()
}

/// Texts only.
fn details(message: &Message, at: &Surroundings) -> Map<String, Value> {
    let mut details = Map::new();
    let mut put = |name: &str, text: &str| _ = details.insert(name.to_owned(), clip(text, MAX_DETAIL).into());
    put("alert_id", &message.alert.id.to_string());
    put("incident_key", &message.key);
    put("account", &message.account);
    put("trigger_time", &iso(message.at));
    if let Some(link) = link(message, at) {
        put("alert_url", &link);
    }
    if let Some(runbook) = &message.alert.runbook_url {
        put("runbook_url", runbook);
    }
    if message.test {
        put("test", "true");
    }
    details
}
