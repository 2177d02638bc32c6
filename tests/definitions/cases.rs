//! Diff and plan cases as files: what is desired, what exists, and the plan as a reader sees it. Pure: no server, no process.
//! `UPDATE=1 cargo test --test definitions plans_are` rewrites the expectations; read what changed before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use librato_apply::diag::{FileId, Files, Report, render};
use librato_apply::diff::scope::{Globs, Scope, parse_target};
use librato_apply::diff::{self, Action, Diff};
use librato_apply::load::{Document, yaml};
use librato_apply::model::{Address, Alert, Chart, Desired, Field, Kind, Resource, Scopes, State};
use librato_apply::plan::{self, DEFAULT_MAX_DELETES, Limits, Plan};
use librato_apply::remote::fetch::{Actual, FetchPlan, fetch};
use librato_apply::remote::{ApiError, Listing, Method, ReadApi};
use librato_apply::render::text;
use librato_apply::resolve::{Given, Options, Outside, resolve};
use serde_json::{Map, Value};

/// What a case may hold. `expected` comes last, so that line numbers in it do not depend on its own length.
const KEYS: &[&str] = &["desired", "actual", "remote", "env", "vars", "flags", "expected"];

/// Problems that what exists may have: nobody checks what the service holds.
const TOLERATED: &[&str] = &[
    "invalid-duration",
    "field-does-not-fit",
    "missing-field",
    "missing-setting",
    "unknown-value",
    "alert-notifies-nobody",
    "alert-without-conditions",
];

/// What nearly every case would say, of things it is not about; `bad/` shows it.
const BESIDE: &[&str] = &["alert-notifies-nobody", "alert-without-conditions"];

/// One case file.
struct Case {
    path: PathBuf,
    text: String,
    value: Map<String, Value>,
}

#[test]
fn plans_are_as_the_cases_say() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    let cases = all();
    assert!(cases.len() >= 30, "only {} cases were found", cases.len());
    for case in cases {
        let found = case.outcome();
        let expected = case.value.get("expected").and_then(Value::as_str).unwrap_or_default();
        if found.trim_end() == expected.trim_end() {
            continue;
        }
        if update {
            std::fs::write(&case.path, case.with_expected(&found)).unwrap();
        } else {
            writeln!(wrong, "--- {}\n{}", case.path.display(), lines_that_differ(expected, &found)).unwrap();
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}\nIf the new plans are right: UPDATE=1 cargo test --test definitions plans_are"
    );
}

#[test]
fn a_plan_that_was_applied_leaves_nothing_to_do() {
    for case in all() {
        let (desired, _, report) = case.desired();
        let actual = case.actual(&desired);
        if report.has_errors() || !actual.duplicates.is_empty() {
            continue;
        }
        let diff = case.diff(&desired, &actual.state);
        let after = applied(&actual.state, &diff);
        let again = case.diff(&desired, &after);
        assert!(again.changes.is_empty(), "{}: {:#?}", case.path.display(), again.changes);
    }
}

#[test]
fn secrets_of_the_cases_are_in_no_plan() {
    let mut secrets = 0;
    for case in all() {
        let (desired, files, mut report) = case.desired();
        let actual = case.actual(&desired);
        let plan = case.plan(&desired, &actual, &files, &mut report);
        let document = serde_json::to_string(&librato_apply::render::document(&plan, Vec::new())).unwrap();
        let shown = format!("{}{}{document}", render(&report, &files, false), text(&plan, true, None));
        for secret in case.env().values() {
            secrets += 1;
            assert!(!shown.contains(secret.as_str()), "{} shows a secret", case.path.display());
        }
    }
    assert!(secrets > 2, "hardly any case has secrets");
}

#[test]
fn steps_come_after_what_they_need() {
    for case in all() {
        let (desired, files, mut report) = case.desired();
        let actual = case.actual(&desired);
        let plan = case.plan(&desired, &actual, &files, &mut report);
        for (i, step) in plan.steps.iter().enumerate() {
            let early = step.needs.iter().all(|need| *need < i && plan.steps[*need].level < step.level);
            assert!(early, "{}: {}", case.path.display(), step.change.address);
        }
    }
}

/// Every code a plan can refuse or warn with is met by a case.
#[test]
fn every_code_of_a_plan_has_a_case() {
    let shown: String = all().iter().map(|case| case.text.clone()).collect();
    for code in ["external-missing", "needed-to-create", "rename-both", "rename-done", "unknown-metric"]
        .into_iter()
        .chain([
            "chart-order",
            "unmatched-pattern",
            "mixed-periods",
            "too-many-deletes",
            "data-lost",
            "protected",
            "reserved",
            "service-in-use",
            "ambiguous",
        ])
    {
        assert!(shown.contains(&format!("[{code}]")), "no case meets {code}");
    }
}

