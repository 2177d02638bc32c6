//! What of the settings means nothing: mappings, groups, labels and receivers that are for no object there is. A misspelt one would leave
//! everything as if it were not written. Reads definitions, renders nothing.

use std::collections::BTreeSet;

use crate::composite;
use crate::diag::{Code, Route, suggest};
use crate::model::check::{Checker, Finding, at};
use crate::model::{Collection, Desired, Intent, Kind, PrometheusSettings, Resource};
use crate::pattern;

use super::names::whole;

/// All that is for nothing; routes are inside `settings.prometheus`.
pub fn unused(written: &PrometheusSettings, desired: &Desired) -> Vec<Finding> {
    let mut found = Checker::new("settings.prometheus");
    let metrics = metrics(desired);
    let named = |kinds: &[Kind]| -> BTreeSet<&str> {
        let objects = desired
            .objects
            .iter()
            .filter(|(_, declared)| kinds.contains(&declared.kind) && declared.intent != Intent::Absent);
        objects.map(|(address, _)| address.name.as_str()).collect()
    };
    let rules = named(&[Kind::Alert, Kind::Composite]);
    let alerts = named(&[Kind::Alert]);

    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (place, mapping) in written.metrics.iter().flatten().enumerate() {
        let here = at(["metrics"]).index(place);
        let regex = mapping.regex.as_deref().and_then(|text| whole(text).ok());
        let is_for = |name: &&str| match &mapping.glob {
            Some(glob) => pattern::matches(glob, name),
            None => regex.as_ref().is_some_and(|regex| regex.is_match(name)),
        };
        let all: Vec<&str> = metrics.iter().map(String::as_str).filter(is_for).collect();
        // What exists no more is best used by nothing.
        if mapping.absent != Some(true) {
            let key = if mapping.glob.is_some() { "match" } else { "regex" };
            let text = mapping.glob.as_deref().or(mapping.regex.as_deref()).unwrap_or_default();
            let names = metrics.iter().map(String::as_str);
            judge(&mut found, here.key(key), ("mapping", "metric"), text, (&all, &taken), names);
        }
        taken.extend(metrics.iter().map(String::as_str).filter(|name| all.contains(name)));
    }
    let mut grouped = BTreeSet::new();
    for (place, group) in written.groups.iter().flatten().enumerate() {
        let here = at(["groups"]).index(place).key("match");
        let all: Vec<&str> =
            rules.iter().copied().filter(|name| pattern::matches(&group.glob, name)).collect();
        judge(
            &mut found,
            here,
            ("group", "alert or composite"),
            &group.glob,
            (&all, &grouped),
            rules.iter().copied(),
        );
        grouped.extend(all);
    }
    for (place, labels) in written.alerts.iter().flatten().enumerate() {
        let here = at(["alerts"]).index(place).key("match");
        let all: Vec<&str> =
            alerts.iter().copied().filter(|name| pattern::matches(&labels.glob, name)).collect();
        judge(
            &mut found,
            here,
            ("pattern", "alert"),
            &labels.glob,
            (&all, &BTreeSet::new()),
            alerts.iter().copied(),
        );
    }
    let services = services(desired);
    let receivers = written.alertmanager.as_ref().and_then(|it| it.receivers.as_ref());
    for title in receivers.into_iter().flatten().map(|(title, _)| title) {
        let all: Vec<&str> = services.iter().copied().filter(|service| service == title).collect();
        let here = at(["alertmanager"]).key("receivers").key(title);
        judge(
            &mut found,
            here,
            ("receiver", "service"),
            title,
            (&all, &BTreeSet::new()),
            services.iter().copied(),
        );
    }
    found.into_findings()
}

/// Says of one part of the settings that it is for nothing, or that earlier ones take all that it is for.
fn judge<'n>(
    found: &mut Checker<'_>,
    here: Route,
    (what, object): (&str, &str),
    text: &str,
    (all, taken): (&[&str], &BTreeSet<&str>),
    names: impl Iterator<Item = &'n str>,
) {
    if all.is_empty() {
        let wrong =
            found.warning(here, Code::UnusedSetting, format!("this {what} is for no {object} there is"));
        let shaped: Vec<String> = names.filter_map(|name| shaped(name, text)).collect();
        if let Some(close) = suggest(text, shaped.iter().map(String::as_str)) {
            wrong.help(format!("did you mean `{close}`?"));
        }
    } else if all.iter().all(|name| taken.contains(name)) {
        let message = format!("an earlier {what} takes every {object} that this one is for");
        found
            .warning(here, Code::UnusedSetting, message)
            .help("the first that matches counts: write it before that one");
    }
}

