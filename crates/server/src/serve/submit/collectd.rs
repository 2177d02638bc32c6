//! What collectd's write_http plugin posts with `Format "JSON"`: a list of value lists. The hosted service took it at
//! `POST /v1/measurements` of a host of its own. Pure.

use serde_json::Value;

use super::measurement::Measurement;
use super::refusals::{Arrival, Refusals, named};
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::NewMetric;
use crate::serve::http::fields::{self, Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::names::is_name;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::Stats;

/// Reads every value of the list or tells everything that is wrong with it. A metric is called
/// `plugin[.plugin_instance].type[.type_instance][.data source]`, the last only where there are several; its source is
/// the host. Values that collectd does not know yet (`null`) are left out.
pub fn read(lists: &[Value], arrival: Arrival) -> Result<Vec<Measurement>, Problem> {
    let (mut refusals, mut samples) = (Refusals::new(arrival), Vec::new());
    for (place, list) in lists.iter().enumerate() {
        match list.as_object() {
            Some(list) => values((place, list), &mut refusals, &mut samples),
            None => refusals.errors.add("measurements", "must contain objects"),
        }
    }
    refusals.finish()?;
    Ok(samples)
}

fn values((place, list): (usize, &Object), refusals: &mut Refusals, samples: &mut Vec<Measurement>) {
    let mut read = Reader::new(list);
    ["plugin", "type", "values"].into_iter().for_each(|name| read.require(name));
    let mut part = |name: &str| read.text(name).value().filter(|text| !text.is_empty());
    let host = part("host").map(|host| alphabet(&host));
    let base: Vec<String> =
        ["plugin", "plugin_instance", "type", "type_instance"].into_iter().filter_map(&mut part).collect();
    let time = read.time("time").value().unwrap_or(refusals.arrival.now);
    let values = read.list("values").value().unwrap_or_default();
    let names = read.list("dsnames").value().unwrap_or_default();
    let types = read.list("dstypes").value().unwrap_or_default();
    for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
        let own = names.get(index).and_then(|name| name.as_str()).filter(|_| values.len() > 1);
        let metric = alphabet(&base.iter().map(String::as_str).chain(own).collect::<Vec<_>>().join("."));
        if !is_name(&metric) {
            read.errors.add("plugin", "makes no name of a metric");
        }
        let value = fields::number(value).unwrap_or_else(|message| {
            read.errors.add("values", message);
            0.0
        });
        let counts = matches!(types.get(index).and_then(|kind| kind.as_str()), Some("counter" | "derive"));
        samples.push(Measurement {
            metric,
            kind: if counts { Kind::Counter } else { Kind::Gauge },
            labels: Labels::Source(host.clone()),
            time,
            stats: Stats::Single(value),
            new: NewMetric::default(),
        });
    }
    refusals.judge(read.errors, ("time", time), || named(&base.join("."), "measurements", place));
}

/// The text with everything that names cannot hold replaced, cut at the longest name.
fn alphabet(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".:-_".contains(c);
    text.chars().map(|c| if allowed(c) { c } else { '_' }).take(255).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_484_613_500;

    #[test]
    fn names_kinds_and_sources() {
        let lists = json!([
            {"values": [0.5, 1, null], "dstypes": ["gauge", "gauge", "gauge"], "dsnames": ["shortterm", "midterm", "longterm"],
             "time": 1_484_613_483.25, "interval": 10.0, "host": "web 1", "plugin": "load", "plugin_instance": "",
             "type": "load", "type_instance": ""},
            {"values": [42], "dstypes": ["derive"], "dsnames": ["value"], "time": 1_484_613_483, "interval": 10,
             "host": "web-1", "plugin": "cpu", "plugin_instance": "0", "type": "cpu", "type_instance": "user"},
        ]);
        let samples = read(lists.as_array().unwrap(), Arrival::at(NOW)).unwrap();
        let found: Vec<_> = samples
            .iter()
            .map(|one| (one.metric.as_str(), one.kind, one.time, one.labels.text().into_owned()))
            .collect();
        assert_eq!(
            found,
            [
                ("load.load.shortterm", Kind::Gauge, 1_484_613_483, "web_1".to_owned()),
                ("load.load.midterm", Kind::Gauge, 1_484_613_483, "web_1".to_owned()),
                ("cpu.0.cpu.user", Kind::Counter, 1_484_613_483, "web-1".to_owned()),
            ]
        );
    }

    #[test]
    fn bad_lists_spoil_the_request() {
        for bad in [
            json!([7]),
            json!([{"plugin": "a", "type": "b"}]),
            json!([{"type": "b", "values": [1]}]),
            json!([{"plugin": "a", "type": "b", "values": ["x"]}]),
            json!([{"plugin": "a", "type": "b", "values": [1], "time": 1}]),
        ] {
            assert!(read(bad.as_array().unwrap(), Arrival::at(NOW)).is_err(), "{bad}");
        }
    }
}
