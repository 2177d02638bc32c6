//! What charts mean, as files: a chart, its metrics and what was measured; and what its picture shows, as a reader sees it. Pure.
//! `UPDATE=1 cargo test --test definitions charts_are` rewrites the expectations; read what changed before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use librato_apply::chart::{
    Alert, Answer, Beside, Condition, Definition, Gathering, Metric, Metrics, Of, Question, Sample,
    Statistic, View, questions, scene,
};
use librato_apply::composite::eval::{self, Limits, Request, Stored, evaluate};
use librato_apply::composite::{self, Labels};
use librato_apply::diag::Files;
use librato_apply::load::yaml;
use librato_apply::model::{Stream, keys_of};
use librato_apply::picture::{Event, Gaps, Hue, Scene, Series, Tone, Window, draw};
use serde_json::{Map, Value};

/// What a case may hold. `expected` comes last.
const KEYS: &[&str] = &["chart", "metrics", "view", "measured", "events", "alerts", "expected"];

#[test]
fn charts_are_as_the_cases_say() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir("tests/cases/chart").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 20, "only {} cases were found", paths.len());
    let mut wrong = String::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let case = read(&path, &text);
        let found = Case(&case).shown();
        let expected = case.get("expected").and_then(Value::as_str).unwrap_or_default();
        if found.trim_end() == expected.trim_end() {
            continue;
        }
        if update {
            std::fs::write(&path, with_expected(&text, &found)).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(expected, &found);
            let diff = diff.unified_diff().context_radius(3).header("expected", "found").to_string();
            writeln!(wrong, "--- {}\n{diff}", path.display()).unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}\nIf the charts are right now: UPDATE=1 cargo test --test definitions charts_are"
    );
}

fn read(path: &Path, text: &str) -> Map<String, Value> {
    let mut files = Files::default();
    let file = files.add(path.display().to_string(), text.to_owned(), yaml::index);
    let value = yaml::parse(text, file).unwrap_or_else(|d| panic!("{}: {}", path.display(), d.message));
    let Value::Object(value) = value else { panic!("{} is no mapping", path.display()) };
    for key in value.keys() {
        assert!(KEYS.contains(&key.as_str()), "{}: a case has no `{key}`", path.display());
    }
    value
}

fn with_expected(text: &str, found: &str) -> String {
    let before = text.find("\nexpected:").map_or(text.trim_end(), |at| &text[..at]);
    let lines = found.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n");
    format!("{}\n\nexpected: |\n{}", before.trim_end(), lines.collect::<String>())
}

struct Case<'a>(&'a Map<String, Value>);

/// Samples of one series of a metric.
struct Measured {
    metric: String,
    labels: Labels,
    samples: Vec<Sample>,
}

