//! What the service says about a refusal, in every shape it is known to say it.
//! Turns error bodies into short, harmless texts; knows no status codes.
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Longest text of one message, in characters.
const TEXT_LIMIT: usize = 400;
/// Most messages kept of one body.
const MESSAGE_LIMIT: usize = 20;
/// How deep `params` may be nested; the service goes one level down.
const DEPTH_LIMIT: usize = 8;

/// The messages of one error body, in the order of the body. Texts are bounded and free of control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ApiMessages {
    /// The messages; empty when the service had nothing to say.
    pub messages: Vec<ApiMessage>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiMessage {
    /// The parameter it is about, nested ones with dots: `conditions.duration`.
    pub param: Option<String>,
    /// What is wrong, in the service's words.
    pub text: String,
}

impl ApiMessages {
    /// Reads an error body: `errors` as an object (of `params`, `request`, `system`; lists, scalars or maps in
    /// them), a list or a text; a single `error` or `message`; plain text; an HTML page. Whatever equals one of
    /// the texts in `hidden` is blotted out: services repeat in their messages what they were sent.
    pub fn parse(body: &str, hidden: &[&str]) -> Self {
        let body = body.trim_start_matches('\u{feff}').trim();
        let mut found = Collector { hidden, messages: Vec::new() };
        match serde_json::from_str(body) {
            Ok(value) => found.body(&value),
            Err(_) if body.starts_with('<') => found.push("", &without_markup(body)),
            Err(_) => found.push("", body),
        }
        Self { messages: found.messages }
    }

    /// One message of our own making about what the service did.
    pub fn from_text(text: &str, hidden: &[&str]) -> Self {
        let mut found = Collector { hidden, messages: Vec::new() };
        found.push("", text);
        Self { messages: found.messages }
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether this is the refusal of a busy account rather than of a request: source-era services answer
    /// 403 to both, and only the words tell them apart (`You have hit the API limit for measurements ...`).
    pub fn speak_of_a_rate_limit(&self) -> bool {
        self.messages.iter().any(|message| {
            let text = message.text.to_ascii_lowercase();
            ["api limit", "rate limit", "rate-limit", "too many requests"]
                .iter()
                .any(|words| text.contains(words))
        })
    }
}

impl fmt::Display for ApiMessages {
    /// One line: `conditions.duration must be set; name is already taken`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ApiMessage { param, text }) in self.messages.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            match param {
                Some(param) => write!(f, "{separator}{param} {text}")?,
                None => write!(f, "{separator}{text}")?,
            }
        }
        Ok(())
    }
}

/// What an answer that reports success says of failures all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// What went wrong, as far as it is said.
    pub messages: ApiMessages,
    /// How many items were taken, where it is said.
    pub accepted: Option<u64>,
    /// How many were not.
    pub failed: Option<u64>,
}

impl Failures {
    /// Reads them from the body of an answer: a non-empty `errors`, or a count of failed items at the top or in a
    /// `summary` (`{"measurements":{"summary":{"accepted":2,"failed":3}}}`). None where all went well.
    pub fn told(body: &Value, hidden: &[&str]) -> Option<Self> {
        let body = body.as_object()?;
        let summary = ["measurements", "gauges"].into_iter().find_map(|key| body.get(key)?.get("summary"));
        let summary = summary.or_else(|| body.get("summary"));
        let count = |key: &str| {
            let own = summary.and_then(|summary| summary.get(key)).or_else(|| body.get(key));
            own.and_then(super::lenient::u64)
        };
        let failed = count("failed").filter(|failed| *failed > 0);
        let errors = body.get("errors").filter(|errors| match errors {
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            Value::String(text) => !text.trim().is_empty(),
            _ => false,
        });
        if failed.is_none() && errors.is_none() {
            return None;
        }
        let mut found = Collector { hidden, messages: Vec::new() };
        found.errors(errors.unwrap_or(&Value::Null));
        Some(Self { messages: ApiMessages { messages: found.messages }, accepted: count("accepted"), failed })
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.failed, self.messages.is_empty()) {
            (Some(failed), true) => write!(f, "{failed} failed"),
            (Some(failed), false) => write!(f, "{failed} failed: {}", self.messages),
            (None, _) => self.messages.fmt(f),
        }
    }
}

