//! What a metric of the definitions is in Prometheus: its name, its labels, and what its samples mean.
//! What the settings do not say follows from the definition, and is said where that says nothing either.

use std::collections::BTreeMap;

use crate::diag::{Code, Route};
use crate::model::{
    Address, Desired, Field, Intent, MetricType, PrometheusExpiry, PrometheusKind, PrometheusMetric,
    PrometheusNames, Resource, Seconds,
};
use crate::pattern::folded;

use super::fidelity::Reasons;
use super::names::{names_like, plain, plain_label, whole};
use super::promql::{Comparison, Matcher, Selector, pattern};
use super::settings::Settings;

/// A metric as it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Its name there.
    pub name: String,
    /// Labels that all its series have.
    pub labels: BTreeMap<String, String>,
    /// The label that holds the source.
    pub source: Option<String>,
    /// Labels of tags that are called otherwise.
    tags: BTreeMap<String, String>,
    /// What samples mean.
    pub kind: PrometheusKind,
    /// Whether it is a counter, so that its change counts where nothing is said.
    pub counter: bool,
    /// Seconds of one point.
    pub period: i64,
    /// Seconds between samples.
    pub samples: i64,
    /// What samples are multiplied with.
    pub scale: f64,
    /// How long an exporter goes on showing the last value.
    pub expires: Option<PrometheusExpiry>,
    /// Series that hold statistics.
    companions: Companions,
    /// What is to be said wherever it is used.
    doubts: Doubts,
}

/// A statistic that a series of its own may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Companion {
    Sum,
    Count,
    Min,
    Max,
}

/// The names of the series that hold statistics.
#[derive(Debug, Clone, PartialEq, Default)]
struct Companions {
    sum: Option<String>,
    count: Option<String>,
    min: Option<String>,
    max: Option<String>,
}

impl Companions {
    /// Those that are written, and else the usual ones of a kind; `of_rule` gives the name there of what is written.
    fn new(name: &str, kind: PrometheusKind, written: [Option<String>; 4]) -> Self {
        let usual = |end: &str| Some(format!("{name}{end}"));
        let [sum, count, min, max] = written;
        match kind {
            PrometheusKind::Summary => Self {
                sum: sum.or_else(|| usual("_sum")),
                count: count.or_else(|| usual("_count")),
                min,
                max,
            },
            PrometheusKind::Stats => Self {
                sum: sum.or_else(|| usual(":sum")),
                count: count.or_else(|| usual(":count")),
                min: min.or_else(|| usual(":min")),
                max: max.or_else(|| usual(":max")),
            },
            PrometheusKind::Gauge | PrometheusKind::Counter | PrometheusKind::Delta => {
                Self { sum, count, min, max }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Doubts {
    unknown: bool,
    period: bool,
    absent: bool,
}

/// Gives metrics their counterparts.
pub struct Mapping<'a> {
    settings: &'a Settings,
    desired: &'a Desired,
    /// What each rule matches, in their order.
    rules: Vec<(Names<'a>, &'a PrometheusMetric)>,
}

/// Which names a rule is for.
enum Names<'a> {
    Glob(&'a str),
    Regex(regex::Regex),
}

impl Names<'_> {
    /// What the stars or groups hold of a name that it is for.
    fn parts<'t>(&self, name: &'t str) -> Option<Vec<&'t str>> {
        match self {
            Self::Glob(glob) => stars(glob, name),
            Self::Regex(regex) => {
                let found = regex.captures(name)?;
                Some(found.iter().skip(1).map(|group| group.map_or("", |group| group.as_str())).collect())
            }
        }
    }
}

impl<'a> Mapping<'a> {
    /// By what settings and definitions say.
    pub fn new(settings: &'a Settings, desired: &'a Desired) -> Self {
        let rules = settings.written.metrics.iter().flatten().filter_map(|rule| {
            let names = match (&rule.glob, &rule.regex) {
                (Some(glob), _) => Names::Glob(glob),
                (None, regex) => Names::Regex(whole(regex.as_deref()?).ok()?),
            };
            Some((names, rule))
        });
        Self { settings, desired, rules: rules.collect() }
    }

    /// A name as it is there.
    fn called(&self, name: &str) -> String {
        if self.settings.names == PrometheusNames::Utf8 { name.to_owned() } else { plain(name) }
    }

    /// A regular expression for the names that a pattern of names becomes.
    pub fn names_like(&self, glob: &str) -> String {
        if self.settings.names == PrometheusNames::Utf8 { pattern(glob) } else { names_like(glob) }
    }