fn all() -> Vec<Case> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir("tests/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut files = Files::default();
        let file = files.add(path.display().to_string(), text.clone(), yaml::index);
        let value = yaml::parse(&text, file).unwrap_or_else(|d| panic!("{}: {}", path.display(), d.message));
        let Value::Object(value) = value else { panic!("{} is no mapping", path.display()) };
        for key in value.keys() {
            assert!(KEYS.contains(&key.as_str()), "{}: a case has no `{key}`", path.display());
        }
        Self { path: path.to_owned(), text, value }
    }

    fn env(&self) -> BTreeMap<String, String> {
        let env = self.value.get("env").and_then(Value::as_object).into_iter().flatten();
        env.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    }

    /// A section as a document of its own: its lines stay where they are, so that places in the plan are places in the case.
    fn section(&self, name: &str, files: &mut Files) -> Vec<Document> {
        let Some(Value::Object(value)) = self.value.get(name).cloned() else { return Vec::new() };
        let mut inside = false;
        let mut text = String::new();
        for line in self.text.lines() {
            let top = line.starts_with(|c: char| c.is_ascii_lowercase());
            inside = if top { line.starts_with(&format!("{name}:")) } else { inside };
            text.push_str(if inside && !top { line } else { "" });
            text.push('\n');
        }
        let shown = self.path.file_name().unwrap().to_string_lossy().into_owned();
        let file: FileId = files.add(shown, text, yaml::index);
        vec![Document { file, value, dir: PathBuf::new(), path: None }]
    }

    fn desired(&self) -> (Desired, Files, Report) {
        let mut files = Files::default();
        let documents = self.section("desired", &mut files);
        let variables = self.value.get("vars").and_then(Value::as_object).into_iter().flatten();
        let given = |(name, value): (&String, &Value)| Given {
            name: name.clone(),
            value: Some(value.clone()),
            source: None,
        };
        let options = Options { variables: variables.map(given).collect(), lenient_secrets: false };
        let (desired, all) = resolve(documents, &mut files, &options, &Env(self.env()));
        let mut report = Report::default();
        all.iter().filter(|one| !BESIDE.contains(&one.code)).for_each(|one| report.push(one.clone()));
        (desired, files, report)
    }

    /// What exists: written in our own format, or as the API's JSON.
    fn actual(&self, desired: &Desired) -> Actual {
        if let Some(remote) = self.value.get("remote") {
            let api = Canned(remote.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            return runtime
                .block_on(fetch(&api, &FetchPlan::of(desired, &self.scope(desired).prune)))
                .unwrap();
        }
        let mut files = Files::default();
        let documents = self.section("actual", &mut files);
        let (actual, report) = resolve(documents, &mut files, &Options::default(), &Env(self.env()));
        let broken = report.iter().any(|d| !TOLERATED.contains(&d.code));
        assert!(
            !broken,
            "{}: what exists is broken\n{}",
            self.path.display(),
            render(&report, &files, false)
        );
        let state = actual.objects.into_iter().map(|(address, given)| (address, given.resource)).collect();
        Actual { state, chart_order: actual.chart_order, ..Actual::default() }
    }

    fn flag(&self, name: &str) -> Option<&Value> {
        self.value.get("flags").and_then(|flags| flags.get(name))
    }

    /// What the settings and `--target` put in view; the case counts as the whole directory.
    fn scope(&self, desired: &Desired) -> Scope {
        let globs = |scopes: &Scopes| Globs::compile(scopes).unwrap();
        let target = self.flag("target").and_then(Value::as_str).map(|target| {
            let mut scopes = Scopes::default();
            parse_target(target, &mut scopes).unwrap();
            globs(&scopes)
        });
        let settings = &desired.settings;
        let (prune, ignore) = (globs(&settings.prune), globs(&settings.ignore));
        Scope { prune, ignore, protect: globs(&settings.protect), target }
    }

    fn limits(&self, desired: &Desired) -> Limits {
        let max_deletes = self.flag("max_deletes").and_then(Value::as_u64).map(|n| u32::try_from(n).unwrap());
        Limits {
            max_deletes: max_deletes.or(desired.settings.max_deletes).unwrap_or(DEFAULT_MAX_DELETES),
            delete_data: self.flag("delete_data") == Some(&Value::Bool(true)),
            protect: self.scope(desired).protect,
            deny_weaker_alerts: self.flag("deny_weaker_alerts") == Some(&Value::Bool(true)),
        }
    }

    fn diff(&self, desired: &Desired, state: &State) -> Diff {
        diff::diff(desired, state, &self.scope(desired).view(desired, state))
    }

    fn plan(&self, desired: &Desired, actual: &Actual, files: &Files, report: &mut Report) -> Plan {
        let input = plan::Input {
            target: "the case".into(),
            desired,
            actual: &actual.state,
            duplicates: &actual.duplicates,
            diff: self.diff(desired, &actual.state),
            limits: &self.limits(desired),
            files,
        };
        let mut plan = plan::build(input, report);
        if let Some(named) = self.flag("unmanaged").and_then(Value::as_bool) {
            let objects = self.scope(desired).unmanaged(desired, &actual.state);
            plan.unmanaged = plan::Unmanaged { objects, named };
        }
        plan
    }

    /// What `plan` shows: what was noticed, then the plan, unless there are errors.
    fn outcome(&self) -> String {
        let (desired, files, mut report) = self.desired();
        report.extend(self.scope(&desired).contradictions(&desired, &files));
        if report.has_errors() {
            return render(&report, &files, false);
        }
        let actual = self.actual(&desired);
        let plan = self.plan(&desired, &actual, &files, &mut report);
        plan::note_other_orders(&desired, &actual.chart_order, &files, &mut report);
        let noticed = render(&report, &files, false);
        if report.has_errors() { noticed } else { noticed + &text(&plan, false, None) }
    }

    fn with_expected(&self, found: &str) -> String {
        let before = self.text.find("\nexpected:").map_or(self.text.trim_end(), |at| &self.text[..at]);
        let mut out = format!("{}\n\nexpected: |\n", before.trim_end());
        for line in found.lines() {
            out.push_str(format!("  {line}").trim_end());
            out.push('\n');
        }
        out
    }
}

