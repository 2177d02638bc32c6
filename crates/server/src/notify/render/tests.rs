//! Every living type against its golden requests: `tests/cases/notify/TYPE.txt` has what is sent in each situation.
//! `UPDATE=1 cargo test --lib requests_are_as` rewrites them; read what changed before you commit it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use url::Url;

use super::{digest, digests, links_pictures, render};
use crate::notify::dead::dead;
use crate::notify::judge::{Answer, Outcome};
use crate::notify::message::{How, Message, Subject, Test, Violation, What};
use crate::notify::request::{LinkedPicture, Request, Surroundings, Unsendable};
use crate::notify::text::link;
use librato_apply::model::{SERVICE_TYPES, dead_service};

/// In every setting that is a secret; it may stand in requests and nowhere else.
const CANARY: &str = "canary4711";

/// One row of the table: a service, and how one of its answers is to be read.
struct Row {
    /// The name of the golden file.
    name: &'static str,
    kind: &'static str,
    settings: Value,
    /// Status, body, and what they mean: one that took the message, one that may later, one that never will.
    answers: [(u16, &'static str); 3],
    /// Length in bytes of the largest body it may be sent.
    max: usize,
}

fn rows() -> Vec<Row> {
    let url = |url: &str| json!({ "url": url.replace("CANARY", CANARY) });
    let with = |mut settings: Value, name: &str, value: &str| {
        settings[name] = value.into();
        settings
    };
    let pagerduty = json!({"service_key": CANARY, "event_type": "trigger", "description": "fallback"});
    let sns =
        |arn: &str| json!({"topic_arn": arn, "access_key_id": "AKIDEXAMPLE", "secret_access_key": CANARY});
    let plain = [(200, ""), (503, ""), (404, "")];
    let row = |name, kind, settings, answers, max| Row { name, kind, settings, answers, max };
    // A listener of one's own gets everything that is listed, which is a hundred streams at most.
    let open = usize::MAX;
    vec![
        row("webhook", "webhook", url("https://ops:CANARY%21@hooks.example.org/a?b=CANARY"), plain, open),
        row(
            "webhook-json",
            "webhook",
            with(url("http://hooks.example.org/CANARY"), "format", "json"),
            plain,
            open,
        ),
        row(
            "webhook-teams",
            "webhook",
            with(url("https://flows.example.org/CANARY"), "format", "teams"),
            [(202, ""), (429, ""), (400, "")],
            28_000,
        ),
        row(
            "slack",
            "slack",
            url("https://hooks.slack.com/services/T0/B0/CANARY"),
            [(200, "ok"), (429, ""), (200, "no_service")],
            50_000,
        ),
        row(
            "slack-mattermost",
            "slack",
            url("https://chat.example.org/hooks/CANARY"),
            [(200, "ok"), (500, ""), (200, r#"{"success":false}"#)],
            50_000,
        ),
        row(
            "slack-discord",
            "slack",
            url("https://discord.com/api/webhooks/1/CANARY"),
            [(200, "ok"), (429, "{}"), (401, "{}")],
            20_000,
        ),
        row(
            "slack-teams",
            "slack",
            url("https://prod-1.westeurope.logic.azure.com/workflows/1?sig=CANARY"),
            [(202, ""), (503, ""), (401, "")],
            28_000,
        ),
        row("pagerduty", "pagerduty", pagerduty.clone(), [(200, "{}"), (403, ""), (400, "{}")], 512_000),
        row(
            "pagerduty-v2",
            "pagerduty",
            with(with(pagerduty, "api", "v2"), "incident_key", "prod"),
            [(202, "{}"), (429, ""), (400, "{}")],
            512_000,
        ),
        row(
            "opsgenie",
            "opsgenie",
            json!({"customer_key": CANARY, "tags": "a, b", "teams": "ops", "recipients": "jo@example.org"}),
            [(202, "{}"), (429, ""), (422, "{}")],
            100_000,
        ),
        row(
            "opsgenie-atlassian",
            "opsgenie",
            json!({"customer_key": CANARY, "hostname": "api.atlassian.com", "recipients": "all"}),
            [(202, "{}"), (500, ""), (403, "{}")],
            100_000,
        ),
        row(
            "victorops",
            "victorops",
            json!({"api_key": CANARY, "routing_key": "team/a", "extra": "kept", "entity_id": "not this"}),
            [(200, r#"{"result":"success"}"#), (503, ""), (200, r#"{"result":"failure"}"#)],
            100_000,
        ),
        row(
            "sns",
            "sns",
            sns("arn:aws:sns:eu-west-1:123456789012:pages"),
            [
                (200, "<PublishResponse/>"),
                (400, "<Error><Code>Throttling</Code></Error>"),
                (403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"),
            ],
            // As a form, where quotes take three bytes.
            3 * 262_144,
        ),
        row("sns-fifo", "sns", sns("arn:aws-cn:sns:cn-north-1:123456789012:pages.fifo"), plain, 3 * 262_144),
        row(
            "bigpanda",
            "bigpanda",
            json!({"app_key": CANARY, "token": CANARY}),
            [(204, ""), (500, ""), (401, "")],
            100_000,
        ),
        row(
            "zapier",
            "zapier",
            url("https://hooks.zapier.com/hooks/catch/1/CANARY"),
            [(200, "{}"), (503, ""), (410, "")],
            100_000,
        ),
    ]
}

/// With pages people are led there: to the alert itself, which says why.
#[test]
fn links_lead_to_pages_where_there_are_some() {
    let trigger = trigger();
    let mut at = surroundings(true);
    assert_eq!(link(&trigger, &at).unwrap(), "https://metrics.example.org/lib/v1/alerts/12");
    at.has_pages = true;
    assert_eq!(link(&trigger, &at).unwrap(), "https://metrics.example.org/lib/ui/alerts/12");
}

/// Chats show what an alert watches where anybody may see it, and only when it fires.
#[test]
fn chats_show_pictures_that_anybody_may_see() {
    let url = "https://metrics.example.org/lib/snapshots/0123.png";
    let picture =
        LinkedPicture { url: Url::parse(url).unwrap(), words: "1 series; greatest 100.".to_owned() };
    let at = Surroundings { picture: Some(picture), ..surroundings(true) };
    let mut showing = BTreeSet::new();
    for (name, kind, settings) in all_kinds() {
        let sent = shown(&render(kind, map(&settings), &trigger(), &at));
        assert_eq!(sent.contains(url), links_pictures(kind, map(&settings)), "{name}: {sent}");
        if sent.contains(url) {
            showing.insert(name);
        }
        let over = shown(&render(kind, map(&settings), &clear(How::Normal), &at));
        assert!(!over.contains(url), "{name}: {over}");
    }
    let chats = ["slack", "slack-discord", "slack-mattermost", "slack-teams", "webhook-teams"];
    assert_eq!(showing, BTreeSet::from(chats));
}

/// Mail goes by a relay, whose answers the sender reads.
fn addresses() -> Value {
    json!({"addresses": "ops@example.org, jo@example.org,OPS@example.org"})
}

fn surroundings(linked: bool) -> Surroundings {
    let public_url = linked.then(|| Url::parse("https://metrics.example.org/lib/").unwrap());
    Surroundings {
        public_url,
        has_pages: false,
        bases: BTreeMap::new(),
        host: "metrics.example.org".into(),
        now: 1_480_000_007,
        picture: None,
    }
}

fn violation(stream: &str, test: Test) -> Violation {
    let (condition_id, count) = if test == Test::Absent { (3, 0) } else { (1, 10) };
    Violation {
        stream: stream.to_owned(),
        condition_id,
        metric: "db.ms".to_owned(),
        threshold: (test != Test::Absent).then_some(10.0),
        test,
        value: 100.123_456,
        begin: 1_479_999_900,
        end: 1_479_999_990,
        count,
        recorded_at: 1_479_999_990,
    }
}

fn message(what: What) -> Message {
    Message {
        key: "0000beef-12-3".to_owned(),
        seq: 0,
        at: 1_480_000_000,
        opened: None,
        account: "ops@example.org".to_owned(),
        alert: Subject {
            id: 12,
            name: "db.slow <&> | \"x\"".to_owned(),
            description: Some("writes wait & <b>readers</b> too".to_owned()),
            runbook_url: Some("https://wiki.example.org/db?a=1|2&b".to_owned()),
        },
        stream: None,
        conditions: vec![
            json!({"id": 1, "type": "above", "metric_name": "db.ms", "source": null, "threshold": 10.0, "duration": 60}),
            json!({"id": 2, "type": "below", "metric_name": "db.ms", "source": null, "threshold": 0.5}),
            json!({"id": 3, "type": "absent", "metric_name": "db.ms", "source": null, "duration": 600}),
        ],
        what,
        test: false,
    }
}

fn trigger() -> Message {
    let immediate = Violation {
        condition_id: 2,
        test: Test::Below,
        threshold: Some(0.5),
        ..violation("db1", Test::Below)
    };
    let violations =
        vec![violation("db1", Test::Above), immediate, violation("env=a&b,host=<x>", Test::Absent)];
    message(What::Trigger { violations, truncated: 0, again: false })
}

fn clear(how: How) -> Message {
    Message { seq: 1, ..message(What::Clear { how }) }
}

/// More than anybody takes: a hundred streams with long names and a hundred conditions each, a name and a description without end.
fn endless() -> Message {
    let stream = |i: usize| violation(&format!("{i:03}-{}", "s".repeat(200)), Test::Above);
    let violations = (0..100).flat_map(|i| std::iter::repeat_n(stream(i), 30)).collect();
    let mut message = message(What::Trigger { violations, truncated: 900, again: true });
    message.alert.name = "näme\n".repeat(400);
    message.alert.description = Some("\"déscription\"\n".repeat(4_000));
    message
}

/// What is sent in each situation.
fn situations() -> Vec<(&'static str, Message, bool)> {
    let one = Message { stream: Some("db1".to_owned()), ..trigger() };
    let bare = Subject { description: None, runbook_url: Some("ask Jo".to_owned()), ..trigger().alert };
    vec![
        ("trigger", trigger(), true),
        ("trigger of one stream, without links", Message { alert: bare, ..one }, false),
        ("clear", clear(How::Normal), true),
        ("clear by hand", clear(How::Manual), false),
        ("clear by itself", clear(How::Auto), true),
        ("test", trigger().for_test(), true),
        ("test clear", clear(How::Normal).for_test(), false),
    ]
}

fn map(settings: &Value) -> &Map<String, Value> {
    settings.as_object().unwrap()
}

/// A request for people to read.
fn shown(request: &Result<Request, Unsendable>) -> String {
    let mut text = String::new();
    match request {
        Ok(Request::Http(http)) => {
            writeln!(text, "POST {}", http.url).unwrap();
            http.headers.iter().for_each(|(name, value)| writeln!(text, "{name}: {value}").unwrap());
            let body = std::str::from_utf8(&http.body).unwrap();
            match serde_json::from_str::<Value>(body) {
                Ok(json) => writeln!(text, "\n{json:#}").unwrap(),
                Err(_) => {
                    writeln!(text).unwrap();
                    url::form_urlencoded::parse(body.as_bytes())
                        .for_each(|(name, value)| writeln!(text, "{name} = {value}").unwrap());
                }
            }
        }
        Ok(Request::Mail(mail)) => {
            for letter in &mail.letters {
                let answers = letter.answers.as_deref().unwrap_or("nothing");
                writeln!(text, "To: {}, {}, answers {answers}", letter.to, letter.message_id).unwrap();
            }
            writeln!(text, "Subject: {}\n\n{}\n{}", mail.subject, mail.text, mail.html).unwrap();
        }
        Err(why) => writeln!(text, "{why}").unwrap(),
    }
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

fn all_kinds() -> Vec<(&'static str, &'static str, Value)> {
    let mut kinds: Vec<_> = rows().into_iter().map(|row| (row.name, row.kind, row.settings)).collect();
    kinds.push(("mail", "mail", addresses()));
    kinds
}

#[test]
fn requests_are_as_the_files_say() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/cases/notify");
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    for (name, kind, settings) in all_kinds() {
        let mut said = String::new();
        for (situation, message, linked) in situations() {
            let request = render(kind, map(&settings), &message, &surroundings(linked));
            writeln!(said, "=== {situation}\n{}", shown(&request)).unwrap();
        }
        if digests(kind) {
            let (last, shorter) = (
                clear(How::Normal),
                message(What::Trigger { violations: vec![], truncated: 3, again: false }),
            );
            let request = digest(kind, map(&settings), &[trigger(), last, shorter], &surroundings(true));
            writeln!(said, "=== digest\n{}", shown(&request)).unwrap();
        }
        let file = directory.join(format!("{name}.txt"));
        if update {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(file, said).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&file).unwrap();
        if said != expected {
            let diff = similar::TextDiff::from_lines(&expected, &said);
            write!(wrong, "--- {name}\n{}", diff.unified_diff().header("expected", "sent")).unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}\nIf the new requests are right: UPDATE=1 cargo test --lib requests_are_as"
    );
}

/// The catalogue of the server holds the same types as that of the client (`serve/catalog/services`), which is tested there.
#[test]
fn every_type_has_a_row_or_is_dead() {
    let rows: BTreeSet<&str> = all_kinds().iter().map(|(_, kind, _)| *kind).collect();
    for known in SERVICE_TYPES {
        let name = known.name;
        assert_eq!(dead(name), dead_service(name), "the client says the same of {name}");
        assert!(
            rows.contains(name) != dead(name).is_some(),
            "{name} needs a row in this table, or is to be dead"
        );
    }
    let settings = Map::new();
    for known in SERVICE_TYPES.iter().filter(|known| dead(known.name).is_some()) {
        let sent = render(known.name, &settings, &trigger(), &surroundings(true));
        assert!(matches!(sent, Err(Unsendable::Dead(_))), "{}", known.name);
    }
    assert!(matches!(render("pigeon", &settings, &trigger(), &surroundings(true)), Err(Unsendable::Dead(_))));
}

#[test]
fn what_is_too_long_is_cut_to_what_the_far_end_takes() {
    for row in rows() {
        for message in [endless(), Message { what: What::Clear { how: How::Auto }, ..endless() }] {
            let sent = match render(row.kind, map(&row.settings), &message, &surroundings(true)) {
                Err(Unsendable::NotTaken(_)) if row.kind == "zapier" => continue,
                sent => sent.unwrap(),
            };
            let Request::Http(http) = sent else { panic!("{} is no mail", row.name) };
            assert!(http.body.len() <= row.max, "{}: {} bytes", row.name, http.body.len());
            assert!(http.headers.iter().all(|(_, value)| !value.contains('\n')), "{}", row.name);
        }
    }
}

fn sent_json(kind: &str, settings: &Value, message: &Message) -> Value {
    match render(kind, map(settings), message, &surroundings(true)).unwrap() {
        Request::Http(http) => serde_json::from_slice(&http.body).unwrap(),
        Request::Mail(_) => panic!("{kind} is mail"),
    }
}

#[test]
fn each_limit_is_kept_to_the_character() {
    let length = |value: &Value| value.as_str().unwrap().chars().count();
    let settings = |name: &str| rows().into_iter().find(|row| row.name == name).unwrap().settings;

    let slack = sent_json("slack", &settings("slack-mattermost"), &endless());
    assert!(slack.to_string().chars().count() <= 16_383);
    let fields = slack["attachments"][0]["fields"].as_array().unwrap();
    let last = fields.last().unwrap()["value"].as_str().unwrap();
    assert_eq!(last, format!("and {} more streams", 1_000 - (fields.len() - 1)));

    let many = (0..60).map(|i| violation(&format!("w{i}"), Test::Above)).collect();
    let many = message(What::Trigger { violations: many, truncated: 0, again: false });
    let fields = |name: &str| {
        let body = sent_json("slack", &settings(name), &many);
        body["attachments"][0]["fields"].as_array().unwrap().len()
    };
    assert_eq!((fields("slack"), fields("slack-discord")), (40, 25));

    let v1 = sent_json("pagerduty", &settings("pagerduty"), &endless());
    assert_eq!(length(&v1["description"]), 1_024);
    assert!(v1["details"]["violations_truncated"].as_u64().unwrap() >= 900);
    let v2 = sent_json("pagerduty", &settings("pagerduty-v2"), &endless());
    assert_eq!(length(&v2["payload"]["summary"]), 1_024);
    let opsgenie = sent_json("opsgenie", &settings("opsgenie"), &endless());
    assert_eq!((length(&opsgenie["message"]), length(&opsgenie["description"])), (130, 15_000));
    let victorops = sent_json("victorops", &settings("victorops"), &endless());
    assert_eq!((length(&victorops["state_message"]), length(&victorops["entity_id"])), (20_480, 512));
    for name in ["bigpanda", "zapier"] {
        let sent = sent_json(name, &settings(name), &endless());
        assert!(length(&sent["violations"]) <= 10_000, "{name}");
    }
    let Request::Mail(mail) = render("mail", map(&addresses()), &endless(), &surroundings(true)).unwrap()
    else {
        panic!("no mail")
    };
    assert_eq!(mail.subject.chars().count(), 250);
    assert!(!mail.subject.contains('\n'));
}

#[test]
fn sns_takes_a_quarter_of_a_megabyte_and_telephones_a_line() {
    let settings = rows().into_iter().find(|row| row.name == "sns").unwrap().settings;
    let Request::Http(http) = render("sns", map(&settings), &endless(), &surroundings(true)).unwrap() else {
        panic!("no request")
    };
    let body = url::form_urlencoded::parse(&http.body).find(|(name, _)| name == "Message").unwrap().1;
    assert!(body.len() <= 262_144 && body.len() > 200_000, "{}", body.len());
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["sms"].as_str().unwrap().chars().count(), 140);
    let default: Value = serde_json::from_str(body["default"].as_str().unwrap()).unwrap();
    let kept = default["violations"].as_object().unwrap().len() as u64;
    assert_eq!(default["violations_truncated"].as_u64().unwrap() + kept, 1_000);
}

#[test]
fn answers_mean_what_the_far_end_says_they_do() {
    for row in rows() {
        let Request::Http(http) =
            render(row.kind, map(&row.settings), &trigger(), &surroundings(true)).unwrap()
        else {
            panic!("{} is no mail", row.name)
        };
        let judge = |(status, body): (u16, &str)| {
            http.success.judge(&Answer { status, retry_after: Some("7"), body: body.as_bytes(), now: 0 })
        };
        let retry_after = Some(std::time::Duration::from_secs(7));
        let expected = [Outcome::Taken, Outcome::Passing { retry_after }, Outcome::Lasting];
        assert_eq!(row.answers.map(judge), expected, "{}", row.name);
    }
}

#[test]
fn settings_that_say_nothing_are_named_without_their_values() {
    for known in SERVICE_TYPES.iter().filter(|known| dead(known.name).is_none()) {
        let (_, _, settings) = all_kinds().into_iter().find(|(_, kind, _)| *kind == known.name).unwrap();
        // The API asks for these, and nothing is made of them.
        let unused = ["event_type", "description"];
        for name in known.required.iter().filter(|name| !unused.contains(name)) {
            for broken in [Value::Null, json!(""), json!("  "), json!(7)] {
                let mut settings = map(&settings).clone();
                settings.insert((*name).to_owned(), broken);
                let Err(Unsendable::Settings(why)) =
                    render(known.name, &settings, &trigger(), &surroundings(true))
                else {
                    panic!("{} sends without {name}", known.name)
                };
                assert!(why.contains(&format!("`{name}`")) && !why.contains(CANARY), "{why}");
            }
        }
    }
    let url = |text: &str| json!({ "url": text });
    let sns = |arn: &str| json!({"topic_arn": arn, "access_key_id": CANARY, "secret_access_key": CANARY});
    for (kind, settings, why) in [
        ("slack", url(CANARY), "the setting `url` is not a URL"),
        ("webhook", url("ftp://canary4711/x"), "the setting `url` begins with neither http:// nor https://"),
        ("zapier", url("http://"), "the setting `url` is not a URL"),
        (
            "webhook",
            json!({"url": "http://x/", "format": CANARY}),
            "the setting `format` is not one of: librato, json, teams",
        ),
        ("pagerduty", json!({"service_key": "x", "api": CANARY}), "the setting `api` is not one of: v1, v2"),
        (
            "mail",
            json!({"addresses": "canary4711"}),
            "the setting `addresses` is not a list of addresses with commas",
        ),
        (
            "mail",
            json!({"addresses": "a@b.c\r\nBcc: canary4711@x.y"}),
            "the setting `addresses` is not a list of addresses with commas",
        ),
        ("mail", json!({"addresses": " , "}), "the setting `addresses` names nobody"),
        (
            "opsgenie",
            json!({"customer_key": "canary4711\nX: y"}),
            "the setting `customer_key` has characters that cannot be sent",
        ),
        (
            "opsgenie",
            json!({"customer_key": "k", "hostname": "canary4711/path"}),
            "the settings name no host that can be reached",
        ),
        (
            "opsgenie",
            json!({"customer_key": "k", "hostname": "u@canary4711"}),
            "the settings name no host that can be reached",
        ),
        (
            "bigpanda",
            json!({"app_key": "k", "token": "canary4711 x"}),
            "the setting `token` has characters that cannot be sent",
        ),
        (
            "sns",
            sns("arn:aws:sns:canary4711.example.org/:1:t"),
            "the setting `topic_arn` is not the name of an SNS topic",
        ),
        ("sns", sns("arn:aws:sqs:eu-west-1:1:t"), "the setting `topic_arn` is not the name of an SNS topic"),
    ] {
        let sent = render(kind, map(&settings), &trigger(), &surroundings(true));
        assert_eq!(sent.err(), Some(Unsendable::Settings(why.to_owned())), "{kind}");
    }
}

#[test]
fn a_request_shows_nothing_of_its_secrets() {
    for (name, kind, settings) in all_kinds() {
        let request = render(kind, map(&settings), &trigger(), &surroundings(true)).unwrap();
        assert!(!format!("{request:?}").contains(CANARY), "{name}");
        assert!(!serde_json::to_string(&trigger()).unwrap().contains(CANARY));
    }
}

#[test]
fn the_operator_says_where_services_are() {
    let mut at = surroundings(true);
    for kind in super::BASED {
        at.bases.insert((*kind).to_owned(), Url::parse("http://127.0.0.1:9/deep").unwrap());
    }
    for row in rows().into_iter().filter(|row| super::BASED.contains(&row.kind)) {
        let Request::Http(http) = render(row.kind, map(&row.settings), &trigger(), &at).unwrap() else {
            panic!("{} is no mail", row.name)
        };
        assert!(http.trusted && http.url.as_str().starts_with("http://127.0.0.1:9/deep"), "{}", http.url);
    }
}
