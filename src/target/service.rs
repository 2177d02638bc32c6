//! The first target: a service that speaks the API the definitions are made for. It holds all there is, so nothing is taken as given.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use serde_json::Value;

use super::{Compared, Target, TargetError};
use crate::apply::{Observer, Options, apply};
use crate::diag::{Files, Report};
use crate::diff::Diff;
use crate::model::{Desired, Kind};
use crate::plan::{Outcome, Plan};
use crate::remote::Client;
use crate::remote::fetch::{Actual, FetchPlan, fetch};

#[derive(Debug, Clone)]
pub struct ServiceTarget(pub Client);

impl Target for ServiceTarget {
    fn holds(&self, _: Kind) -> bool {
        true
    }

    fn has_clocks(&self) -> bool {
        true
    }

    fn document(&self) -> LocalBoxFuture<'_, Result<Option<String>, TargetError>> {
        async { Ok(None) }.boxed_local()
    }

    fn read<'a>(&'a self, wanted: &'a FetchPlan) -> LocalBoxFuture<'a, Result<Actual, TargetError>> {
        async { Ok(fetch(&self.0, wanted).await?) }.boxed_local()
    }

    fn ask<'d>(&self, desired: &'d Desired, _: &Files, _: &mut Actual, _: &mut Report) -> Cow<'d, Desired> {
        Cow::Borrowed(desired)
    }

    fn complete(&self, _: &Compared<'_>, _: &mut Diff, _: &mut Report) -> Value {
        Value::Null
    }

    fn settle<'a>(
        &'a self,
        _: &'a Plan,
        _: Duration,
    ) -> LocalBoxFuture<'a, Result<Vec<String>, TargetError>> {
        // What it took is in force.
        async { Ok(Vec::new()) }.boxed_local()
    }

    fn write<'a>(
        &'a self,
        plan: &'a Plan,
        actual: Actual,
        options: &'a Options,
        observer: &'a dyn Observer,
    ) -> LocalBoxFuture<'a, Outcome> {
        apply(plan, actual.ids, &self.0, options, observer).boxed_local()
    }
}
