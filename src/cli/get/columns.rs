//! Which fields of an object a table shows, kind by kind, and in which words.

use librato_apply::model::Seconds;
use serde_json::Value;

use super::text::text;
use crate::cli::args::kind::Kind;

/// A header and what stands below it.
type Column = (&'static str, fn(&Value) -> String);

/// The header and the rows of a table.
pub fn of(kind: Kind, objects: &[Value]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let said =
        |(header, _): &&Column| *header != LAST_FIRED || objects.iter().any(|raw| raw.get(FIRED).is_some());
    let columns: Vec<&Column> = columns(kind).iter().filter(said).collect();
    let rows = objects.iter().map(|object| columns.iter().map(|(_, cell)| cell(object)).collect());
    (columns.iter().map(|(header, _)| *header).collect(), rows.collect())
}

fn columns(kind: Kind) -> &'static [Column] {
    const ID: Column =
        ("ID", |raw| librato_apply::client::object_id(raw).map(|id| id.to_string()).unwrap_or_default());
    const NAME: Column = ("NAME", |raw| text(&raw["name"]));
    const DISPLAY_NAME: Column = ("DISPLAY NAME", |raw| text(&raw["display_name"]));
    const TYPE: Column = ("TYPE", |raw| text(&raw["type"]));
    const TYPE_OF_SERVICE: Column = ("TYPE", |raw| text(&raw["service"]["type"]));
    match kind {
        Kind::Metrics => &[
            NAME,
            TYPE,
            ("PERIOD", |raw| duration(&raw["period"])),
            DISPLAY_NAME,
            ("DESCRIPTION", |raw| first_line(&text(&raw["description"]))),
        ],
        Kind::Composites => &[NAME, ("COMPOSITE", |raw| first_line(&text(&raw["composite"])))],
        Kind::Annotations => &[NAME, DISPLAY_NAME],
        Kind::Sources => &[NAME, DISPLAY_NAME],
        Kind::Measurements => &[
            ("SOURCE", |raw| text(&raw["source"])),
            ("TIME", |raw| time(&raw["measure_time"])),
            ("VALUE", |raw| text(&raw["value"])),
            ("COUNT", |raw| text(&raw["count"])),
        ],
        Kind::Events => &[
            ID,
            ("START", |raw| time(&raw["start_time"])),
            ("END", |raw| time(&raw["end_time"])),
            ("SOURCE", |raw| text(&raw["source"])),
            ("TITLE", |raw| first_line(&text(&raw["title"]))),
        ],
        Kind::Alerts => &[
            ID,
            NAME,
            ("ACTIVE", |raw| text(&raw["active"])),
            ("STATUS", |raw| text(&raw[STATE])),
            (LAST_FIRED, |raw| text(&raw[FIRED])),
            ("SERVICES", |raw| joined(&raw["services"], ", ", |service| text(&service["title"]))),
            ("FIRES WHEN", |raw| joined(&raw["conditions"], " and ", condition)),
        ],
        Kind::Services => &[ID, ("TITLE", |raw| text(&raw["title"])), TYPE, ("SETTINGS", settings)],
        Kind::Spaces => &[ID, NAME],
        Kind::Charts => &[
            ID,
            ("SPACE", |raw| text(&raw["space"])),
            NAME,
            TYPE,
            ("SHOWS", |raw| joined(&raw["streams"], ", ", shown)),
        ],
        Kind::Instruments => &[ID, NAME, ("SHOWS", |raw| joined(&raw["streams"], ", ", shown))],
        Kind::Dashboards => {
            &[ID, NAME, ("INSTRUMENTS", |raw| raw["instruments"].as_array().map_or(0, Vec::len).to_string())]
        }
        Kind::Tokens => {
            &[ID, NAME, ("ROLE", |raw| text(&raw["role"])), ("ACTIVE", |raw| text(&raw["active"]))]
        }
        Kind::Audit => &[
            ("TIME", |raw| time(&raw["time"])),
            ("USER", |raw| text(&raw["user"])),
            ("ACTION", |raw| text(&raw["action"])),
            ("KIND", |raw| text(&raw["kind"])),
            NAME,
            ("CHANGED", changed),
            ("FROM", |raw| text(&raw["address"])),
        ],
        Kind::Incidents => &[
            ("ALERT", |raw| text(&raw["alert"]["name"])),
            ("STATUS", |raw| match raw["closed"].as_str() {
                Some(how) if how != "normal" => format!("{} ({how}){}", text(&raw["status"]), heard(raw)),
                _ => text(&raw["status"]) + &heard(raw),
            }),
            ("STREAM", |raw| text(&raw["stream"])),
            ("OPENED", |raw| time(&raw["opened_at"])),
            ("CLOSED", |raw| time(&raw["closed_at"])),
            ("WHY", super::why::why),
            ("KEY", |raw| text(&raw["incident_key"])),
        ],
        Kind::Deliveries => &[
            ID,
            ("ALERT", |raw| text(&raw["alert"]["name"])),
            ("SERVICE", |raw| text(&raw["service"]["title"])),
            TYPE_OF_SERVICE,
            ("KIND", |raw| text(&raw["kind"])),
            ("STATUS", |raw| text(&raw["status"])),
            ("MADE", |raw| time(&raw["created_at"])),
            ("ATTEMPTS", |raw| text(&raw["attempts"])),
            ("NEXT", |raw| time(&raw["next_attempt_at"])),
            ("DETAIL", told),
        ],
        Kind::Silences => &[
            ID,
            ("ALERT", |raw| text(&raw["alert"])),
            ("STREAM", |raw| text(&raw["stream"])),
            ("STATUS", |raw| text(&raw["status"])),
            ("FROM", |raw| time(&raw["start_time"])),
            ("UNTIL", |raw| {
                time(if raw["ended_at"].is_null() { &raw["end_time"] } else { &raw["ended_at"] })
            }),
            ("BY", |raw| text(&raw["user"])),
            ("WHY", |raw| first_line(&text(&raw["why"]))),
        ],
        Kind::Snapshots => &[ID, ("IMAGE", |raw| text(&raw["image_href"]))],
    }
}

