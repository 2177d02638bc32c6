//! What a metric measured and what happened in an annotation stream, one row each.

use librato_apply::client::{Error, Interval, Librato, Record, Time};
use librato_apply::remote::{Client, ReadApi, segment};
use serde_json::{Value, json};

use crate::cli::args::get::Get;
use crate::cli::exit::Stop;
use crate::cli::time;

/// How many of each source where nothing is said.
const COUNT: u64 = 20;

/// The stretch of time the flags speak of.
///
/// # Errors
/// Where a time cannot be read.
pub fn interval(args: &Get) -> Result<Interval, Stop> {
    let now = time::now();
    let moment = |text: &Option<String>, flag| {
        let seconds = text.as_ref().map(|text| time::parse(text, now, flag)).transpose()?;
        // The API has no times before 1970.
        Ok::<_, Stop>(seconds.map(|seconds| Time(seconds.try_into().unwrap_or(0))))
    };
    let interval = match (moment(&args.start, "--start")?, moment(&args.end, "--end")?, args.count) {
        (Some(start), Some(end), _) => Interval::between(start, end),
        (Some(start), None, Some(count)) => Interval::first(count, start),
        (Some(start), None, None) => Interval::since(start),
        (None, Some(end), count) => Interval::last_before(count.unwrap_or(COUNT), end),
        (None, None, count) => Interval::last(count.unwrap_or(COUNT)),
    };
    let interval = args.sources.iter().fold(interval, |interval, source| interval.source(source));
    Ok(args.resolution.into_iter().fold(interval, Interval::resolution))
}

/// Measurements with their source, source by source, oldest first.
///
/// # Errors
/// Where there is no such metric.
pub async fn measurements(client: &Client, name: &str, interval: &Interval) -> Result<Vec<Value>, Error> {
    let librato = Librato::from(client.clone());
    let measured = librato.metrics().measurements(name, interval).await?;
    let rows = measured
        .measurements
        .iter()
        .flat_map(|(source, records)| records.iter().map(move |record| row(source, record)));
    Ok(rows.collect())
}

fn row(source: &str, record: &Record) -> Value {
    let mut row = json!(record);
    if let Value::Object(fields) = &mut row {
        fields.shift_insert(0, "source".into(), source.into());
    }
    row
}

/// Events in the order of their start.
///
/// # Errors
/// Where there is no such stream.
pub async fn events(client: &Client, stream: &str, interval: &Interval) -> Result<Vec<Value>, Error> {
    let librato = Librato::from(client.clone());
    let by_source = librato.events(stream).list(interval).await?;
    let mut events: Vec<_> = by_source.into_values().flatten().collect();
    events.sort_by_key(|event| (event.start_time, event.id));
    let shown = events.iter().map(|event| {
        let mut shown = json!(event);
        if let (Value::Object(fields), Some(id)) = (&mut shown, event.id) {
            fields.shift_insert(0, "id".into(), id.into());
        }
        shown
    });
    Ok(shown.collect())
}

/// One event.
///
/// # Errors
/// Where there is none.
pub async fn event(client: &Client, stream: &str, id: u64) -> anyhow::Result<Value> {
    Ok(client.get(&format!("/annotations/{}/{id}", segment(stream)), &[]).await?)
}
