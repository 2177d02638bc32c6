//! Everything that the files ask for, rendered: files by their path below a directory, and the report of what they mean.
//! Goes by the order of the files in the report, and by names in what is rendered.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::composite;
use crate::diag::{Code, Files, Part, Place, Route};
use crate::model::{Address, AlertmanagerOwn, Declared, Desired, Intent, Kind, PrometheusRearm, Resource};
use crate::pattern::fold;

use super::alerts::{self, Made, Recorded};
use super::composites;
use super::fidelity::{Agreement, Fidelity, Reason, Reasons, agreement};
use super::history::{self, Question};
use super::mapping::{Mapping, recorded};
use super::promql::Engine;
use super::receivers::{self, Receiver};
use super::report::{
    Counts, Output, Report, ReportedObject, ReportedPlace, ReportedReason, ReportedTests, SecretFile,
    Standing,
};
use super::routes::{self, Routed};
use super::rule::{self, Form, Groups, Placed, Rule, document};
use super::settings::Settings;
use super::subtree::{self, Subtree};
use super::testing::{self, Bench, Kept, Tests};
use super::yaml::HEADER;

/// What was rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    /// Texts by path.
    pub files: BTreeMap<String, String>,
    /// All groups of rules as one document.
    pub rules: String,
    /// The rules as values, by group.
    pub groups: BTreeMap<String, Vec<Value>>,
    /// The routes of each alert.
    pub routes: BTreeMap<String, Vec<Value>>,
    /// The receivers by the titles of their services; `{"$secret": SETTING}` stands for a secret.
    pub receivers: BTreeMap<String, Value>,
    /// What they mean.
    pub report: Report,
    /// What to ask a Prometheus of the past of each alert.
    pub questions: Vec<Question>,
    /// Why the configuration of Alertmanager could not be put into that of someone else.
    pub unplaced: Option<String>,
}

/// The file of the configuration of Alertmanager.
pub const ALERTMANAGER: &str = "alertmanager.yml";

/// The shortest period of composites, as the service evaluates them.
const RESOLUTION: i64 = 60;

/// What became of one object.
struct Done<'d> {
    address: &'d Address,
    declaration: &'d Declared,
    fidelity: Fidelity,
    reasons: Vec<Reason>,
    output: Option<Output>,
}

/// Renders all that is declared.
pub fn render(desired: &Desired, files: &Files, settings: &Settings, tests: Tests) -> Rendering {
    let mut renderer = Renderer {
        desired,
        files,
        settings,
        mapping: Mapping::new(settings, desired),
        groups: Groups::new(),
        composites: BTreeMap::new(),
        receivers: BTreeMap::new(),
        routed: Vec::new(),
        kept: BTreeMap::new(),
        done: Vec::new(),
    };
    let taken = renderer.collisions();
    for (address, declaration) in renderer.declared(Kind::Composite) {
        renderer.composite(address, declaration, &taken);
    }
    for (address, declaration) in renderer.declared(Kind::Service) {
        renderer.service(address, declaration);
    }
    // One that is only known to exist may have a receiver in its place.
    for title in settings.receivers.keys() {
        let declaration = desired.objects.get(&Address::service(title));
        if declaration.is_some_and(|declaration| declaration.intent == Intent::External)
            && let Some(receiver) = receivers::named(title, settings, &mut Reasons::default())
        {
            renderer.receivers.insert(title.clone(), receiver);
        }
    }
    for (address, declaration) in renderer.declared(Kind::Alert) {
        renderer.alert(address, declaration, &taken);
    }
    renderer.finish(tests)
}

struct Renderer<'d> {
    desired: &'d Desired,
    files: &'d Files,
    settings: &'d Settings,
    mapping: Mapping<'d>,
    groups: Groups,
    composites: BTreeMap<String, Recorded>,
    receivers: BTreeMap<String, Receiver>,
    routed: Vec<Routed>,
    kept: BTreeMap<String, Kept<'d>>,
    done: Vec<Done<'d>>,
}

