//! Pictures as files that can be looked at, and what holds for every picture whatever is in it.

use std::path::Path;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::list::{Mark, Text};
use super::*;

const NOON: i64 = 1_795_867_200;

fn wave(count: i64, middle: f64, height: f64) -> Vec<Point> {
    let value = |i: i64| middle + height * ((i * i * 7 + i * 13) % 97) as f64 / 97.0;
    (0..count)
        .map(|i| Point { low: value(i) * 0.9, high: value(i) * 1.2, ..Point::at(NOON + 60 * i, value(i)) })
        .collect()
}

fn series(name: &str, place: u8, points: Vec<Point>) -> Series {
    let values = || points.iter().map(|point| point.value);
    let totals = points.last().map(|last| Totals {
        last: last.value,
        min: values().fold(f64::INFINITY, f64::min),
        mean: values().sum::<f64>() / points.len() as f64,
        max: values().fold(f64::NEG_INFINITY, f64::max),
    });
    Series {
        name: name.to_owned(),
        hue: Hue::Palette(place),
        axis: 0,
        points,
        period: Some(60),
        gaps: Gaps::Break,
        band: false,
        totals,
        hidden: false,
    }
}

fn scene(kind: Kind, unit: &str, series: Vec<Series>) -> Scene {
    Scene {
        title: "How fast is the checkout?".to_owned(),
        note: "max by source · 60 s".to_owned(),
        width: 640,
        height: 120,
        whole: true,
        window: Window { start: NOON, end: NOON + 3_600 },
        zone: TimeZone::UTC,
        kind,
        axes: vec![Axis { unit: unit.to_owned(), ..Axis::default() }],
        series,
        thresholds: Vec::new(),
        limits: Vec::new(),
        events: Vec::new(),
        spans: Vec::new(),
        remarks: Vec::new(),
    }
}

fn three() -> Vec<Series> {
    ["web-1", "web-2", "web-3"]
        .into_iter()
        .zip(0..)
        .map(|(name, i)| series(name, i, wave(61, 300.0 + 40.0 * f64::from(i), 60.0)))
        .collect()
}

/// A picture for each row of what pictures mean.
fn cases() -> Vec<(&'static str, Scene, Theme)> {
    let mut alert = scene(Kind::Line, "ms", three());
    alert.series[2].points.retain(|point| !(NOON + 1_200..NOON + 1_800).contains(&point.time));
    alert.limits = vec![
        Limit { value: 380.0, axis: 0, words: "above 380 ms for 5m".to_owned(), former: false },
        Limit { value: 90_000.0, axis: 0, words: "above 90 000 ms".to_owned(), former: true },
    ];
    let span = |from, until, kind| Span {
        from: NOON + from,
        until: NOON + until,
        kind,
        name: "checkout.slow".to_owned(),
    };
    alert.spans = vec![
        span(2_100, 2_400, SpanKind::Violating),
        span(2_400, 3_000, SpanKind::Firing),
        span(2_500, 2_800, SpanKind::Former),
    ];
    let event = |at, end: Option<i64>| Event {
        time: NOON + at,
        end: end.map(|end| NOON + end),
        title: "deploy".to_owned(),
    };
    alert.events = vec![event(600, None), event(610, None), event(2_100, Some(2_300))];

    let mut gaps = scene(
        Kind::Line,
        "",
        vec![series("joined", 0, wave(61, 5.0, 2.0)), series("zero", 1, wave(61, 1.0, 1.0))],
    );
    for one in &mut gaps.series {
        one.points.retain(|point| !(NOON + 900..NOON + 1_800).contains(&point.time));
        one.points.retain(|point| ![NOON + 2_400, NOON + 2_520].contains(&point.time));
    }
    gaps.series[0].gaps = Gaps::Bridge;

    let mut stacked = scene(Kind::Stacked, "1/s", three());
    stacked.series[1].points.retain(|point| !(NOON + 900..NOON + 1_800).contains(&point.time));
    stacked.series[2].points.iter_mut().for_each(|point| point.value = 150.0 - point.value / 2.0);

    let mut axes = scene(Kind::Line, "jobs", three());
    axes.axes.push(Axis { unit: "bytes".to_owned(), label: "memory".to_owned(), ..Axis::default() });
    axes.axes.push(Axis { unit: "%".to_owned(), low: Some(0.0), high: Some(100.0), ..Axis::default() });
    axes.series[0].band = true;
    (axes.series[1].axis, axes.series[2].axis) = (1, 2);
    axes.series[1].points.iter_mut().for_each(|point| point.value *= 1e6);
    axes.series[2].points.iter_mut().for_each(|point| point.value /= 6.0);

    let mut log = scene(Kind::Line, "ms", three());
    log.axes[0].log = true;
    log.series[1].points.iter_mut().for_each(|point| point.value *= 40.0);
    log.series[2].points[7].value = 0.0;

    let mut fixed = scene(Kind::Line, "ms", three());
    (fixed.axes[0].min, fixed.axes[0].max) = (Some(310.0), Some(400.0));
    fixed.window = Window { start: NOON - 90_000, end: NOON + 4_000 };
    fixed.zone = TimeZone::fixed(jiff::tz::offset(-5));

    let mut number = scene(Kind::Number, "ms", three());
    (number.width, number.height) = (320, 100);
    number.thresholds = vec![Threshold { operator: '>', value: 200.0, strength: Strength::Red }];

    let mut hostile = scene(Kind::Line, "</text><script>", three());
    hostile.title = "<img src=x onerror=alert(1)> & \"quotes\" \u{202e}gnitirw".to_owned();
    hostile.series[0].name = "'><svg onload=alert(1)>".repeat(500);
    hostile.series[1].name = "日本語のサーバー名前がとても長いとき".to_owned();
    hostile.remarks = vec!["]]> --> \u{0}".to_owned()];

    vec![
        ("alert", alert.clone(), Theme::Light),
        ("alert-dark", alert, Theme::Dark),
        ("gaps", gaps, Theme::Light),
        ("stacked", stacked, Theme::Light),
        ("axes", axes, Theme::Light),
        ("log", log, Theme::Light),
        ("fixed-ends", fixed, Theme::Light),
        ("number", number, Theme::Dark),
        ("hostile-names", hostile, Theme::Light),
        ("empty", scene(Kind::Line, "ms", Vec::new()), Theme::Light),
    ]
}

