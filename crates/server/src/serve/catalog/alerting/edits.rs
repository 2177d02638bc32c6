//! What changes of definitions do to what is evaluated: the machine runs on the stored state, in the transaction of the change, so that
//! the ends of incidents and the clears are its own. The evaluation notices by the alert's revision and takes it up again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::clock::{Clock, Written};
use super::evaluation::Evaluation;
use super::record::{Recorded, write};
use super::restore::{Restored, orphans, restore};
use super::states::{self, Found, Kept};
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::catalog::alerts::watched::Watched;
use crate::serve::names::fold;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::watch::{self, AlertState, Context, Transition};

/// What a change did to an alert, to be written when the alert is.
#[derive(Debug)]
pub struct Changed {
    watched: watch::Alert,
    transitions: Vec<Transition>,
    state: Kept,
}

/// The alert was `before`. Tells its conditions since when they count; what else there is to write is given back.
pub fn edit(
    tx: &Tx<'_>,
    by: &Evaluation,
    before: &Alert,
    after: &mut Alert,
    now: i64,
) -> Result<Option<Changed>, StoreError> {
    if before.is_watched_as(after) {
        let kept = after.conditions.iter_mut().zip(&before.conditions);
        kept.for_each(|(after, before)| after.since = before.since);
        return Ok(None);
    }
    let metrics = Watched::of(tx, [before, &*after])?;
    let (old, new) = (metrics.watch(before), metrics.watch(after));
    let settings = by.settings();
    let (was, is) = (context(&old, &settings), context(&new, &settings));
    let found = states::load(tx, &[before.id])?.remove(&before.id);
    let is_kept = found.is_some();
    let written = Clock::read(tx)?.written.of(before.id);
    let taken = take_up(tx, by, &was, before, found, written, now)?;
    let (mut state, mut transitions) = (taken.state, taken.ends);
    let at = now.max(state.through());
    transitions.extend(state.edit(&is, &old, at));
    for (place, condition) in after.conditions.iter_mut().enumerate() {
        condition.since = if new.active { state.since(place) } else { at };
    }
    if !by.is_on() && !is_kept && transitions.is_empty() {
        return Ok(None);
    }
    let state = if new.active && !new.conditions.is_empty() {
        Kept::of(&state, &is)?
    } else {
        Kept::nothing(before.id)
    };
    Ok(Some(Changed { watched: new, transitions, state }))
}

impl Changed {
    /// Writes it, once the alert is written.
    pub fn write(self, tx: &Tx<'_>, by: &Evaluation, alert: &Alert, now: i64) -> Result<(), StoreError> {
        let Changed { watched, transitions, state } = self;
        let (alert, watched) = (Arc::new(alert.clone()), Arc::new(watched));
        write(tx, &by.terms(now), &[&Recorded { alert, watched, transitions, state }])
    }
}

/// An alert that could not be read, or, where that was for another reason than damage, can.
pub fn as_far_as_known(tx: &Tx<'_>, id: i64) -> Result<Alert, StoreError> {
    match alerts::get_all(tx, &vec![id]) {
        Ok(mut found) => Ok(found.pop().unwrap_or_else(|| Alert::unread(id))),
        Err(StoreError::Damaged { .. }) => Ok(Alert::unread(id)),
        Err(error) => Err(error),
    }
}

/// The alert is about to be deleted. One that cannot be read ends as far as its incidents are known.
pub fn end(tx: &Tx<'_>, by: &Evaluation, alert: &Alert, now: i64) -> Result<(), StoreError> {
    on_state(tx, by, std::slice::from_ref(alert), now, false, |ctx, state, at| state.end(ctx.alert, at))
}

/// Someone has cleared the alert.
pub fn clear(tx: &Tx<'_>, by: &Evaluation, alert: &Alert, now: i64) -> Result<(), StoreError> {
    on_state(tx, by, std::slice::from_ref(alert), now, by.is_on(), |_, state, at| state.clear(at))?;
    alerts::revise(tx, &vec![alert.id])
}

