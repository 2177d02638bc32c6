//! A ruler of Mimir or Cortex as a target. It holds alerts and composites as rules; a group is an address for writing, as an id is. Nothing
//! is read or written but the namespace of one owner.

mod asked;
mod compared;
mod found;
mod groups;
mod normal;
mod questions;
mod receivers;
mod rendered;
mod routed;
mod subtree;
mod wait;
mod write;
mod writing;

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use serde_json::{Value, json};

use super::{Compared, Target, TargetError};
use crate::apply::{Observer, Options};
use crate::diag::{Files, Report};
use crate::diff::Diff;
use crate::model::{Address, AlertmanagerOwn, Desired, Kind, Resource, Service, State};
use crate::plan::{Done, Failure, Outcome, Plan, Remedy};
use crate::prometheus::{Settings, duration};
use crate::remote::fetch::{Actual, FetchPlan};
use crate::remote::ruler::{Group, Ruler};
use compared::Rules;
use groups::Limit;
pub use questions::Questions;
use subtree::Subtree;
use write::text_of;
use writing::Writing;

/// What the namespace of an owner begins with.
const NAMESPACE: &str = "librato-apply.";

/// A ruler, and whose rules on it are meant.
#[derive(Debug, Clone)]
pub struct RulerTarget {
    ruler: Ruler,
    owner: String,
    /// Whether routes and receivers are ours, too.
    routes: bool,
    /// What rules are rendered by, where they are.
    settings: Option<Settings>,
    /// Whether everything that is known of the owner is only read.
    is_read: bool,
}

impl RulerTarget {
    /// For definitions with these settings.
    pub fn new(ruler: Ruler, settings: Settings) -> Self {
        let own = settings.written.alertmanager.as_ref().and_then(|it| it.own);
        let (owner, routes) = (settings.owner.clone(), own == Some(AlertmanagerOwn::Subtree));
        Self { ruler, owner, routes, settings: Some(settings), is_read: false }
    }

    /// For reading the rules that an owner has.
    pub fn of_owner(ruler: Ruler, owner: &str) -> Self {
        Self { ruler, owner: owner.to_owned(), routes: false, settings: None, is_read: true }
    }

    /// For a plan that was made before.
    ///
    /// # Errors
    /// In words, where it was made for something else than a ruler.
    pub fn of_plan(ruler: Ruler, writing: &Value) -> Result<Self, String> {
        let writing = read_writing(writing)?;
        let routes = writing.alertmanager.is_some();
        Ok(Self { ruler, owner: writing.owner, routes, settings: None, is_read: false })
    }

    /// What to ask of the past of alerts, as they are and as they will be; nothing where it is not known how rules are rendered.
    pub fn questions(&self, asked: &Desired, files: &Files, actual: &Actual) -> Option<Questions> {
        let found = found::all_for(&groups_of(actual), asked);
        Some(questions::questions(asked, &actual.state, &found, files, &self.settings(actual)?))
    }

    /// The services whose receivers say all of them. Of what cannot be read nothing is known but the titles, as without an Alertmanager.
    async fn services_as_they_are(&self) -> State {
        let Ok(Some(envelope)) = self.ruler.alertmanager().await else { return State::new() };
        let all = text_of(&envelope).map_or_else(Vec::new, |text| subtree::receivers(text, &self.owner));
        let known = all.iter().map(|it| (Address::service(&it.title), receivers::service(it)));
        known.filter(|(_, service)| !service.fields().is_empty()).collect()
    }

    /// Without files to say what services there are, those that alerts notify are known by their titles.
    fn take_services_as_given(&self, state: &mut State) {
        let of = |alert: &Resource| alert.as_alert().and_then(|it| it.services.value().cloned());
        let titles: Vec<String> = state.values().filter_map(of).flatten().collect();
        for title in titles {
            let service = || Resource::Service(Service::default());
            state.entry(Address::service(title)).or_insert_with(service);
        }
    }

    /// What rules are rendered by, where the configuration around our routes is that of the ruler's Alertmanager: its receivers may take the
    /// place of services, and it may know a server for mail.
    fn settings(&self, actual: &Actual) -> Option<Settings> {
        let settings = self.settings.clone()?;
        let text = actual.own.get("alertmanager").and_then(Value::as_object).and_then(text_of);
        let base = text.filter(|_| self.routes).and_then(|text| subtree::without(text, &self.owner).ok());
        Some(Settings { base, ..settings })
    }

    fn namespace(&self) -> String {
        namespace_of(&self.owner)
    }

    /// Our part of the configuration of Alertmanager.
    fn subtree(&self, actual: &Actual) -> Result<Option<Subtree>, String> {
        if !self.routes {
            return Ok(None);
        }
        let text = actual.own.get("alertmanager").and_then(Value::as_object).and_then(text_of);
        text.map_or_else(|| Ok(Subtree::default()), |text| subtree::read(text, &self.owner)).map(Some)
    }
}

/// The namespace of an owner.
fn namespace_of(owner: &str) -> String {
    format!("{NAMESPACE}{owner}")
}

fn read_writing(writing: &Value) -> Result<Writing, String> {
    serde_json::from_value(writing.clone()).map_err(|_| "the plan was not made for a ruler".to_owned())
}