/// The state after all changes were written.
fn applied(before: &State, diff: &Diff) -> State {
    let mut state = before.clone();
    let (mut titles, mut spaces) = (BTreeMap::new(), BTreeMap::new());
    for change in &diff.changes {
        if let Action::Update { renamed_from: Some(old), .. } = &change.action {
            state.retain(|at, _| at != old && at.container().as_ref() != Some(old));
            let names = if change.kind == Kind::Space { &mut spaces } else { &mut titles };
            names.insert(old.name.clone(), change.address.name.clone());
        }
    }
    // Charts hold on to spaces by id, and alerts to services.
    for change in &diff.changes {
        let (space, charts) =
            (&change.address, |at: &Address| at.container().as_ref() == Some(&change.address));
        match &change.action {
            Action::Delete { before: Resource::Space(_), .. } => state.retain(|at, _| !charts(at)),
            Action::Update { before: Resource::Space(_), renamed_from: Some(old), .. } => {
                for (at, chart) in before.iter().filter(|(at, _)| at.container().as_ref() == Some(old)) {
                    state.insert(Address::chart(&space.name, &at.name), chart.clone());
                }
            }
            _ => {}
        }
    }
    for object in state.values_mut() {
        if let Resource::Chart(Chart { related_space: Field::Set(space), .. }) = object {
            *space = spaces.get(space).unwrap_or(space).clone();
        }
        if let Resource::Alert(Alert { services: Field::Set(services), .. }) = object {
            services.iter_mut().for_each(|title| *title = titles.get(title).unwrap_or(title).clone());
        }
    }
    for change in &diff.changes {
        match change.action.after() {
            Some(after) => _ = state.insert(change.address.clone(), after.clone()),
            None => _ = state.remove(&change.address),
        }
    }
    state
}

fn lines_that_differ(expected: &str, found: &str) -> String {
    let diff = similar::TextDiff::from_lines(expected, found);
    diff.unified_diff().context_radius(3).header("expected", "found").to_string()
}

/// The environment of a case.
struct Env(BTreeMap<String, String>);

impl Outside for Env {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn file(&self, _: &Path, _: &str) -> Result<String, String> {
        Err("cases have no files".into())
    }
}

/// A service that answers from the case: listings by their name.
struct Canned(Value);

impl ReadApi for Canned {
    async fn get(&self, path: &str, _: &[(&str, String)]) -> Result<Value, ApiError> {
        let name = path.trim_start_matches("/metrics/");
        let found = self.0["metrics"].as_array().into_iter().flatten().find(|metric| metric["name"] == name);
        let missing = || ApiError::Status {
            status: 404,
            messages: Default::default(),
            method: Method::Get,
            path: path.to_owned(),
            retry_after: None,
        };
        found.cloned().ok_or_else(missing)
    }

    async fn list(&self, listing: &Listing) -> Result<Vec<Value>, ApiError> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let space = listing.path.strip_prefix("/spaces/").and_then(|rest| rest.strip_suffix("/charts"));
        let Some(space) = space else { return Ok(list(&self.0[listing.key])) };
        let found = list(&self.0["spaces"]).into_iter().find(|one| one["id"].as_u64() == space.parse().ok());
        Ok(list(&found.unwrap_or_default()["charts"]))
    }
}
