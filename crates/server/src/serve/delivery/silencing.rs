//! What silences keep from being sent: withdrawn from the outbox when a silence begins, and where its turn comes meanwhile.

use std::collections::HashSet;

use super::dispatch::Dispatcher;
use super::table;
use crate::serve::catalog::alerting::deliveries::delivery::{Delivery, Status};
use crate::serve::catalog::alerting::silences::withdraw;
use crate::serve::catalog::services::settings::type_name;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

impl Dispatcher {
    /// What waits when a silence begins is withdrawn, also what is not due for a while.
    pub(super) async fn withdraw(&mut self, now: i64) -> Result<(), StoreError> {
        let active = self.store.read(move |tx: &Tx| table::silences_at(tx, now)).await?;
        let ids: HashSet<i64> = active.iter().map(|one| one.id).collect();
        if !ids.is_subset(&self.silent) {
            let by = self.by.clone();
            self.write(move |tx: &Tx| withdraw::withdraw(tx, &by, &active, now)).await?;
        }
        self.silent = ids;
        Ok(())
    }

    /// Withdraws what is silenced now that its turn has come.
    pub(super) async fn silence(
        &self,
        kind: &str,
        covered: Vec<Delivery>,
        now: i64,
    ) -> Result<(), StoreError> {
        if covered.is_empty() {
            return Ok(());
        }
        let (by, count) = (self.by.clone(), covered.len());
        self.write(move |tx: &Tx| withdraw::these(tx, &by, &covered, now)).await?;
        self.telemetry.delivery(type_name(kind), Status::Silenced.name(), count);
        Ok(())
    }
}
