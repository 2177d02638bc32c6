//! Where definitions are planned against and applied to, behind one trait: a target says what it can hold, reads what it has as the kinds
//! there are, and writes a plan. What is compared, planned, refused and shown is the same for all; how an object is addressed (by an id,
//! by a group of rules) is the business of the target. Prints nothing.

pub mod ruler;
mod service;

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::apply::{Observer, Options};
use crate::diag::{Files, Report};
use crate::diff::Diff;
use crate::diff::scope::View;
use crate::model::{Desired, Kind};
use crate::plan::{Outcome, Plan};
use crate::remote::ApiError;
use crate::remote::fetch::{Actual, FetchPlan};
use crate::remote::ruler::RulerError;

pub use service::ServiceTarget;

pub trait Target {
    /// Whether it can hold objects of a kind.
    fn holds(&self, kind: Kind) -> bool;

    /// Whether what it evaluates remembers since when a condition holds, and forgets that when an alert is changed.
    fn has_clocks(&self) -> bool;

    /// The document of others that part of a plan is written into, as it is, with whatever secrets it holds; empty where there is none yet,
    /// and nothing where plans are not written into any.
    ///
    /// # Errors
    /// When it cannot be read.
    fn document(&self) -> LocalBoxFuture<'_, Result<Option<String>, TargetError>>;

    /// What it has, as far as it is wanted: definitions, and beside them what writing needs.
    ///
    /// # Errors
    /// When any of it cannot be read completely.
    fn read<'a>(&'a self, wanted: &'a FetchPlan) -> LocalBoxFuture<'a, Result<Actual, TargetError>>;

    /// What of the definitions this target is asked for. What it cannot hold is taken as given, in `actual` too, and said in the
    /// report, once.
    fn ask<'d>(
        &self,
        desired: &'d Desired,
        files: &Files,
        actual: &mut Actual,
        report: &mut Report,
    ) -> Cow<'d, Desired>;

    /// Adds to the difference what definitions do not say of what the target has, and gives what writing the changes needs, in a form
    /// of its own and without secrets: it becomes part of the plan.
    fn complete(&self, compared: &Compared<'_>, diff: &mut Diff, report: &mut Report) -> Value;

    /// Waits, at most so long, until what was written is in force; gives what goes wrong there, in sentences.
    ///
    /// # Errors
    /// Where the target cannot be asked.
    fn settle<'a>(
        &'a self,
        plan: &'a Plan,
        patience: Duration,
    ) -> LocalBoxFuture<'a, Result<Vec<String>, TargetError>>;

    /// Writes a plan. Every step ends in the outcome, whatever happens to the others.
    fn write<'a>(
        &'a self,
        plan: &'a Plan,
        actual: Actual,
        options: &'a Options,
        observer: &'a dyn Observer,
    ) -> LocalBoxFuture<'a, Outcome>;
}

/// What was compared.
pub struct Compared<'a> {
    /// What the target is asked for.
    pub desired: &'a Desired,
    /// The files, for places.
    pub files: &'a Files,
    /// What it has.
    pub actual: &'a Actual,
    /// What of both is looked at.
    pub view: &'a View,
}

/// Why a target could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TargetError {
    /// The service behind it.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It is no ruler, or not one that can be read.
    #[error(transparent)]
    Ruler(RulerError),
    /// The configuration of its Alertmanager is not one that ours can be part of.
    #[error("the configuration of Alertmanager is left alone: {0}")]
    Alertmanager(String),
}

impl From<RulerError> for TargetError {
    fn from(error: RulerError) -> Self {
        match error {
            RulerError::Api(error) => Self::Api(error),
            other => Self::Ruler(other),
        }
    }
}
