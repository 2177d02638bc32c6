//! Messages as requests, one file for each type of service. Pure.

mod bigpanda;
mod digest;
mod mail;
mod opsgenie;
mod pagerduty;
mod slack;
mod sns;
mod teams;
#[cfg(test)]
mod tests;
mod victorops;
mod webhook;
mod zapier;

use serde_json::{Map, Value};

pub use digest::{digest, digests};

use super::dead::dead;
use super::message::Message;
use super::request::{Http, Request, Surroundings, Unsendable};
use super::settings::Settings;

/// The types whose services have no URL in their settings, so that the operator may say where they are reached.
pub const BASED: &[&str] = &["pagerduty", "opsgenie", "victorops", "sns", "bigpanda"];

/// Whether what goes to such a service shows pictures by their address.
pub fn links_pictures(kind: &str, settings: &Map<String, Value>) -> bool {
    let settings = Settings { kind, all: settings };
    kind == "slack" || kind == "webhook" && settings.url().is_ok_and(|url| webhook::is_card(settings, &url))
}

/// The request that brings `message` to a service of type `kind`.
pub fn render(
    kind: &str,
    settings: &Map<String, Value>,
    message: &Message,
    at: &Surroundings,
) -> Result<Request, Unsendable> {
    let settings = Settings { kind, all: settings };
    let request = match kind {
        "webhook" => webhook::render(settings, message, at),
        "slack" => slack::render(settings, message, at),
        "mail" => return mail::render(settings, message, at).map(Request::Mail),
        "pagerduty" => pagerduty::render(settings, message, at),
        "opsgenie" => opsgenie::render(settings, message, at),
        "victorops" => victorops::render(settings, message, at),
        "sns" => sns::render(settings, message, at),
        "bigpanda" => bigpanda::render(settings, message, at),
        "zapier" => zapier::render(settings, message, at),
        _ => Err(match dead(kind) {
            Some(why) => Unsendable::Dead(why.to_owned()),
            None => Unsendable::Dead("this server knows no way to services of this type".to_owned()),
        }),
    };
    request.map(|http| finish(http, &format!("{}-{}", message.key, message.seq)).into())
}

/// What all requests carry; `name` is the same for each attempt.
fn finish(http: Http, name: &str) -> Http {
    http.header("Idempotency-Key", name.to_owned())
        .header("User-Agent", concat!("librato-apply/", env!("CARGO_PKG_VERSION")).to_owned())
}
