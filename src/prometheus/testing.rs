//! Which tests are rendered: those of the files, and for each alert the shortest run that fires and one that just does not.
//! What cannot be tested there is named with its reason.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Alert, Desired, Field, Intent};
use crate::offline::{self, Given, Metric, Script, Subject};
use crate::pattern::fold;
use crate::watch::Series;

use super::alerts::Recorded;
use super::fidelity::Agreement;
use super::levels::{self, Level};
use super::mapping::{Mapped, Mapping};
use super::probes::{Length, Probe, Surroundings, probe};
use super::report::LeftOut;
use super::rule::Rule;
use super::settings::Settings;
use super::trials::{Steps, Tested, Trial, document, trial};

/// Which tests are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tests {
    None,
    /// Those of the files.
    Written,
    /// Those, and two for each alert.
    #[default]
    Auto,
}

/// An alert that was rendered.
pub struct Kept<'d> {
    /// Its definition.
    pub alert: &'d Alert,
    pub rule: Rule,
    /// The group of that.
    pub group: String,
    /// When it fires as ours does.
    pub agrees: Agreement,
}

/// The tests of all groups, by path, how many there are, and what was left out.
pub struct Rendered {
    /// Texts by path.
    pub files: BTreeMap<String, String>,
    /// How many tests there are.
    pub count: usize,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// What tests are made from.
pub struct Bench<'d> {
    /// The definitions.
    pub desired: &'d Desired,
    pub settings: &'d Settings,
    /// What metrics are.
    pub mapping: &'d Mapping<'d>,
    /// What became of composites.
    pub composites: &'d BTreeMap<String, Recorded>,
    /// Alerts that were rendered.
    pub alerts: &'d BTreeMap<String, Kept<'d>>,
}

/// Items of one group, and the groups whose rules they need.
#[derive(Default)]
struct Group {
    items: Vec<String>,
    rules: BTreeSet<String>,
}