/// `UPDATE=1` writes the files; look at them before they are committed.
#[test]
fn pictures_are_those_of_the_files() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/cases/picture");
    for (name, scene, theme) in cases() {
        let path = directory.join(format!("{name}.svg"));
        let text = svg::paint(&draw(&scene), theme);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert!(text == expected, "{name}: the picture changed; UPDATE=1 writes it, git shows how");
    }
}

#[test]
fn nothing_of_a_name_is_markup() {
    let (_, scene, theme) = cases().into_iter().find(|(name, ..)| *name == "hostile-names").unwrap();
    let text = svg::paint(&draw(&scene), theme);
    for markup in ["<img", "<script", "<svg onload", "]]>", "\u{202e}", "\0"] {
        assert!(!text.contains(markup), "{markup}");
    }
    assert!(text.len() < 60_000, "{}", text.len());
}

/// The size, and red, green and blue of each pixel.
#[cfg(feature = "png")]
fn pixels(bytes: &[u8]) -> ((u32, u32), Vec<u8>) {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    ((reader.info().width, reader.info().height), pixels)
}

/// The same marks, painted by our own hand, wherever the machine is: as the files beside the SVG are, but for roundings of processors.
/// `UPDATE=1` writes those that differ; look at them before they are committed.
#[cfg(feature = "png")]
#[test]
fn pixels_are_those_of_the_files() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/cases/picture");
    for (name, scene, theme) in cases() {
        let picture = draw(&scene);
        let bytes = png::paint(&picture, theme, 1.0).unwrap();
        assert_eq!(bytes, png::paint(&picture, theme, 1.0).unwrap(), "{name}");
        let (size, painted) = pixels(&bytes);
        assert_eq!((f64::from(size.0), f64::from(size.1)), (picture.width.ceil(), picture.height.ceil()));
        let path = directory.join(format!("{name}.png"));
        // Nothing where a case has no picture yet.
        let kept = std::fs::read(&path).map_or_else(|_| ((0, 0), Vec::new()), |kept| pixels(&kept));
        let much = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 32);
        let differ = painted.chunks_exact(3).zip(kept.1.chunks_exact(3)).filter(|pair| much(*pair)).count();
        let is_same = size == kept.0 && differ * 200 <= painted.len() / 3;
        if !is_same && std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &bytes).unwrap();
            continue;
        }
        assert!(
            is_same,
            "{name}: {differ} pixels differ, {size:?} {:?}; UPDATE=1 writes the picture",
            kept.0
        );
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -1e4..1e4_f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ]
}

fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![6 => NOON - 4_000..NOON + 8_000, 1 => any::<i64>()]
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z0-9.-]{0,20}", 2 => any::<String>(), 1 => ".{0,40}".prop_map(|text| text.repeat(50))]
}

