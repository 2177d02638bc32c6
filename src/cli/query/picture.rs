//! An answer as a picture: its scene, and the file or the stream it goes to.

use std::io::IsTerminal;

use librato_apply::composite::eval::Sample;
use librato_apply::diag::in_plain_words;
use librato_apply::picture::color::by_label;
use librato_apply::picture::words::length;
use librato_apply::picture::{
    Axis, Gaps, Hue, Kind, Picture, Point, Scene, Series, Theme, Totals, Window, draw, svg,
};

use super::super::args::query::{Colors, Query, QueryFormat};
use super::super::exit::{Exit, Stop};
use super::super::files::{self, Readers};
use super::super::ui::Ui;
use super::answer::{Answer, Line};
use super::time::Clock;

/// The height of the plot.
const HEIGHT: u32 = 192;

/// What of the width is not plot: pixels that can have a point of their own are fewer.
const BESIDE: u32 = 130;

/// Series drawn, the greatest.
const MOST: usize = 1_000;

/// Of bands more would hide each other.
const BANDS: usize = 8;

#[cfg(feature = "png")]
const PIXELS: f64 = 2.0;

/// Whether what is asked for can be done: before anything is read.
///
/// # Errors
/// Where a picture has nowhere to go, or what is no picture should go into a file.
pub fn check(args: &Query) -> Result<(), Stop> {
    if args.out.is_some() && !args.format.is_picture() {
        return Err(Stop::usage("--out is for pictures", "--format svg; `> FILE` takes everything else"));
    }
    if is_binary(args.format) && args.out.is_none() && std::io::stdout().is_terminal() {
        return Err(Stop::usage("a PNG cannot be shown on a terminal", "--out FILE, or `> FILE`"));
    }
    Ok(())
}

fn is_binary(format: QueryFormat) -> bool {
    format.is_picture() && format != QueryFormat::Svg
}

/// Seconds from point to point: each pixel has one point at most.
pub fn resolution(args: &Query, seconds: u64) -> u64 {
    librato_apply::chart::bucket(seconds, args.width.saturating_sub(BESIDE), 1)
}

/// Draws the answer and puts it where it belongs.
///
/// # Errors
/// Where it cannot be written.
pub fn show(answer: &Answer, args: &Query, clock: &Clock, ui: &Ui) -> Result<(), Stop> {
    let picture = draw(&scene(answer, args.width, clock, &|text| ui.redact(text)));
    let theme = match args.theme {
        Colors::Light => Theme::Light,
        Colors::Dark => Theme::Dark,
    };
    let bytes = paint(&picture, args.format, theme)?;
    let Some(path) = &args.out else {
        ui.bytes(&bytes);
        return Ok(());
    };
    files::replace(path, &bytes, Readers::All).map_err(|error| Stop {
        exit: Exit::Error,
        message: format!("cannot write {}: {}", path.display(), in_plain_words(&error)),
        help: Vec::new(),
    })?;
    ui.say(&format!("{}: {}", path.display(), picture.summary));
    Ok(())
}

#[cfg(feature = "png")]
fn paint(picture: &Picture, format: QueryFormat, theme: Theme) -> Result<Vec<u8>, Stop> {
    if !is_binary(format) {
        return Ok(svg::paint(picture, theme).into_bytes());
    }
    librato_apply::picture::png::paint(picture, theme, PIXELS).ok_or_else(|| Stop {
        exit: Exit::Error,
        message: "the picture cannot be painted: there is no memory for it".to_owned(),
        help: vec!["--format svg needs none".to_owned()],
    })
}

#[cfg(not(feature = "png"))]
fn paint(picture: &Picture, _: QueryFormat, theme: Theme) -> Result<Vec<u8>, Stop> {
    Ok(svg::paint(picture, theme).into_bytes())
}

