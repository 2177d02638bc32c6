//! What a service is to be told, as it is kept until it was sent: no settings, no secrets, no links. Pure; requests are made of it at
//! each attempt, from the settings and the public URL of that time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::watch;

pub use crate::watch::How;

/// One notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The key of the incident, the same for everything that is said of it.
    pub key: String,
    /// Its number in its incident.
    pub seq: u32,
    /// Event time.
    pub at: i64,
    /// When the incident opened, of a trigger that repeats an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<i64>,
    /// The address of the account.
    pub account: String,
    /// Which alert.
    pub alert: Subject,
    /// The stream, of an incident that is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The conditions as the API shows them.
    pub conditions: Vec<Value>,
    /// What happened.
    pub what: What,
    /// Whether someone only tries out a service.
    #[serde(default)]
    pub test: bool,
}

/// The alert a message is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub id: i64,
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it is written what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook_url: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The alert fires.
    Trigger {
        /// By stream, in order.
        violations: Vec<Violation>,
        /// How many further streams violate.
        truncated: usize,
        /// Whether the incident was notified of before.
        again: bool,
    },
    /// The incident is over.
    Clear {
        /// How it ended.
        how: How,
    },
}

/// One stream that violates one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The key of the stream.
    pub stream: String,
    /// The id of the condition.
    pub condition_id: i64,
    /// The name of the metric.
    pub metric: String,
    /// What values are held against; nothing of an absent stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What the condition asks.
    #[serde(rename = "condition_type")]
    pub test: Test,
    /// The last value; of an absent stream, too.
    pub value: f64,
    /// The time of the first violating value; of an absent stream the time it was last seen.
    pub begin: i64,
    /// The time of the last one; of an absent stream the time it was last seen.
    pub end: i64,
    /// How many violating values; none of an absent stream.
    pub count: u32,
    /// The time of `value`.
    pub recorded_at: i64,
}

/// What a condition asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Test {
    Above,
    Below,
    Absent,
}

impl Test {
    /// The API's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
            Self::Absent => "absent",
        }
    }
}

impl Message {
    /// What a notice says. `watched` is the alert as it was evaluated, `conditions` what the API shows of its conditions.
    pub fn new(
        notice: &watch::Notice,
        key: String,
        account: String,
        alert: Subject,
        watched: &[watch::Condition],
        conditions: Vec<Value>,
    ) -> Self {
        let what = match &notice.message {
            watch::Message::Trigger { violations, truncated, again, .. } => What::Trigger {
                violations: Violation::all(violations, watched),
                truncated: *truncated,
                again: *again,
            },
            watch::Message::Clear(how) => What::Clear { how: *how },
        };
        let stream = notice.stream.as_ref().map(|stream| stream.as_str().to_owned());
        let (seq, at) = (notice.seq, notice.at);
        Self { key, seq, at, opened: None, account, alert, stream, conditions, what, test: false }
    }

    /// The same, for who tries out a service.
    pub fn for_test(self) -> Self {
        Self { test: true, ..self }
    }

    /// Whether it repeats a trigger of its incident.
    pub fn is_repeat(&self) -> bool {
        matches!(self.what, What::Trigger { again: true, .. })
    }

    /// Whether the alert fires.
    pub fn is_trigger(&self) -> bool {
        matches!(self.what, What::Trigger { .. })
    }
}

impl Violation {
    /// Those that conditions were found violated by.
    pub fn all(found: &[watch::Violation], watched: &[watch::Condition]) -> Vec<Self> {
        found.iter().filter_map(|one| Self::new(one, watched)).collect()
    }

    /// Nothing where the alert has no such condition.
    fn new(found: &watch::Violation, watched: &[watch::Condition]) -> Option<Self> {
        let condition = watched.get(found.condition)?;
        let (test, threshold) = match condition.test {
            watch::Test::Threshold { above: true, threshold, .. } => (Test::Above, Some(threshold)),
            watch::Test::Threshold { threshold, .. } => (Test::Below, Some(threshold)),
            watch::Test::Absent { .. } => (Test::Absent, None),
        };
        Some(Self {
            stream: found.stream.as_str().to_owned(),
            condition_id: condition.id.unwrap_or_default(),
            metric: condition.metric.clone(),
            threshold,
            test,
            value: found.value,
            begin: found.begin,
            end: found.end,
            count: found.count,
            recorded_at: found.end,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(test: watch::Test) -> watch::Condition {
        let streams = watch::Streams::All;
        watch::Condition {
            id: Some(7),
            metric: "db.ms".into(),
            streams,
            test,
            shape: watch::Shape::default(),
        }
    }

    fn notice(message: watch::Message) -> watch::Notice {
        watch::Notice { incident: 3, stream: None, seq: 1, at: 1_480_000_000, services: vec![4], message }
    }

    fn message(message: watch::Message) -> Message {
        let function = watch::Function::Max;
        let watched = [
            condition(watch::Test::Threshold { above: true, threshold: 10.0, duration: None, function }),
            condition(watch::Test::Absent { duration: 60 }),
        ];
        let alert = Subject { id: 1, name: "db.slow".into(), description: None, runbook_url: None };
        let (key, account) = ("0000beef-1-3".to_owned(), "ops@example.org".to_owned());
        Message::new(&notice(message), key, account, alert, &watched, vec![json!({"id": 7})])
    }

    #[test]
    fn a_notice_becomes_json_and_comes_back() {
        let violation = |condition| watch::Violation {
            stream: "db1".into(),
            condition,
            value: 100.0,
            begin: 1_479_999_900,
            end: 1_479_999_990,
            count: 10,
        };
        let violations = vec![violation(0), violation(1), violation(2)];
        let trigger =
            message(watch::Message::Trigger { violations, truncated: 2, again: true, silenced: false });
        let shared = json!({"stream": "db1", "condition_id": 7, "metric": "db.ms", "value": 100.0,
            "begin": 1_479_999_900, "end": 1_479_999_990, "count": 10, "recorded_at": 1_479_999_990});
        let mut above = shared.clone();
        (above["threshold"], above["condition_type"]) = (json!(10.0), json!("above"));
        let mut absent = shared;
        absent["condition_type"] = json!("absent");
        let expected = json!({"key": "0000beef-1-3", "seq": 1, "at": 1_480_000_000, "account": "ops@example.org",
            "alert": {"id": 1, "name": "db.slow"}, "conditions": [{"id": 7}], "test": false,
            "what": {"trigger": {"violations": [above, absent], "truncated": 2, "again": true}}});
        assert_eq!(json!(trigger), expected);
        assert_eq!(serde_json::from_value::<Message>(expected).unwrap(), trigger);
    }

    #[test]
    fn a_clear_says_how_the_incident_ended() {
        let clear = message(watch::Message::Clear(How::Auto)).for_test();
        assert_eq!(json!(clear.what), json!({"clear": {"how": "auto"}}));
        assert_eq!(serde_json::from_value::<Message>(json!(clear)).unwrap(), clear);
        assert!(clear.test && !clear.is_trigger());
    }
}
