//! What comes of attempts: the pace of the service, what is counted and logged, and what is written down of each delivery.

use super::decide;
use super::dispatch::{Attempt, Dispatcher};
use super::pace::{End, backoff};
use super::table::{self, Written};
use crate::notify::{Report, Verdict};
use crate::serve::catalog::alerting::deliveries::delivery::Status;
use crate::serve::catalog::services::settings::type_name;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// Nothing is put off for longer, in seconds.
const LONGEST: i64 = 3_600;

impl Dispatcher {
    /// Notes what came of an attempt.
    pub(super) async fn note(&mut self, ended: Option<Attempt>) {
        let Some(Attempt { service, kind, title, deliveries, report }) = ended else {
            tracing::error!(target: "librato_apply::serve", "sending a notification failed inside the server");
            return;
        };
        let (now, ran, share) = (self.store.now(), self.store.clock().ran(), (self.share)());
        let end = match report.verdict {
            Verdict::Taken | Verdict::Lasting => End::Answered,
            Verdict::Passing { retry_after } => End::Failed(retry_after),
            Verdict::Unready | Verdict::Dead | Verdict::NotTaken => End::Unasked,
        };
        if let Some(pace) = self.paces.get_mut(&service) {
            let was_open = pace.is_open();
            pace.end(end, ran, share);
            match (was_open, pace.is_open()) {
                (false, true) => {
                    tracing::warn!(target: "librato_apply::serve", service, kind, title, "a service fails; it is only probed until it answers");
                }
                (true, false) => {
                    tracing::info!(target: "librato_apply::serve", service, kind, title, "a service answers again");
                }
                _ => {}
            }
        }
        let failures = deliveries.iter().map(|delivery| delivery.attempts).max().unwrap_or_default();
        let failures = u32::try_from(failures).unwrap_or(u32::MAX).saturating_add(1);
        let wait = i64::try_from(backoff(failures, share).as_secs()).unwrap_or(LONGEST);
        let refused = deliveries.first().is_some_and(|delivery| self.refused.contains(&delivery.id));
        let written = decide::attempted(&deliveries, &report, now, wait, refused);
        for one in &written {
            match (report.verdict, one.status) {
                (Verdict::Lasting, Status::Waiting) => _ = self.refused.insert(one.id),
                _ => _ = self.refused.remove(&one.id),
            }
        }
        self.count(service, &kind, &title, &report, &written);
        self.unwritten.push(written);
        if let Err(error) = self.write_down().await {
            tracing::error!(target: "librato_apply::serve", %error, "what was sent cannot be marked yet; this goes on being tried");
        }
    }

    /// Counts and logs what came of an attempt.
    fn count(&self, service: i64, kind: &str, title: &str, report: &Report, written: &[Written]) {
        let outcome = match report.verdict {
            Verdict::Taken => "sent",
            _ => written.first().map_or("", |one| one.status.name()),
        };
        let outcome = if outcome == Status::Waiting.name() { "retried" } else { outcome };
        self.telemetry.delivery(type_name(kind), outcome, written.len());
        let detail = report.detail.as_deref().unwrap_or_default();
        let (status, count) = (report.status.unwrap_or_default(), written.len());
        match outcome {
            "sent" => {
                tracing::debug!(target: "librato_apply::serve", service, kind, title, count, "notified");
            }
            "retried" => {
                tracing::warn!(target: "librato_apply::serve", service, kind, title, status, detail, count, "a notification was not taken; it is tried again");
            }
            "dropped" => {}
            _ => {
                tracing::error!(target: "librato_apply::serve", service, kind, title, status, detail, count, outcome, "a notification was given up");
            }
        }
    }

    /// Marks what was sent and what has ended. What cannot be marked stays busy, so that it is not sent again meanwhile.
    pub(super) async fn write_down(&mut self) -> Result<(), StoreError> {
        while let Some(written) = self.unwritten.last().cloned() {
            let now = self.store.now();
            let ids: Vec<i64> = written.iter().map(|one| one.id).collect();
            self.store.write(move |tx: &Tx| table::write(tx, &written, now)).await?;
            self.unwritten.pop();
            for id in ids {
                self.busy.remove(&id);
            }
        }
        Ok(())
    }
}