/// Gathers messages while walking an error body.
struct Collector<'a> {
    hidden: &'a [&'a str],
    messages: Vec<ApiMessage>,
}

impl Collector<'_> {
    fn body(&mut self, body: &Value) {
        let Value::Object(object) = body else {
            return self.walk("", body, 0);
        };
        match object.get("errors") {
            Some(errors) => self.errors(errors),
            None => {
                for key in ["error", "message"] {
                    self.walk("", object.get(key).unwrap_or(&Value::Null), 0);
                }
            }
        }
    }

    fn errors(&mut self, errors: &Value) {
        let Value::Object(errors) = errors else { return self.walk("", errors, 0) };
        for (group, value) in errors {
            // The groups say who is to blame; only below `params` do keys name parameters. Services without groups name
            // parameters at once.
            let group = if matches!(group.as_str(), "params" | "request" | "system") { "" } else { group };
            self.walk(group, value, 0);
        }
    }

    fn walk(&mut self, param: &str, value: &Value, depth: usize) {
        match value {
            _ if depth > DEPTH_LIMIT => {}
            Value::Null => {}
            Value::String(text) => self.push(param, text),
            Value::Bool(_) | Value::Number(_) => self.push(param, &value.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.walk(param, item, depth + 1)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    let param = if param.is_empty() { key.clone() } else { format!("{param}.{key}") };
                    self.walk(&param, value, depth + 1);
                }
            }
        }
    }

    fn push(&mut self, param: &str, text: &str) {
        let mut text = text.trim().to_owned();
        for secret in self.hidden.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "[hidden]");
        }
        if text.is_empty() || self.messages.len() == MESSAGE_LIMIT {
            return;
        }
        let param = (!param.is_empty()).then(|| presentable(param));
        self.messages.push(ApiMessage { param, text: presentable(&text) });
    }
}

