//! Conditions and violations in words, from what the API says of them. Pure.

use serde_json::Value;

use super::fields::{list, text, whole};
use super::text::clean;
use super::times::{Clock, span};
use crate::diag::number;

/// What a condition asks: `max of web.latency on web* above 800 for 5 m`.
pub fn condition(condition: &Value) -> String {
    let mut said = String::new();
    if let Some(function) = condition["summary_function"].as_str() {
        said += &format!("{function} of ");
    }
    said += &clean(text(condition, "metric_name"));
    match text(condition, "source") {
        "" | "*" => {}
        source => said += &format!(" on {}", clean(source)),
    }
    let tags: Vec<String> = list(condition, "tags").iter().map(tag).collect();
    if !tags.is_empty() {
        said += &format!(" where {}", tags.join(", "));
    }
    said += &match (text(condition, "type"), condition["threshold"].as_f64()) {
        (kind, Some(threshold)) => format!(" {kind} {}", number(threshold)),
        (kind, None) => format!(" {kind}"),
    };
    if let Some(duration) = whole(condition, "duration").filter(|duration| *duration > 0) {
        said += &format!(" for {}", span(duration));
    }
    said
}

fn tag(tag: &Value) -> String {
    let name = clean(text(tag, "name"));
    let values: Vec<String> = list(tag, "values").iter().filter_map(Value::as_str).map(clean).collect();
    match tag["grouped"].as_bool() {
        Some(true) if values.is_empty() || values == ["*"] => format!("each {name}"),
        _ => format!("{name} is {}", values.join(" or ")),
    }
}

/// Why a stream violates: `jobs.seconds on worker-3 has been above 120 for 9 m (164)`.
pub fn violation(violation: &Value, now: i64) -> String {
    let metric = clean(text(violation, "metric"));
    let stream = match text(violation, "stream") {
        "" | "*" | "unassigned" => String::new(),
        stream => format!(" on {}", clean(stream)),
    };
    let since = whole(violation, "begin").map_or_else(String::new, |begin| span(now.saturating_sub(begin)));
    let value = violation["value"].as_f64().map_or_else(String::new, number);
    match (text(violation, "condition_type"), violation["threshold"].as_f64()) {
        ("absent", _) => format!("{metric}{stream} has sent nothing for {since}; its last value was {value}"),
        (kind, Some(threshold)) => {
            format!("{metric}{stream} has been {kind} {} for {since} (last {value})", number(threshold))
        }
        (kind, None) => format!("{metric}{stream} has been {kind} for {since} (last {value})"),
    }
}

/// Where a stream stands under a condition of this duration: `web1 violates since 14:11:00, 240 of 300 s, the last value 900`.
pub fn standing(stream: &Value, duration: i64, clock: &Clock) -> String {
    let name = match text(stream, "stream") {
        "" | "*" | "unassigned" => "the metric".to_owned(),
        name => clean(name),
    };
    let at = |key: &str| whole(stream, key).map_or_else(String::new, |time| clock.moment(time));
    let last = stream["last_value"].as_f64().map_or_else(String::new, number);
    let lasted =
        whole(stream, "last_time").zip(whole(stream, "since")).map_or(0, |(last, since)| last - since);
    match (text(stream, "status"), whole(stream, "count").unwrap_or_default()) {
        ("met", 0) => format!("{name} is absent since {}, last seen at {}", at("since"), at("last_time")),
        ("met", count) => {
            let values = if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
            format!("{name} meets it, violates since {} ({values}, the last {last})", at("since"))
        }
        ("pending", _) if lasted < duration => {
            format!("{name} violates since {}, {lasted} of {duration} s, the last value {last}", at("since"))
        }
        ("pending", _) => {
            format!("{name} violates since {}, waiting for the next value after the clear", at("since"))
        }
        _ => format!("{name} is held until the next measurement decides"),
    }
}

/// How an incident ended.
pub fn closed(how: &str) -> &str {
    match how {
        "normal" => "the condition was met no more",
        "manual" => "resolved by hand",
        other => other,
    }
}

/// What became of a delivery.
pub fn delivery(status: &str) -> &'static str {
    match status {
        "waiting" => "waits to be sent",
        "sent" => "sent",
        "failed" => "refused for good",
        "expired" => "given up after a day",
        "silenced" => "silenced",
        "muted" => "not sent: --no-notify",
        "held" => "held back since the upgrade",
        "unsupported" => "a type of service that is no more",
        "replaced" => "replaced by a newer one",
        "dropped" => "not sent, since its trigger never arrived",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::super::times::tests::clock;
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_sentences() {
        for (given, said) in [
            (
                json!({"type": "above", "metric_name": "a.b", "source": "web*", "threshold": 800.0, "duration": 300, "summary_function": "max"}),
                "max of a.b on web* above 800 for 5 m",
            ),
            (
                json!({"type": "absent", "metric_name": "a", "source": null, "duration": 600}),
                "a absent for 10 m",
            ),
            (json!({"type": "below", "metric_name": "a", "source": "*", "threshold": 0.5}), "a below 0.5"),
            (
                json!({"type": "below", "metric_name": "a", "threshold": 1.0, "tags": [{"name": "host", "grouped": true, "values": ["*"]}, {"name": "eu", "grouped": false, "values": ["x", "y"]}]}),
                "a where each host, eu is x or y below 1",
            ),
        ] {
            assert_eq!(condition(&given), said);
        }
    }

    #[test]
    fn streams_stand_somewhere() {
        let met = json!({"stream": "web1", "status": "met", "since": 60, "count": 6, "last_time": 360, "last_value": 900.0});
        let pending = json!({"stream": "web1", "status": "pending", "since": 60, "count": 5, "last_time": 300, "last_value": 850.0});
        let absent = json!({"stream": "*", "status": "met", "since": 660, "count": 0, "last_time": 60, "last_value": 1.0});
        let held = json!({"stream": "<b>", "status": "held", "since": null, "count": 0, "last_time": null, "last_value": null});
        for (stream, said) in [
            (met, "web1 meets it, violates since 00:01:00 (6 values, the last 900)"),
            (pending.clone(), "web1 violates since 00:01:00, 240 of 300 s, the last value 850"),
            (absent, "the metric is absent since 00:11:00, last seen at 00:01:00"),
            (held, "<b> is held until the next measurement decides"),
        ] {
            assert_eq!(standing(&stream, 300, &clock(1_000)), said);
        }
        let cleared = "web1 violates since 00:01:00, waiting for the next value after the clear";
        assert_eq!(standing(&pending, 240, &clock(1_000)), cleared);
    }

    #[test]
    fn violations_say_why() {
        let above = json!({"stream": "web1", "metric": "m", "condition_type": "above", "threshold": 120.0, "value": 164.0, "begin": 460});
        assert_eq!(violation(&above, 1_000), "m on web1 has been above 120 for 9 m (last 164)");
        let absent =
            json!({"stream": "*", "metric": "m", "condition_type": "absent", "value": 3.0, "begin": 0});
        assert_eq!(violation(&absent, 7_200), "m has sent nothing for 2 h; its last value was 3");
    }
}
