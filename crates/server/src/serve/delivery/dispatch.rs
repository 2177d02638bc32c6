//! The dispatcher: takes from the outbox what is due and brings it to services, each at its own pace and all at the same time. It
//! decides nothing by itself (`decide`, `pace`); what it has sent is marked after it was sent, so that a server that is killed sends
//! again rather than not at all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::task::JoinSet;
use url::Url;

use super::decide::{self, IN_DIGEST, STORM};
use super::options::NotifyOptions;
use super::pace::Pace;
use super::sending::{NotifyError, Sending};
use super::table::{self, Head, Queue, Written};
use crate::notify::{
    Illustration, LinkedPicture, Message, Report, Request, digest, digests, links_pictures, render,
};
use crate::serve::catalog::alerting::clock::Clock as AlertClock;
use crate::serve::catalog::alerting::deliveries::delivery::{Delivery, Payload, Status};
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::catalog::alerting::options::AlertOptions;
use crate::serve::catalog::alerting::silences::silence::Silence;
use crate::serve::catalog::services::settings::type_name;
use crate::serve::catalog::services::table::{self as services, Service};
use crate::serve::cluster::{Cluster, Duty, Token};
use crate::serve::http::users::Users;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::telemetry::{Circuit, Telemetry};
use crate::serve::troubles::Troubles;

/// What it is called among the duties of servers.
const DUTY: &str = "outbox";

/// Requests under way at one time.
const AT_ONCE: usize = 16;

/// How often it looks for what is due.
const LOOK: Duration = Duration::from_millis(500);

/// How long attempts may take that are under way when the server stops.
const LAST: Duration = Duration::from_secs(5);

/// What brings notifications to services.
pub struct Dispatcher {
    pub(super) store: Store,
    pub(super) telemetry: Telemetry,
    pub(super) sending: Sending,
    pub(super) paces: HashMap<i64, Pace>,
    attempts: JoinSet<Attempt>,
    /// Deliveries that are under way or whose end is not written down yet, with their incidents.
    pub(super) busy: HashMap<i64, (String, i64)>,
    pub(super) unwritten: Vec<Vec<Written>>,
    /// What was refused once.
    pub(super) refused: HashSet<i64>,
    /// From 0 to 1, by chance.
    pub(super) share: fn() -> f64,
    failing: bool,
    /// The silences that were on at the last look.
    pub(super) silent: HashSet<i64>,
    pub(super) by: Evaluation,
    /// Of all servers of a database one sends.
    duty: Duty,
    /// By which this one did last.
    token: Option<Token>,
    /// When it was last looked what would not be sent, by the clock that only goes on.
    pub(super) ahead: Option<i64>,
}

/// An attempt that has ended.
pub(super) struct Attempt {
    pub(super) service: i64,
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) heads: Vec<Head>,
    pub(super) report: Report,
}

/// What is known of one service when its turn comes.
struct Turn {
    service: Option<Arc<Service>>,
    heads: Vec<Head>,
    silences: Vec<Silence>,
}

impl Dispatcher {
    /// Sends nothing before [`Dispatcher::run`]. `users` and `telemetry` are those of the router, `alerts` and `options` of its
    /// [`Options`](crate::serve::Options). Of the servers of `cluster` one sends.
    ///
    /// # Errors
    /// When nothing could be sent with these options.
    pub fn new(
        store: &Store,
        users: Users,
        telemetry: &Telemetry,
        alerts: &AlertOptions,
        options: &NotifyOptions,
        cluster: &Cluster,
    ) -> Result<Dispatcher, NotifyError> {
        let sending = Sending::new(options);
        sending.at(0)?;
        Ok(Dispatcher {
            store: store.clone(),
            telemetry: telemetry.clone(),
            sending,
            paces: HashMap::new(),
            attempts: JoinSet::new(),
            busy: HashMap::new(),
            unwritten: Vec::new(),
            refused: HashSet::new(),
            share: chance,
            failing: false,
            silent: HashSet::new(),
            by: Evaluation::new(alerts.clone(), users, telemetry.lost_states()),
            duty: cluster.duty(DUTY),
            token: None,
            ahead: None,
        })
    }