impl Case<'_> {
    fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.0.get(key).and_then(Value::as_array).into_iter().flatten()
    }

    fn shown(&self) -> String {
        let chart = Definition::read(&self.0["chart"]);
        let metrics: Metrics =
            self.list("metrics").map(|one| (name(one).to_owned(), Metric::read(one))).collect();
        let view = self.view();
        let asked = questions(&chart, &metrics, &view);
        let answers: Vec<_> = asked.iter().map(|question| self.answer(question, &metrics, &view)).collect();
        let scene = scene(&chart, &view, &asked, &answers, &self.beside());
        let mut out = String::new();
        asked.iter().for_each(|question| show_question(&mut out, question));
        show_scene(&mut out, &scene);
        writeln!(out, "in words: {}", draw(&scene).summary).unwrap();
        out
    }

    fn view(&self) -> View {
        let given = &self.0["view"];
        let whole = |key: &str, default| given.get(key).and_then(Value::as_i64).unwrap_or(default);
        let tags = given.get("tags").and_then(Value::as_object).into_iter().flatten();
        let end = whole("end", 0);
        View {
            window: Window { start: whole("start", 0), end },
            now: whole("now", end + 100_000),
            kept: whole("kept", 1),
            width: u32::try_from(whole("width", 640)).unwrap(),
            height: 192,
            whole: true,
            zone: TimeZone::UTC,
            source: given.get("source").and_then(Value::as_str).map(str::to_owned),
            tags: tags.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            hidden: Vec::new(),
        }
    }

    /// As a service would: what it has of the time that is asked for, series by series.
    fn answer(&self, question: &Question, metrics: &Metrics, view: &View) -> Result<Answer, String> {
        let mut gathering = Gathering::new(question);
        match &question.of {
            Of::Metric(metric) => {
                for one in self.measured().iter().filter(|one| one.metric == *metric) {
                    let wanted = |sample: &&Sample| (question.from..=question.until).contains(&sample.time);
                    let samples: Vec<Sample> = one.samples.iter().filter(wanted).copied().collect();
                    gathering.add(&one.labels, &samples, None);
                }
            }
            Of::Composite(text) => {
                for series in self.evaluated(text, question, metrics, view)? {
                    let points = series.points.iter().map(|point| Sample::single(point.time, point.value));
                    let period = i64::try_from(series.period).unwrap();
                    gathering.add(&series.labels, &points.collect::<Vec<_>>(), Some(period));
                }
            }
        }
        Ok(gathering.finish())
    }

    fn evaluated(
        &self,
        text: &str,
        question: &Question,
        metrics: &Metrics,
        view: &View,
    ) -> Result<Vec<eval::Series>, String> {
        let query = composite::compile(text).map_err(|problems| problems[0].located(text))?;
        let measured = self.measured();
        let mut fetch = |request: &Request<'_>| {
            let meant = measured.iter().filter(|one| {
                composite::matches(request.metric, &one.metric) && request.selector.matches(&one.labels)
            });
            let stored = |one: &Measured| Stored {
                metric: one.metric.clone(),
                labels: Arc::new(one.labels.clone()),
                period: metrics
                    .get(&one.metric)
                    .and_then(|metric| metric.looks.period)
                    .map(i64::unsigned_abs),
                interval: view.kept.unsigned_abs(),
                samples: one
                    .samples
                    .iter()
                    .map(|s| eval::Sample {
                        time: s.time,
                        count: s.count as f64,
                        sum: s.sum,
                        min: s.min,
                        max: s.max,
                    })
                    .collect(),
            };
            Ok(meant.map(stored).collect())
        };
        let window = eval::Window {
            start: question.from,
            end: question.until,
            resolution: question.finest.unsigned_abs(),
            summarize: composite::Statistic::Mean,
            source: None,
        };
        evaluate(&query, &mut fetch, &window, Limits::default())
            .map(|outcome| outcome.series)
            .map_err(|error| composite::Problem::from(error).located(text))
    }

    /// `at` holds `time=value`, with several values of one time between commas.
    fn measured(&self) -> Vec<Measured> {
        let sample = |word: &str| {
            let (time, values) = word.split_once('=').unwrap();
            let time = time.parse().unwrap();
            let mut values = values.split(',').map(|value| Sample::single(time, value.parse().unwrap()));
            let mut all = values.next().unwrap();
            values.for_each(|value| all.merge(&value));
            all
        };
        let one = |one: &Value| {
            let tags = one.get("tags").and_then(Value::as_object).into_iter().flatten();
            let tags = tags.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            let source = one.get("source").and_then(Value::as_str);
            Measured {
                metric: one["metric"].as_str().unwrap().to_owned(),
                labels: tags.chain(source.map(|name| ("source".to_owned(), name.to_owned()))).collect(),
                samples: one["at"].as_str().unwrap().split_whitespace().map(sample).collect(),
            }
        };
        self.list("measured").map(one).collect()
    }

    fn beside(&self) -> Beside {
        let event = |one: &Value| Event {
            time: one["time"].as_i64().unwrap(),
            end: one.get("end").and_then(Value::as_i64),
            title: one["title"].as_str().unwrap().to_owned(),
        };
        let text =
            |one: &Value, key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let condition = |one: &Value| Condition {
            metric: text(one, "metric"),
            source: text(one, "source"),
            tags: Vec::new(),
            statistic: text(one, "statistic"),
            threshold: one.get("threshold").and_then(Value::as_f64),
            words: text(one, "words"),
        };
        let spans = |one: &Value, key: &str| {
            let list = one.get(key).and_then(Value::as_array).into_iter().flatten();
            list.map(|pair| (pair[0].as_i64().unwrap(), pair[1].as_i64().unwrap())).collect()
        };
        let alert = |one: &Value| Alert {
            name: name(one).to_owned(),
            is_firing: one.get("firing") == Some(&Value::Bool(true)),
            conditions: one["conditions"].as_array().unwrap().iter().map(condition).collect(),
            fired: spans(one, "fired"),
            violated: spans(one, "violated"),
        };
        Beside {
            events: self.list("events").map(event).collect(),
            alerts: self.list("alerts").map(alert).collect(),
        }
    }
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

