//! What the dispatcher knows of notifications that do not arrive, for whoever asks how the server does (`troubles`): what attempts came to,
//! what was given up before a restart, and what would not be sent although alerts name it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::dispatch::Dispatcher;
use super::sending::Sending;
use super::table::{self, Written};
use crate::diag::counted;
use crate::notify::{Report, Verdict};
use crate::serve::catalog::alerting::deliveries::delivery::{Delivery, Status};
use crate::serve::catalog::services::table::{self as services, Service};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::troubles::{Became, To, Why};

/// What was given up longer ago than this, in seconds, is no news.
const BACK: i64 = 86_400;

/// How often it is looked what would not be sent, in milliseconds.
const EVERY: i64 = 30_000;

/// Settings that hold where messages go.
const URLS: [&str; 2] = ["url", "server_url"];

impl Dispatcher {
    /// Notes what became of deliveries that were attempted.
    pub(super) fn note_attempt(&self, to: To<'_>, report: &Report, written: &[Written], now: i64) {
        for one in written {
            self.telemetry.troubles().note(
                to,
                one.id,
                attempted(report, one.status),
                one.detail.as_deref(),
                now,
            );
        }
    }

    /// Notes what became of one that needed no attempt.
    pub(super) fn note_settled(&self, delivery: &Delivery, status: Status, detail: Option<&str>, now: i64) {
        let service = &delivery.service;
        let to = To { id: service.id, kind: &service.kind, title: &service.title };
        self.telemetry.troubles().note(to, delivery.id, settled(status), detail, now);
    }

    /// Takes up what was given up before the server started.
    pub(super) async fn recall(&self) -> Result<(), StoreError> {
        let now = self.store.now();
        let ended = self.store.read(move |tx: &Tx| table::ended(tx, now.saturating_sub(BACK))).await?;
        let mut troubles = self.telemetry.troubles();
        for one in ended {
            let to = To { id: one.service, kind: &one.kind, title: &one.title };
            troubles.note(to, one.id, settled(one.status), one.detail.as_deref(), one.at);
        }
        Ok(())
    }

    /// Looks now and then at what would not be sent, and says what of it is new.
    pub(super) async fn look_ahead(&mut self, now: i64, ran: i64) -> Result<(), StoreError> {
        if self.ahead.is_some_and(|looked| ran.saturating_sub(looked) < EVERY) {
            return Ok(());
        }
        self.ahead = Some(ran);
        for message in self.foresee().await? {
            tracing::warn!(target: "librato_apply::serve", "{message}");
        }
        let (ids, waited) = self.telemetry.troubles().remembered();
        let read =
            move |tx: &Tx| Ok::<_, StoreError>((services::titles(tx, &ids)?, table::waiting(tx, &waited)?));
        let (known, waiting) = self.store.read(read).await?;
        self.telemetry.troubles().keep(|id| known.contains_key(&id), |id| waiting.contains(&id), now);
        Ok(())
    }

    /// What would not be sent, as far as no one was told yet.
    pub(super) async fn foresee(&self) -> Result<Vec<String>, StoreError> {
        let read = |tx: &Tx| {
            let attached = table::attached(tx)?;
            let ids: Vec<i64> = attached.keys().copied().collect();
            Ok::<_, StoreError>((services::get_all(tx, &ids)?, attached))
        };
        let (services, attached) = self.store.read(read).await?;
        let unsent = |(id, alerts): (i64, i64)| {
            let service: &Arc<Service> = services.get(&id)?;
            let why = unsent(&self.sending, &service.service_type, service.settings.revealed())?;
            let alerts = counted(alerts, "active alert");
            Some((id, format!("{why}, so the service \"{}\" of {alerts} reaches nobody", service.title)))
        };
        let ahead: BTreeMap<i64, String> = attached.into_iter().filter_map(unsent).collect();
        Ok(self.telemetry.troubles().foresee(ahead))
    }
}

/// Why this server would not send to a service, as far as it says by itself.
pub(super) fn unsent(
    sending: &Sending,
    kind: &str,
    settings: &serde_json::Map<String, Value>,
) -> Option<String> {
    if kind == "mail" && !sending.has_relay() {
        return Some("no mail relay is configured (`serve --smtp`)".to_owned());
    }
    let urls = URLS.iter().filter_map(|name| settings.get(*name).and_then(Value::as_str));
    urls.filter_map(|url| sending.refused(&Url::parse(url).ok()?)).next().map(|refusal| refusal.to_string())
}

fn attempted(report: &Report, status: Status) -> Became {
    let why = match report.verdict {
        Verdict::Passing { .. } => Why::Failed,
        Verdict::Unready => Why::Unsent,
        Verdict::Taken | Verdict::Lasting | Verdict::Dead | Verdict::NotTaken => Why::Refused,
    };
    match status {
        Status::Waiting => Became::Waits(why),
        _ if report.verdict == Verdict::Taken => Became::Arrived,
        _ if status.is_lost() => Became::Lost(why),
        _ => Became::Void,
    }
}

fn settled(status: Status) -> Became {
    match status {
        Status::Sent => Became::Arrived,
        Status::Expired => Became::Lost(Why::Failed),
        _ if status.is_lost() => Became::Lost(Why::Refused),
        _ => Became::Void,
    }
}
