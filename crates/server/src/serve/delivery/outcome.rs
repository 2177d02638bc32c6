//! What comes of attempts: the pace of the service, what is counted and logged, and what is written down of each delivery.

use super::decide;
use super::dispatch::{Attempt, Dispatcher};
use super::log;
use super::pace::{End, backoff};
use super::table::{self, Head, Written};
use crate::notify::{Report, Verdict};
use crate::serve::catalog::alerting::deliveries::delivery::Status;
use crate::serve::catalog::alerting::deliveries::unheard;
use crate::serve::catalog::services::settings::type_name;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::troubles::To;

/// Nothing is put off for longer, in seconds.
const LONGEST: i64 = 3_600;

impl Dispatcher {
    /// Notes what came of an attempt.
    pub(super) async fn note(&mut self, ended: Option<Attempt>) {
        let Some(Attempt { service, kind, title, heads, report }) = ended else {
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
        let failures = heads.iter().map(|head| head.delivery.attempts).max().unwrap_or_default();
        let failures = u32::try_from(failures).unwrap_or(u32::MAX).saturating_add(1);
        let wait = i64::try_from(backoff(failures, share).as_secs()).unwrap_or(LONGEST);
        let refused = heads.first().is_some_and(|head| self.refused.contains(&head.delivery.id));
        let written = decide::attempted(&heads, &report, now, wait, refused);
        for one in &written {
            match (report.verdict, one.status) {
                (Verdict::Lasting | Verdict::Unready, Status::Waiting) => _ = self.refused.insert(one.id),
                _ => _ = self.refused.remove(&one.id),
            }
        }
        let to = To { id: service, kind: &kind, title: &title };
        self.note_attempt(to, &report, &written, now);
        self.count(to, &heads, &report, &written);
        self.unwritten.push(written);
        let marked = self.write_down().await;
        if let Err(StoreError::Superseded) = marked {
            self.forget();
        } else if let Err(error) = marked {
            tracing::error!(target: "librato_apply::serve", %error, "what was sent cannot be marked yet; this goes on being tried");
        }
    }

    /// Counts and logs what came of an attempt.
    fn count(&self, to: To<'_>, heads: &[Head], report: &Report, written: &[Written]) {
        let outcome = match report.verdict {
            Verdict::Taken => "sent",
            _ => written.first().map_or("", |one| one.status.name()),
        };
        let outcome = if outcome == Status::Waiting.name() { "retried" } else { outcome };
        self.telemetry.delivery(type_name(to.kind), outcome, written.len());
        log::attempt(to, heads, outcome, written);
    }

    /// Marks what was sent and what has ended. What cannot be marked stays busy, so that it is not sent again meanwhile.
    pub(super) async fn write_down(&mut self) -> Result<(), StoreError> {
        while let Some(written) = self.unwritten.last().cloned() {
            let now = self.store.now();
            let ids: Vec<i64> = written.iter().map(|one| one.id).collect();
            let by = self.by.clone();
            let write = move |tx: &Tx| {
                table::write(tx, &written, now)?;
                let lost = written.iter().filter(|one| one.status.is_lost()).map(|one| one.id).collect();
                unheard::tell(tx, &by, &lost, now)
            };
            self.write(write).await?;
            self.unwritten.pop();
            for id in ids {
                self.busy.remove(&id);
            }
        }
        Ok(())
    }
}
