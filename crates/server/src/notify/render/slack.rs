//! Slack, and those that take its messages: Mattermost, Rocket.Chat, Discord. Pure.

use serde_json::{Value, json};
use url::Url;

use super::teams;
use crate::notify::judge::Success;
use crate::notify::message::{Message, What};
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{
    TEST_NOTE, blocks, cleared, clip, fitting, line, link, markdown, more, runbook, sentence, time,
};

pub(super) const TRIGGERED: &str = "#0880ad";
const CLEARED: &str = "#17B03C";

/// What a far end takes, in characters.
pub(super) struct Limits {
    fields: usize,
    field: usize,
    name: usize,
    pub(super) body: usize,
}

/// Slack's own fields, and the posts of Mattermost.
const LIMITS: Limits = Limits { fields: 40, field: 2_000, name: 1_024, body: 16_383 };
/// Discord makes embeds of attachments.
const DISCORD: Limits = Limits { fields: 25, field: 1_024, name: 250, body: 6_000 };

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let url = address(settings.url()?);
    if teams::is_at(&url) {
        return Ok(Http::json(url, &teams::card(message, at)));
    }
    let body = body(message, at, limits(&url));
    Ok(post(url, &body))
}

/// The request with this body.
pub(super) fn post(url: Url, body: &Value) -> Http {
    let says_ok = url.host_str() == Some("hooks.slack.com");
    Http::json(url, body).judged_by(Success::Slack { says_ok })
}

/// Discord takes such messages below a URL of its own.
pub(super) fn address(mut url: Url) -> Url {
    if is_discord(&url)
        && let Some(path) = Some(url.path().trim_end_matches('/')).filter(|path| !path.ends_with("/slack"))
    {
        let path = format!("{path}/slack");
        url.set_path(&path);
    }
    url
}

fn is_discord(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    ["discord.com", "discordapp.com"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
}

pub(super) fn limits(url: &Url) -> &'static Limits {
    if is_discord(url) { &DISCORD } else { &LIMITS }
}

fn body(message: &Message, at: &Surroundings, limits: &Limits) -> Value {
    let What::Clear { how } = message.what else {
        let whole = |kept: usize| trigger(message, at, limits, kept);
        let all = blocks(message).len().min(limits.fields);
        // No field is for how many are left, unless there are some.
        let all = if more(message, all).is_some() { all.min(limits.fields - 1) } else { all };
        let kept = fitting(all, |kept| whole(kept).to_string().chars().count() <= limits.body);
        return whole(kept);
    };
    let (how, when) = (cleared(how), time(message.at));
    let name = clip(&message.alert.name, limits.name);
    let mut text = format!("Alert {} {how} at {when}", named(message, at, limits));
    let mut fallback = format!("Alert '{}' {how} at {when}", escaped(&name));
    if message.test {
        (text, fallback) = (format!("{TEST_NOTE}\n\n{text}"), format!("{TEST_NOTE} {fallback}"));
    }
    json!({"attachments": [{"text": text, "fallback": fallback, "color": CLEARED}]})
}

fn trigger(message: &Message, at: &Surroundings, limits: &Limits, kept: usize) -> Value {
    let mut pretext = String::new();
    if message.test {
        pretext = format!("{TEST_NOTE}\n\n");
    }
    pretext += &format!("Alert {} has triggered!", named(message, at, limits));
    if let Some(runbook) = runbook(message) {
        pretext += &format!(" <{}|Runbook>", target(runbook.as_str()));
    }
    let mut fields: Vec<Value> = Vec::new();
    for block in blocks(message).iter().take(kept) {
        let lines: Vec<String> = block.violations.iter().map(|one| sentence(message, one)).collect();
        let value = escaped(&clip(&lines.join("\n"), limits.field));
        fields.push(json!({"title": escaped(&clip(block.stream, limits.name)), "value": value}));
    }
    if let Some(more) = more(message, kept) {
        // Discord takes no empty one.
        fields.push(json!({"title": "…", "value": more}));
    }
    let mut attachment = json!({"fallback": fallback(message, at), "color": TRIGGERED, "pretext": pretext,
        "fields": fields, "mrkdwn_in": ["pretext", "text", "fields"]});
    if let Some(picture) = &at.picture {
        attachment["image_url"] = json!(picture.url);
    }
    json!({ "attachments": [attachment] })
}

/// For what shows no attachments, such as the banners of telephones: short, with the first streams only.
fn fallback(message: &Message, at: &Surroundings) -> String {
    let text = markdown(message, at, 3).replace('`', "'");
    escaped(&clip(text.trim_start_matches("# ").trim_end(), 1_000))
}

/// The name of the alert, as a link if it has one.
fn named(message: &Message, at: &Surroundings, limits: &Limits) -> String {
    let name = escaped(&line(&clip(&message.alert.name, limits.name)));
    match link(message, at) {
        Some(link) => format!("<{}|{name}>", target(&link)),
        None => name,
    }
}

/// Three characters mean something between `<` and `>`; nothing else needs care.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A URL inside a link, where `|` ends it.
pub(super) fn target(url: &str) -> String {
    escaped(&url.replace('|', "%7C"))
}
