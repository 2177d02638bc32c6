//! The configuration of Alertmanager: a route for each alert and each service it notifies, so that a change of one names that alert.
//! Knows nothing of secrets.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::PrometheusRearm;

use super::promql::duration;
use super::receivers::Receiver;
use super::settings::Settings;
use super::subtree::NOBODY;
use super::yaml::{HEADER, scalar};

/// What is to be known of an alert that was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    /// Its name.
    pub alert: String,
    /// The titles of its services that have a receiver.
    pub services: Vec<String>,
    /// Seconds until it is told again.
    pub rearm: i64,
    /// Whether each stream is told by itself.
    pub per_stream: bool,
}

/// What is ours in a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Ours {
    /// The route of all alerts, as an item of a list.
    pub route: String,
    /// The receivers, likewise.
    pub receivers: String,
}

/// A route for all alerts, and the receivers.
pub fn ours(alerts: &[Routed], receivers: &BTreeMap<String, Receiver>, settings: &Settings) -> Ours {
    let owner = scalar(&format!("librato_apply=\"{}\"", settings.owner));
    let nobody = scalar(&settings.receiver_of(NOBODY));
    let mut route = format!("- matchers: [{owner}]\n  receiver: {nobody}\n");
    let mut alerts: Vec<&Routed> = alerts.iter().filter(|alert| !alert.services.is_empty()).collect();
    alerts.sort_by_key(|alert| &alert.alert);
    if !alerts.is_empty() {
        route += "  routes:\n";
    }
    for alert in alerts {
        named(alert, receivers).iter().for_each(|name| route += &of_alert(alert, name, settings));
    }
    let receivers: String = receivers.values().map(Receiver::text).collect();
    Ours { route, receivers: format!("- name: {nobody}\n{receivers}") }
}

/// The whole document, where all of it is ours.
pub fn document(ours: &Ours, settings: &Settings) -> String {
    let mut out = HEADER.to_owned();
    if let Some(smtp) = settings.written.alertmanager.as_ref().and_then(|it| it.smtp.as_ref()) {
        out += &format!(
            "global:\n  smtp_smarthost: {}\n  smtp_from: {}\n",
            scalar(&smtp.smarthost),
            scalar(&smtp.from)
        );
    }
    let further_in =
        |text: &str, pad: &str| -> String { text.lines().map(|line| format!("{pad}{line}\n")).collect() };
    out + &format!(
        "route:\n  receiver: {}\n  routes:\n{}receivers:\n{}",
        scalar(&settings.receiver_of(NOBODY)),
        further_in(&ours.route, "    "),
        further_in(&ours.receivers, "  ")
    )
}

/// The routes of each alert as values.
pub fn values(
    alerts: &[Routed],
    receivers: &BTreeMap<String, Receiver>,
    settings: &Settings,
) -> BTreeMap<String, Vec<Value>> {
    let of = |alert: &Routed| {
        let read = |name: &str| parsed(&of_alert(alert, name, settings));
        (alert.alert.clone(), named(alert, receivers).into_iter().filter_map(read).collect())
    };
    alerts.iter().map(of).collect()
}

/// The item of a list of one.
fn parsed(item: &str) -> Option<Value> {
    let mut items: Vec<Value> = serde_yaml::from_str(item).ok()?;
    items.pop()
}

/// The names of the receivers that an alert notifies, in order.
fn named<'r>(alert: &Routed, receivers: &'r BTreeMap<String, Receiver>) -> Vec<&'r str> {
    let mut names: Vec<&str> =
        alert.services.iter().filter_map(|title| Some(receivers.get(title)?.name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn of_alert(alert: &Routed, receiver: &str, settings: &Settings) -> String {
    let matcher =
        scalar(&format!("alertname=\"{}\"", alert.alert.replace('\\', "\\\\").replace('"', "\\\"")));
    let group_by = if alert.per_stream { "['...']" } else { "[alertname]" };
    let (interval, repeat) = intervals(alert.rearm, settings.rearm);
    format!(
        "    - matchers: [{matcher}]\n      receiver: {}\n      group_by: {group_by}\n      group_wait: 0s\n      \
         group_interval: {}\n      repeat_interval: {}\n      continue: true\n",
        scalar(receiver),
        duration(interval),
        duration(repeat),
    )
}

/// How often Alertmanager looks, and how much must lie behind a notification before it is repeated. Equal numbers would double the
/// time, since *more* than the second must have passed when it looks.
fn intervals(rearm: i64, manner: PrometheusRearm) -> (i64, i64) {
    let tick = if rearm < 120 { 30 } else { 60 };
    match manner {
        PrometheusRearm::Prompt => (tick, (rearm - tick / 2).max(1)),
        PrometheusRearm::Strict => (rearm.max(1), (rearm - tick / 2).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_come_at_the_tick_at_which_the_time_has_passed() {
        for (rearm, prompt, strict) in
            [(600, (60, 570), (600, 570)), (60, (30, 45), (60, 45)), (120, (60, 90), (120, 90))]
        {
            assert_eq!(intervals(rearm, PrometheusRearm::Prompt), prompt);
            assert_eq!(intervals(rearm, PrometheusRearm::Strict), strict);
            // At the first tick behind the shorter time, neither sooner nor one tick later.
            let tick = (1..).map(|n| n * prompt.0).find(|at| *at > prompt.1);
            assert_eq!(tick, Some(rearm));
        }
    }
}