fn show_question(out: &mut String, question: &Question) {
    let of = match &question.of {
        Of::Metric(name) => format!("metric {name}"),
        Of::Composite(text) => format!("composite {text}"),
    };
    let words = question.choice.words();
    let of = if words.is_empty() { of } else { format!("{of} of {words}") };
    let keys =
        if question.keys.is_empty() { String::new() } else { format!(" by {}", question.keys.join(", ")) };
    let Question { statistic, group, from, until, resolution, .. } = question;
    let is_composite = matches!(question.of, Of::Composite(_));
    let read = if is_composite && question.finest < *resolution {
        format!(" out of {} s", question.finest)
    } else {
        String::new()
    };
    let group = format!("{group:?}").to_lowercase();
    writeln!(
        out,
        "ask {of}: {}, {group}{keys}, each {resolution} s{read}, {from} to {until}",
        statistic_word(*statistic)
    )
    .unwrap();
}

fn statistic_word(statistic: Statistic) -> String {
    format!("{statistic:?}").to_lowercase()
}

fn show_scene(out: &mut String, scene: &Scene) {
    writeln!(out, "{:?}: {} ({})", scene.kind, scene.title, scene.note).unwrap();
    for (place, axis) in scene.axes.iter().enumerate() {
        let mut words = format!("axis {place}: [{}] {}", axis.unit, axis.label).trim_end().to_owned();
        for (what, end) in [("from", axis.min), ("to", axis.max), ("down to", axis.low), ("up to", axis.high)]
        {
            if let Some(end) = end {
                write!(words, ", {what} {end}").unwrap();
            }
        }
        writeln!(out, "{words}{}", if axis.log { ", decades" } else { "" }).unwrap();
    }
    scene.series.iter().for_each(|series| show_series(out, series));
    for threshold in &scene.thresholds {
        writeln!(out, "threshold {} {} {:?}", threshold.operator, threshold.value, threshold.strength)
            .unwrap();
    }
    for limit in &scene.limits {
        writeln!(out, "limit {} on axis {}: {}", limit.value, limit.axis, limit.words).unwrap();
    }
    for span in &scene.spans {
        writeln!(out, "{:?} {} to {}: {}", span.kind, span.from, span.until, span.name).unwrap();
    }
    for event in &scene.events {
        writeln!(
            out,
            "event {}{}: {}",
            event.time,
            event.end.map_or(String::new(), |end| format!(" to {end}")),
            event.title
        )
        .unwrap();
    }
    for remark in &scene.remarks {
        writeln!(out, "remark: {remark}").unwrap();
    }
}

fn show_series(out: &mut String, series: &Series) {
    let hue = match series.hue {
        Hue::Palette(place) => format!("colour {place}"),
        Hue::Own(color) => color.hex(),
        Hue::Shade(Tone::Palette(place), part) => format!("shade {part} of colour {place}"),
        Hue::Shade(Tone::Own(color), part) => format!("shade {part} of {}", color.hex()),
    };
    let gaps = match (series.gaps, series.period) {
        (_, None) => "joined".to_owned(),
        (Gaps::Break, Some(period)) => format!("gaps beyond {period} s"),
        (Gaps::Bridge, Some(period)) => format!("bridges beyond {period} s"),
        (Gaps::Zero, Some(period)) => format!("zero beyond {period} s"),
    };
    let band = if series.band { ", band" } else { "" };
    writeln!(out, "series {}: axis {}, {hue}, {gaps}{band}", series.name, series.axis).unwrap();
    let point = |point: &librato_apply::picture::Point| {
        let range =
            if point.low < point.high { format!("[{}..{}]", point.low, point.high) } else { String::new() };
        format!("{}={}{range}", point.time, point.value)
    };
    writeln!(out, "  {}", series.points.iter().map(point).collect::<Vec<_>>().join(" ")).unwrap();
    if let Some(totals) = series.totals {
        writeln!(out, "  last {} min {} mean {} max {}", totals.last, totals.min, totals.mean, totals.max)
            .unwrap();
    }
}

/// The cases are for all rows of what a chart means.
#[test]
fn cases_use_what_they_measure() {
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for entry in std::fs::read_dir("tests/cases/chart").unwrap() {
        let path = entry.unwrap().path();
        let case = read(&path, &std::fs::read_to_string(&path).unwrap());
        let streams = case["chart"]["streams"].as_array().into_iter().flatten();
        let all = streams.chain([&case["chart"]]).filter_map(Value::as_object).flat_map(Map::keys);
        all.for_each(|key| *keys.entry(key.clone()).or_default() += 1);
    }
    for key in keys_of::<Stream>().iter().chain(&[
        "min",
        "max",
        "label",
        "thresholds",
        "use_log_yaxis",
        "use_last_value",
    ]) {
        assert!(keys.contains_key(*key), "no case has `{key}`");
    }
}