/// A name with the stars of a pattern in their places, so that the two can be held beside each other.
fn shaped(name: &str, pattern: &str) -> Option<String> {
    let wanted: Vec<&str> = pattern.split('.').collect();
    let parts: Vec<&str> = name.split('.').collect();
    let rest = wanted.last().is_some_and(|last| last.contains('*'));
    if parts.len() != wanted.len() && !(rest && parts.len() > wanted.len()) {
        return None;
    }
    let pairs = wanted.iter().zip(parts);
    Some(
        pairs
            .map(|(wanted, part)| if wanted.contains('*') { *wanted } else { part })
            .collect::<Vec<_>>()
            .join("."),
    )
}

/// The metrics that are declared or read.
fn metrics(desired: &Desired) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (address, declared) in
        desired.objects.iter().filter(|(_, declared)| declared.intent != Intent::Absent)
    {
        if declared.kind == Kind::Metric {
            all.insert(address.name.clone());
        }
        let references = declared.resource.spec().references();
        let read = references.into_iter().filter(|reference| reference.to.collection == Collection::Metrics);
        all.extend(read.map(|reference| reference.to.name));
        if let Resource::Composite(composite) = &declared.resource {
            let tree = composite.composite.value().and_then(|text| composite::parse(text).ok());
            all.extend(tree.iter().flat_map(|tree| tree.reads()).map(|read| read.metric.to_owned()));
        }
    }
    all
}

/// The services that are declared or notified.
fn services(desired: &Desired) -> BTreeSet<&str> {
    let mut all = BTreeSet::new();
    for (address, declared) in &desired.objects {
        if declared.kind == Kind::Service {
            all.insert(address.name.as_str());
        }
        let notified = declared.resource.as_alert().and_then(|alert| alert.services.value());
        all.extend(notified.into_iter().flatten().map(String::as_str));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn names_are_held_beside_patterns_part_by_part() {
        for (name, pattern, expected) in [
            ("shop.checkout.ms", "shop.chekout.*", Some("shop.checkout.*")),
            ("shop.checkout.ms", "shop.chekout.ms", Some("shop.checkout.ms")),
            ("shop.a.b.c", "shp.*", Some("shop.*")),
            ("shop.a.b.c", "shp.a", None),
            ("web1.ms", "web*.ns", Some("web*.ms")),
        ] {
            assert_eq!(shaped(name, pattern).as_deref(), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn what_is_for_nothing_is_told_with_what_may_have_been_meant() {
        let (desired, _) = read(
            "settings:\n  prometheus:\n    metrics:\n      \
             - { match: 'shop.chekout.*' }\n      - { match: shop.requests }\n      - { match: '*.ms' }\n      \
             - { regex: 'other[.]ms' }\n      - { match: 'legacy.*', absent: true }\n      - { regex: none }\n    \
             groups: [{ match: 'shop.*', group: a }, { match: shop.sum, group: b }, { match: 'web.*', group: c }]\n    \
             alerts: [{ match: shop.slov, labels: {} }, { match: 'shop.*', labels: {} }]\n    \
             alertmanager: { receivers: { ops: x, opps: y } }\n\
             metrics: { shop.checkout.ms: { type: gauge } }\n\
             composites: { shop.sum: { composite: 'sum(s(\"shop.requests\", \"*\"))' } }\n\
             services: { ops: { type: slack, settings: { url: 'https://a.example.org' } } }\n\
             alerts: { shop.slow: { conditions: [{ type: above, metric_name: other.ms, threshold: 1 }], services: [ops] } }\n",
        );
        let said: Vec<String> = unused(&desired.settings.prometheus, &desired)
            .into_iter()
            .map(|it| format!("{} {} {}", it.route, it.message, it.help.join("")))
            .collect();
        assert_eq!(
            said,
            [
                "metrics[0].match this mapping is for no metric there is did you mean `shop.checkout.*`?",
                "metrics[3].regex an earlier mapping takes every metric that this one is for the first that matches counts: write it before that one",
                "metrics[5].regex this mapping is for no metric there is ",
                "groups[1].match an earlier group takes every alert or composite that this one is for the first that matches counts: write it before that one",
                "groups[2].match this group is for no alert or composite there is ",
                "alerts[0].match this pattern is for no alert there is did you mean `shop.slow`?",
                "alertmanager.receivers.opps this receiver is for no service there is did you mean `ops`?",
            ]
        );
    }
}
