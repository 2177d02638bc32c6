//! Triggers that wait when a silence begins: those that it covers, and of which nothing may have arrived, are withdrawn. The machine
//! learns that it was not heard, and says it when the silence ends.

use std::collections::{BTreeMap, BTreeSet};

use super::silence::{Phase, Silence};
use crate::notify::What;
use crate::serve::catalog::alerting::deliveries::delivery::{Delivery, Payload};
use crate::serve::catalog::alerting::deliveries::table as deliveries;
use crate::serve::catalog::alerting::edits;
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::catalog::alerting::incidents::incident::number;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// Withdraws what a silence covers that is active now.
pub fn withdraw(tx: &Tx<'_>, by: &Evaluation, silence: &Silence, now: i64) -> Result<(), StoreError> {
    if silence.phase(now) != Phase::Active {
        return Ok(());
    }
    let covered: Vec<Delivery> =
        deliveries::withdrawable(tx)?.into_iter().filter(|delivery| covers(silence, delivery)).collect();
    if covered.is_empty() {
        return Ok(());
    }
    deliveries::silence(tx, &covered.iter().map(|delivery| delivery.id).collect(), now)?;
    let mut unheard: BTreeMap<i64, BTreeSet<u64>> = BTreeMap::new();
    for delivery in &covered {
        unheard.entry(delivery.alert).or_default().extend(number(&delivery.key));
    }
    edits::withhold(tx, by, &unheard, now)
}

/// Whether all that a trigger says is silenced. What it does not list may not be.
fn covers(silence: &Silence, delivery: &Delivery) -> bool {
    let Payload::Message(message) = &delivery.payload else { return false };
    let What::Trigger { violations, truncated, .. } = &message.what else { return false };
    let silence = silence.watched();
    silence.is_of(&delivery.alert_name)
        && (*truncated == 0 || silence.stream == "*")
        && violations.iter().all(|violation| silence.is_about(&violation.stream))
}
