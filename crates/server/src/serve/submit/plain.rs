//! The body of `POST /v1/metrics` as most clients send it: JSON that names no more than metrics, sources, times and statistics, each in its
//! plainest form. Read where it lies, without a tree. Whatever else there is in a body, and whatever is wrong with one, is left to
//! `legacy`, which knows the words for it. Pure.

use serde::Deserialize;

use super::refusals::is_near;
use crate::serve::catalog::cache::Wanted;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::http::fields::{finite, seconds};
use crate::serve::names::is_name;
use crate::serve::tsdb::sample::{Spread, Stats};

/// Memory that one measurement takes on its way, at most.
pub const EACH: usize = 400;

/// What is said of a metric that exists already is not looked at, but has to be plain, too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    source: Option<&'a str>,
    measure_time: Option<f64>,
    #[serde(rename = "period")]
    _period: Option<u32>,
    #[serde(borrow, default)]
    gauges: Vec<Item<'a>>,
    #[serde(borrow, default)]
    counters: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    name: &'a str,
    source: Option<&'a str>,
    measure_time: Option<f64>,
    value: Option<f64>,
    count: Option<u64>,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    last: Option<f64>,
    sum_squares: Option<f64>,
    stddev: Option<f64>,
    #[serde(rename = "period")]
    _period: Option<u32>,
}

/// One measurement of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain<'a> {
    pub metric: &'a str,
    pub kind: Kind,
    /// Empty for none.
    pub source: &'a str,
    pub time: i64,
    pub stats: Stats,
}

impl<'a> Plain<'a> {
    /// As it is looked for among the series that are known.
    pub fn wanted(&self) -> Wanted<'a> {
        let Plain { metric, kind, source, time, stats } = *self;
        Wanted { metric, kind, labels: source.into(), time, stats }
    }
}

/// All measurements of a body, as `legacy` reads them; nothing where it is not plain, or would be refused.
pub fn read(text: &str, now: i64) -> Option<Vec<Plain<'_>>> {
    let body: Body<'_> = serde_json::from_str(text).ok()?;
    let source = source(body.source)?.unwrap_or_default();
    let time = time(body.measure_time)?;
    let mut all = Vec::with_capacity(body.gauges.len() + body.counters.len());
    for (items, kind) in [(body.gauges, Kind::Gauge), (body.counters, Kind::Counter)] {
        for item in items {
            let own = self::source(item.source)?.unwrap_or(source);
            let time = self::time(item.measure_time)?.or(time).unwrap_or(now);
            if !is_name(item.name) || !is_near(time, now) {
                return None;
            }
            all.push(Plain { metric: item.name, kind, source: own, time, stats: stats(&item)? });
        }
    }
    Some(all)
}

/// The source, which is empty where it is said that there is none; nothing within where nothing is said.
fn source(text: Option<&str>) -> Option<Option<&str>> {
    match text {
        None => Some(None),
        Some("" | "unassigned") => Some(Some("")),
        Some(name) => (is_name(name) && !name.eq_ignore_ascii_case("all")).then_some(Some(name)),
    }
}

fn time(given: Option<f64>) -> Option<Option<i64>> {
    given.map(|time| seconds(finite(time)?)).transpose().ok()
}

fn stats(item: &Item<'_>) -> Option<Stats> {
    let number = |given: Option<f64>| given.map(finite).transpose().ok();
    let value = number(item.value)?;
    let sum = match (item.count, number(item.sum)?) {
        (None, None) => return value.map(Stats::Single),
        (Some(count), Some(sum)) => (count, sum),
        _ => return None,
    };
    let (count, sum) = (i64::try_from(sum.0).ok().filter(|count| *count > 0)?.unsigned_abs(), sum.1);
    let spread = match (number(item.sum_squares)?, number(item.stddev)?) {
        (Some(squares), _) => Spread::SumSquares(squares),
        (None, Some(deviation)) => Spread::StdDev(deviation),
        (None, None) => Spread::Unknown,
    };
    let (min, max, last) = (number(item.min)?, number(item.max)?, number(item.last)?);
    Some(Stats::Summary { count, sum, min, max, last, spread })
}

#[cfg(test)]
mod tests;