    /// Sends what is due until `stop` resolves; attempts that are under way then have a few seconds left.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        self.telemetry.delivers();
        let mut stop = std::pin::pin!(stop);
        loop {
            self.round().await;
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = self.attempts.join_next() => self.note(ended.ok()).await,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        let rest = async {
            while let Some(ended) = self.attempts.join_next().await {
                self.note(ended.ok()).await;
            }
        };
        if tokio::time::timeout(LAST, rest).await.is_err() {
            tracing::warn!(target: "librato_apply::serve", "some notifications were under way and will be sent again");
        }
        self.duty.give_back().await;
    }

    /// Starts what is due, as far as there is room and it is this server that sends.
    pub(super) async fn round(&mut self) {
        let held = self.duty.held();
        let outcome = match held {
            Some(token) => {
                if self.token.as_ref() != Some(&token) {
                    self.begin_anew(token).await;
                }
                self.look().await
            }
            // What was sent is marked, also where nothing more may be begun: the database knows whether it is still ours.
            None => self.write_down().await,
        };
        match outcome {
            Ok(()) => self.failing = false,
            Err(StoreError::Superseded) => self.forget(),
            Err(error) => {
                if !self.failing {
                    tracing::error!(target: "librato_apply::serve", %error, "notifications cannot be read or marked; this goes on being tried");
                }
                self.failing = true;
            }
        }
    }

    /// Sends from now on. Where others did meanwhile, nothing that is remembered of what waits is true any more.
    async fn begin_anew(&mut self, token: Token) {
        self.forget();
        self.token = Some(token);
        if let Err(error) = self.recall().await {
            tracing::error!(target: "librato_apply::serve", %error, "what was given up before the start cannot be read");
        }
    }

    /// Leaves to others what was under way: they know of it only that it is not marked, and send it again.
    pub(super) fn forget(&mut self) {
        self.attempts = JoinSet::new();
        self.busy.clear();
        self.unwritten.clear();
        self.refused.clear();
        self.silent.clear();
        self.paces.clear();
        self.ahead = None;
        if self.token.take().is_some() {
            *self.telemetry.troubles() = Troubles::default();
        }
        self.telemetry.outbox(0, Duration::ZERO, BTreeMap::new());
    }

