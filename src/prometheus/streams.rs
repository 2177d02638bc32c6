//! Which series a condition or a leaf means, as matchers of labels.
//! Letter case counts here, where it makes no difference to the service; who reads the report is told once.

use crate::composite::{self, Selector as Wanted};
use crate::diag::{Code, Route};
use crate::model::{Condition, Tag};

use super::fidelity::Reasons;
use super::mapping::Mapped;
use super::promql::{Comparison, Matcher, Selector, pattern};

/// What the service calls a series without a source.
const UNASSIGNED: &str = "unassigned";

/// The series that a condition watches, and the labels of its grouped tags.
pub fn of_condition(
    condition: &Condition,
    metric: &Mapped,
    here: &Route,
    reasons: &mut Reasons,
) -> (Selector, Vec<String>) {
    let mut series = metric.series();
    let tags = condition.tags.as_deref().unwrap_or_default();
    if tags.is_empty() {
        if let Some(source) = condition.source.as_deref() {
            series = with_source(series, source, metric, &here.key("source"), reasons);
        }
        return (series, Vec::new());
    }
    let mut grouped = Vec::new();
    for (place, tag) in tags.iter().enumerate() {
        let Some(label) = label_of(&tag.name, metric, &here.key("tags").index(place).key("name"), reasons)
        else {
            continue;
        };
        for matcher in of_tag(tag, &label) {
            series = series.and(matcher);
        }
        if tag.grouped == Some(true) && !grouped.contains(&label) {
            grouped.push(label);
        }
    }
    grouped.sort();
    (series, grouped)
}

/// The series of a leaf of a composite. `mapped` is the pattern of sources that `&` stands for.
pub fn of_leaf(
    wanted: &Wanted,
    mapped: Option<&str>,
    metric: &Mapped,
    here: &Route,
    reasons: &mut Reasons,
) -> Selector {
    let mut series = metric.series();
    match wanted {
        Wanted::Source(source) => {
            let source = source.replace('&', mapped.unwrap_or("&"));
            series = with_source(series, &source, metric, here, reasons);
        }
        Wanted::Tags(tags) => {
            for (tag, wanted) in tags {
                let Some(label) = label_of(tag, metric, here, reasons) else { continue };
                let wanted = wanted.replace('&', mapped.unwrap_or("&"));
                series = match wanted.strip_prefix('!') {
                    Some(not) if not == "%" || not.contains('*') => {
                        let regex = if not == "%" { ".*".to_owned() } else { pattern(not) };
                        let not = Matcher::new(&label, Comparison::MatchesNot, regex);
                        series.and(Matcher::present(&label)).and(not)
                    }
                    Some(not) => {
                        let not = Matcher::new(&label, Comparison::IsNot, not);
                        series.and(Matcher::present(&label)).and(not)
                    }
                    None if is_any(&wanted) => series.and(Matcher::present(&label)),
                    None => series.and(one(&label, &wanted)),
                };
            }
        }
    }
    series
}

/// Whether a pattern matches every value, also none.
fn is_any(pattern: &str) -> bool {
    pattern == "%" || !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*')
}

fn label_of(tag: &str, metric: &Mapped, here: &Route, reasons: &mut Reasons) -> Option<String> {
    let label = metric.label_of(tag);
    if label.is_none() {
        let text = format!("the tag `{tag}` would be a label that Prometheus keeps for itself");
        let refused = reasons.refuse(Code::ReservedLabel, here, text);
        refused
            .help("name the label that holds it under `tags` of its mapping in settings.prometheus.metrics");
    }
    label
}

fn with_source(
    series: Selector,
    source: &str,
    metric: &Mapped,
    here: &Route,
    reasons: &mut Reasons,
) -> Selector {
    if is_any(source) {
        return series;
    }
    let Some(label) = &metric.source else {
        let refused = reasons.refuse(Code::NotMapped, here, "no label holds the source of this metric");
        refused.help("name it: `source` in settings.prometheus or in the mapping of the metric");
        return series;
    };
    // Where there is no source, the service has this word for it.
    series.and(match (source, composite::matches(source, UNASSIGNED)) {
        (UNASSIGNED, _) => Matcher::new(label, Comparison::Is, ""),
        (_, true) => Matcher::new(label, Comparison::Matches, pattern(source) + "|"),
        (_, false) => one(label, source),
    })
}

fn one(label: &str, wanted: &str) -> Matcher {
    if wanted.contains('*') {
        Matcher::new(label, Comparison::Matches, pattern(wanted))
    } else {
        Matcher::new(label, Comparison::Is, wanted)
    }
}

fn of_tag(tag: &Tag, label: &str) -> Vec<Matcher> {
    let values = tag.values.as_deref().unwrap_or_default();
    // Values that are chosen by whoever looks ask for nothing, not even for the tag.
    if values.is_empty() && tag.dynamic == Some(true) && tag.grouped != Some(true) {
        return Vec::new();
    }
    if values.is_empty() || values.iter().any(|value| is_any(value)) {
        return vec![Matcher::present(label)];
    }
    match values {
        [value] => vec![one(label, value)],
        several => {
            let regex: Vec<String> = several.iter().map(|value| pattern(value)).collect();
            vec![Matcher::new(label, Comparison::Matches, regex.join("|"))]
        }
    }
}
