//! Triggers that wait while a silence is on: those that it covers, and of which nothing may have arrived, are withdrawn when it begins, or
//! when their turn comes. The machine learns that it was not heard, and says it when the silence ends.

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

/// Withdraws what the silences cover that are active now.
pub fn withdraw(tx: &Tx<'_>, by: &Evaluation, silences: &[Silence], now: i64) -> Result<(), StoreError> {
    if silences.iter().all(|silence| silence.phase(now) != Phase::Active) {
        return Ok(());
    }
    let mut covered = deliveries::withdrawable(tx)?;
    covered.retain(|delivery| is_silenced(delivery, silences, now));
    these(tx, by, &covered, now)
}

/// Withdraws deliveries that are silenced.
pub fn these(tx: &Tx<'_>, by: &Evaluation, covered: &[Delivery], now: i64) -> Result<(), StoreError> {
    if covered.is_empty() {
        return Ok(());
    }
    deliveries::silence(tx, &covered.iter().map(|delivery| delivery.id).collect(), now)?;
    let mut unheard: BTreeMap<i64, BTreeSet<u64>> = BTreeMap::new();
    for delivery in covered {
        unheard.entry(delivery.alert).or_default().extend(number(&delivery.key));
    }
    edits::withhold(tx, by, &unheard, now)
}

/// Whether all that a trigger says is silenced, and nothing of it may have arrived. What it does not list may not be silenced.
pub fn is_silenced(delivery: &Delivery, silences: &[Silence], now: i64) -> bool {
    let Payload::Message(message) = &delivery.payload else { return false };
    let What::Trigger { violations, truncated, .. } = &message.what else { return false };
    let of_alert: Vec<_> = silences
        .iter()
        .filter(|silence| silence.phase(now) == Phase::Active)
        .map(Silence::watched)
        .filter(|silence| silence.is_of(&delivery.alert_name))
        .collect();
    let is_whole = *truncated == 0 || of_alert.iter().any(|silence| silence.stream == "*");
    let is_covered = |stream: &str| of_alert.iter().any(|silence| silence.is_about(stream));
    !delivery.in_doubt
        && !of_alert.is_empty()
        && is_whole
        && violations.iter().all(|violation| is_covered(&violation.stream))
}
