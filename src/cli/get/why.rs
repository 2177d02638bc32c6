//! Why an incident opened, in a line.

use serde_json::Value;

use super::text::text;

/// Why an incident opened: `web.ms above 800: web1 912, web2 850`.
pub fn why(incident: &Value) -> String {
    let mut causes: Vec<(String, Vec<String>)> = Vec::new();
    for violation in incident["violations"].as_array().into_iter().flatten() {
        let threshold = text(&violation["threshold"]);
        let words = [&text(&violation["metric"]), &text(&violation["condition_type"]), &threshold];
        let cause = words.into_iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        let value = match violation["condition_type"].as_str() {
            Some("absent") => String::new(),
            _ => text(&violation["value"]),
        };
        let stream = format!("{} {value}", text(&violation["stream"])).trim().to_owned();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, streams)) => streams.push(stream),
            None => causes.push((cause, vec![stream])),
        }
    }
    let mut words: Vec<String> =
        causes.into_iter().map(|(cause, streams)| format!("{cause}: {}", streams.join(", "))).collect();
    match incident["violations_truncated"].as_u64() {
        Some(more) if more > 0 => words.push(format!("and {more} more")),
        _ => {}
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_incident_says_why_by_condition() {
        let violation = |stream: &str, kind: &str, threshold: Value, value: f64| json!({"stream": stream, "metric": "web.ms", "condition_type": kind, "threshold": threshold, "value": value});
        let incident = json!({"violations": [
            violation("web1", "above", json!(800.0), 912.5),
            violation("web2", "above", json!(800.0), 850.0),
            violation("web3", "absent", json!(null), 3.0),
        ], "violations_truncated": 2});
        assert_eq!(why(&incident), "web.ms above 800: web1 912.5, web2 850; web.ms absent: web3; and 2 more");
        assert_eq!(why(&json!({})), "");
    }
}