    /// Writes, as long as nobody else sends.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(token) = self.token.clone() else { return Err(StoreError::Superseded) };
        let fenced = move |tx: &Tx| {
            token.fence(tx)?;
            job(tx)
        };
        self.store.write(fenced).await
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        self.write_down().await?;
        let (now, ran) = (self.store.now(), self.store.clock().ran());
        self.withdraw(now).await?;
        let queues = self.store.read(move |tx: &Tx| table::queues(tx, now)).await?;
        self.tell(&queues, now, ran);
        self.look_ahead(now, ran).await?;
        for queue in queues.iter().filter(|queue| queue.due > 0) {
            self.serve(queue, now, ran).await?;
        }
        Ok(())
    }

    /// What is known of what waits goes to telemetry.
    fn tell(&mut self, queues: &[Queue], now: i64, ran: i64) {
        let seconds = |since: Option<i64>| {
            let waited = since.map_or(0, |since| now.saturating_sub(since).max(0));
            Duration::from_secs(waited.unsigned_abs())
        };
        // Whoever waits behind a far end that does not answer is not held up by this server.
        let open = |queue: &&Queue| self.paces.get(&queue.service).is_none_or(|pace| !pace.is_open());
        let untried = queues.iter().filter(open).filter_map(|queue| queue.untried).min();
        self.telemetry.delivered(ran, seconds(untried));
        self.duty.done(seconds(untried));
        let waiting = queues.iter().map(|queue| queue.waiting).sum();
        let oldest = seconds(queues.iter().map(|queue| queue.oldest).min());
        let waits: HashSet<i64> = queues.iter().map(|queue| queue.service).collect();
        // A service for which nothing waits has a clean sheet once its burst is filled again.
        self.paces.retain(|service, pace| waits.contains(service) || !pace.is_quiet(ran));
        let at = |then: i64| self.store.now().saturating_add(then.saturating_sub(ran).div_euclid(1000));
        let open = |(service, pace): (&i64, &Pace)| {
            let (since, next) = pace.circuit()?;
            Some((*service, Circuit { since: at(since), next: at(next) }))
        };
        let circuits = self.paces.iter().filter_map(open).collect();
        self.telemetry.outbox(waiting, oldest, circuits);
    }

    /// Starts what is due for one service.
    async fn serve(&mut self, queue: &Queue, now: i64, ran: i64) -> Result<(), StoreError> {
        let pace = self.paces.entry(queue.service).or_insert_with(|| Pace::new(ran));
        let (room, is_open) =
            (pace.room(ran).min(AT_ONCE - self.attempts.len().min(AT_ONCE)), pace.is_open());
        if room == 0 && !is_open {
            return Ok(());
        }
        let turn = self.turn(queue.service, now).await?;
        let mut settled = Vec::new();
        let mut left = Vec::new();
        for head in turn.heads {
            let is_busy = self.busy.contains_key(&head.delivery.id)
                || self
                    .busy
                    .values()
                    .any(|(key, service)| *key == head.delivery.key && *service == queue.service);
            if is_busy {
                continue;
            }
            match decide::settled(&head, &turn.silences, is_open, now) {
                Some(written) => settled.push((head.delivery, written)),
                None => left.push(head),
            }
        }
        let covered: Vec<Delivery> = settled
            .extract_if(.., |(_, written)| written.status == Status::Silenced)
            .map(|(delivery, _)| delivery)
            .collect();
        self.silence(&queue.kind, covered, now).await?;
        let Some(service) = turn.service else {
            let gone = left.drain(..).map(|Head { delivery, .. }| {
                let detail = Some("the service was deleted".to_owned());
                let written = Written { status: Status::Failed, detail, ..decide::untouched(&delivery) };
                (delivery, written)
            });
            settled.extend(gone.collect::<Vec<_>>());
            return self.settle(&queue.kind, settled).await;
        };
        self.settle(&service.service_type, settled).await?;
        if queue.waiting > STORM && digests(&service.service_type) && left.len() > 1 {
            if room > 0 {
                let rest = left[0].delivery.rest.clone();
                let together =
                    left.into_iter().filter(|head| head.delivery.rest == rest).take(IN_DIGEST).collect();
                self.start(&service, together, now);
            }
            return Ok(());
        }
        for head in left.into_iter().take(room) {
            self.start(&service, vec![head], now);
        }
        Ok(())
    }

    async fn turn(&self, service: i64, now: i64) -> Result<Turn, StoreError> {
        let most = 3 * IN_DIGEST;
        let token = self.token.clone().ok_or(StoreError::Superseded)?;
        let read = move |tx: &Tx| {
            // Whoever stood still since it began to look sends nothing that another server may send.
            token.check(tx)?;
            Ok::<_, StoreError>(Turn {
                service: services::get_all(tx, &[service])?.remove(&service),
                heads: table::heads(tx, service, now, most)?,
                silences: table::silences_at(tx, now)?,
            })
        };
        self.store.read(read).await
    }

    /// Writes down what needs no attempt.
    async fn settle(&mut self, kind: &str, settled: Vec<(Delivery, Written)>) -> Result<(), StoreError> {
        if settled.is_empty() {
            return Ok(());
        }
        let mut written = Vec::with_capacity(settled.len());
        for (delivery, one) in settled {
            self.note_settled(&delivery, one.status, one.detail.as_deref(), self.store.now());
            self.busy.insert(delivery.id, (delivery.key, delivery.service.id));
            self.telemetry.delivery(type_name(kind), one.status.name(), 1);
            written.push(one);
        }
        self.unwritten.push(written);
        self.write_down().await
    }

    /// Sends one message, or several as a digest.
    fn start(&mut self, service: &Service, heads: Vec<Head>, now: i64) {
        if let Some(pace) = self.paces.get_mut(&service.id) {
            pace.begin();
        }
        for Head { delivery, .. } in &heads {
            self.busy.insert(delivery.id, (delivery.key.clone(), service.id));
        }
        let store = self.store.clone();
        let (sending, settings) = (self.sending.clone(), service.settings.revealed().clone());
        let (id, kind, title) = (service.id, service.service_type.clone(), service.title.clone());
        self.attempts.spawn(async move {
            let report = attempt(&store, &sending, &kind, &settings, &heads, now).await;
            Attempt { service: id, kind, title, heads, report }
        });
    }

    /// What the operator should know at the start: who will not be told, and why.
    ///
    /// # Errors
    /// When the data cannot be read.
    pub async fn warnings(&self) -> std::io::Result<Vec<String>> {
        let held = self.store.read(|tx: &Tx| Ok::<_, StoreError>(AlertClock::read(tx)?.held));
        let held = held.await.map_err(std::io::Error::other)?;
        let unsent = self.foresee().await.map_err(std::io::Error::other)?;
        let held = held.then(|| {
            "notifications of this file are held back, since nothing was evaluated in it before; `librato-apply notify plan` says who would \
             be paged, and `serve --notify` or `serve adopt` lets them go"
                .to_owned()
        });
        Ok(held.into_iter().chain(unsent).collect())
    }

    #[cfg(test)]
    pub(super) fn without_chance(&mut self) {
        self.share = || 1.0;
    }

    /// Waits until everything that is under way has ended.
    #[cfg(test)]
    pub(super) async fn quiet(&mut self) {
        while let Some(ended) = self.attempts.join_next().await {
            self.note(ended.ok()).await;
        }
    }
}