/// White space folded, control characters (also those that turn the direction of writing) escaped, length bounded.
fn presentable(text: &str) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown = String::new();
    for (count, c) in folded.chars().enumerate() {
        if count == TEXT_LIMIT {
            shown.push('…');
            break;
        }
        match c {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                shown.extend(c.escape_unicode());
            }
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// The title of an HTML page, or else its text.
fn without_markup(page: &str) -> String {
    // ASCII case folding keeps byte positions, so what is found in one can be cut out of the other.
    let folded = page.to_ascii_lowercase();
    let inside = |tag: &str| {
        let open = folded.find(&format!("<{tag}"))?;
        let start = open + folded[open..].find('>')? + 1;
        Some(&page[start..start + folded[start..].find(&format!("</{tag}"))?])
    };
    let text =
        inside("title").filter(|title| !title.trim().is_empty()).or_else(|| inside("body")).unwrap_or(page);
    let text = strip_tags(text);
    if text.trim().is_empty() { "an HTML page".to_owned() } else { format!("an HTML page: {}", text.trim()) }
}

/// Everything outside angle brackets, the common entities resolved.
fn strip_tags(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        match part.split_once('>') {
            Some((_, after)) => {
                text.push(' ');
                text.push_str(after);
            }
            None if text.is_empty() => text.push_str(part),
            None => {}
        }
    }
    for (entity, meaning) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
    {
        text = text.replace(entity, meaning);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> String {
        ApiMessages::parse(body, &[]).to_string()
    }

    #[test]
    fn every_known_shape_becomes_one_calm_line() {
        for (body, expected) in [
            (
                r#"{"errors":{"params":{"name":["is not present"],"start_time":["is not a number"]}}}"#,
                "name is not present; start_time is not a number",
            ),
            (r#"{"errors":{"request":["Please use https!"]}}"#, "Please use https!"),
            (r#"{"errors":{"system":["Down for maintenance."]}}"#, "Down for maintenance."),
            (
                r#"{"errors":{"params":{"conditions":{"duration":["must be set"]},"name":["is already taken"]}}}"#,
                "conditions.duration must be set; name is already taken",
            ),
            (r#"{"errors":{"request":"The resolution is unavailable"}}"#, "The resolution is unavailable"),
            (r#"{"errors":{"params":{"name":"oops"}}}"#, "name oops"),
            (
                r#"{"errors":{"params":{"measure_time":["is too far in the past"]}},"request_time":1488585496}"#,
                "measure_time is too far in the past",
            ),
            (
                r#"{"errors":["Tag based measurements are not enabled"]}"#,
                "Tag based measurements are not enabled",
            ),
            (r#"{"errors":"no"}"#, "no"),
            (r#"{"errors":{"name":["is taken"]}}"#, "name is taken"),
            (
                r#"{"request_time":1467306906,"error":"You have hit the API limit"}"#,
                "You have hit the API limit",
            ),
            (r#"{"message":"Not here"}"#, "Not here"),
            (r#""just a string""#, "just a string"),
            (
                "Credentials are required to access this resource.\n",
                "Credentials are required to access this resource.",
            ),
            ("", ""),
            ("{}", ""),
            ("null", ""),
        ] {
            assert_eq!(line(body), expected, "{body}");
        }
    }

    #[test]
    fn a_success_that_tells_of_failures_is_found_in_every_shape() {
        for (body, told) in [
            (
                r#"{"measurements":{"summary":{"accepted":2,"failed":3}}}"#,
                Some((Some(2), Some(3), "3 failed")),
            ),
            (r#"{"errors":["x is too old"]}"#, Some((None, None, "x is too old"))),
            (r#"{"errors":{"params":{"name":["is bad"]}}}"#, Some((None, None, "name is bad"))),
            (
                r#"{"summary":{"failed":1},"errors":[{"param":"value"}]}"#,
                Some((None, Some(1), "1 failed: param value")),
            ),
            (r#"{"failed":"2","accepted":0}"#, Some((Some(0), Some(2), "2 failed"))),
            (r#"{"errors":[]}"#, None),
            (r#"{"errors":{},"measurements":{"summary":{"accepted":5,"failed":0}}}"#, None),
            (r#"{"id":3,"name":"errors"}"#, None),
            ("[]", None),
            ("null", None),
        ] {
            let found = Failures::told(&serde_json::from_str(body).unwrap(), &[]);
            let found = found.as_ref().map(|it| (it.accepted, it.failed, it.to_string()));
            assert_eq!(found, told.map(|(a, f, text)| (a, f, text.to_owned())), "{body}");
        }
    }

    #[test]
    fn html_pages_lose_their_markup() {
        let nginx = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>x</h1></body></html>";
        assert_eq!(line(nginx), "an HTML page: 502 Bad Gateway");
        let bare = "<!DOCTYPE html><HTML><BODY class=a><h1>Oops</h1><p>a &lt; b &amp;lt;</p></BODY></HTML>";
        assert_eq!(line(bare), "an HTML page: Oops a < b &lt;");
        assert_eq!(line("<html></html>"), "an HTML page");
        assert_eq!(line("<title>İ&nbsp;ß</title><"), "an HTML page: İ ß");
    }

    #[test]
    fn texts_are_bounded_and_harmless() {
        let body = serde_json::json!({"errors": {"params": {"a\u{1b}[2J": ["x\u{7}\n\ty\u{202e}z"]}}});
        assert_eq!(line(&body.to_string()), "a\\u{1b}[2J x\\u{7} y\\u{202e}z");
        assert!(line(&"ß".repeat(1_000_000)).chars().count() <= TEXT_LIMIT + 1);
        let many = serde_json::json!({"errors": vec!["x"; 1000]});
        assert_eq!(ApiMessages::parse(&many.to_string(), &[]).messages.len(), MESSAGE_LIMIT);
    }

    #[test]
    fn what_was_sent_in_confidence_does_not_come_back() {
        let secret = format!("https://hooks.example.com/{}", "canary".repeat(100));
        let body = serde_json::json!({"errors": {"params": {"url": [format!("{secret} is not reachable")]}}});
        let messages = ApiMessages::parse(&body.to_string(), &["", &secret]);
        assert_eq!(messages.to_string(), "url [hidden] is not reachable");
    }

    #[test]
    fn rate_limits_are_told_from_refusals_by_their_words() {
        let busy =
            r#"{"error":"You have hit the API limit for measurements [measure:raw_rate]. Contact support"}"#;
        assert!(ApiMessages::parse(busy, &[]).speak_of_a_rate_limit());
        let denied = r#"{"errors":{"request":["This token is not permitted to perform this action on this resource"]}}"#;
        assert!(!ApiMessages::parse(denied, &[]).speak_of_a_rate_limit());
    }
}
