//! Tests of the machine: what all of them share, and one file for each table of rules. Laws stand beside a model that recomputes everything.

mod cases;
mod conditions;
mod edits;
mod laws;
mod live;
mod model;
mod notices;
mod silences;

use super::*;

/// A condition on the metric `m` of all its sources: `above` 1 with a duration, if there is one.
pub(super) fn above(duration: Option<i64>) -> Condition {
    threshold(true, 1.0, duration, Function::Average)
}

pub(super) fn threshold(above: bool, threshold: f64, duration: Option<i64>, function: Function) -> Condition {
    let test = Test::Threshold { above, threshold, duration, function };
    Condition { id: None, metric: "m".into(), streams: Streams::All, test, shape: Shape::default() }
}

pub(super) fn absent(duration: i64) -> Condition {
    Condition { test: Test::Absent { duration }, ..above(None) }
}

/// An alert on these conditions that notifies service 7.
pub(super) fn alert(conditions: Vec<Condition>) -> Alert {
    Alert {
        id: 1,
        name: "a".into(),
        conditions,
        active: true,
        rearm: 600,
        per_signal: false,
        services: vec![7],
    }
}

/// A transition in a line.
pub(super) fn line(transition: &Transition) -> String {
    let of = |stream: &Option<Stream>| stream.as_ref().map(|one| format!(" {one}")).unwrap_or_default();
    match transition {
        Transition::Opened { incident, stream, at, silent, .. } => {
            format!("{at} opened {incident}{}{}", of(stream), if *silent { " silent" } else { "" })
        }
        Transition::Closed { incident, stream, at, how, notified } => {
            let notified = if *notified { "" } else { " unnotified" };
            format!("{at} closed {incident}{} {how:?}{notified}", of(stream))
        }
        Transition::Notice(notice) => {
            let Notice { incident, stream, seq, at, services, message } = notice;
            let head = format!("{incident}.{seq}{} to {services:?}", of(stream));
            match message {
                Message::Clear(how) => format!("{at} clear {head} {how:?}"),
                Message::Trigger { violations, truncated, again, silenced } => {
                    let one = |v: &Violation| {
                        format!(
                            "{}/{}={}({}..{} x{})",
                            v.stream, v.condition, v.value, v.begin, v.end, v.count
                        )
                    };
                    let list = violations.iter().map(one).collect::<Vec<_>>().join(" ");
                    let word = match (silenced, again) {
                        (true, _) => "silenced",
                        (false, true) => "again",
                        (false, false) => "trigger",
                    };
                    let more = if *truncated > 0 { format!(" and {truncated}") } else { String::new() };
                    format!("{at} {word} {head} {list}{more}")
                }
            }
        }
    }
}

/// Readings in order of event time, and what they lead to.
pub(super) struct Desk {
    pub(super) alert: Alert,
    pub(super) settings: Settings,
    pub(super) silences: Vec<Silence>,
    pub(super) state: AlertState,
    pub(super) log: Vec<String>,
    waiting: Vec<Reading>,
}

impl Desk {
    /// An alert that is made at second 0, with nothing to wait for.
    pub(super) fn new(alert: Alert) -> Self {
        let state = AlertState::new(&alert, 0);
        let (settings, silences) = (Settings::offline(), Vec::new());
        Self { alert, settings, silences, state, log: Vec::new(), waiting: Vec::new() }
    }

    pub(super) fn note(&mut self, transitions: &[Transition]) {
        self.log.extend(transitions.iter().map(line));
    }

    /// A reading of a condition that comes in time.
    pub(super) fn put(&mut self, condition: usize, stream: &str, t: i64, value: f64) {
        self.waiting.push(Reading { u: t, t, condition, stream: stream.into(), value: Some(value) });
    }

    pub(super) fn put_all(&mut self, condition: usize, stream: &str, readings: &[(i64, f64)]) {
        readings.iter().for_each(|(t, value)| self.put(condition, stream, *t, *value));
    }

    /// Moves on, and gives what has happened since the last time.
    pub(super) fn to(&mut self, to: i64) -> Vec<String> {
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        let transitions = self.state.advance(&ctx, to, &mut self.waiting);
        self.note(&transitions);
        std::mem::take(&mut self.log)
    }

    pub(super) fn clear(&mut self, at: i64) -> Vec<String> {
        self.state.clear(at).iter().map(line).collect()
    }

    pub(super) fn edit(&mut self, at: i64, change: impl FnOnce(&mut Alert)) -> Vec<String> {
        let old = self.alert.clone();
        change(&mut self.alert);
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        self.state.edit(&ctx, &old, at).iter().map(line).collect()
    }

    pub(super) fn outage(&mut self, from: i64, to: i64) {
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        self.state.outage(&ctx, Outage { from, to });
    }

    /// Stores the state and reads it back, with what storage has of before.
    pub(super) fn restart(&mut self, stored: &[Reading]) {
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        let pages = self.state.pages(&self.alert, 2);
        let text = serde_json::to_string(&pages).unwrap();
        let mut state = AlertState::from_pages(&ctx, serde_json::from_str(&text).unwrap()).unwrap();
        let from = self.state.history_from(&self.alert);
        let history: Vec<_> = stored.iter().filter(|reading| reading.u >= from).cloned().collect();
        state.prime(&ctx, &history);
        self.state = state;
    }

    /// The states of a condition's streams, in short.
    pub(super) fn states(&self, condition: usize) -> Vec<String> {
        let ctx = Context { alert: &self.alert, settings: &self.settings, silences: &self.silences };
        self.state.statuses(&ctx, condition).iter().map(status).collect()
    }
}

pub(super) fn status((stream, status): &(Stream, Status)) -> String {
    match status {
        Status::Pending { since, count } => format!("{stream} pending since {since} x{count}"),
        Status::Met { since, count } => format!("{stream} met since {since} x{count}"),
        Status::Held { until } => format!("{stream} held until {until}"),
        Status::Seen { deadline } => format!("{stream} seen, absent at {deadline}"),
    }
}