/// One attempt, with the settings of now.
async fn attempt(
    store: &Store,
    sending: &Sending,
    kind: &str,
    settings: &Map<String, Value>,
    heads: &[Head],
    now: i64,
) -> Report {
    let messages: Vec<&Message> = heads
        .iter()
        .filter_map(|head| match &head.delivery.payload {
            Payload::Message(message) => Some(&**message),
            Payload::Summary(_) => None,
        })
        .collect();
    // It was made before the dispatcher was.
    let Ok((sender, mut surroundings)) = sending.at(now) else {
        return Report::unready("nothing can be sent");
    };
    if let ([one], Some(base)) = (messages.as_slice(), &surroundings.public_url)
        && sending.links_pictures()
        && links_pictures(kind, settings)
    {
        surroundings.picture = linked(store, one, base).await;
    }
    let mut request = match messages.as_slice() {
        [one] => render(kind, settings, one, &surroundings),
        many => {
            let many: Vec<Message> = many.iter().map(|message| (*message).clone()).collect();
            digest(kind, settings, &many, &surroundings)
        }
    };
    if let (Ok(Request::Mail(mail)), [one]) = (&mut request, messages.as_slice()) {
        mail.picture = picture(store, one).await;
    }
    let rest = heads.first().map(|head| head.delivery.rest.as_slice()).unwrap_or_default();
    sender.send(request, settings, rest, now).await
}

#[cfg(feature = "png")]
async fn picture(store: &Store, message: &Message) -> Option<Illustration> {
    super::illustration::of(store, message).await
}

#[cfg(feature = "png")]
async fn linked(store: &Store, message: &Message, base: &Url) -> Option<LinkedPicture> {
    super::illustration::linked(store, message, base).await
}

/// Without the feature there are no pictures.
#[cfg(not(feature = "png"))]
async fn picture(_: &Store, _: &Message) -> Option<Illustration> {
    None
}

#[cfg(not(feature = "png"))]
async fn linked(_: &Store, _: &Message, _: &Url) -> Option<LinkedPicture> {
    None
}

/// From 0 to 1; without randomness the middle.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
