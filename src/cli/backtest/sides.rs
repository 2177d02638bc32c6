//! Which alerts are looked at, as they are on the service and as the files will have them, and which metrics that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use librato_apply::composite::{Selector, matches};
use librato_apply::diag::{printable, suggest};
use librato_apply::model::{Address, Alert, Collection, Declared, Desired, Field, Intent, Resource, State};
use librato_apply::offline::{self, Metric, Subject, changed};
use librato_apply::watch::Streams;

use super::super::exit::Stop;
use super::fetch::Needed;

/// An alert, before and after.
pub struct Pair {
    pub name: String,
    /// As it is on the service; why it cannot be evaluated otherwise.
    pub before: Option<Result<Subject, String>>,
    /// As the files will have it.
    pub after: Option<Result<Subject, String>>,
    /// What was changed, in words.
    pub changed: Vec<String>,
}

impl Pair {
    /// The definitions that can be evaluated.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.before.iter().chain(&self.after).flatten()
    }

    /// Whether the files make it another one.
    pub fn is_changed(&self) -> bool {
        let sound = |side: &Option<Result<Subject, String>>| side.as_ref().map(Result::is_ok);
        sound(&self.after) != sound(&self.before) || !self.changed.is_empty()
    }

    /// The one that will be.
    pub fn newest(&self) -> Option<&Subject> {
        self.after.as_ref().or(self.before.as_ref())?.as_ref().ok()
    }
}

/// What the files say, where they are read, and what the service has.
pub struct Definitions<'a> {
    pub desired: Option<&'a Desired>,
    pub actual: &'a State,
}