fn scene(answer: &Answer, width: u32, clock: &Clock, redact: &dyn Fn(&str) -> String) -> Scene {
    let step = i64::try_from(answer.resolution).unwrap_or(i64::MAX);
    let names: Vec<String> = answer.names().iter().map(|name| redact(name)).collect();
    let hues = by_label(names.iter().map(String::as_str));
    let one = names.len() == 1;
    let band = names.len() <= BANDS;
    let mut series: Vec<Series> = answer
        .lines
        .iter()
        .zip(&names)
        .map(|(line, name)| {
            let hue = if one {
                Hue::Palette(0)
            } else {
                hues.get(name.as_str()).copied().unwrap_or(Hue::Palette(0))
            };
            of_line(line, answer.resolution, name, hue, band)
        })
        .collect();
    let mut remarks = Vec::new();
    if series.len() > MOST {
        let greatest = |one: &Series| one.totals.map_or(f64::NEG_INFINITY, |totals| totals.max);
        series.sort_by(|a, b| greatest(b).total_cmp(&greatest(a)));
        remarks.push(format!("the {MOST} greatest of {} series", series.len()));
        series.truncate(MOST);
    }
    let banded = if series.iter().any(|one| one.band) { " · band: least to greatest sample" } else { "" };
    let axis = Axis { unit: answer.units().map(redact).unwrap_or_default(), ..Axis::default() };
    Scene {
        title: redact(&answer.title),
        note: format!("a point each {}{banded}", length(step)),
        width,
        height: HEIGHT,
        whole: true,
        window: Window { start: answer.span.start, end: answer.span.end },
        zone: clock.zone.clone(),
        kind: Kind::Line,
        axes: vec![axis],
        series,
        thresholds: Vec::new(),
        limits: Vec::new(),
        events: Vec::new(),
        spans: Vec::new(),
        remarks,
    }
}

/// Seconds from point to point: the period of the metric, where it is longer than what was asked for; else the usual distance.
fn period(line: &Line, resolution: u64) -> Option<i64> {
    let known = i64::try_from(line.period).ok().filter(|period| *period > 0)?;
    if line.period > resolution {
        return Some(known);
    }
    let mut distances: Vec<i64> = line.points.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
    distances.sort_unstable();
    Some(distances.get(distances.len() / 2).map_or(known, |usual| known.max(*usual)))
}

fn of_line(line: &Line, resolution: u64, name: &str, hue: Hue, band: bool) -> Series {
    let spread = |place: usize| line.samples.get(place).filter(|_| line.samples.len() == line.points.len());
    let points: Vec<Point> = line
        .points
        .iter()
        .enumerate()
        .map(|(place, point)| {
            let plain = Point::at(point.time, point.value);
            spread(place).map_or(plain, |sample| Point { low: sample.min, high: sample.max, ..plain })
        })
        .collect();
    // What is summed up or counted does not lie between its samples.
    let inside = points.iter().all(|point| point.low <= point.value && point.value <= point.high);
    let wide = points.iter().any(|point| point.low < point.high);
    Series {
        name: name.to_owned(),
        hue,
        axis: 0,
        period: period(line, resolution),
        gaps: Gaps::Break,
        band: band && inside && wide,
        totals: totals(&points, &line.samples, inside),
        points,
        hidden: false,
    }
}

/// Over samples where they are known and mean the same as the points.
fn totals(points: &[Point], samples: &[Sample], inside: bool) -> Option<Totals> {
    let last = points.last()?.value;
    let values = || points.iter().map(|point| point.value);
    let (min, max) = if inside {
        (
            points.iter().map(|p| p.low).fold(f64::INFINITY, f64::min),
            points.iter().map(|p| p.high).fold(f64::NEG_INFINITY, f64::max),
        )
    } else {
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let count: f64 = samples.iter().map(|sample| sample.count).sum();
    let mean = if inside && count > 0.0 {
        samples.iter().map(|sample| sample.sum).sum::<f64>() / count
    } else {
        values().sum::<f64>() / points.len() as f64
    };
    Some(Totals { last, min, mean, max })
}