    /// The definition of a composite of this name.
    pub fn composite(&self, name: &str) -> Option<&'a crate::model::Composite> {
        match self.declared(name)? {
            Resource::Composite(composite) => Some(composite),
            _ => None,
        }
    }

    fn declared(&self, name: &str) -> Option<&'a Resource> {
        let entry = self.desired.objects.get(&Address::metric(name))?;
        (entry.intent != Intent::Absent).then_some(&entry.resource)
    }

    /// The declared metrics that a pattern means, in order.
    pub fn matching(&self, pattern: &str) -> Vec<&'a str> {
        let metrics = self.desired.objects.iter().filter(|(_, entry)| {
            entry.intent != Intent::Absent && matches!(entry.resource, Resource::Metric(_))
        });
        let names = metrics.map(|(address, _)| address.name.as_str());
        names.filter(|name| crate::pattern::matches(pattern, name)).collect()
    }

    /// The counterpart of a metric.
    pub fn metric(&self, name: &str) -> Mapped {
        let rule = self.rules.iter().find_map(|(names, rule)| Some((*rule, names.parts(name)?)));
        let metric = match self.declared(name) {
            Some(Resource::Metric(metric)) => Some(metric),
            _ => None,
        };
        let seconds = |it: Seconds| i64::try_from(it.0).unwrap_or(i64::MAX).clamp(1, 86_400 * 366);
        let of_rule = |get: fn(&PrometheusMetric) -> Option<Seconds>| {
            rule.as_ref().and_then(|(rule, _)| get(rule)).map(seconds)
        };
        let written = metric.and_then(|metric| metric.period.value().copied()).filter(|it| it.0 > 0);
        let period = of_rule(|rule| rule.period).or(written.map(seconds));
        let counter =
            metric.and_then(|metric| metric.metric_type.value()?.known()) == Some(MetricType::Counter);
        let by_type = if counter { PrometheusKind::Counter } else { PrometheusKind::Gauge };
        let fill =
            |text: &String| rule.as_ref().map_or_else(|| text.clone(), |(_, stars)| filled(text, stars));
        let given = rule.as_ref().map(|(rule, _)| *rule);
        let wanted = given.and_then(|rule| rule.name.as_ref()).map(fill);
        let width = period.unwrap_or(self.settings.interval);
        let doubts = Doubts {
            unknown: metric.is_none() && given.is_none(),
            period: period.is_none(),
            absent: given.is_some_and(|rule| rule.absent == Some(true)),
        };
        let kind = given.and_then(|rule| rule.kind).unwrap_or(by_type);
        let shown = self.called(&wanted.unwrap_or_else(|| name.to_owned()));
        let beside = |get: fn(&PrometheusMetric) -> Option<&String>| {
            given.and_then(get).map(fill).map(|name| self.called(&name))
        };
        let written = [
            beside(|rule| rule.sum.as_ref()),
            beside(|rule| rule.count.as_ref()),
            beside(|rule| rule.min.as_ref()),
            beside(|rule| rule.max.as_ref()),
        ];
        Mapped {
            companions: Companions::new(&shown, kind, written),
            expires: given.and_then(|rule| rule.expires),
            name: shown,
            labels: given
                .and_then(|rule| rule.labels.as_ref())
                .into_iter()
                .flatten()
                .map(|(label, value)| (label.clone(), fill(value)))
                .collect(),
            source: match given.map(|rule| &rule.source) {
                Some(Field::Set(label)) => Some(label.clone()),
                Some(Field::Null) => None,
                _ => self.settings.source.clone(),
            },
            tags: given.and_then(|rule| rule.tags.clone()).unwrap_or_default(),
            kind,
            counter: counter || given.and_then(|rule| rule.kind) == Some(PrometheusKind::Counter),
            period: width,
            samples: of_rule(|rule| rule.samples).unwrap_or(width).min(width),
            scale: given.and_then(|rule| rule.scale).unwrap_or(1.0),
            doubts,
        }
    }

    /// The series that a composite is recorded in, as a metric.
    pub fn of_composite(&self, name: &str, period: i64) -> Mapped {
        Mapped {
            name: recorded(name),
            labels: BTreeMap::new(),
            source: self.settings.source.clone(),
            tags: BTreeMap::new(),
            kind: PrometheusKind::Gauge,
            counter: false,
            period,
            samples: period,
            scale: 1.0,
            expires: None,
            companions: Companions::default(),
            doubts: Doubts::default(),
        }
    }
}

