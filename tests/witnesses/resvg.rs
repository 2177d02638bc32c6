//! Resvg as the witness of pictures: it draws every SVG of the cases without complaint, and what it makes of ours is what our own painter
//! makes of the same marks.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use jiff::tz::TimeZone;
use librato_apply::chart::{Beside, Definition, Gathering, Metric, Metrics, Sample, View, questions, scene};
use librato_apply::picture::{Picture, Theme, Window, draw, png, svg};
use serde_json::{Value, json};

use crate::conformance::from_pip;

/// Renders each SVG of a directory with the fonts of another, beside it.
const RENDERER: &str = r#"
import glob, os, sys
import resvg_py
fonts = sorted(glob.glob(os.path.join(sys.argv[2], "*.ttf")))
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.svg"))):
    with open(path, encoding="utf-8") as file:
        drawn = resvg_py.svg_to_bytes(svg_string=file.read(), skip_system_fonts=True, font_files=fonts,
            font_family="Noto Sans", sans_serif_family="Noto Sans", zoom=2)
    with open(path + ".png", "wb") as file:
        file.write(bytes(drawn))
    print(os.path.basename(path))
"#;

/// Pixels that may differ, since edges of writing and of lines are smoothed in other ways.
const SHARE: f64 = 0.005;
/// Pixels to each of CSS, as everywhere that PNGs are made.
const PIXELS: f64 = 2.0;
/// By so much, of 255.
const MUCH: u8 = 32;

#[test]
fn resvg_draws_the_same_pictures() {
    let home = match from_pip("resvg-py-0.5.0") {
        Ok(home) => home,
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "resvg SKIPPED: {reason}");
            return;
        }
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(root.join("tests/cases/picture")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "svg") {
            continue;
        }
        std::fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
        files += 1;
    }
    let ours = pictures();
    for (name, picture, theme) in &ours {
        std::fs::write(directory.path().join(format!("ours-{name}.svg")), svg::paint(picture, *theme))
            .unwrap();
    }
    let rendered = Command::new("python3")
        .args(["-c", RENDERER])
        .arg(directory.path())
        .arg(root.join("crates/core/src/picture/fonts"))
        .env("PYTHONPATH", home)
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&rendered.stdout), String::from_utf8_lossy(&rendered.stderr));
    assert!(rendered.status.success() && complained.is_empty(), "{said}{complained}");
    assert_eq!(said.lines().count(), files + ours.len(), "{said}");
    for (name, picture, theme) in &ours {
        let theirs = std::fs::read(directory.path().join(format!("ours-{name}.svg.png"))).unwrap();
        let bytes = png::paint(picture, *theme, PIXELS).unwrap();
        let (theirs, bytes) = (pixels(&theirs), pixels(&bytes));
        assert_eq!(theirs.0, bytes.0, "{name}: the size");
        let differ =
            theirs.1.iter().zip(&bytes.1).filter(|(a, b)| (0..3).any(|i| a[i].abs_diff(b[i]) > MUCH)).count();
        let share = differ as f64 / theirs.1.len() as f64;
        assert!(share <= SHARE, "{name}: {:.2} % of the pixels differ", share * 100.0);
    }
}

/// The size, and red, green and blue of each pixel.
fn pixels(bytes: &[u8]) -> ((u32, u32), Vec<[u8; 3]>) {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut all = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut all).unwrap();
    let info = reader.info();
    let size = info.color_type.samples();
    let pixels = all.chunks_exact(size).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    ((info.width, info.height), pixels)
}

const START: i64 = 1_795_867_200;

/// Charts of each kind, over an hour of three sources.
fn pictures() -> Vec<(&'static str, Picture, Theme)> {
    let of = |chart: Value| {
        let view = View {
            window: Window { start: START, end: START + 3_600 },
            now: START + 7_200,
            kept: 1,
            width: 640,
            height: 192,
            whole: true,
            zone: TimeZone::UTC,
            source: None,
            tags: Vec::new(),
            hidden: Vec::new(),
        };
        let definition = Definition::read(&chart);
        let metric = Metric::read(
            &json!({"type": "gauge", "period": 60, "attributes": {"display_units_short": "ms"}}),
        );
        let metrics: Metrics = [("latency".to_owned(), metric)].into_iter().collect();
        let asked = questions(&definition, &metrics, &view);
        let answers: Vec<_> = asked
            .iter()
            .map(|question| {
                let mut gathering = Gathering::new(question);
                for source in 1..4 {
                    let value = |minute: i64| {
                        200.0 + 20.0 * f64::from(source) + ((minute * minute * 7 + minute * 13) % 97) as f64
                    };
                    let samples: Vec<Sample> = (0..60)
                        .filter(|minute| source != 2 || !(20..30).contains(minute))
                        .map(|minute| Sample::single(START + 60 * minute, value(minute)))
                        .collect();
                    gathering.add(&[("source".to_owned(), format!("web-{source}"))].into(), &samples, None);
                }
                Ok(gathering.finish())
            })
            .collect();
        draw(&scene(&definition, &view, &asked, &answers, &Beside::default()))
    };
    let streams = json!([{"metric": "latency", "group_function": "breakout"}]);
    vec![
        ("line", of(json!({"name": "How fast?", "streams": streams})), Theme::Light),
        ("stacked", of(json!({"name": "How much?", "type": "stacked", "streams": streams})), Theme::Dark),
        ("number", of(json!({"name": "How many?", "type": "bignumber", "streams": streams})), Theme::Light),
    ]
}
