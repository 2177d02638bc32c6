//! Laws of charts: what is drawn holds every sample, legends are what a naive reading of all samples says, lines of many sources lie
//! where they must, and nothing that can be written in a chart breaks its picture.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::composite::Labels;
use crate::picture::{Window, draw};

const START: i64 = 1_700_000_000;

/// Values that were measured at times, by source.
type Measured = BTreeMap<String, BTreeMap<i64, Vec<f64>>>;

fn view(long: i64, width: u32, now: i64) -> View {
    View {
        window: Window { start: START, end: START + long },
        now,
        kept: 1,
        width,
        height: 192,
        whole: true,
        zone: TimeZone::UTC,
        source: None,
        tags: Vec::new(),
        hidden: Vec::new(),
    }
}

fn sample(time: i64, values: &[f64]) -> Sample {
    let mut all = Sample::single(time, values[0]);
    values[1..].iter().for_each(|value| all.merge(&Sample::single(time, *value)));
    all
}

fn of_source(source: &str) -> Labels {
    [("source".to_owned(), source.to_owned())].into()
}

fn answer(question: &Question, measured: &Measured) -> Answer {
    let mut gathering = Gathering::new(question);
    for (source, values) in measured {
        let read = values.range(question.from..=question.until);
        let samples: Vec<Sample> = read.map(|(time, values)| sample(*time, values)).collect();
        gathering.add(&of_source(source), &samples, None);
    }
    gathering.finish()
}

