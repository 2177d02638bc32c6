//! Cases as files: `tests/cases/watch/*.yaml` have an alert, its input in the short notation, and what happens as a reader sees it.
//! `UPDATE=1` rewrites what is expected; read what changed before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    rearm: Option<i64>,
    #[serde(default)]
    per_signal: bool,
    /// Seconds between values.
    #[serde(default = "minute")]
    every: i64,
    #[serde(default)]
    gather: i64,
    conditions: Vec<Asked>,
    input: Vec<Input>,
    #[serde(default)]
    actions: Vec<Action>,
    #[serde(default)]
    silences: Vec<Hush>,
    until: i64,
    #[serde(default)]
    expected: String,
}

fn minute() -> i64 {
    60
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Asked {
    above: Option<f64>,
    below: Option<f64>,
    absent: Option<i64>,
    #[serde(rename = "for")]
    duration: Option<i64>,
    function: Option<String>,
    #[serde(default)]
    metric: Option<String>,
    source: Option<String>,
    #[serde(default)]
    grouped: Option<String>,
    #[serde(default)]
    counter: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    metric: Option<String>,
    source: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    values: String,
    #[serde(default)]
    at: BTreeMap<i64, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Single(f64),
    Several { count: f64, sum: f64, max: f64 },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    at: i64,
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    active: Option<bool>,
    conditions: Option<Vec<Asked>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hush {
    stream: String,
    from: i64,
    to: i64,
}

impl Asked {
    fn condition(&self) -> Condition {
        let function = match self.function.as_deref() {
            None if self.counter => Function::Derivative { detect_reset: true },
            None | Some("average") => Function::Average,
            Some("sum") => Function::Sum,
            Some("count") => Function::Count,
            Some("min") => Function::Min,
            Some("max") => Function::Max,
            Some("absolute_value") => Function::AbsoluteValue,
            Some("derivative") => Function::Derivative { detect_reset: true },
            Some(other) => panic!("no function {other}"),
        };
        let duration = self.duration;
        let test = match (self.above, self.below, self.absent) {
            (Some(threshold), ..) => Test::Threshold { above: true, threshold, duration, function },
            (_, Some(threshold), _) => Test::Threshold { above: false, threshold, duration, function },
            (.., absent) => Test::Absent { duration: absent.unwrap() },
        };
        let kind = if self.counter { Kind::Counter } else { Kind::Gauge };
        let tags =
            self.grouped.iter().map(|name| Tag { name: name.clone(), grouped: true, ..Tag::default() });
        Condition {
            id: None,
            metric: self.metric.clone().unwrap_or("m".into()),
            streams: Streams::new(self.source.as_deref(), tags.collect()),
            test,
            shape: Shape { kind, ..Shape::default() },
        }
    }
}

impl Input {
    fn samples(&self, every: i64) -> Vec<(i64, Sample)> {
        let values = values(&self.values).unwrap().into_iter().zip(0..);
        let regular = values.filter_map(|(value, at)| Some((at * every, Sample::single(value?))));
        let single = self.at.iter().map(|(at, value)| {
            let sample = match value {
                Value::Single(value) => Sample::single(*value),
                Value::Several { count, sum, max } => {
                    Sample { count: *count, sum: *sum, min: 0.0, max: *max, last: *max }
                }
            };
            (*at, sample)
        });
        regular.chain(single).collect()
    }

    fn series(&self) -> Series {
        match &self.tags {
            Some(tags) => Series::Tags(tags.clone()),
            None => Series::Source(self.source.clone()),
        }
    }
}

impl Case {
    fn run(&self) -> String {
        let conditions = self.conditions.iter().map(Asked::condition).collect();
        let alert =
            Alert { rearm: self.rearm.unwrap_or(600), per_signal: self.per_signal, ..alert(conditions) };
        let settings = Settings { gather: self.gather, ..Settings::offline() };
        let mut feed = Feed::new(alert, settings, -1);
        let hush = |hush: &Hush| Silence {
            alert: "*".into(),
            stream: hush.stream.clone(),
            starts: hush.from,
            ends: hush.to,
        };
        feed.silence(self.silences.iter().map(hush).collect());
        let mut input: Vec<_> = Vec::new();
        for one in &self.input {
            let metric = one.metric.as_deref().unwrap_or("m");
            input.extend(
                one.samples(self.every).into_iter().map(|(t, sample)| (t, metric, one.series(), sample)),
            );
        }
        input.sort_by_key(|(t, ..)| *t);
        let mut input = input.into_iter().peekable();
        let (mut log, mut known) = (String::new(), BTreeMap::new());
        for clock in 0..=self.until {
            while let Some((t, metric, series, sample)) = input.next_if(|(t, ..)| *t <= clock) {
                feed.sample(metric, &series, t, clock, &sample);
            }
            let mut transitions = feed.tick(clock);
            for action in self.actions.iter().filter(|action| action.at == clock) {
                if action.clear {
                    transitions.extend(feed.clear(clock));
                }
                let mut edited = feed.alert().clone();
                edited.active = action.active.unwrap_or(edited.active);
                if let Some(conditions) = &action.conditions {
                    edited.conditions = conditions.iter().map(Asked::condition).collect();
                }
                transitions.extend(feed.edit(edited, clock));
            }
            changes(&feed, &mut known, clock, &mut log);
            for transition in transitions {
                let text = line(&transition);
                let (at, what) = text.split_once(' ').unwrap();
                writeln!(log, "{:>7}  {what}", shown(at.parse().unwrap())).unwrap();
            }
        }
        log
    }
}

/// What has changed with the streams, in words.
fn changes(feed: &Feed, known: &mut BTreeMap<(usize, Stream), &'static str>, clock: i64, log: &mut String) {
    let mut now = BTreeMap::new();
    for place in 0..feed.alert().conditions.len() {
        for (stream, status) in feed.state().statuses(&feed.context(), place) {
            let word = match status {
                Status::Pending { .. } => "pending",
                Status::Met { .. } => "met",
                Status::Held { .. } => "held",
                Status::Seen { .. } => "seen",
            };
            now.insert((place, stream), word);
        }
    }
    let keys: std::collections::BTreeSet<_> = known.keys().chain(now.keys()).cloned().collect();
    for key in keys {
        let word = now.get(&key).copied().unwrap_or("ok");
        if known.get(&key) != now.get(&key) {
            writeln!(log, "{:>7}  [{}] {} {word}", shown(clock), key.0, key.1).unwrap();
        }
    }
    *known = now;
}

fn shown(seconds: i64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

#[test]
fn what_happens_is_what_the_cases_say() {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/cases/watch");
    let mut paths: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 8, "only {} cases were found", paths.len());
    let mut wrong = String::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let case: Case =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let found = case.run();
        if found.trim_end() == case.expected.trim_end() {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            let head = text.split("\nexpected:").next().unwrap().trim_end();
            let lines: String = found.lines().map(|line| format!("  {line}\n")).collect();
            // The first line is indented by itself.
            std::fs::write(&path, format!("{head}\n\nexpected: |2\n{lines}")).unwrap();
        } else {
            writeln!(wrong, "--- {}\nexpected:\n{}\nfound:\n{found}", path.display(), case.expected).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
