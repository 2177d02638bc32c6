//! What a run has in hand: what the files ask for, the service that is meant, and the plan that comes of both. Reads only;
//! whether anything is written is the business of `reconcile`.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::Context;
use librato_apply::diag::{Code, Diagnostic, Report};
use librato_apply::diff;
use librato_apply::diff::scope::{Globs, Scope};
use librato_apply::model::{Address, Collection, Desired, Kind, PrometheusRearm};
use librato_apply::plan::{self, DEFAULT_MAX_DELETES, Impact, Limits, Plan};
use librato_apply::prometheus::{self, Settings};
use librato_apply::remote::fetch::{Actual, FetchPlan};
use librato_apply::remote::promql::Prometheus;
use librato_apply::target::{self as targets, Compared, TargetError};

use tokio::time::Instant;

use super::args::{self, Global, Planning};
use super::credentials::{self, Given};
use super::endpoint::{self, Access, Connection, Whose};
use super::evidence::past::Past;
use super::exit::{Exit, Stop};
use super::inputs::{self, Read};
use super::progress::waiting;
use super::target::{Place, Target, Written, target};
use super::ui::Ui;
use super::{evidence, ownership, render, unevaluated};

/// What is asked for, which may still hold mistakes, and what a run may do.
pub(super) struct PlanOptions {
    pub read: Read,
    limits: Limits,
    pub scope: Scope,
    /// Each `--target` by itself.
    targets: Vec<(String, Globs)>,
}

pub(super) fn options(args: &Planning, ui: &Ui) -> anyhow::Result<PlanOptions> {
    let mut read = inputs::read(&args.inputs, false, ui)?;
    let scope = ownership::scope(&mut read, &args.targets)?;
    let targets = ownership::each_target(&args.targets)?;
    let max_deletes = args.max_deletes.or(read.desired.settings.max_deletes).unwrap_or(DEFAULT_MAX_DELETES);
    let limits = Limits {
        max_deletes,
        delete_data: args.delete_data,
        protect: scope.protect.clone(),
        deny_weaker_alerts: args.deny.contains(&args::Deny::WeakerAlerts),
    };
    Ok(PlanOptions { read, limits, scope, targets })
}

/// A connection to the service that is meant.
pub(super) struct Session {
    pub target: Target,
    pub given: Given,
    pub connection: Connection,
    /// What rules are rendered by, where the target is a ruler.
    pub rules: Option<Settings>,
}

/// A plan with what it was made from.
pub(super) struct Planned {
    pub plan: Plan,
    pub actual: Actual,
    pub report: Report,
    /// What the target was asked for, where that is not all that is declared.
    pub asked: Option<Desired>,
    /// What is said below the plan where the service evaluates none of its alerts.
    pub unevaluated: Option<Diagnostic>,
}

impl PlanOptions {
    /// A connection to the service that is meant, once the files hold no mistakes: those without which no service is needed, and
    /// words that this service refuses. Warnings are shown with those of the plan.
    pub async fn session(&mut self, global: &Global, access: Access, ui: &Ui) -> anyhow::Result<Session> {
        let read = &mut self.read;
        if read.report.has_errors() {
            read.check(false, ui)?;
        }
        let opened = async {
            let (target, given) = Session::meant(read.endpoint(), global, ui)?;
            if matches!(target.place, Place::Embedded(_)) {
                read.report.refuse_unknown_words();
                if read.report.has_errors() {
                    read.check(false, ui)?;
                }
            }
            let mut rules = None;
            if matches!(target.place, Place::Ruler(..)) {
                rules = render::settings_of(read, &prometheus::Given::default());
                if rules.is_none() {
                    read.check(false, ui)?;
                }
            }
            Ok(Session { rules, ..Session::open(target, given, global, access, ui).await? })
        };
        let opened = opened.await;
        if opened.is_err() && !read.report.has_errors() {
            // There will be no plan to show them with.
            read.check(false, ui)?;
        }
        opened
    }
}