impl<'d> Renderer<'d> {
    fn declared(&self, kind: Kind) -> Vec<(&'d Address, &'d Declared)> {
        let of_kind = |(_, declaration): &(&Address, &Declared)| {
            declaration.kind == kind && declaration.intent == Intent::Present
        };
        self.desired.objects.iter().filter(of_kind).collect()
    }

    /// Metrics and composites that would have the same name, each with the other ones.
    fn collisions(&self) -> BTreeMap<String, Vec<&'d str>> {
        let mut names: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (address, _) in self.declared(Kind::Composite) {
            names.entry(recorded(&address.name)).or_default().push(&address.name);
        }
        for (address, _) in self.declared(Kind::Metric) {
            let metric = self.mapping.metric(&address.name);
            names.entry(format!("{:?}", metric.series())).or_default().push(&address.name);
        }
        let several = names.into_values().filter(|names| names.len() > 1);
        several
            .flat_map(|names| names.clone().into_iter().map(move |name| (fold(name), names.clone())))
            .collect()
    }

    fn composite(
        &mut self,
        address: &'d Address,
        declaration: &'d Declared,
        taken: &BTreeMap<String, Vec<&str>>,
    ) {
        let Resource::Composite(composite) = &declaration.resource else { return };
        let mut reasons = Reasons::default();
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).clamp(0, 86_400 * 366);
        let resolution = composite.period.value().map_or(RESOLUTION, |it| seconds(it.0)).max(RESOLUTION);
        let lag = composite.source_lag.value().map_or(0, |it| seconds(it.0));
        let here = Route::root().key("composite");
        collision(&address.name, taken, &mut reasons);
        no_secrets(declaration, &mut reasons);
        let query = match composite.composite.value().map(|text| composite::compile(text)) {
            Some(Ok(query)) => Some(query),
            Some(Err(_)) => {
                reasons
                    .refuse(Code::InvalidComposite, &here, "it cannot be evaluated")
                    .help("validate says why");
                None
            }
            None => {
                reasons.refuse(Code::MissingField, &Route::root(), "what it computes is not in the files");
                None
            }
        };
        if let Some(query) = &query {
            for metric in read_by(composite.composite.value()) {
                collision(&metric, taken, &mut reasons);
            }
            let source = self.settings.source.as_deref();
            let made = composites::composite(query, &self.mapping, source, (lag, resolution), &mut reasons);
            if let Some(made) = made.filter(|_| !reasons.refused()) {
                let rule = Rule::Record { name: recorded(&address.name), expr: made.expr };
                let agrees = agreement(&reasons);
                let group = self.place(address, declaration, rule, &reasons);
                let recorded = Recorded { group, period: resolution, labels: made.labels, agrees };
                self.composites.insert(fold(&address.name), recorded);
                return;
            }
        }
        let recorded = Recorded { group: None, period: resolution, labels: None, agrees: Agreement::Never };
        self.composites.insert(fold(&address.name), recorded);
        self.refused(address, declaration, &reasons);
    }

    fn service(&mut self, address: &'d Address, declaration: &'d Declared) {
        let Resource::Service(service) = &declaration.resource else { return };
        let mut reasons = Reasons::default();
        // A whole map may come from secrets.
        let hidden = |setting: &str| {
            let own = Route::root().key("settings").key(setting);
            declaration.secrets.keys().any(|route| own.segs().starts_with(route.segs()))
        };
        let receiver = receivers::receiver(&address.name, service, &hidden, self.settings, &mut reasons);
        let first = |receiver: &Receiver| {
            self.receivers.iter().find(|(_, other)| receiver.collides_with(other)).map(|(title, _)| title)
        };
        if let Some(first) = receiver.as_ref().and_then(first) {
            let text = format!("its secrets would be read from the files of `{first}`");
            reasons.refuse(Code::NamesCollide, &Route::root(), text).help("give one of them another title");
        }
        match receiver {
            Some(receiver) if !reasons.refused() => {
                let output = Output { file: ALERTMANAGER.into(), group: None, rule: receiver.name.clone() };
                self.receivers.insert(address.name.clone(), receiver);
                self.say(address, declaration, &reasons, Some(output));
            }
            _ => self.refused(address, declaration, &reasons),
        }
    }

    fn alert(
        &mut self,
        address: &'d Address,
        declaration: &'d Declared,
        taken: &BTreeMap<String, Vec<&str>>,
    ) {
        let Resource::Alert(alert) = &declaration.resource else { return };
        let mut reasons = Reasons::default();
        let conditions = alert.conditions.value().map_or(&[][..], Vec::as_slice);
        if !alert.is_active() || alert.conditions.value().is_some_and(Vec::is_empty) {
            let fidelity = Fidelity::Skipped;
            self.done.push(Done { address, declaration, fidelity, reasons: Vec::new(), output: None });
            return;
        }
        for condition in conditions {
            collision(&condition.metric_name, taken, &mut reasons);
        }
        no_secrets(declaration, &mut reasons);
        let made =
            alerts::alert(&address.name, alert, &self.mapping, self.settings, &self.composites, &mut reasons);
        let Some(Made { rule, seen }) = made.filter(|_| !reasons.refused()) else {
            self.refused(address, declaration, &reasons);
            return;
        };
        let wanted: Vec<String> = alert.services.value().into_iter().flatten().cloned().collect();
        let services: Vec<String> =
            wanted.iter().filter(|title| self.receivers.contains_key(*title)).cloned().collect();
        let lost: Vec<&String> = wanted.iter().filter(|title| !services.contains(title)).collect();
        let here = Route::root().key("services");
        if !lost.is_empty() {
            let names = lost.iter().map(|title| format!("`{title}`")).collect::<Vec<_>>().join(", ");
            let text = format!("Alertmanager does not notify {names}");
            reasons.approximate(Code::NobodyTold, &here, text).help("see what is said of the service itself");
        } else if services.is_empty() {
            reasons.note(Code::NobodyTold, &here, "it notifies nobody");
        }
        let per_stream = alert.rearm_per_signal.value() == Some(&true);
        if !per_stream && !services.is_empty() && self.settings.rearm == PrometheusRearm::Prompt {
            let text =
                "a further stream is told at once, where the service waits for the end of rearm_seconds";
            let help = "`rearm_per_signal: true`, or settings.prometheus.alertmanager: { rearm: strict }";
            reasons.approximate(Code::Rearm, &Route::root(), text).help(help);
        }
        let rearm = i64::try_from(alert.rearm().0).unwrap_or(i64::MAX);
        self.routed.push(Routed { alert: address.name.clone(), services, rearm, per_stream });
        let agrees = agreement(&reasons);
        if let Some(group) = self.place(address, declaration, rule.clone(), &reasons) {
            let rules = self.groups.entry(group.clone()).or_default();
            for rule in seen {
                if !rules.iter().any(|placed| placed.rule.name() == rule.name()) {
                    let comment = "when streams were heard of, for conditions `absent`".to_owned();
                    rules.push(Placed { rule, comment });
                }
            }
            self.kept.insert(fold(&address.name), Kept { alert, rule, group, agrees });
        }
    }

    /// Puts a rule into its group.
    fn place(
        &mut self,
        address: &'d Address,
        declaration: &'d Declared,
        rule: Rule,
        reasons: &Reasons,
    ) -> Option<String> {
        let group = self.settings.group_of(&address.name);
        let output = Output {
            file: format!("rules/{group}.yml"),
            group: Some(group.clone()),
            rule: rule.name().to_owned(),
        };
        let comment = self.comment(address, declaration, reasons);
        self.groups.entry(group.clone()).or_default().push(Placed { rule, comment });
        self.say(address, declaration, reasons, Some(output));
        Some(group)
    }

    fn comment(&self, address: &Address, declaration: &Declared, reasons: &Reasons) -> String {
        let place = self.position(declaration, &Route::root(), Part::Key);
        let place = place.map_or_else(String::new, |place| format!("{place} "));
        let mut codes: Vec<&str> = Vec::new();
        for reason in reasons.all().iter().filter(|reason| reason.weight != Fidelity::Exact) {
            if !codes.contains(&reason.code.name()) {
                codes.push(reason.code.name());
            }
        }
        let codes = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
        let name = format!("{}/{}", declaration.kind.section(), address.name);
        let text = format!("{place}{name} ({}{codes})", reasons.fidelity().word());
        // A comment ends with its line.
        text.chars().map(|c| if crate::diag::is_harmless(c) { c } else { ' ' }).collect()
    }

    fn position(&self, declaration: &Declared, inside: &Route, part: Part) -> Option<ReportedPlace> {
        let place = match part {
            Part::Key | Part::Value => declaration.origin.place(self.files, inside, part),
            Part::Text { .. } => declaration.place(self.files, inside, part),
        };
        self.located(&place)
    }

    fn located(&self, place: &Place) -> Option<ReportedPlace> {
        let found = self.files.locate(place)?;
        Some(ReportedPlace { file: found.file, line: found.line, column: found.column })
    }

    fn refused(&mut self, address: &'d Address, declaration: &'d Declared, reasons: &Reasons) {
        self.say(address, declaration, reasons, None);
    }

    fn say(
        &mut self,
        address: &'d Address,
        declaration: &'d Declared,
        reasons: &Reasons,
        output: Option<Output>,
    ) {
        let fidelity = reasons.fidelity();
        self.done.push(Done { address, declaration, fidelity, reasons: reasons.all().to_vec(), output });
    }

    fn finish(mut self, tests: Tests) -> Rendering {
        let form = Form { engine: self.settings.engine, interval: self.settings.interval };
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for (name, rules) in &self.groups {
            let one = Groups::from([(name.clone(), rules.clone())]);
            files.insert(format!("rules/{name}.yml"), document(&one, form));
        }
        let ours = routes::ours(&self.routed, &self.receivers, self.settings);
        let mut unplaced = None;
        match (self.settings.own, &self.settings.base) {
            (AlertmanagerOwn::None, _) => {}
            (AlertmanagerOwn::Subtree, Some(base)) => {
                let lines = |text: &str| text.lines().map(str::to_owned).collect();
                let part = Subtree { route: lines(&ours.route), receivers: lines(&ours.receivers) };
                match subtree::placed(base, &self.settings.owner, &part) {
                    Ok(text) => {
                        files.insert(ALERTMANAGER.to_owned(), format!("{HEADER}{text}"));
                    }
                    Err(why) => unplaced = Some(why),
                }
            }
            (AlertmanagerOwn::Subtree | AlertmanagerOwn::Document, _) => {
                files.insert(ALERTMANAGER.to_owned(), routes::document(&ours, self.settings));
            }
        }
        let rules = document(&self.groups, form);
        let bench = Bench {
            desired: self.desired,
            settings: self.settings,
            mapping: &self.mapping,
            composites: &self.composites,
            alerts: &self.kept,
        };
        let testing::Rendered { files: tests, count, left_out } = bench.tests(tests);
        files.extend(tests);
        let tests = ReportedTests { rendered: count, left_out };
        let report = self.report(files.keys().cloned().collect(), tests);
        let value = |placed: &Placed| rule::value(&placed.rule, form);
        let groups =
            self.groups.iter().map(|(name, rules)| (name.clone(), rules.iter().map(value).collect()));
        let groups = groups.collect();
        let routes = routes::values(&self.routed, &self.receivers, self.settings);
        let receivers = self.receivers.iter().filter_map(|(title, it)| Some((title.clone(), it.value()?)));
        let receivers = receivers.collect();
        let all = self.groups.values().flatten().map(|placed| &placed.rule);
        let questions = history::questions(all, form.engine, form.interval);
        Rendering { files, rules, groups, routes, receivers, report, questions, unplaced }
    }

    fn report(&mut self, files: Vec<String>, tests: ReportedTests) -> Report {
        let mut done = std::mem::take(&mut self.done);
        done.sort_by_cached_key(|done| {
            let place =
                self.files.locate(&done.declaration.origin.place(self.files, &Route::root(), Part::Key));
            (done.declaration.origin.file, place.map(|place| place.span.start), done.address.name.clone())
        });
        let mut counts = Counts::default();
        done.iter().for_each(|done| counts.add(done.fidelity));
        let mut without = BTreeMap::new();
        let left = [Kind::Annotation, Kind::Space, Kind::Chart, Kind::Metric];
        for declaration in
            self.desired.objects.values().filter(|declaration| declaration.intent == Intent::Present)
        {
            if left.contains(&declaration.kind) {
                *without.entry(declaration.kind.section().to_owned()).or_insert(0) += 1;
            }
        }
        let secrets = self.receivers.iter().flat_map(|(title, receiver)| {
            receiver.secrets.iter().map(|(setting, file)| SecretFile {
                service: title.clone(),
                setting: (*setting).to_owned(),
                file: file.clone(),
            })
        });
        Report {
            format_version: 1,
            target: "prometheus".to_owned(),
            engine: if self.settings.engine == Engine::Closed { 2 } else { 3 },
            owner: self.settings.owner.clone(),
            counts,
            standing: standing(),
            objects: done.iter().map(|done| self.reported(done)).collect(),
            without_counterpart: without,
            secrets: secrets.collect(),
            tests,
            files,
            evidence: Vec::new(),
        }
    }

    fn reported(&self, done: &Done<'_>) -> ReportedObject {
        let reason = |reason: &Reason| {
            ReportedReason::of(reason, self.position(done.declaration, &reason.route, reason.part))
        };
        ReportedObject {
            kind: done.declaration.kind.noun().to_owned(),
            name: done.address.name.clone(),
            fidelity: done.fidelity.word().to_owned(),
            place: self.position(done.declaration, &Route::root(), Part::Key),
            output: done.output.clone(),
            reasons: done.reasons.iter().map(reason).collect(),
        }
    }
}