/// A metric and all its series are about to be deleted.
pub fn drop_metric(tx: &Tx<'_>, by: &Evaluation, name: &str, now: i64) -> Result<(), StoreError> {
    let ids = alerts::naming(tx, &fold(name))?;
    if ids.is_empty() {
        return Ok(());
    }
    let readable = alerts::readable(tx, &ids)?;
    on_state(tx, by, &readable, now, false, |ctx, state, at| state.drop_metric(ctx, name, at))?;
    alerts::revise(tx, &ids)
}

/// Triggers of these incidents, by their alerts, were withdrawn before anybody could hear of them, since they are silenced.
pub fn withhold(
    tx: &Tx<'_>,
    by: &Evaluation,
    incidents: &BTreeMap<i64, BTreeSet<u64>>,
    now: i64,
) -> Result<(), StoreError> {
    let ids: Vec<i64> = incidents.keys().copied().collect();
    let readable = alerts::readable(tx, &ids)?;
    on_state(tx, by, &readable, now, false, |ctx, state, _| {
        let of_alert = incidents.get(&ctx.alert.id);
        of_alert.into_iter().flatten().for_each(|incident| state.withhold(*incident));
        Vec::new()
    })?;
    alerts::revise(tx, &ids)
}

/// Triggers reached no one, by their alerts: of which streams, where incidents are about streams, and their event times.
pub fn unheard(
    tx: &Tx<'_>,
    by: &Evaluation,
    triggers: &BTreeMap<i64, BTreeSet<(Option<String>, i64)>>,
    now: i64,
) -> Result<(), StoreError> {
    let ids: Vec<i64> = triggers.keys().copied().collect();
    let readable = alerts::readable(tx, &ids)?;
    on_state(tx, by, &readable, now, false, |ctx, state, _| {
        for (stream, at) in triggers.get(&ctx.alert.id).into_iter().flatten() {
            state.unheard(stream.as_deref(), *at);
        }
        Vec::new()
    })?;
    alerts::revise(tx, &ids)
}

/// Runs `change` on the states of alerts and writes what comes of it. Those of which nothing is kept are left out, unless they are to be
/// kept from now on.
fn on_state(
    tx: &Tx<'_>,
    by: &Evaluation,
    all: &[Alert],
    now: i64,
    keep_all: bool,
    change: impl Fn(&Context<'_>, &mut AlertState, i64) -> Vec<Transition>,
) -> Result<(), StoreError> {
    let ids: Vec<i64> = all.iter().map(|alert| alert.id).collect();
    let mut found = states::load(tx, &ids)?;
    if found.is_empty() && !keep_all {
        return Ok(());
    }
    let (metrics, clocks) = (Watched::of(tx, all)?, Clock::read(tx)?.written);
    let settings = by.settings();
    let mut batch = Vec::with_capacity(all.len());
    for alert in all {
        let kept = found.remove(&alert.id);
        if kept.is_none() && !keep_all {
            continue;
        }
        let watched = metrics.watch(alert);
        let ctx = context(&watched, &settings);
        let written = clocks.of(alert.id);
        let Taken { mut state, ends: mut transitions } = take_up(tx, by, &ctx, alert, kept, written, now)?;
        let at = now.max(state.through());
        transitions.extend(change(&ctx, &mut state, at));
        let state = Kept::of(&state, &ctx)?;
        batch.push(Recorded {
            alert: Arc::new(alert.clone()),
            watched: Arc::new(watched),
            transitions,
            state,
        });
    }
    write(tx, &by.terms(now), &batch.iter().collect::<Vec<_>>())
}

/// A state that was taken up.
struct Taken {
    state: AlertState,
    /// Ends of what was open where the state was lost.
    ends: Vec<Transition>,
}

fn take_up(
    tx: &Tx<'_>,
    by: &Evaluation,
    ctx: &Context<'_>,
    alert: &Alert,
    found: Option<Found>,
    written: Option<Written>,
    now: i64,
) -> Result<Taken, StoreError> {
    let Restored { state, lost } = restore(ctx, alert, found, written, now);
    let Some(why) = lost else { return Ok(Taken { state, ends: Vec::new() }) };
    by.loses(&alert.name, &why);
    Ok(Taken { state, ends: orphans(tx, alert.id, now)? })
}

/// Silences do not matter to what ends.
fn context<'a>(alert: &'a watch::Alert, settings: &'a watch::Settings) -> Context<'a> {
    Context { alert, settings, silences: &[] }
}