impl Session {
    /// The service that is meant, and who asks.
    pub fn meant(written: Option<Written>, global: &Global, ui: &Ui) -> anyhow::Result<(Target, Given)> {
        let given = credentials::given(global, ui)?;
        let target = target(global, || Ok(written), &given, ui)?;
        Ok((target, given))
    }

    pub async fn open(
        target: Target,
        given: Given,
        global: &Global,
        access: Access,
        ui: &Ui,
    ) -> anyhow::Result<Self> {
        let connection = endpoint::reach(global, &target, &given, access, ui).await;
        let connection = connection.map_err(|error| target.explain_way(error))?;
        Ok(Self { target, given, connection, rules: None })
    }

    /// What definitions are planned against and applied to.
    pub fn goal(&self) -> Result<Box<dyn targets::Target>, Stop> {
        self.connection.target(&self.target, &Whose::Settings(self.rules.as_ref()))
    }

    /// What was planned against a file that does not exist is written to one. Whether it was made now.
    pub async fn make_file(&mut self, global: &Global, ui: &Ui) -> anyhow::Result<bool> {
        self.connection.make_file(global, &self.target, &self.given, ui).await
    }

    /// Fetches what the files speak of and compares. Only reads.
    pub async fn plan(&self, options: &PlanOptions, ui: &Ui) -> anyhow::Result<Planned> {
        let desired = &options.read.desired;
        let mut wanted = FetchPlan::of(desired, &options.scope.prune);
        if options.limits.deny_weaker_alerts {
            // Alerts that no one declares here may use what changes, too.
            wanted.add(Collection::Alerts);
        }
        let what = format!("reading {}", self.target);
        let goal = self.goal()?;
        let mut actual = waiting(ui, &what, goal.read(&wanted))
            .await
            .map_err(as_error)
            .with_context(|| format!("cannot read {}", self.target))
            .map_err(|error| self.target.explain(error))?;
        let mut report = options.read.report.clone();
        if self.connection.client.asks_the_built_in_server() {
            report.refuse_unknown_words();
        }
        let files = &options.read.files;
        let asked = goal.ask(desired, files, &mut actual, &mut report);
        let desired: &Desired = &asked;
        let view = options.scope.view(desired, &actual.state);
        report.extend(ownership::aimless(&options.targets, desired, &view, &actual.state));
        let mut diff = diff::diff(desired, &actual.state, &view);
        let compared = Compared { desired, files, actual: &actual, view: &view };
        let writing = goal.complete(&compared, &mut diff, &mut report);
        let input = plan::Input {
            target: self.target.to_string(),
            desired,
            actual: &actual.state,
            duplicates: &actual.duplicates,
            diff,
            limits: &options.limits,
            files,
        };
        let mut found = Report::default();
        let mut plan = Plan { writing, ..plan::build(input, &mut found) };
        if !goal.has_clocks() {
            plan.steps.iter_mut().filter_map(|step| step.impact.as_mut()).for_each(Impact::forget_clocks);
            plan.indirect.iter_mut().for_each(|one| one.impact.forget_clocks());
        }
        plan::note_other_orders(desired, &actual.chart_order, files, &mut found);
        if !goal.holds(Kind::Metric) {
            // It does not know which metrics there are.
            found = without(&found, Code::UnmatchedPattern);
        }
        report.extend(found);
        report.sort(files);
        let unevaluated = unevaluated::diagnostic(&self.connection.client, desired);
        let asked = match asked {
            Cow::Borrowed(_) => None,
            Cow::Owned(asked) => Some(asked),
        };
        Ok(Planned { plan, actual, report, asked, unevaluated })
    }

