//! Files of definitions of any size, as a large team might have them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// How many objects of each kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct Objects {
    pub alerts: usize,
    pub metrics: usize,
    /// Annotation streams.
    pub streams: usize,
    pub services: usize,
    /// How many alerts, the first ones, have another threshold than they would have.
    pub changed: usize,
}

/// How many metrics the alerts watch between them; each is declared where there are metrics.
const WATCHED: usize = 100;

impl Objects {
    /// Writes them into so many files.
    pub fn write(self, directory: &Path, files: usize) {
        for file in 0..files {
            let mut text = String::new();
            let part = |count: usize| (count * file / files)..(count * (file + 1) / files);
            section(&mut text, "services", part(self.services), service);
            section(&mut text, "metrics", part(self.metrics), metric);
            section(&mut text, "annotations", part(self.streams), stream);
            section(&mut text, "alerts", part(self.alerts), |text, n| self.alert(text, n));
            fs::write(directory.join(format!("part-{file:03}.yaml")), text).unwrap();
        }
    }

    /// About 500 bytes.
    fn alert(self, text: &mut String, n: usize) {
        let threshold = if n < self.changed { 900 } else { 800 };
        let (metric, service) = (n % WATCHED.min(self.metrics.max(1)), n % self.services.max(1));
        write!(
            text,
            "  shop.alert.{n:06}:
    description: Customers of shard {n} wait too long
    rearm_seconds: 10m
    conditions:
      - {{ type: above, metric_name: shop.metric.{metric:06}, source: \"web*\", threshold: {threshold}, duration: 5m, summary_function: max }}
      - type: absent
        metric_name: shop.metric.000000
        duration: 10m
    services: [team-{service:03}]
    attributes: {{ runbook_url: \"https://wiki.example.org/runbooks/shard-{n}\" }}
"
        )
        .unwrap();
    }
}

fn section(text: &mut String, name: &str, range: std::ops::Range<usize>, one: impl Fn(&mut String, usize)) {
    if !range.is_empty() {
        writeln!(text, "{name}:").unwrap();
        range.for_each(|n| one(text, n));
    }
}

fn service(text: &mut String, n: usize) {
    writeln!(text, "  team-{n:03}: {{ type: mail, settings: {{ addresses: team-{n}@example.org }} }}")
        .unwrap();
}

fn metric(text: &mut String, n: usize) {
    write!(
        text,
        "  shop.metric.{n:06}:
    type: gauge
    display_name: Response time of shard {n}
    period: 60s
    attributes: {{ display_units_short: ms, color: \"#52D74C\", summarize_function: average }}
"
    )
    .unwrap();
}

fn stream(text: &mut String, n: usize) {
    writeln!(text, "  shop.deploys.{n:03}: {{ display_name: Deployments of shard {n} }}").unwrap();
}