/// The name that a composite is recorded under.
pub fn recorded(name: &str) -> String {
    format!("librato:{}", plain(name).replace(':', "_"))
}

impl Mapped {
    pub fn series(&self) -> Selector {
        let matchers = self.labels.iter().map(|(label, value)| Matcher::new(label, Comparison::Is, value));
        matchers.fold(Selector::of(&self.name), Selector::and)
    }

    /// The series beside some of its own that hold a statistic, where there are any.
    pub fn companion(&self, series: &Selector, what: Companion) -> Option<Selector> {
        let Companions { sum, count, min, max } = &self.companions;
        let name = match what {
            Companion::Sum => sum,
            Companion::Count => count,
            Companion::Min => min,
            Companion::Max => max,
        };
        name.as_ref().map(|name| series.called(name))
    }

    /// The label of a tag; nothing where it would be one that Prometheus keeps for itself.
    pub fn label_of(&self, tag: &str) -> Option<String> {
        let renamed = self.tags.iter().find(|(from, _)| folded(from) == folded(tag));
        if let Some((_, label)) = renamed {
            return Some(label.clone());
        }
        let label = plain_label(tag);
        let reserved = label.starts_with("__")
            || label.starts_with("librato_")
            || matches!(label.as_str(), "le" | "quantile" | "alertname");
        (!reserved).then_some(label)
    }

    /// Says what is not sure of it, where it is used.
    pub fn doubt(&self, metric: &str, here: &Route, reasons: &mut Reasons) {
        if self.doubts.absent {
            let text = format!("`{metric}` exists no more, by settings.prometheus.metrics");
            reasons
                .refuse(Code::NotMapped, here, text)
                .help("remove what needs it, or map it to what replaced it");
        } else if self.doubts.unknown {
            let text = format!(
                "neither a definition nor a mapping tells what `{metric}` is: taken for a gauge called {}",
                self.name
            );
            let found = reasons.approximate(Code::NotMapped, here, text);
            found.help("declare it under `metrics`, or map it in settings.prometheus.metrics");
        }
        if self.doubts.period && !self.doubts.absent {
            let text = format!("`{metric}` has no period: that of the evaluation is taken");
            reasons.note(Code::PeriodAssumed, here, text).help("write `period` for the metric");
        }
    }
}

/// What each `*` of a pattern stands for, the first as short as can be; letter case makes no difference.
fn stars<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let Some((before, rest)) = pattern.split_once('*') else {
        return pattern.eq_ignore_ascii_case(text).then(Vec::new);
    };
    let head = text.get(..before.len())?;
    if !head.eq_ignore_ascii_case(before) {
        return None;
    }
    let text = &text[before.len()..];
    if !rest.contains('*') {
        let at = text.len().checked_sub(rest.len())?;
        let end = text.get(at..)?;
        return end.eq_ignore_ascii_case(rest).then(|| vec![&text[..at]]);
    }
    let next = rest.split('*').next().unwrap_or_default();
    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).find_map(|at| {
        let begins = text.get(at..at + next.len()).is_some_and(|part| part.eq_ignore_ascii_case(next));
        let found = begins.then(|| stars(rest, &text[at..]))??;
        Some(std::iter::once(&text[..at]).chain(found).collect())
    })
}

/// A text with `$1` and so on replaced.
fn filled(text: &str, stars: &[&str]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let place = behind[..digits].parse::<usize>().ok().filter(|place| (1..=stars.len()).contains(place));
        match place {
            Some(place) => {
                out.push_str(stars[place - 1]);
                rest = &behind[digits..];
            }
            None => {
                out.push('$');
                rest = behind;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_kept_for_what_they_stand_for() {
        for (pattern, text, expected) in [
            ("web.*.ms", "web.eu.ms", Some(vec!["eu"])),
            ("web.*.ms", "WEB.a.b.ms", Some(vec!["a.b"])),
            ("*.*", "a.b.c", Some(vec!["a", "b.c"])),
            ("a*b*c", "axbybzc", Some(vec!["x", "ybz"])),
            ("*", "", Some(vec![""])),
            ("a", "A", Some(vec![])),
            ("a*a", "a", None),
            ("a", "ab", None),
            ("*é*", "xéy", Some(vec!["x", "y"])),
        ] {
            assert_eq!(stars(pattern, text), expected, "{pattern} {text}");
        }
        assert_eq!(filled("$1_$2_$3$", &["a", "b"]), "a_b_$3$");
    }
}
