//! The far ends of notifications as their makers describe them: a small server that refuses what the real one would. Everybody's
//! requests are judged alike, so that the rules are not made to our measure. What of a path stands behind a webhook's only tells
//! apart who is reached.

#![allow(dead_code)] // Not every test that includes this uses all of it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing here takes so long; who waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it arrived.
#[derive(Debug)]
pub struct Arrived {
    /// When its first byte did.
    pub begun: Instant,
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

/// What was made of it: the type of service it is for and whether it says that something is over, or why it is refused.
pub type Verdict = Result<(&'static str, bool), String>;

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// What a webhook was sent, as an object, in whichever form.
    pub fn payload(&self) -> Result<Value, String> {
        if !self.header("content-type").starts_with("application/x-www-form-urlencoded") {
            return self.json();
        }
        let mut fields = url::form_urlencoded::parse(self.body.as_bytes());
        let payload = fields.find(|(name, _)| name == "payload").ok_or("no payload")?.1;
        serde_json::from_str(&payload).map_err(|error| error.to_string())
    }

    pub fn json(&self) -> Result<Value, String> {
        need(self.header("content-type").starts_with("application/json"), "the content type is not JSON")?;
        serde_json::from_str(&self.body).map_err(|error| error.to_string())
    }
}

fn need(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

/// Listens for all types at once and hands on what came.
pub struct Sink {
    pub address: SocketAddr,
    verdicts: Receiver<(Verdict, Arrived)>,
}

impl Sink {
    pub fn open() -> Self {
        Self::slow(|| Duration::ZERO)
    }

    /// One that takes its time before it answers.
    pub fn slow(wait: fn() -> Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, verdicts) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let sender = sender.clone();
                std::thread::spawn(move || answer_all(stream.unwrap(), &sender, wait));
            }
        });
        Self { address, verdicts }
    }

    pub fn next(&self) -> (Verdict, Arrived) {
        self.verdicts.recv_timeout(PATIENCE).expect("nothing more arrived")
    }

    /// What has arrived and was not looked at yet, if anything.
    pub fn waiting(&self) -> Option<(Verdict, Arrived)> {
        self.verdicts.try_recv().ok()
    }
}