fn any_points() -> impl Strategy<Value = Vec<Point>> {
    let points = prop::collection::btree_map(any_time(), (any_value(), any_value(), any_value()), 0..40);
    points.prop_map(|points| {
        points.into_iter().map(|(time, (value, low, high))| Point { time, value, low, high }).collect()
    })
}

fn any_series() -> impl Strategy<Value = Series> {
    let hue = prop_oneof![
        (0..color::PLACES).prop_map(Hue::Palette),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Hue::Own(color::Rgb(r, g, b))),
        (0..color::PLACES, any::<u8>()).prop_map(|(place, part)| Hue::Shade(Tone::Palette(place), part))
    ];
    let gaps = prop::sample::select(vec![Gaps::Break, Gaps::Bridge, Gaps::Zero]);
    let shape = (hue, 0..5_usize, prop::option::of(any_period()), gaps, any::<bool>(), any::<bool>());
    (any_name(), any_points(), shape, any_value()).prop_map(
        |(name, points, (hue, axis, period, gaps, band, hidden), value)| {
            let totals = Some(Totals { last: value, min: value, mean: value, max: value });
            Series { name, hue, axis, points, period, gaps, band, totals, hidden }
        },
    )
}

fn any_period() -> impl Strategy<Value = i64> {
    prop_oneof![3 => 1..600_i64, 1 => any::<i64>()]
}

fn any_axis() -> impl Strategy<Value = Axis> {
    let end = || prop::option::weighted(0.2, any_value());
    let unit = prop_oneof![Just(String::new()), Just("ms".to_owned()), Just("bytes".to_owned()), any_name()];
    (unit, any_name(), end(), end(), end(), end(), any::<bool>())
        .prop_map(|(unit, label, min, max, low, high, log)| Axis { unit, label, min, max, low, high, log })
}

fn any_scene() -> impl Strategy<Value = Scene> {
    let kind = prop::sample::select(vec![Kind::Line, Kind::Stacked, Kind::Number]);
    let looks = (any_name(), any_name(), any::<u32>(), 0..3_000_u32, any::<bool>(), kind);
    let window = prop_oneof![
        5 => (NOON - 1_000..NOON + 1_000, 1..100_000_i64).prop_map(|(start, long)| (start, start + long)),
        1 => any::<(i64, i64)>(),
    ];
    let series = prop_oneof![
        5 => prop::collection::vec(any_series(), 0..8),
        1 => prop::collection::vec(any_series(), 55..70)
    ];
    let limits = prop::collection::vec((any_value(), 0..4_usize, any_name(), any::<bool>()), 0..4);
    let events = prop::collection::vec((any_time(), prop::option::of(any_time()), any_name()), 0..12);
    let spans = prop::collection::vec((any_time(), any_time(), 0..3_usize, any_name()), 0..6);
    let beside = (limits, events, spans, prop::collection::vec(any_value(), 0..3));
    (looks, window, prop::collection::vec(any_axis(), 0..4), series, beside).prop_map(
        |(
            (title, note, width, height, whole, kind),
            (start, end),
            axes,
            series,
            (limits, events, spans, thresholds),
        )| {
            let kinds = [SpanKind::Firing, SpanKind::Violating, SpanKind::Former];
            Scene {
                remarks: vec![title.clone()],
                title,
                note,
                width: width % 3_000,
                height,
                whole,
                window: Window { start, end },
                zone: TimeZone::fixed(jiff::tz::offset(3)),
                kind,
                axes,
                series,
                thresholds: thresholds
                    .into_iter()
                    .map(|value| Threshold { operator: '>', value, strength: Strength::Yellow })
                    .collect(),
                limits: limits
                    .into_iter()
                    .map(|(value, axis, words, former)| Limit { value, axis, words, former })
                    .collect(),
                events: events.into_iter().map(|(time, end, title)| Event { time, end, title }).collect(),
                spans: spans
                    .into_iter()
                    .map(|(from, until, kind, name)| Span { from, until, kind: kinds[kind], name })
                    .collect(),
            }
        },
    )
}

