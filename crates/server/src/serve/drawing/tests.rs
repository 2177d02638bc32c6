//! Charts drawn from a store: what they show, that they end when they are told to, and that they claim what they hold.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{PictureRequest, scene};
use crate::chart::{self, View};
use crate::picture::{Scene, Window};
use crate::serve::annotations::table as annotations;
use crate::serve::budget;
use crate::serve::catalog::cache::SeriesCache;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::NewMetric;
use crate::serve::http::problem::Problem;
use crate::serve::series::sqlite::testing;
use crate::serve::store::changes::Read;
use crate::serve::store::tx::Tx;
use crate::serve::store::{Scratch, scratch};
use crate::serve::submit::measurement::Measurement;
use crate::serve::submit::resolve;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::Stats;

const NOW: i64 = 1_700_000_040;
const SOURCES: u32 = 200;
const NOON_BEFORE: i64 = NOW - 43_200;

fn filled() -> Scratch {
    let scratch = scratch();
    let tx = scratch.tx();
    let mut samples = Vec::new();
    for n in 0..i64::from(SOURCES) {
        samples.extend((0..30).map(|minute| Measurement {
            metric: "shop.latency".to_owned(),
            kind: Kind::Gauge,
            labels: Labels::Source(Some(format!("web-{n}"))),
            time: NOW - 60 * minute,
            stats: Stats::Single((n + minute) as f64),
            new: NewMetric::default(),
        }));
    }
    resolve::append(&tx, &samples, None, &SeriesCache::default(), NOW).unwrap();
    let stream = annotations::find_or_make(&tx, "shop.deploys").unwrap().id;
    annotations::find_or_make(&tx, "billing.deploys").unwrap();
    let event = json!({"title": "release", "start_time": NOW - 600});
    let mut event = crate::serve::annotations::event::Event::new(event.as_object().unwrap(), NOW).unwrap();
    annotations::insert_event(&tx, stream, &mut event).unwrap();
    scratch
}

fn request() -> PictureRequest {
    let view = View {
        window: Window { start: NOW - 1_800, end: NOW },
        now: NOW,
        kept: 1,
        width: 640,
        height: 192,
        whole: false,
        zone: TimeZone::UTC,
        source: None,
        tags: Vec::new(),
        hidden: Vec::new(),
    };
    PictureRequest {
        charts: Vec::new(),
        view,
        events: None,
        with_alerts: true,
        only_alert: None,
        only_series: None,
    }
}

fn drawn(tx: &Tx<'_>, streams: &Value) -> Result<Scene, Problem> {
    scene(tx, &json!({"name": "c", "type": "line", "streams": streams}), &request(), &mut Read::default())
}

#[test]
fn charts_are_drawn_from_what_is_stored() {
    let filled = filled();
    for packed in [false, true] {
        if packed {
            testing::compact(&filled, NOW);
        }
        let tx = filled.tx();
        let scene =
            drawn(&tx, &json!([{"metric": "Shop.Latency", "source": "web-1", "period": 60}])).unwrap();
        assert_eq!((scene.series.len(), scene.events.len()), (1, 1), "{scene:?}");
        let one = &scene.series[0];
        // The minute that is not over yet is not among the points.
        let last = one.points.last().unwrap();
        assert_eq!((one.points.len(), last.time, last.value), (29, NOW - 60, 2.0));
        assert_eq!(one.totals.map(|totals| (totals.last, totals.min, totals.max)), Some((1.0, 1.0, 30.0)));
        let scene = drawn(&tx, &json!([{"metric": "shop.latency", "group_function": "breakout"}])).unwrap();
        assert_eq!(scene.series.len(), SOURCES as usize);
        let composite = json!([{"composite": "sum(s(\"shop.latency\",\"web-1*\"))"}, {"composite": "sum("}, {"metric": "nothing"}]);
        let scene = drawn(&tx, &composite).unwrap();
        assert_eq!((scene.series.len(), scene.remarks.len()), (1, 2), "{:?}", scene.remarks);
    }
}

/// The newest one of the streams that belong to the metrics, but for what alerts write, and nothing that is still to come.
#[test]
fn the_newest_event_is_known() {
    let filled = filled();
    let tx = filled.tx();
    for (name, time) in
        [("librato.alerts", NOON_BEFORE), ("shop.deploys", NOON_BEFORE - 90_000), ("shop.later", NOW + 60)]
    {
        let stream = annotations::find_or_make(&tx, name).unwrap().id;
        let event = json!({"title": name, "start_time": time});
        let mut event =
            crate::serve::annotations::event::Event::new(event.as_object().unwrap(), NOW).unwrap();
        annotations::insert_event(&tx, stream, &mut event).unwrap();
    }
    let newest = |metric: &str, events: Option<&[String]>| {
        let chart = chart::Definition::read(&json!({"streams": [{"metric": metric}]}));
        super::beside::newest_event(&tx, &[chart], events, NOW)
            .unwrap()
            .map(|event| (event.title, event.time))
    };
    assert_eq!(newest("shop.latency", None), Some(("release".to_owned(), NOW - 600)));
    assert_eq!(newest("billing.sums", None), None);
    assert_eq!(
        newest("billing.sums", Some(&["shop.deploys".to_owned()])),
        Some(("release".to_owned(), NOW - 600))
    );
    assert_eq!(newest("shop.latency", Some(&[])), None);
}

#[test]
fn drawing_ends_when_it_is_told_to_and_claims_what_it_holds() {
    let filled = filled();
    let tx = filled.tx();
    for streams in [
        json!([{"metric": "shop.latency", "group_function": "breakout"}]),
        json!([{"metric": "shop.latency", "group_function": "sum"}]),
        json!([{"composite": "mean(s(\"shop.latency\",\"*\"))"}]),
    ] {
        let (scene, asked) = budget::with_patience(u32::MAX - 1, || drawn(&tx, &streams));
        assert!(!scene.unwrap().series.is_empty());
        assert!((SOURCES..100 * SOURCES).contains(&asked), "{asked} for {streams}");
        for patience in [0, 1, asked / 3, asked / 2, asked - 1] {
            let (scene, stopped) = budget::with_patience(patience, || drawn(&tx, &streams));
            let problem = format!("{:?}", scene.unwrap_err());
            assert!(problem.contains("longer than") || problem.contains("SERVICE"), "{problem}");
            assert!(stopped <= patience + 2, "{stopped} after {patience} of {streams}");
        }
        let mut outcome = None;
        let held = allocation_counter::measure(|| {
            outcome = Some(budget::with_claims(|| drawn(&tx, &streams)));
        });
        let (scene, claimed) = outcome.unwrap();
        scene.unwrap();
        assert!(
            held.bytes_max as f64 <= 2.0 * claimed as f64 + 65_536.0,
            "{} held, {claimed} claimed: {streams}",
            held.bytes_max
        );
    }
}
