//! What each type of notification service needs in its settings, and which of these are secrets. Pure; never repeats a
//! value in a message.

use serde_json::{Map, Value};

use crate::serve::refusal::Errors;

/// Settings: a flat map of texts, kept as they were written. No way to JSON but that of
/// [`Shown`](super::shown::Shown), and no `Debug`.
#[derive(Default)]
pub struct Settings(pub(super) Map<String, Value>);

impl Settings {
    /// As they are kept in the file.
    pub fn stored(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// With its secrets, for a request to the service and nothing else.
    pub fn revealed(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// What stands for a value that the reader may not see.
pub const HIDDEN: &str = "[hidden]";

/// A type of service.
struct Type {
    name: &'static str,
    required: &'static [&'static str],
    /// The settings that are no secrets; every other one is.
    harmless: &'static [&'static str],
}

const TYPES: &[Type] = &[
    Type { name: "mail", required: &["addresses"], harmless: &["addresses"] },
    Type { name: "slack", required: &["url"], harmless: &[] },
    Type {
        name: "hipchat",
        required: &["auth_token", "from", "room_id", "notify"],
        harmless: &["from", "room_id", "notify"],
    },
    Type { name: "campfire", required: &["subdomain", "token", "room"], harmless: &["subdomain", "room"] },
    Type { name: "flowdock", required: &["api_token"], harmless: &["user_name"] },
    Type {
        name: "pagerduty",
        required: &["service_key", "event_type", "description"],
        harmless: &["event_type", "description", "api"],
    },
    Type {
        name: "opsgenie",
        required: &["customer_key"],
        harmless: &["tags", "recipients", "teams", "hostname"],
    },
    Type { name: "victorops", required: &["api_key"], harmless: &["routing_key"] },
    Type {
        name: "sns",
        required: &["topic_arn", "access_key_id", "secret_access_key"],
        harmless: &["topic_arn"],
    },
    Type { name: "webhook", required: &["url"], harmless: &["format"] },
    Type { name: "zapier", required: &["url"], harmless: &[] },
    Type { name: "bigpanda", required: &["app_key", "token"], harmless: &[] },
    Type { name: "neptune", required: &["api_key"], harmless: &[] },
];

/// What is wrong with the value of a setting, if anything.
type Rule = fn(&str) -> Result<(), String>;

/// Whether the API knows services of this type.
pub fn is_type(name: &str) -> bool {
    find(name).is_some()
}

/// Whether a setting may be shown to people who may not see secrets.
pub fn is_harmless(service_type: &str, setting: &str) -> bool {
    find(service_type).is_some_and(|known| known.harmless.contains(&setting))
}

/// A type of services as a label of what is counted.
pub fn type_name(name: &str) -> &'static str {
    find(name).map_or("other", |known| known.name)
}

fn find(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|known| known.name == name)
}

/// Reads settings as they came in: texts stay, numbers and booleans become texts, `null` is left out. What a reader
/// was shown in place of a secret is refused, or sending back what was read would overwrite the secret.
pub fn read(sent: &Map<String, Value>, errors: &mut Errors) -> Settings {
    let mut settings = Map::new();
    for (name, value) in sent {
        match value {
            Value::String(text) if text.trim() == HIDDEN => errors.add(
                name,
                format!("is {HIDDEN}, which stands for a value that was not shown. Send the value, or no settings at all to keep them"),
            ),
            Value::String(_) => _ = settings.insert(name.clone(), value.clone()),
            Value::Number(_) | Value::Bool(_) => _ = settings.insert(name.clone(), value.to_string().into()),
            Value::Null => {}
            Value::Array(_) | Value::Object(_) => errors.add(name, "is not a string"),
        }
    }
    Settings(settings)
}

/// Checks the settings of a service whose type is known.
pub fn check(service_type: &str, settings: &Settings, errors: &mut Errors) {
    for name in find(service_type).map_or(&[][..], |known| known.required) {
        if text(settings, name).is_none_or(|text| text.trim().is_empty()) {
            errors.add(name, "Is required");
        }
    }
    let rules: &[(&str, Rule)] = match service_type {
        "mail" => &[("addresses", addresses)],
        "slack" | "zapier" => &[("url", url)],
        "webhook" => &[("url", url), ("format", format)],
        "pagerduty" => &[("api", api)],
        "hipchat" => &[("from", from), ("notify", notify), ("server_url", url)],
        "flowdock" => &[("user_name", user_name)],
        "sns" => &[("topic_arn", topic_arn)],
        _ => &[],
    };
    for (name, rule) in rules {
        if let Some(value) = text(settings, name).filter(|value| !value.trim().is_empty())
            && let Err(message) = rule(value)
        {
            errors.add(name, message);
        }
    }
}

fn text<'a>(settings: &'a Settings, name: &str) -> Option<&'a str> {
    settings.0.get(name).and_then(Value::as_str)
}

fn fail(message: &str) -> Result<(), String> {
    Err(message.to_owned())
}

fn url(value: &str) -> Result<(), String> {
    match url::Url::parse(value) {
        Ok(_) => Ok(()),
        Err(url::ParseError::RelativeUrlWithoutBase) => fail("Is missing protocol"),
        Err(_) => fail("Is not a valid URL"),
    }
}

/// One text with commas; each address as the service's sender checks it. The documented message names the address,
/// which is no secret.
fn addresses(value: &str) -> Result<(), String> {
    match value.split(',').map(str::trim).find(|address| !is_address(address)) {
        Some(address) => Err(format!("Not a valid email address: {address}")),
        None => Ok(()),
    }
}

