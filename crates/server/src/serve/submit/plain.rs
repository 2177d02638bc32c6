//! Bodies of measurements as most clients send them: JSON that names no more than metrics, sources or tags, times and statistics, each in
//! its plainest form. Read where it lies, without a tree. Whatever else there is in a body, and whatever is wrong with one, is left to
//! `legacy` and `tagged`, which know the words for it. Pure.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::refusals::Arrival;
use super::tagged::{MOST_TAGS, is_tag_value};
use crate::serve::catalog::cache::Wanted;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::http::fields::{finite, seconds};
use crate::serve::names::{is_name, is_tag_name};
use crate::serve::tsdb::sample::{Spread, Stats};

/// Memory that one measurement takes on its way, at most.
pub const EACH: usize = 500;

/// Gauges and counters. What is said of a metric that exists already is not looked at, but has to be plain, too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Legacy<'a> {
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
struct Tagged<'a> {
    #[serde(borrow)]
    tags: Option<Tags<'a>>,
    time: Option<f64>,
    #[serde(rename = "period")]
    _period: Option<u32>,
    #[serde(borrow, default)]
    measurements: Vec<Item<'a>>,
}

/// A measurement of either kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    name: &'a str,
    source: Option<&'a str>,
    #[serde(borrow)]
    tags: Option<Tags<'a>>,
    measure_time: Option<f64>,
    time: Option<f64>,
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

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain<'a> {
    pub metric: &'a str,
    pub kind: Kind,
    /// As series are told apart by.
    pub labels: Cow<'a, str>,
    pub time: i64,
    pub stats: Stats,
}

impl<'a> Plain<'a> {
    /// As it is looked for among the series that are known.
    pub fn wanted(&'a self) -> Wanted<'a> {
        let Plain { metric, kind, labels, time, stats } = self;
        Wanted { metric, kind: *kind, labels: Cow::Borrowed(labels), time: *time, stats: *stats }
    }
}

/// All measurements of a body of gauges and counters, as `legacy` reads them; nothing where it is not plain, or would be refused.
pub fn legacy(text: &str, arrival: Arrival) -> Option<Vec<Plain<'_>>> {
    let body: Legacy<'_> = serde_json::from_str(text).ok()?;
    let source = source(body.source)?.unwrap_or_default();
    let time = time(body.measure_time)?;
    let mut all = Vec::with_capacity(body.gauges.len() + body.counters.len());
    for (items, kind) in [(body.gauges, Kind::Gauge), (body.counters, Kind::Counter)] {
        for item in items {
            let own = self::source(item.source)?.unwrap_or(source);
            let time = self::time(item.measure_time)?.or(time).unwrap_or(arrival.now);
            if item.tags.is_some() || item.time.is_some() {
                return None;
            }
            all.push(plain(&item, kind, own.into(), time, arrival)?);
        }
    }
    Some(all)
}

/// All measurements of a body with tags, likewise.
pub fn tagged(text: &str, arrival: Arrival) -> Option<Vec<Plain<'_>>> {
    // Zero means unset.
    let given = |time: Option<f64>| Some(self::time(time)?.filter(|time| *time != 0));
    let body: Tagged<'_> = serde_json::from_str(text).ok()?;
    let (shared, time) = (labels(body.tags)?, given(body.time)?);
    let mut all = Vec::with_capacity(body.measurements.len());
    // Those that share their tags share the text of them.
    for item in body.measurements {
        if item.source.is_some() || item.measure_time.is_some() {
            return None;
        }
        let time = given(item.time)?.or(time).unwrap_or(arrival.now);
        let Item { tags, .. } = item;
        let item = Item { tags: None, ..item };
        let labels = labels(tags)?.or_else(|| shared.clone())?;
        all.push(plain(&item, Kind::Gauge, labels.into(), time, arrival)?);
    }
    Some(all)
}

fn plain<'a>(
    item: &Item<'a>,
    kind: Kind,
    labels: Cow<'a, str>,
    time: i64,
    arrival: Arrival,
) -> Option<Plain<'a>> {
    if !is_name(item.name) || !arrival.takes(time) {
        return None;
    }
    Some(Plain { metric: item.name, kind, labels, time, stats: stats(item)? })
}

/// The text of tags, by name and in lower case, nothing within where there are none.
fn labels(tags: Option<Tags<'_>>) -> Option<Option<String>> {
    let mut tags = tags.map(|tags| tags.0).unwrap_or_default();
    if tags.len() > MOST_TAGS || !tags.iter().all(|(name, value)| is_tag_name(name) && is_tag_value(value)) {
        return None;
    }
    if tags.is_empty() {
        return Some(None);
    }
    let lower = |byte: &u8| byte.to_ascii_lowercase();
    let order = |a: &str, b: &str| a.bytes().map(|x| lower(&x)).cmp(b.bytes().map(|x| lower(&x)));
    tags.sort_by(|a, b| order(a.0, b.0));
    // One of two that have the same name would win.
    if tags.windows(2).any(|two| two[0].0.eq_ignore_ascii_case(two[1].0)) {
        return None;
    }
    let mut text = String::with_capacity(tags.iter().map(|(name, value)| name.len() + value.len() + 6).sum());
    for (name, value) in &tags {
        text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
        text.push_str(name);
        text.push_str("\":\"");
        text.push_str(value);
        text.push('"');
    }
    text.push('}');
    text.make_ascii_lowercase();
    Some(Some(text))
}

/// Tags in their order, with texts as values.
struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'de: 'a, 'a> Deserialize<'de> for Tags<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Pairs<'a> {
            type Value = Tags<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tags")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tags<'a>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Tags(pairs))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
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