    /// Adds what measurements say of a plan, where that was asked for, and holds it against what is denied. Only reads.
    /// `drawn`: with pictures.
    pub async fn look(
        &self,
        planned: &mut Planned,
        options: &PlanOptions,
        args: &Planning,
        drawn: bool,
        ui: &Ui,
    ) {
        let Some(length) = args.evidence_length().filter(|_| !planned.report.has_errors()) else { return };
        let what = format!("looking for evidence on {}", self.target);
        let client = &self.connection.client;
        client.take_failure();
        let mut found = match &self.rules {
            Some(settings) => {
                let looking = self.look_at_rules(planned, settings, options, (length, args.evidence_timeout));
                waiting(ui, &what, looking).await
            }
            None => {
                let asked = evidence::Asked { length, timeout: args.evidence_timeout, drawn };
                let Planned { plan, actual, .. } = &*planned;
                let looking = evidence::evidence(client, plan, &options.read.desired, actual, asked);
                waiting(ui, &what, looking).await
            }
        };
        let Planned { plan, report, .. } = planned;
        // Who runs out of time while requests fail would learn nothing of it.
        if let (Some(cut), Some(failure)) = (&mut found.looked.cut, client.take_failure()) {
            *cut = format!("{cut}, while requests failed ({failure})");
        }
        if let Some(most) = args.most_notifications() {
            plan.refusals.extend(found.noisy_alerts(&plan.steps, most));
            let unjudged: Vec<&str> = found.unjudged(&plan.steps).collect();
            if !unjudged.is_empty() {
                let message = format!(
                    "--deny noisy-alerts did not judge what could not be read: {}",
                    unjudged.join(", ")
                );
                report.push(
                    Diagnostic::warning(Code::EvidenceMissing, message)
                        .help("--evidence-timeout gives it more time; --strict makes this an error"),
                );
            }
        }
        plan.evidence = Some(found);
    }

    /// What a ruler's own engine says of the rules of a plan.
    async fn look_at_rules(
        &self,
        planned: &Planned,
        settings: &Settings,
        options: &PlanOptions,
        (length, timeout): (i64, Duration),
    ) -> plan::Evidence {
        let Planned { plan, actual, asked, .. } = planned;
        let asked = asked.as_ref().unwrap_or(&options.read.desired);
        let client = &self.connection.client;
        let questions = self
            .connection
            .rules(&self.target, settings)
            .and_then(|target| target.questions(asked, &options.read.files, actual));
        let prometheus = Prometheus::of_ruler(client.clone());
        let past = Past::new(prometheus, length, settings.interval, Instant::now() + timeout);
        let alert = |address: &Address| actual.state.get(address)?.as_alert().cloned();
        let strict = settings.rearm == PrometheusRearm::Strict;
        let limit = format!("--evidence-timeout {}s", timeout.as_secs());
        evidence::rules::evidence(&past, plan, &questions.unwrap_or_default(), &alert, (strict, &limit)).await
    }

    /// Someone took a while to answer: what was shown must still be what would be done.
    pub async fn confirm_unmoved(
        &self,
        shown: &Plan,
        options: &PlanOptions,
        ui: &Ui,
    ) -> anyhow::Result<Planned> {
        let now = self.plan(options, ui).await?;
        let changes = |plan: &Plan| plan.steps.iter().map(|step| step.change.clone()).collect::<Vec<_>>();
        if changes(&now.plan) == changes(shown) && now.plan.refusals.is_empty() {
            return Ok(now);
        }
        Err(Stop {
            exit: Exit::Refused,
            message: "the service changed while the plan was being confirmed: nothing was written".into(),
            help: vec!["run again to see the plan as it is now".into()],
        }
        .into())
    }
}

/// An error of a target; that of the service behind it as it is, for whoever looks for it.
pub(super) fn as_error(error: TargetError) -> anyhow::Error {
    match error {
        TargetError::Api(error) => error.into(),
        other => other.into(),
    }
}

fn without(report: &Report, code: Code) -> Report {
    let mut left = Report::default();
    report.iter().filter(|found| found.code != code.name()).for_each(|found| left.push(found.clone()));
    left
}