/// The groups among what was read.
fn groups_of(actual: &Actual) -> Vec<Group> {
    let groups = actual.own.get("groups").and_then(Value::as_array).into_iter().flatten();
    groups.filter_map(|group| group.as_object().cloned()).collect()
}

impl Target for RulerTarget {
    fn holds(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Alert | Kind::Composite)
            || kind == Kind::Service && (self.routes || self.is_read)
    }

    fn has_clocks(&self) -> bool {
        // A condition is held against the past, and what `for:` remembers outlives an edit.
        false
    }

    fn document(&self) -> LocalBoxFuture<'_, Result<Option<String>, TargetError>> {
        async {
            if !self.routes {
                return Ok(None);
            }
            let envelope = self.ruler.alertmanager().await?;
            Ok(Some(envelope.as_ref().and_then(text_of).unwrap_or_default().to_owned()))
        }
        .boxed_local()
    }

    fn read<'a>(&'a self, wanted: &'a FetchPlan) -> LocalBoxFuture<'a, Result<Actual, TargetError>> {
        async {
            let groups = self.ruler.groups(&self.namespace()).await?;
            let alertmanager = if self.routes { self.ruler.alertmanager().await? } else { None };
            let found = found::all(&groups);
            let names = found
                .iter()
                .map(|it| it.address.name.as_str())
                .chain(wanted.rules.iter().map(String::as_str));
            let crowded = self.settings.as_ref().is_some_and(|settings| groups::is_crowded(names, settings));
            // Only where it decides: most plans take one request.
            let most = if crowded { self.ruler.most_rules().await? } else { None };
            let state = found::state(&found);
            let own = json!({ "groups": groups, "alertmanager": alertmanager, "most_rules": most });
            let mut actual = Actual { state, own, ..Actual::default() };
            let subtree = self.subtree(&actual).map_err(TargetError::Alertmanager)?.unwrap_or_default();
            let services =
                subtree.receivers.iter().map(|it| (Address::service(&it.title), receivers::service(it)));
            actual.state.extend(services);
            if self.is_read {
                actual.state.extend(self.services_as_they_are().await);
            }
            if self.settings.is_none() {
                self.take_services_as_given(&mut actual.state);
            }
            Ok(actual)
        }
        .boxed_local()
    }

    fn ask<'d>(
        &self,
        desired: &'d Desired,
        files: &Files,
        actual: &mut Actual,
        report: &mut Report,
    ) -> Cow<'d, Desired> {
        let Some(settings) = &self.settings(actual) else { return Cow::Borrowed(desired) };
        let holds = |kind| self.holds(kind);
        let found = found::all_for(&groups_of(actual), desired);
        Cow::Owned(asked::asked(desired, files, settings, &holds, &found, &mut actual.state, report))
    }

    fn complete(&self, compared: &Compared<'_>, diff: &mut Diff, report: &mut Report) -> Value {
        let Some(settings) = &self.settings(compared.actual) else { return Value::Null };
        let groups = groups_of(compared.actual);
        let found = found::all_for(&groups, compared.desired);
        let limit = Limit::of(compared.actual.own.get("most_rules").and_then(Value::as_u64));
        let holds = |kind| self.holds(kind);
        let interval = duration(settings.interval);
        // That it can be read was found out when it was.
        let subtree = self.subtree(compared.actual).ok().flatten();
        let subtree = subtree.as_ref();
        let rules =
            Rules { settings, groups: &groups, found: &found, holds: &holds, limit, interval, subtree };
        let (groups, alertmanager) = compared::complete(&rules, compared, diff, report);
        let (owner, namespace, tenant) =
            (self.owner.clone(), self.namespace(), self.ruler.tenant().to_owned());
        json!(Writing { owner, namespace, tenant, groups, alertmanager })
    }

    fn settle<'a>(
        &'a self,
        plan: &'a Plan,
        patience: Duration,
    ) -> LocalBoxFuture<'a, Result<Vec<String>, TargetError>> {
        async move {
            let Ok(writing) = read_writing(&plan.writing) else { return Ok(Vec::new()) };
            Ok(wait::wait(&self.ruler, &writing, patience).await?)
        }
        .boxed_local()
    }

    fn write<'a>(
        &'a self,
        plan: &'a Plan,
        _: Actual,
        options: &'a Options,
        observer: &'a dyn Observer,
    ) -> LocalBoxFuture<'a, Outcome> {
        async move {
            let writing = match read_writing(&plan.writing) {
                Ok(writing) if writing.tenant == self.ruler.tenant() => writing,
                Ok(writing) => {
                    return nothing(
                        plan,
                        &format!("the plan was made for the tenant \"{}\"", writing.tenant),
                    );
                }
                Err(why) => return nothing(plan, &why),
            };
            write::write(&self.ruler, &writing, plan, options, observer).await
        }
        .boxed_local()
    }
}

/// The outcome of a plan of which nothing is written.
fn nothing(plan: &Plan, why: &str) -> Outcome {
    let failure = || Done::Failed(Failure { remedy: Remedy::Plan, ..why.into() });
    Outcome {
        steps: plan.steps.iter().map(|_| failure()).collect(),
        refused: Some(why.to_owned()),
        ..Outcome::default()
    }
}