fn is_address(address: &str) -> bool {
    let Some((local, host)) = address.split_once('@') else { return false };
    let Some((_, top)) = host.rsplit_once('.') else { return false };
    let label = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    !local.is_empty()
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-.".contains(&b))
        && host.split('.').all(label)
        && top.bytes().all(|b| b.is_ascii_alphabetic())
}

fn from(value: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "_.-".contains(c);
    if value.len() <= 15 && value.chars().all(plain) { Ok(()) } else { fail("Invalid format") }
}

fn notify(value: &str) -> Result<(), String> {
    if matches!(value, "0" | "1") { Ok(()) } else { fail("Is not valid") }
}

/// Ours: in which form a webhook gets its messages.
fn format(value: &str) -> Result<(), String> {
    one_of(value, &["librato", "json", "teams"])
}

/// Ours: which version of PagerDuty's events.
fn api(value: &str) -> Result<(), String> {
    one_of(value, &["v1", "v2"])
}

fn one_of(value: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&value) { Ok(()) } else { Err(format!("Is not one of: {}", words.join(", "))) }
}

fn user_name(value: &str) -> Result<(), String> {
    if value.chars().count() < 16 && !value.contains(' ') { Ok(()) } else { fail("Invalid format") }
}

fn topic_arn(value: &str) -> Result<(), String> {
    let parts: Vec<&str> = value.split(':').collect();
    let valid = match parts[..] {
        ["arn", "aws" | "aws-cn" | "aws-us-gov", "sns", region, account, topic] => {
            let topic = topic.strip_suffix(".fifo").unwrap_or(topic);
            !region.is_empty()
                && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !account.is_empty()
                && account.bytes().all(|b| b.is_ascii_digit())
                && !topic.is_empty()
                && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        }
        _ => false,
    };
    if valid { Ok(()) } else { fail("Is not valid") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn valid(service_type: &str, settings: &Value) -> bool {
        let mut errors = Errors::default();
        let settings = read(settings.as_object().unwrap(), &mut errors);
        check(service_type, &settings, &mut errors);
        errors.is_empty()
    }

    #[test]
    fn every_type_has_its_rules() {
        let cases = [
            ("mail", json!({"addresses": "a@example.org, b.c+d@x-y.co.uk"}), true),
            ("mail", json!({"addresses": "a@example.org,nobody"}), false),
            ("mail", json!({}), false),
            ("slack", json!({"url": "https://hooks.example.org/x", "extra": "kept"}), true),
            ("slack", json!({"url": "hooks.example.org"}), false),
            ("hipchat", json!({"auth_token": "t", "from": "ops", "room_id": 7, "notify": 1}), true),
            (
                "hipchat",
                json!({"auth_token": "t", "from": "much too long a name", "room_id": "7", "notify": "2"}),
                false,
            ),
            ("campfire", json!({"subdomain": "s", "token": "t", "room": "r"}), true),
            ("flowdock", json!({"api_token": "t", "user_name": "has blank"}), false),
            ("pagerduty", json!({"service_key": "k", "event_type": "e", "description": "d"}), true),
            ("pagerduty", json!({"service_key": " ", "event_type": "e", "description": "d"}), false),
            ("opsgenie", json!({"customer_key": "k"}), true),
            ("victorops", json!({"api_key": "k", "routing_key": "r"}), true),
            (
                "sns",
                json!({"topic_arn": "arn:aws:sns:eu-west-1:123:top-ic", "access_key_id": "a", "secret_access_key": "s"}),
                true,
            ),
            (
                "sns",
                json!({"topic_arn": "arn:aws:sqs:eu:1:t", "access_key_id": "a", "secret_access_key": "s"}),
                false,
            ),
            (
                "sns",
                json!({"topic_arn": "arn:aws-cn:sns:cn-north-1:123:t.fifo", "access_key_id": "a", "secret_access_key": "s"}),
                true,
            ),
            (
                "sns",
                json!({"topic_arn": "arn:aws:sns:x.example.org/:1:t", "access_key_id": "a", "secret_access_key": "s"}),
                false,
            ),
            ("webhook", json!({"url": "https://u:p@example.org/hook"}), true),
            ("webhook", json!({"url": "https://example.org/hook", "format": "teams"}), true),
            ("webhook", json!({"url": "https://example.org/hook", "format": "xml"}), false),
            (
                "pagerduty",
                json!({"service_key": "k", "event_type": "e", "description": "d", "api": "v3"}),
                false,
            ),
            ("webhook", json!({"url": {"a": 1}}), false),
            ("bigpanda", json!({"app_key": "k", "token": null}), false),
            ("neptune", json!({"api_key": "k"}), true),
            ("neptune", json!({"api_key": "[hidden]"}), false),
            ("neptune", json!({"api_key": "k", "extra": " [hidden] "}), false),
            ("neptune", json!({"api_key": "k", "extra": "not [hidden]"}), true),
        ];
        for (service_type, settings, expected) in cases {
            assert_eq!(valid(service_type, &settings), expected, "{service_type} {settings}");
        }
        assert!(is_type("zapier") && !is_type("Slack") && !is_type("carrier-pigeon"));
    }

    #[test]
    fn the_client_knows_the_same_types_and_secrets() {
        use librato_apply::model::{SERVICE_TYPES, is_harmless as harmless_to_the_client};

        let ours: Vec<_> = TYPES.iter().map(|known| (known.name, known.required, known.harmless)).collect();
        let theirs: Vec<_> =
            SERVICE_TYPES.iter().map(|known| (known.name, known.required, known.harmless())).collect();
        assert_eq!(ours, theirs);
        assert!(is_harmless("mail", "addresses") && harmless_to_the_client(Some("mail"), "addresses"));
    }
}
