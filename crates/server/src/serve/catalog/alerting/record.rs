//! The one way in which what happens to alerts is written: states, incidents, the outbox and the events in `librato.alerts`, all in the
//! transaction of whoever drives the machine.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::Clock;
use super::deliveries::delivery::{Delivery, Service, Status};
use super::deliveries::table as deliveries;
use super::events;
use super::incidents::incident::{Incident, Snapshot};
use super::incidents::table as incidents;
use super::log;
use super::states::{self, Kept};
pub use super::terms::Terms;
use crate::notify::{Message, Violation};
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::catalog::services::table as services;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::watch::{self, How, Notice, Transition, incident_key};

/// What happened to one alert.
#[derive(Debug)]
pub struct Recorded {
    /// The alert as it was when this was worked out.
    pub alert: Arc<Alert>,
    /// The same as it was evaluated.
    pub watched: Arc<watch::Alert>,
    /// In order.
    pub transitions: Vec<Transition>,
    /// Its state after all of it.
    pub state: Kept,
}

/// Writes what happened to alerts, several hundred at most, each once. The ids of those of which nothing was written, since someone has changed or
/// deleted them, or their states, since they were read: what was worked out of them is void.
pub fn record(tx: &Tx<'_>, terms: &Terms, batch: &[Recorded]) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<i64> = batch.iter().map(|one| one.alert.id).collect();
    let revisions = alerts::revisions_of(tx, &ids)?;
    let is_fresh = |one: &&Recorded| revisions.get(&one.alert.id) == Some(&one.alert.revision);
    let (fresh, stale): (Vec<_>, Vec<_>) = batch.iter().partition(is_fresh);
    write(tx, terms, &fresh)?;
    Ok(stale.iter().map(|one| one.alert.id).collect())
}

/// The same for whoever has read the alerts in this transaction.
pub fn write(tx: &Tx<'_>, terms: &Terms, batch: &[&Recorded]) -> Result<(), StoreError> {
    let states: Vec<&Kept> = batch.iter().map(|one| &one.state).collect();
    states::save(tx, &states)?;
    if batch.iter().all(|one| one.transitions.is_empty()) {
        return Ok(());
    }
    let clock = Clock::read(tx)?;
    let mut written = Written::of(&clock, terms, batch);
    alerts::count_incidents(tx, &written.numbers)?;
    incidents::open(tx, &written.opened)?;
    written.date(tx)?;
    written.notify(tx, &clock, terms)?;
    incidents::close(tx, &written.closed)?;
    let ended: Vec<_> = written.closed.iter().map(|(key, at, _)| (key.clone(), *at)).collect();
    events::end(tx, &ended)?;
    log::happened(&written.opened, &written.closed, &written.names);
    Ok(())
}

/// What is to be written, sorted by where it goes.
#[derive(Default)]
struct Written {
    numbers: Vec<(i64, i64)>,
    opened: Vec<Incident>,
    closed: Vec<(String, i64, How)>,
    /// The names of the alerts of which something has closed, by the keys of the incidents.
    names: HashMap<String, Arc<Alert>>,
    notices: Vec<Told>,
}

/// A notice as services are told it.
struct Told {
    message: Message,
    silenced: bool,
    services: Vec<i64>,
}

impl Written {
    fn of(clock: &Clock, terms: &Terms, batch: &[&Recorded]) -> Written {
        let mut written = Written::default();
        for one in batch {
            let conditions: Vec<Value> =
                one.alert.conditions.iter().map(|condition| json!(condition.shown())).collect();
            let key = |incident: u64| incident_key(clock.file, one.alert.id, incident);
            let mut last = 0;
            for transition in &one.transitions {
                match transition {
                    Transition::Opened { incident, stream, at, silent, violations, truncated } => {
                        last = last.max(*incident);
                        let violations = Violation::all(violations, &one.watched.conditions);
                        let conditions = conditions.clone();
                        let stream = stream.as_ref().map(|stream| stream.as_str().to_owned());
                        let snapshot = Snapshot { violations, truncated: *truncated, conditions };
                        let opened = (*at, *silent);
                        written.opened.push(Incident::new(
                            key(*incident),
                            &one.alert,
                            stream,
                            opened,
                            snapshot,
                        ));
                    }
                    Transition::Closed { incident, at, how, .. } => {
                        written.names.insert(key(*incident), Arc::clone(&one.alert));
                        written.closed.push((key(*incident), *at, *how));
                    }
                    Transition::Notice(notice) => {
                        let account = terms.account.to_string();
                        let (subject, conditions) = (one.alert.subject(), conditions.clone());
                        let watched = &one.watched.conditions;
                        let message =
                            Message::new(notice, key(notice.incident), account, subject, watched, conditions);
                        let silenced = is_silenced(notice);
                        written.notices.push(Told { message, silenced, services: notice.services.clone() });
                    }
                }
            }
            if last > 0 {
                written.numbers.push((one.alert.id, last as i64));
            }
        }
        written
    }