fn answer_all(mut stream: TcpStream, sender: &Sender<(Verdict, Arrived)>, wait: fn() -> Duration) {
    while let Some(arrived) = read(&mut stream) {
        let verdict = judge(&arrived);
        let (status, body) = match &verdict {
            Ok(("slack", _)) => ("200 OK", "ok"),
            Ok(("victorops", _)) => ("200 OK", r#"{"result":"success","entity_id":"x"}"#),
            Ok(("webhook", _)) => ("204 No Content", ""),
            Ok(_) => ("202 Accepted", r#"{"status":"success"}"#),
            Err(_) => ("400 Bad Request", r#"{"status":"invalid"}"#),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        // It has arrived, whether or not anybody waits for the answer.
        if sender.send((verdict, arrived)).is_err() {
            return;
        }
        std::thread::sleep(wait());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Arrived> {
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    let begun = Instant::now();
    let mut head = byte.to_vec();
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let mut body = vec![0; length.1.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Arrived { begun, method, path, headers, body: String::from_utf8(body).ok()? })
}

/// As the far end of this path would.
pub fn judge(arrived: &Arrived) -> Verdict {
    need(arrived.method == "POST", "only POST is known here")?;
    let path = arrived.path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments[..] {
        ["v2", "enqueue"] => pagerduty(&arrived.json()?).map(|over| ("pagerduty", over)),
        ["v2", "alerts"] => opsgenie(arrived).map(|()| ("opsgenie", false)),
        ["v2", "alerts", alias, "close"] => {
            need(!alias.is_empty(), "no alias")?;
            need(arrived.path.ends_with("?identifierType=alias"), "an alias is taken for an id")?;
            genie_key(arrived)?;
            need(arrived.json()?.is_object(), "not an object")?;
            Ok(("opsgenie", true))
        }
        ["integrations", "generic", "20131114", "alert", key, route] => {
            need(!key.is_empty() && !route.is_empty(), "no key, or no route")?;
            victorops(&arrived.json()?).map(|over| ("victorops", over))
        }
        ["slack"] => slack(&arrived.json()?).map(|over| ("slack", over)),
        ["webhook", ..] => webhook(arrived).map(|over| ("webhook", over)),
        _ => Err(format!("nobody is at {path}")),
    }
}

/// A text of 1 to `max` characters.
fn text(value: &Value, max: usize, what: &str) -> Result<(), String> {
    let length = value.as_str().map_or(0, |text| text.chars().count());
    need((1..=max).contains(&length), &format!("{what} has {length} characters, not 1 to {max}"))
}

fn only(value: &Value, known: &[&str]) -> Result<(), String> {
    let object = value.as_object().ok_or("not an object")?;
    let unknown: Vec<_> = object.keys().filter(|key| !known.contains(&key.as_str())).collect();
    need(unknown.is_empty(), &format!("unknown keys {unknown:?}"))
}

/// Events API, version 2.
fn pagerduty(event: &Value) -> Result<bool, String> {
    let known =
        ["routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"];
    only(event, &known)?;
    need(event.to_string().len() <= 512_000, "too long")?;
    text(&event["routing_key"], 64, "routing_key")?;
    text(&event["dedup_key"], 255, "dedup_key")?;
    let over = match event["event_action"].as_str() {
        Some("trigger") => false,
        Some("resolve") => true,
        _ => return Err("no such event_action".to_owned()),
    };
    let payload = &event["payload"];
    let known =
        ["summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"];
    only(payload, &known)?;
    text(&payload["summary"], 1_024, "summary")?;
    text(&payload["source"], 1_024, "source")?;
    let severities = ["critical", "error", "warning", "info"];
    need(payload["severity"].as_str().is_some_and(|one| severities.contains(&one)), "no such severity")?;
    if let Some(timestamp) = payload["timestamp"].as_str() {
        need(timestamp.parse::<jiff::Timestamp>().is_ok(), "timestamp is not ISO 8601")?;
    }
    for link in event["links"].as_array().into_iter().flatten() {
        let href = link["href"].as_str().unwrap_or_default();
        need(href.starts_with("http://") || href.starts_with("https://"), "a link leads nowhere")?;
    }
    Ok(over)
}

fn genie_key(arrived: &Arrived) -> Result<(), String> {
    let key = arrived.header("authorization").strip_prefix("GenieKey ").unwrap_or_default();
    need(!key.is_empty(), "no GenieKey")
}

/// Alert API, version 2.
fn opsgenie(arrived: &Arrived) -> Result<(), String> {
    genie_key(arrived)?;
    let alert = arrived.json()?;
    text(&alert["message"], 130, "message")?;
    text(&alert["alias"], 512, "alias")?;
    for (name, max) in [("description", 15_000), ("source", 100), ("entity", 512), ("note", 25_000)] {
        if alert[name].as_str().is_some_and(|text| !text.is_empty()) {
            text(&alert[name], max, name)?;
        }
    }
    let details = alert["details"].as_object().ok_or("details are no map")?;
    need(details.values().all(Value::is_string), "details are not texts")?;
    let tags = alert["tags"].as_array().map_or(&[][..], Vec::as_slice);
    need(tags.len() <= 20 && tags.iter().all(|tag| text(tag, 50, "tag").is_ok()), "tags are wrong")?;
    for responder in alert["responders"].as_array().into_iter().flatten() {
        let kinds = ["team", "user", "escalation", "schedule"];
        need(responder["type"].as_str().is_some_and(|kind| kinds.contains(&kind)), "no such responder")?;
        let named = ["id", "name", "username"].iter().any(|key| responder[*key].is_string());
        need(named, "a responder without a name")?;
    }
    Ok(())
}

/// The REST endpoint of Splunk On-Call.
fn victorops(event: &Value) -> Result<bool, String> {
    text(&event["entity_id"], 512, "entity_id")?;
    text(&event["state_message"], 20_480, "state_message")?;
    match event["message_type"].as_str() {
        Some("CRITICAL" | "WARNING" | "INFO") => Ok(false),
        Some("RECOVERY") => Ok(true),
        _ => Err("no such message_type".to_owned()),
    }
}

/// An incoming webhook with attachments; green ones say that something is over.
fn slack(message: &Value) -> Result<bool, String> {
    let attachments = message["attachments"].as_array().ok_or("no attachments")?;
    need((1..=20).contains(&attachments.len()), "too many attachments, or none")?;
    let mut over = false;
    for attachment in attachments {
        text(&attachment["fallback"], 40_000, "fallback")?;
        let is_shown = |key: &&str| {
            let value = &attachment[*key];
            value.is_array() || value.as_str().is_some_and(|text| !text.is_empty())
        };
        need(["text", "pretext", "title", "fields"].iter().any(is_shown), "nothing to show")?;
        for field in attachment["fields"].as_array().into_iter().flatten() {
            need(field["title"].is_string() && field["value"].is_string(), "a field without a value")?;
        }
        let fields = attachment["fields"].as_array().map_or(0, Vec::len);
        need(fields <= 40, "too many fields")?;
        let colour = attachment["color"].as_str().unwrap_or_default();
        over |= ["good", "#17B03C"].contains(&colour);
    }
    Ok(over)
}

/// A listener of somebody's own, who takes forms and JSON.
fn webhook(arrived: &Arrived) -> Result<bool, String> {
    let body = arrived.payload()?;
    need(body.is_object(), "not an object")?;
    Ok(body["clear"].is_string() || body["status"] == "resolved")
}