impl Bench<'_> {
    /// Renders them.
    pub fn tests(&self, which: Tests) -> Rendered {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        let mut left_out = Vec::new();
        let mut add = |kept: &Kept<'_>, name: &str, made: Result<Trial, String>| match made {
            Ok(trial) => {
                let group = groups.entry(kept.group.clone()).or_default();
                group.items.push(trial.text);
                group.rules.extend(self.rules_of(kept));
            }
            Err(text) => left_out.push(LeftOut { test: name.to_owned(), text }),
        };
        if which != Tests::None {
            for declared in &self.desired.tests {
                let Some(kept) = self.alerts.get(&fold(&declared.test.alert)) else { continue };
                add(kept, &declared.name, self.written(declared, kept));
            }
        }
        if which == Tests::Auto {
            for kept in self.alerts.values() {
                let runs = match self.agreement(kept) {
                    Agreement::Always => [
                        (Length::Enough, "fires when it has lasted"),
                        (Length::Short, "does not fire one value sooner"),
                    ],
                    _ => [(Length::Always, "fires in the end"), (Length::Never, "does not fire at rest")],
                };
                for (length, what) in runs {
                    let name = format!("{} {what}", kept.rule.name());
                    let made = self.probed(&name, length, kept);
                    let failed = made.is_err();
                    if let Some(made) = made.transpose() {
                        add(kept, &name, made);
                    }
                    // Where nothing makes it fire, nothing stops just short of it.
                    if failed {
                        break;
                    }
                }
            }
        }
        let count = groups.values().map(|group| group.items.len()).sum();
        let files = groups.into_iter().map(|(name, group)| {
            (format!("tests/{name}.test.yml"), document(&group.rules, self.settings.interval, &group.items))
        });
        Rendered { files: files.collect(), count, left_out }
    }

    fn written(&self, declared: &crate::model::DeclaredTest, kept: &Kept<'_>) -> Result<Trial, String> {
        let test = &declared.test;
        if test.actions.iter().flatten().next().is_some() {
            return Err("somebody clears the alert in it".to_owned());
        }
        let moments: BTreeSet<i64> = test.expect.iter().flatten().map(|expected| expected.at.0).collect();
        if moments.is_empty() {
            return Err("it expects notifications alone, which are up to Alertmanager".to_owned());
        }
        let known = |name: &str| {
            let mut metric = self.known(name);
            let typed = test.types.iter().flatten().find(|(one, _)| crate::pattern::same(one, name));
            metric.metric_type = metric.metric_type.or(typed.map(|(_, given)| *given));
            metric
        };
        let subject = self.subject(kept, &known)?;
        let given = offline::series(test, &known);
        self.trial(&declared.name, kept, &subject, &given, (&moments, Steps::All), Agreement::Always)
    }

    /// A test that is made up; nothing where there is no shorter run.
    fn probed(&self, name: &str, length: Length, kept: &Kept<'_>) -> Result<Option<Trial>, String> {
        let known = |name: &str| self.known(name);
        let subject = self.subject(kept, &known)?;
        let needed = if length.is_steady() { Agreement::Steady } else { Agreement::Always };
        let period = |name: &str| self.metric(name).period;
        let levels = |place: usize| self.levels(kept, place);
        let around = Surroundings {
            known: &known,
            period: &period,
            levels: &levels,
            interval: self.settings.interval,
        };
        let Some(Probe { given, moments }) = probe(&subject, length, &around)? else { return Ok(None) };
        let made = self.trial(name, kept, &subject, &given, (&moments, Steps::Edges), needed)?;
        // What does not do what its name says is no test.
        if made.fired != length.fires() {
            return Err("the values that were made up for it do something else".to_owned());
        }
        Ok(Some(made))
    }

    /// What brings the composite of a condition over its threshold.
    fn levels(&self, kept: &Kept<'_>, place: usize) -> Option<Vec<Level>> {
        let known = |name: &str| self.known(name);
        let condition = kept.alert.conditions.value()?.get(place)?;
        let alone = crate::model::Condition { duration: None, ..condition.clone() };
        let alert = Alert { conditions: Field::Set(vec![alone]), ..kept.alert.clone() };
        let subject = offline::subject(kept.rule.name(), &alert, &known).ok()?;
        let definition = known(&condition.metric_name).composite?;
        // Long enough for changes and periods of all that is read.
        let end = 10 * self.metric(&condition.metric_name).period;
        let violates = |values: &[(&str, &Series, f64)]| {
            let given: Vec<Given> = values
                .iter()
                .map(|(metric, series, value)| {
                    levels::held(metric, series, known(metric), self.metric(metric).period, end, &|_| *value)
                })
                .collect();
            let outcome = offline::run(&subject, &given, &Script::default(), &BTreeSet::from([end]), false);
            outcome.is_ok_and(|outcome| {
                outcome.observations.iter().any(|seen| seen.at == end && seen.met(0).next().is_some())
            })
        };
        levels::levels(&definition, &violates)
    }

    /// When it, and what it reads, agrees with ours.
    fn agreement(&self, kept: &Kept<'_>) -> Agreement {
        let read = kept.alert.conditions.value().into_iter().flatten();
        let composites = read.filter_map(|one| Some(self.composites.get(&fold(&one.metric_name))?.agrees));
        composites.chain([kept.agrees]).min().unwrap_or(Agreement::Never)
    }

    fn trial(
        &self,
        name: &str,
        kept: &Kept<'_>,
        subject: &Subject,
        given: &[Given],
        (moments, steps): (&BTreeSet<i64>, Steps),
        needed: Agreement,
    ) -> Result<Trial, String> {
        let conditions = || kept.alert.conditions.value().into_iter().flatten();
        let recorded = |name: &str| self.composites.get(&fold(name));
        if self.agreement(kept) < needed {
            return Err("the alert, or a composite that it reads, means only nearly the same".to_owned());
        }
        let labels: Vec<_> =
            conditions().map(|one| recorded(&one.metric_name).and_then(|it| it.labels.clone())).collect();
        let metric = |name: &str| self.metric(name);
        let tested =
            Tested { rule: &kept.rule, subject, metric: &metric, labels: &labels, settings: self.settings };
        trial(name, &tested, given, moments, steps)
    }

    fn subject(&self, kept: &Kept<'_>, known: &dyn Fn(&str) -> Metric) -> Result<Subject, String> {
        offline::subject(kept.rule.name(), kept.alert, known)
            .map_err(|_| "the alert cannot be evaluated here".to_owned())
    }

    /// What the files say of a metric.
    fn known(&self, name: &str) -> Metric {
        let declaration = self.desired.objects.get(&Address::metric(name));
        let declaration = declaration.filter(|declaration| declaration.intent != Intent::Absent);
        declaration.and_then(|declaration| Metric::of(&declaration.resource)).unwrap_or_default()
    }

    fn metric(&self, name: &str) -> Mapped {
        match self.composites.get(&fold(name)) {
            Some(recorded) => self.mapping.of_composite(name, recorded.period),
            None => self.mapping.metric(name),
        }
    }

    /// The groups whose rules an alert needs.
    fn rules_of(&self, kept: &Kept<'_>) -> BTreeSet<String> {
        let conditions = kept.alert.conditions.value().into_iter().flatten();
        let read = conditions.filter_map(|one| self.composites.get(&fold(&one.metric_name))?.group.clone());
        read.chain([kept.group.clone()]).collect()
    }
}