fn extents(picture: &Picture) -> Vec<(list::Area, &Text)> {
    let texts = picture.marks.iter().filter_map(|mark| match mark {
        Mark::Text(text) => Some((layout::extent(text), text)),
        Mark::Shape(_) => None,
    });
    texts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No two texts overlap, all of them lie inside; so does everything that the plot does not cut off. Equal scenes are equal bytes,
    /// of bounded number, whatever the names and numbers.
    #[test]
    fn every_picture_is_sound(scene in any_scene()) {
        let picture = draw(&scene);
        let whole = list::Area { left: 0.0, top: 0.0, right: picture.width, bottom: picture.height };
        let texts = extents(&picture);
        for (place, (area, text)) in texts.iter().enumerate() {
            prop_assert!(whole.holds(area), "{text:?} leaves the picture");
            for (other, words) in &texts[place + 1..] {
                prop_assert!(!area.meets(other), "{text:?} and {words:?} overlap");
            }
        }
        for mark in &picture.marks {
            let Mark::Shape(shape) = mark else { continue };
            for step in &shape.path {
                if let list::Step::Move(x, y) | list::Step::Line(x, y) = step {
                    prop_assert!(x.is_finite() && y.is_finite() && x.abs() <= 20_010.0 && y.abs() <= 20_010.0);
                    let inside = *x >= -3.0 && *x <= whole.right + 3.0 && *y >= -3.0 && *y <= whole.bottom + 3.0;
                    prop_assert!(shape.clip || inside, "{shape:?}");
                }
            }
        }
        let text = svg::paint(&picture, Theme::Light);
        prop_assert_eq!(&text, &svg::paint(&draw(&scene), Theme::Light));
        prop_assert!(text.len() < 20_000 + scene.series.iter().map(|one| 1_200 + one.points.len() * 200).sum::<usize>() + 12_000);
        prop_assert!(!picture.summary.is_empty());
    }

    /// What is hidden and shown again is the first picture, and the others keep their colours meanwhile.
    #[test]
    fn hiding_is_undone_by_showing(scene in any_scene(), which in any::<prop::sample::Index>()) {
        if scene.series.is_empty() {
            return Ok(());
        }
        let mut changed = scene.clone();
        let place = which.index(scene.series.len());
        changed.series[place].hidden ^= true;
        prop_assert!(!draw(&changed).marks.is_empty());
        changed.series[place].hidden ^= true;
        prop_assert_eq!(draw(&changed), draw(&scene));
    }
}

/// Ends, values and times that a file or a service may say, however little sense they make.
#[test]
fn the_ends_of_what_numbers_can_say_are_pictures_too() {
    let mut tiny = scene(Kind::Line, "", vec![series("tiny", 0, vec![Point::at(NOON, 7.2e-309)])]);
    (tiny.axes[0].log, tiny.axes[0].max) = (true, Some(2.0e-308));
    let marks = |picture: &Picture| {
        let steps = picture.marks.iter().filter_map(|mark| match mark {
            Mark::Shape(shape) if !shape.clip => Some(shape.path.clone()),
            _ => None,
        });
        steps.flatten().collect::<Vec<_>>()
    };
    let picture = draw(&tiny);
    let bottom = picture.height;
    assert!(
        marks(&picture).iter().all(|step| !matches!(step, list::Step::Line(_, y) if *y < 0.0 || *y > bottom))
    );

    // A logarithmic axis has no place for what is not positive, even where there is nothing else.
    let mut below = scene(Kind::Line, "", vec![series("below", 0, vec![Point::at(NOON, -8_242.4)])]);
    below.axes[0].log = true;
    let picture = draw(&below);
    let bottom = picture.height;
    assert!(
        marks(&picture).iter().all(|step| !matches!(step, list::Step::Line(_, y) if *y < 0.0 || *y > bottom))
    );

    // Apart from each other, and not by as much as can be halved.
    let least = vec![Point::at(NOON, 0.0), Point::at(NOON + 60, f64::from_bits(1))];
    let number = scene(Kind::Number, "", vec![series("least", 0, least)]);
    assert!(marks(&draw(&number)).iter().all(|step| match step {
        list::Step::Move(x, y) | list::Step::Line(x, y) => x.is_finite() && (0.0..=400.0).contains(y),
        list::Step::Close => true,
    }));

    let ends = vec![Point::at(i64::MIN, 1.0), Point::at(NOON, 2.0), Point::at(i64::MAX, 3.0)];
    let mut joined =
        scene(Kind::Stacked, "", vec![series("ends", 0, ends), series("now", 1, wave(9, 1.0, 1.0))]);
    joined.series[0].gaps = Gaps::Bridge;
    assert!(!draw(&joined).marks.is_empty());
}

/// A thousand series, each with as many points as there are pixels, are one picture of a size that can be sent.
#[test]
fn a_thousand_series_are_a_picture() {
    let all = (0..1_200)
        .map(|i| series(&format!("host-{i}"), (i % 24) as u8, wave(61, f64::from(i), 30.0)))
        .collect();
    let picture = draw(&scene(Kind::Line, "ms", all));
    assert!(picture.marks.len() < 200, "{}", picture.marks.len());
    assert!(svg::paint(&picture, Theme::Light).len() < 1_000_000);
}
