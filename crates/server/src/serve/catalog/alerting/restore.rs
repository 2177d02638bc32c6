//! The state of an alert as it was kept, or as it must have been where nothing was kept.

use super::clock::Written;
use super::deliveries::table as deliveries;
use super::incidents::incident::number;
use super::incidents::table as incidents;
use super::states::Found;
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::watch::{AlertState, Context, How, Message, Notice, Transition};

/// What can be made of what is kept.
#[derive(Debug)]
pub struct Restored {
    pub state: AlertState,
    /// Why what was kept is of no use. The state is that of an alert that is made now; what it had open is to be closed by [`orphans`].
    pub lost: Option<String>,
}

/// Takes up the state of an alert. [`AlertState::prime`] is to follow where it is driven on. `written` is the clock as it was last
/// written down, `now` the second it is.
pub fn restore(
    ctx: &Context<'_>,
    alert: &Alert,
    found: Option<Found>,
    written: Option<Written>,
    now: i64,
) -> Restored {
    let lost = match found {
        Some(Found::Pages(pages)) => match AlertState::from_pages(ctx, pages) {
            Ok(state) => return Restored { state, lost: None },
            Err(unreadable) => Some(unreadable.to_string()),
        },
        Some(Found::Unreadable(why)) => Some(why),
        None => None,
    };
    let next = alert.incidents.saturating_add(1);
    let since: Vec<i64> = match &lost {
        Some(_) => alert.conditions.iter().map(|_| now).collect(),
        None => alert.conditions.iter().map(|condition| condition.since).collect(),
    };
    let frontier = written.map(|written| written.clock.saturating_sub(ctx.alert.delay(ctx.settings)));
    let through = if lost.is_some() { now } else { frontier.unwrap_or(now).min(now) };
    Restored { state: AlertState::quiet(ctx.alert, &since, through, next), lost }
}

/// The ends, at second `at`, of what an alert had open whose state is lost, so that no pager is left hanging: as the tables know them.
pub fn orphans(tx: &Tx<'_>, alert: i64, at: i64) -> Result<Vec<Transition>, StoreError> {
    let mut ends = Vec::new();
    let open = incidents::open_of(tx, alert)?;
    let told = deliveries::numbers(tx, &open.iter().map(|incident| incident.key.clone()).collect())?;
    for incident in open {
        let Some(number) = number(&incident.key) else { continue };
        let stream = incident.stream.map(Into::into);
        let services: Vec<i64> = told.get(&incident.key).map_or_else(Vec::new, |told| told.services.clone());
        let (how, notified) = (How::Auto, incident.triggered.is_some());
        ends.push(Transition::Closed { incident: number, stream: stream.clone(), at, how, notified });
        if let Some(told) = told.get(&incident.key) {
            let (seq, message) = (told.next, Message::Clear(How::Auto));
            ends.push(Transition::Notice(Notice { incident: number, stream, seq, at, services, message }));
        }
    }
    Ok(ends)
}