impl<'a> Definitions<'a> {
    fn declared(&self, address: &Address) -> Option<&'a Declared> {
        self.desired?.objects.get(address)
    }

    /// The names that patterns choose; without one, all that the files declare, or that the service has where no files are read.
    ///
    /// # Errors
    /// Where a pattern chooses nothing.
    pub fn chosen(&self, patterns: &[String]) -> Result<BTreeSet<String>, Stop> {
        let names = |alerts: &mut dyn Iterator<Item = &Address>| -> BTreeSet<String> {
            alerts.filter(|it| it.collection == Collection::Alerts).map(|it| it.name.clone()).collect()
        };
        let on_service = names(&mut self.actual.keys());
        let in_files = self.desired.map(|desired| names(&mut desired.objects.keys()));
        if patterns.is_empty() {
            return Ok(in_files.unwrap_or(on_service));
        }
        let all: BTreeSet<String> = in_files.into_iter().flatten().chain(on_service).collect();
        for pattern in patterns {
            if !all.iter().any(|name| matches(pattern, name)) {
                let shown = printable(pattern);
                // Other commands take paths here.
                if Path::new(pattern).exists() {
                    let message = format!("`{shown}` is a path, and `backtest` takes the names of alerts");
                    return Err(Stop::usage(message, format!("definitions are read with --files {shown}")));
                }
                let help = match suggest(pattern, all.iter().map(String::as_str)) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => "`*` stands for any run of characters".to_owned(),
                };
                return Err(Stop::usage(format!("no alert is called `{shown}`"), help));
            }
        }
        Ok(all.into_iter().filter(|name| patterns.iter().any(|pattern| matches(pattern, name))).collect())
    }

    /// The metrics that alerts name, by their exact names or by patterns.
    pub fn watched(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for name in names {
            for alert in [self.before(name), self.after(name)].into_iter().flatten() {
                let conditions = alert.conditions.value().into_iter().flatten();
                found.extend(conditions.map(|condition| condition.metric_name.clone()));
            }
        }
        found
    }

    /// Whether the files or the service know a metric.
    pub fn is_known(&self, metric: &str) -> bool {
        let address = Address::metric(metric);
        self.declared(&address).is_some() || self.actual.contains_key(&address)
    }

    /// A metric as the files have it, else as the service does.
    pub fn metric(&self, name: &str) -> Option<Resource> {
        let address = Address::metric(name);
        let declared = self.declared(&address).filter(|declaration| declaration.intent == Intent::Present);
        declared
            .map(|declaration| declaration.resource.clone())
            .or_else(|| self.actual.get(&address).cloned())
    }

    /// The names of all metrics that either knows.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        let declared = self.desired.into_iter().flat_map(|desired| desired.objects.keys());
        let all = declared.chain(self.actual.keys());
        all.filter(|address| address.collection == Collection::Metrics).map(|address| address.name.as_str())
    }

    fn before(&self, name: &str) -> Option<Alert> {
        let old = self.declared(&alert(name)).and_then(|declaration| declaration.renamed_from.as_deref());
        let found = |name: &str| match self.actual.get(&alert(name)) {
            Some(Resource::Alert(found)) => Some(found.clone()),
            _ => None,
        };
        found(name).or_else(|| found(old?))
    }

    /// What the files do not say stays as it is.
    fn after(&self, name: &str) -> Option<Alert> {
        let declaration = self.declared(&alert(name))?;
        let Resource::Alert(written) = &declaration.resource else { return None };
        let before = self.before(name);
        match declaration.intent {
            Intent::Absent => return None,
            Intent::External => return before,
            Intent::Present => {}
        }
        let mut after = written.with_defaults();
        if let Some(before) = before {
            let keep = |field: &mut Field<Vec<String>>, old: Field<Vec<String>>| {
                if field.is_unset() {
                    *field = old;
                }
            };
            keep(&mut after.services, before.services);
            if after.conditions.is_unset() {
                after.conditions = before.conditions;
            }
            if after.rearm_per_signal.is_unset() {
                after.rearm_per_signal = before.rearm_per_signal;
            }
        }
        Some(after)
    }

    fn metric_before(&self, name: &str) -> Metric {
        self.actual.get(&Address::metric(name)).and_then(Metric::of).unwrap_or_default()
    }

    fn metric_after(&self, name: &str) -> Metric {
        let before = self.metric_before(name);
        let declared =
            self.declared(&Address::metric(name)).filter(|declaration| declaration.intent == Intent::Present);
        let Some(after) = declared.and_then(|declaration| Metric::of(&declaration.resource)) else {
            return before;
        };
        if after.composite.is_some() != before.composite.is_some() {
            return after;
        }
        Metric {
            metric_type: after.metric_type.or(before.metric_type),
            composite: after.composite,
            period: after.period.or(before.period),
            lag: after.lag.or(before.lag),
            aggregate: after.aggregate || before.aggregate,
        }
    }

    /// Both definitions of each alert.
    pub fn pairs(&self, names: &BTreeSet<String>) -> Vec<Pair> {
        let pair = |name: &String| {
            let subject = |alert: &Alert, metric: &dyn Fn(&str) -> Metric| {
                offline::subject(name, alert, metric).map_err(|found| {
                    let said = found.iter().map(|one| format!("{}: {}", one.route, one.message));
                    said.collect::<Vec<_>>().join("; ")
                })
            };
            let before = self.before(name).map(|it| subject(&it, &|name: &str| self.metric_before(name)));
            let after = self.after(name).map(|it| subject(&it, &|name: &str| self.metric_after(name)));
            let changed = match (&before, &after) {
                (Some(Ok(before)), Some(Ok(after))) => changes(before, after),
                _ => Vec::new(),
            };
            Pair { name: name.clone(), before, after, changed }
        };
        let mut pairs: Vec<Pair> = names.iter().map(pair).collect();
        // Where a limit is met, what was changed has been read.
        pairs.sort_by_key(|pair| !pair.is_changed());
        pairs
    }

    /// The metrics to read for them, each once.
    pub fn needed(&self, pairs: &[Pair]) -> Vec<Needed> {
        let mut selectors: BTreeMap<String, BTreeSet<Selector>> = BTreeMap::new();
        let mut order: Vec<String> = Vec::new();
        for subject in pairs.iter().flat_map(Pair::subjects) {
            for (condition, depends) in subject.alert.conditions.iter().zip(&subject.depends) {
                let direct = depends.len() == 1 && depends[0] == condition.metric;
                let selector = match &condition.streams {
                    Streams::Source(pattern) if direct => Selector::Source(pattern.clone()),
                    _ => Selector::Source("*".to_owned()),
                };
                for name in depends.iter().flat_map(|pattern| self.meant(pattern)) {
                    let key = name.to_lowercase();
                    if !selectors.contains_key(&key) {
                        order.push(name);
                    }
                    selectors.entry(key).or_default().insert(selector.clone());
                }
            }
        }
        let needed = |name: String| {
            let mut all = selectors.get(&name.to_lowercase()).into_iter().flatten();
            let selector = match (all.next(), all.next()) {
                (Some(only), None) => only.clone(),
                _ => Selector::Source("*".to_owned()),
            };
            Needed { known: self.metric_after(&name), name, selector }
        };
        order.into_iter().map(needed).collect()
    }

    /// The metrics a name or a pattern means.
    fn meant(&self, pattern: &str) -> Vec<String> {
        if !pattern.contains('*') {
            return vec![pattern.to_owned()];
        }
        let metrics = self.actual.iter().filter(|(_, it)| matches!(it, Resource::Metric(_)));
        let names = metrics.map(|(address, _)| &address.name).filter(|name| matches(pattern, name));
        names.cloned().collect()
    }
}

fn alert(name: &str) -> Address {
    Address::new(Collection::Alerts, name)
}

fn changes(before: &Subject, after: &Subject) -> Vec<String> {
    let mut found = changed(&before.alert, &after.alert);
    let set = |subject: &Subject| subject.services.iter().cloned().collect::<BTreeSet<_>>();
    if set(before) != set(after) {
        found.push("services".to_owned());
    }
    let same_metrics =
        before.alert.conditions.iter().zip(&after.alert.conditions).all(|(a, b)| a.metric == b.metric);
    if same_metrics && !before.same_composites(after) {
        found.push("the composite".to_owned());
    }
    found
}