fn collision(name: &str, taken: &BTreeMap<String, Vec<&str>>, reasons: &mut Reasons) {
    let Some(names) = taken.get(&fold(name)) else { return };
    let others: Vec<String> =
        names.iter().filter(|other| fold(other) != fold(name)).map(|other| format!("`{other}`")).collect();
    let text = format!("`{name}` has the same name in Prometheus as {}", others.join(", "));
    let found = reasons.refuse(Code::NamesCollide, &Route::root(), text);
    found.help("give one of them a name or labels of its own in settings.prometheus.metrics");
}

/// A rule is read by everybody.
fn no_secrets(declaration: &Declared, reasons: &mut Reasons) {
    for route in declaration.secrets.keys() {
        let found = reasons.refuse(Code::MisplacedReference, route, "a secret cannot stand in a rule");
        found.help("write the text itself, or leave it out");
    }
}

fn read_by(text: Option<&String>) -> Vec<String> {
    let tree = text.and_then(|text| composite::parse(text).ok());
    tree.map_or_else(Vec::new, |tree| tree.reads().iter().map(|read| read.metric.to_owned()).collect())
}

fn standing() -> Vec<Standing> {
    [
        ("evaluated-by-interval", "rules are evaluated once per interval, not with each measurement"),
        ("silence-ends", "an alert ends when its stream was silent for `gap` (and its duration); the service keeps it for ten days"),
        ("silence-completes", "silence completes a run: the service waits for one more value beyond the threshold"),
        ("letter-case", "letter case counts in names, sources and tags; to the service it makes no difference"),
        ("history-counts", "what was measured before an alert was changed counts at once"),
        ("complete-data", "composites are evaluated for now; the service looks 120 s back unless `source_lag` says otherwise"),
        ("clears", "when notifications are repeated and cleared is up to Alertmanager"),
    ]
    .map(|(code, text)| Standing { code: code.to_owned(), text: text.to_owned() })
    .into()
}