    /// Says in repeats since when their incidents are open.
    fn date(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let mut repeats: Vec<_> = self
            .notices
            .iter_mut()
            .map(|told| &mut told.message)
            .filter(|message| message.is_repeat())
            .collect();
        if repeats.is_empty() {
            return Ok(());
        }
        let opened = incidents::opened(tx, &repeats.iter().map(|message| message.key.clone()).collect())?;
        repeats.iter_mut().for_each(|message| message.opened = opened.get(&message.key).copied());
        Ok(())
    }

    /// Puts into the outbox what services are to be told, and notes it in the incidents.
    fn notify(&self, tx: &Tx<'_>, clock: &Clock, terms: &Terms) -> Result<(), StoreError> {
        if self.notices.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<i64> = self.notices.iter().flat_map(|told| told.services.iter().copied()).collect();
        let known = services::titles(tx, &Vec::from_iter(ids))?;
        let is_clear = |told: &&Told| !told.message.is_trigger();
        let keys: Vec<String> =
            self.notices.iter().filter(is_clear).map(|told| told.message.key.clone()).collect();
        let mut heard = if keys.is_empty() { HashSet::new() } else { deliveries::told(tx, &keys)? };
        let mut outbox = Vec::new();
        for told in &self.notices {
            let services = told.services.iter().filter_map(|id| Some((*id, known.get(id)?)));
            for (id, (kind, title)) in services {
                let status = told.status(clock, terms, id, &mut heard);
                let service = Service { id, kind: kind.clone(), title: title.clone() };
                outbox.push(Delivery::new(told.message.clone(), service, terms.now, status));
            }
        }
        deliveries::insert(tx, &outbox)?;
        let triggers: Vec<&Told> = self.notices.iter().filter(|told| told.message.is_trigger()).collect();
        note(tx, &triggers)
    }
}

impl Told {
    /// What becomes of it at a service. `heard` is who has, may have or may yet get a trigger of which incident.
    fn status(
        &self,
        clock: &Clock,
        terms: &Terms,
        service: i64,
        heard: &mut HashSet<(String, i64)>,
    ) -> Status {
        let hears = (self.message.key.clone(), service);
        if !self.message.is_trigger() {
            return match heard.contains(&hears) {
                false => Status::Dropped,
                true if !terms.notify => Status::Muted,
                true => Status::Waiting,
            };
        }
        match () {
            () if self.silenced => Status::Silenced,
            () if clock.held => Status::Held,
            () if !terms.notify => Status::Muted,
            () => {
                heard.insert(hears);
                Status::Waiting
            }
        }
    }
}

/// Notes triggers in their incidents, with an event for the first of each.
fn note(tx: &Tx<'_>, triggers: &[&Told]) -> Result<(), StoreError> {
    if triggers.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = triggers.iter().map(|told| told.message.key.clone()).collect();
    let known = incidents::events(tx, &keys)?;
    let mut first: BTreeMap<&str, &Message> = BTreeMap::new();
    for Told { message, .. } in triggers.iter().filter(|told| !known.contains_key(&told.message.key)) {
        first.entry(&message.key).or_insert(message);
    }
    let begun = events::begin(tx, &Vec::from_iter(first.values().copied()))?;
    let begun: HashMap<&str, i64> = first.keys().copied().zip(begun).collect();
    let noted: Vec<_> = triggers
        .iter()
        .map(|told| {
            (told.message.key.clone(), told.message.at, begun.get(told.message.key.as_str()).copied())
        })
        .collect();
    incidents::trigger(tx, &noted)
}

fn is_silenced(notice: &Notice) -> bool {
    matches!(notice.message, watch::Message::Trigger { silenced: true, .. })
}