fn question(stream: &Value, metric: &Value, view: &View) -> Question {
    let chart = Definition::read(&json!({ "streams": [stream] }));
    let metrics = [("m".to_owned(), Metric::read(metric))].into_iter().collect();
    questions(&chart, &metrics, view).remove(0)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn any_measured() -> impl Strategy<Value = Measured> {
    let value = prop_oneof![5 => -1e6..1e6_f64, 1 => Just(0.0), 1 => (0..50_i32).prop_map(f64::from)];
    let times = prop_oneof![
        // as things that report do, with gaps
        3 => (prop::collection::btree_set(0..120_i64, 0..60), 0..60_i64)
            .prop_map(|(steps, shift)| steps.into_iter().map(|step| START - 600 + 60 * step + shift).collect::<Vec<_>>()),
        1 => prop::collection::btree_set(START - 5_000..START + 9_000, 0..60).prop_map(|times| times.into_iter().collect()),
    ];
    let values = times.prop_flat_map(move |times: Vec<i64>| {
        let count = times.len();
        prop::collection::vec(prop::collection::vec(value.clone(), 1..4), count)
            .prop_map(move |values| times.iter().copied().zip(values).collect::<BTreeMap<_, _>>())
    });
    prop::collection::btree_map("[a-z]-[0-9]", values, 1..5)
}

fn any_look() -> impl Strategy<Value = (View, Option<i64>)> {
    let now = prop_oneof![Just(START + 100_000), START..START + 8_000];
    (1..8_000_i64, 160..2_000_u32, now, prop::option::of(prop::sample::select(vec![1, 7, 60, 300])))
        .prop_map(|(long, width, now, period)| (view(long, width, now), period))
}

fn in_window(view: &View, values: &BTreeMap<i64, Vec<f64>>) -> Vec<(i64, Vec<f64>)> {
    values.range(view.window.start..=view.window.end).map(|(time, values)| (*time, values.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every value that was measured lies in the band of its bucket, every bucket that is over has its point, and the legend says what
    /// a naive reading of all values does.
    #[test]
    fn bands_hold_every_value_and_legends_are_true(
        measured in any_measured(),
        (view, period) in any_look(),
        apart in any::<bool>(),
        summary in prop::sample::select(vec!["average", "min", "max"]),
    ) {
        let stream = json!({"metric": "m", "summary_function": summary, "group_function": if apart { "breakout" } else { "average" }});
        let question = question(&stream, &json!({"type": "gauge", "period": period}), &view);
        let answer = answer(&question, &measured);
        let lines: Vec<Vec<(i64, Vec<f64>)>> = if apart {
            answer.lines.iter().map(|line| in_window(&view, &measured[line.labels["source"].as_str()])).collect()
        } else {
            let mut all: Vec<(i64, Vec<f64>)> = measured.values().flat_map(|values| in_window(&view, values)).collect();
            all.sort_by_key(|(time, _)| *time);
            vec![all; answer.lines.len()]
        };
        for (line, samples) in answer.lines.iter().zip(lines) {
            prop_assert!(line.is_spread);
            for (time, values) in &samples {
                let bucket = time - time.rem_euclid(question.resolution);
                let point = line.points.iter().find(|point| point.time == bucket);
                prop_assert_eq!(point.is_some(), bucket + question.resolution <= view.now, "the bucket of {}", time);
                for value in values {
                    prop_assert!(point.is_none_or(|point| point.low <= *value && *value <= point.high), "{} at {}", value, time);
                }
            }
            let values: Vec<f64> = samples.iter().flat_map(|(_, values)| values.clone()).collect();
            let Some(totals) = line.totals else {
                prop_assert!(values.is_empty());
                continue;
            };
            prop_assert_eq!(totals.min, values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(totals.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert!(close(totals.mean, values.iter().sum::<f64>() / values.len() as f64));
            let newest = samples.last().map_or(0, |(time, _)| *time);
            let last: Vec<f64> = samples.iter().filter(|(time, _)| *time == newest).flat_map(|(_, values)| values.clone()).collect();
            let expected = match summary {
                "min" => last.iter().copied().fold(f64::INFINITY, f64::min),
                "max" => last.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                _ => last.iter().sum::<f64>() / last.len() as f64,
            };
            prop_assert!(close(totals.last, expected), "{} {}", totals.last, expected);
            let whole = match summary { "min" => totals.min, "max" => totals.max, _ => totals.mean };
            prop_assert!(line.whole.is_some_and(|value| close(value, whole)));
        }
    }

    /// One line of many sources lies where its function puts it, at every time that any of them has.
    #[test]
    fn one_line_lies_among_those_it_is_made_of(
        measured in any_measured(),
        (view, period) in any_look(),
        summary in prop::sample::select(vec!["average", "min", "max", "sum", "count", "derivative", "absolute_value"]),
        counter in any::<bool>(),
    ) {
        let metric = json!({"type": if counter { "counter" } else { "gauge" }, "period": period});
        let of = |group: &str| {
            let stream = json!({"metric": "m", "summary_function": summary, "group_function": group});
            answer(&question(&stream, &metric, &view), &measured)
        };
        let apart = of("breakout");
        let mut at: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for point in apart.lines.iter().flat_map(|line| &line.points) {
            at.entry(point.time).or_default().push(point.value);
        }
        let line = |group: &str| -> BTreeMap<i64, f64> {
            let answer = of(group);
            assert!(answer.lines.len() <= 1);
            answer.lines.iter().flat_map(|line| &line.points).map(|point| (point.time, point.value)).collect()
        };
        let (average, sum, min, max) = (line("average"), line("sum"), line("min"), line("max"));
        for made in [&average, &sum, &min, &max] {
            prop_assert!(made.keys().eq(at.keys()));
        }
        for (time, values) in at {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(close(min[&time], least) && close(max[&time], greatest));
            prop_assert!(close(sum[&time], values.iter().sum()));
            let room = 1e-9 * least.abs().max(greatest.abs()).max(1.0);
            prop_assert!(average[&time] >= least - room && average[&time] <= greatest + room);
        }
    }

    /// What a counter rose does not depend on how wide it is shown: buckets of any length have the same mean, weighted by their time.
    #[test]
    fn rises_keep_their_height(
        steps in prop::collection::vec(0..1_000_u32, 2..100),
        width in prop::sample::select(vec![160, 300, 1_000]),
    ) {
        let mut stood = 0.0;
        let mut readings = BTreeMap::new();
        for (place, step) in steps.iter().enumerate() {
            // now and then it begins again at zero
            stood = if step % 97 == 0 { f64::from(*step) } else { stood + f64::from(*step) };
            readings.insert(START + 60 * place as i64, vec![stood]);
        }
        let end = 60 * (steps.len() as i64 - 1);
        let view = view(end, width, START + 1_000_000);
        let question = question(&json!({"metric": "m"}), &json!({"type": "counter", "period": 60}), &view);
        let rose: f64 = readings.values().zip(readings.values().skip(1)).map(|(a, b)| if b < a { b[0] } else { b[0] - a[0] }).sum();
        let answer = answer(&question, &[("web".to_owned(), readings)].into());
        let line = &answer.lines[0];
        prop_assert!(line.whole.is_some_and(|whole| close(whole, rose / (steps.len() as f64 - 1.0))));
        prop_assert!(line.points.iter().all(|point| point.low <= point.value && point.value <= point.high));
    }

    /// Whatever a chart says, and whatever is measured, it is a picture.
    #[test]
    fn any_chart_is_a_picture(
        chart in any_chart(),
        metric in any_stream(),
        measured in any_measured(),
        (mut view, _) in any_look(),
        source in prop::option::of("[a-z!*% OR-]{0,12}"),
        wide in prop::collection::vec(any::<f64>(), 0..5),
    ) {
        view.source = source;
        let definition = Definition::read(&chart);
        let mut metric = metric;
        metric["attributes"] = json!({"display_transform": metric["transform_function"], "summarize_function": metric["summary_function"],
            "display_min": metric["max"], "color": metric["color"], "gap_detection": metric["gap_detection"]});
        let metrics: Metrics = [("m".to_owned(), Metric::read(&metric))].into_iter().collect();
        let mut asked = questions(&definition, &metrics, &view);
        let lines = vec![measured.len() * 400; asked.len()];
        fit(&mut asked, &lines, &view);
        let mut measured = measured;
        for (place, value) in wide.into_iter().enumerate() {
            measured.entry("a-1".to_owned()).or_default().insert(START + place as i64, vec![value]);
        }
        let answers: Vec<Result<Answer, String>> = asked.iter().map(|question| Ok(answer(question, &measured))).collect();
        let scene = scene(&definition, &view, &asked, &answers, &Beside::default());
        let again = super::scene(&definition, &view, &asked, &answers, &Beside::default());
        prop_assert_eq!(draw(&scene), draw(&again));
    }
}

fn any_word() -> impl Strategy<Value = Value> {
    let words = [
        "average",
        "sum",
        "min",
        "max",
        "count",
        "stddev",
        "derivative",
        "absolute_value",
        "breakout",
        "heatmap",
        "",
    ];
    prop::sample::select(words.to_vec()).prop_map(|word| json!(word))
}

fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        2 => (-1e3..1e3_f64).prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<i64>().prop_map(|number| json!(number.to_string())),
    ]
}

fn any_stream() -> impl Strategy<Value = Value> {
    let of = prop_oneof![
        4 => Just(json!({"metric": "m"})),
        1 => Just(json!({"metric": "n"})),
        1 => Just(json!({"composite": "sum(s(\"m\",\"%\"))"})),
        1 => Just(json!({"composite": "sum("})),
        1 => Just(json!({"metric": "deploys", "type": "annotation"})),
    ];
    let words = (any_word(), any_word(), any_word(), "[0-9xp*/+() -]{0,8}", "(|ms|B|%)", "(|Seconds|bytes)");
    let numbers = (any_number(), any_number(), any_number(), any_number());
    let flags = (any::<bool>(), prop::option::of(any::<bool>()), "(|#[0-9A-F]{6})", ".{0,20}");
    let choice = (prop_oneof![Just("*"), Just("%"), Just("a*"), Just("!a-1 OR b*")], any::<bool>());
    (of, words, numbers, flags, choice).prop_map(
        |(mut stream, (group, summary, down, formula, short, long), (min, max, period, place), (split, gaps, color, name), (source, tagged))| {
            let more = json!({"group_function": group, "summary_function": summary, "downsample_function": down,
                "transform_function": formula, "units_short": short, "units_long": long, "min": min, "max": max, "period": period,
                "position": place, "split_axis": split, "gap_detection": gaps, "color": color, "name": name});
            if let (Value::Object(stream), Value::Object(more)) = (&mut stream, more) {
                stream.extend(more);
            }
            if tagged {
                stream["tags"] = json!([{"name": "source", "values": [source], "grouped": split}]);
            } else {
                stream["source"] = json!(source);
            }
            stream
        },
    )
}

fn any_chart() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["line", "stacked", "bignumber", "pie", ""]);
    let threshold = (
        prop::sample::select(vec![">", "<", "="]),
        any_number(),
        prop::sample::select(vec!["red", "yellow"]),
    )
        .prop_map(|(operator, value, color)| json!({"operator": operator, "value": value, "type": color}));
    let numbers = (any_number(), any_number(), prop::collection::vec(threshold, 0..3));
    (kind, numbers, any::<bool>(), any::<bool>(), prop::collection::vec(any_stream(), 0..5)).prop_map(
        |(kind, (min, max, thresholds), log, last, streams)| {
            json!({"name": "c", "type": kind, "min": min, "max": max, "thresholds": thresholds, "use_log_yaxis": log,
                "use_last_value": last, "streams": streams})
        },
    )
}

/// Of more series than a picture holds the greatest stay, and it is said how many there are.
#[test]
fn the_greatest_of_very_many_series_are_drawn() {
    let view = view(3_600, 640, START + 10_000);
    let mut asked = vec![question(
        &json!({"metric": "m", "group_function": "breakout"}),
        &json!({"type": "gauge", "period": 60}),
        &view,
    )];
    assert_eq!(asked[0].resolution, 60);
    let labels: Vec<Labels> = (0..3_000).map(|i| of_source(&format!("host-{i:04}"))).collect();
    let lines = asked[0].lines(labels.iter());
    assert_eq!(lines, 3_000);
    fit(&mut asked, &[lines], &view);
    assert_eq!(
        asked[0].resolution, 60,
        "a thousand lines of an hour's minutes are no more than a picture holds"
    );
    let mut gathering = Gathering::new(&asked[0]);
    for (place, labels) in labels.iter().enumerate() {
        let value = f64::from(u32::try_from(place * 7 % 3_000).unwrap());
        gathering.add(
            labels,
            &[Sample::single(START + 100, value), Sample::single(START + 200, value)],
            None,
        );
    }
    let answer = gathering.finish();
    assert_eq!((answer.lines.len(), answer.left_out), (1_000, 2_000));
    assert!(answer.lines.iter().all(|line| line.points[0].value >= 2_000.0));
    let chart = Definition::read(&json!({"streams": [{"metric": "m"}]}));
    let scene = scene(&chart, &view, &asked, &[Ok(answer)], &Beside::default());
    assert_eq!(scene.remarks, ["the 1000 greatest of 3000 series"]);
}

/// More points than a picture holds become fewer by longer buckets, never by leaving any out.
#[test]
fn buckets_grow_until_the_points_fit() {
    let view = view(86_400, 2_400, START + 100_000);
    let mut asked = vec![question(
        &json!({"metric": "m", "group_function": "breakout"}),
        &json!({"type": "gauge"}),
        &view,
    )];
    assert_eq!(asked[0].resolution, 60);
    fit(&mut asked, &[800], &view);
    assert_eq!(asked[0].resolution, 600);
}