/// Who was not told of an incident, behind its state; nothing where everybody was.
pub fn heard(incident: &Value) -> String {
    if incident["silent"] == true {
        return ", in re-arm".to_owned();
    }
    let services = joined(&incident["undelivered"], ", ", text);
    match incident["delivery"].as_str() {
        Some("not_delivered") if services.is_empty() => ", not delivered".to_owned(),
        Some("not_delivered") => format!(", not delivered to {services}"),
        Some("nobody") => ", nobody to tell".to_owned(),
        Some("muted") => ", not sent (--no-notify)".to_owned(),
        Some(word @ ("silenced" | "held")) => format!(", {word}"),
        _ => String::new(),
    }
}

/// What became of a delivery; of one that waits, also since when its service has failed.
fn told(raw: &Value) -> String {
    let (detail, circuit) = (first_line(&text(&raw["detail"])), &raw["service"]["circuit"]);
    if circuit.is_null() || raw["status"] != "waiting" {
        return detail;
    }
    let failing = format!("the service fails since {}", time(&circuit["open_since"]));
    if detail.is_empty() { failing } else { format!("{detail}; {failing}") }
}

/// The fields of an object that a change made others.
fn changed(entry: &Value) -> String {
    let (Some(before), Some(after)) = (entry["before"].as_object(), entry["after"].as_object()) else {
        return String::new();
    };
    let names = after.keys().chain(before.keys().filter(|name| !after.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect::<Vec<_>>().join(", ")
}

/// A time as people read it.
pub fn time(value: &Value) -> String {
    let time = value.as_i64().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(|| text(value), |time| time.to_string())
}

/// Seconds as the files write them.
fn duration(value: &Value) -> String {
    value
        .as_f64()
        .filter(|s| s.fract() == 0.0 && *s >= 0.0)
        .map_or_else(|| text(value), |s| Seconds(s as u64).to_string())
}

/// The first line that says something, with a sign for what follows.
fn first_line(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

fn joined(list: &Value, between: &str, shown: fn(&Value) -> String) -> String {
    list.as_array().into_iter().flatten().map(shown).collect::<Vec<_>>().join(between)
}

/// `web.ms above 800 for 300 s`
fn condition(raw: &Value) -> String {
    let (metric, kind) = (text(&raw["metric_name"]), text(&raw["type"]));
    let function = raw["summary_function"].as_str().filter(|function| *function != "average");
    let words = [
        Some(metric),
        function.map(|function| format!("({function})")),
        Some(kind),
        Some(text(&raw["threshold"])).filter(|threshold| !threshold.is_empty()),
        Some(&raw["duration"])
            .filter(|held| held.as_f64().is_some_and(|held| held > 0.0))
            .map(|held| format!("for {}", duration(held))),
        raw["source"].as_str().filter(|source| *source != "*").map(|source| format!("on {source}")),
        Some(tags(&raw["tags"])).filter(|tags| !tags.is_empty()).map(|tags| format!("where {tags}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `env=prod|test region`: a tag without values only has to be there.
fn tags(raw: &Value) -> String {
    let tag = |tag: &Value| {
        let values: Vec<String> = tag["values"].as_array().into_iter().flatten().map(text).collect();
        let name = text(&tag["name"]);
        if values.is_empty() { name } else { format!("{name}={}", values.join("|")) }
    };
    raw.as_array().into_iter().flatten().map(tag).collect::<Vec<_>>().join(" ")
}

fn settings(raw: &Value) -> String {
    let settings = raw["settings"].as_object();
    let settings = settings.into_iter().flatten().map(|(name, value)| format!("{name}={}", text(value)));
    settings.collect::<Vec<_>>().join(" ")
}

fn shown(stream: &Value) -> String {
    first_line(&text(if stream["metric"].is_string() { &stream["metric"] } else { &stream["composite"] }))
}

/// Fields that a table shows; the service has none of these names.
pub const STATE: &str = "librato-apply:state";
pub const FIRED: &str = "librato-apply:fired";

/// The header of a column that is only there where something is known of it.
const LAST_FIRED: &str = "LAST FIRED";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_incident_says_who_was_not_told() {
        let status = |more: Value| {
            let mut incident = json!({"status": "open", "closed": null, "silent": false});
            incident.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            of(Kind::Incidents, &[incident]).1[0][1].clone()
        };
        let hook = json!({"delivery": "not_delivered", "undelivered": ["hook"]});
        assert_eq!(status(hook), "open, not delivered to hook");
        assert_eq!(status(json!({"silent": true, "delivery": null})), "open, in re-arm");
        assert_eq!(status(json!({"delivery": "silenced"})), "open, silenced");
        assert_eq!(status(json!({"delivery": "nobody"})), "open, nobody to tell");
        assert_eq!(status(json!({"delivery": "delivered"})), "open");
        assert_eq!(status(json!({})), "open", "a server of an older version");
        let late = json!({"status": "closed", "closed": "manual", "delivery": "not_delivered", "undelivered": ["hook"]});
        assert_eq!(status(late), "closed (manual), not delivered to hook");
    }

    #[test]
    fn rows_are_short_words_for_people() {
        let alert = json!({"id": 7, "name": "a", "active": true, "services": [{"title": "ops"}, {"title": "mail"}],
            "conditions": [{"type": "above", "metric_name": "m", "threshold": 800.0, "duration": 300, "source": "*"},
                           {"type": "absent", "metric_name": "n", "duration": 600, "source": "web*"},
                           {"type": "below", "metric_name": "o", "threshold": 1, "summary_function": "sum",
                            "tags": [{"name": "env", "values": ["prod", "test"]}, {"name": "region"}]}]});
        let (header, rows) = of(Kind::Alerts, &[alert]);
        assert_eq!(header, ["ID", "NAME", "ACTIVE", "STATUS", "SERVICES", "FIRES WHEN"]);
        assert_eq!(
            rows[0],
            [
                "7",
                "a",
                "true",
                "",
                "ops, mail",
                "m above 800 for 5m and n absent for 10m on web* and o (sum) below 1 where env=prod|test region"
            ]
        );
        let fired = [json!({"id": 7, FIRED: "2023-11-14T22:13:20Z"}), json!({"id": 8, FIRED: ""})];
        let (header, rows) = of(Kind::Alerts, &fired);
        assert_eq!(header[3..5], ["STATUS", "LAST FIRED"]);
        assert_eq!((rows[0][4].as_str(), rows[1][4].as_str()), ("2023-11-14T22:13:20Z", ""));
        let event = json!({"id": 1, "title": "t", "start_time": 1_700_000_000, "end_time": null});
        assert_eq!(of(Kind::Events, &[event]).1[0], ["1", "2023-11-14T22:13:20Z", "", "", "t"]);
        let composite = json!({"name": "c", "composite": "sum(\n  s(\"a\", \"*\"))\n"});
        assert_eq!(of(Kind::Composites, &[composite]).1[0], ["c", "sum( …"]);
        let metric = json!({"name": "m", "type": "gauge", "period": 60.0});
        assert_eq!(of(Kind::Metrics, &[metric]).1[0][2], "1m");
    }

    #[test]
    fn what_waits_says_since_when_its_service_fails() {
        let delivery = |status: &str, detail: Option<&str>, open: bool| {
            let circuit =
                open.then(|| json!({"open_since": 1_700_000_000, "next_attempt_at": 1_700_000_040}));
            let service = json!({"title": "ops", "type": "slack", "circuit": circuit});
            let delivery = json!({"id": 1, "status": status, "detail": detail, "service": service});
            of(Kind::Deliveries, &[delivery]).1[0].last().unwrap().clone()
        };
        let failing = "the service fails since 2023-11-14T22:13:20Z";
        assert_eq!(delivery("waiting", None, true), failing);
        assert_eq!(delivery("waiting", Some("status 503"), true), format!("status 503; {failing}"));
        assert_eq!(delivery("sent", None, true), "", "it has nothing to do with it any more");
        assert_eq!(delivery("waiting", Some("status 503"), false), "status 503");
    }
}
