//! What is written of what happens to alerts.

use std::sync::Arc;

use serde_json::json;

use super::clock::{self, Clock, Written};
use super::deliveries::delivery::{Delivery, Kind, Status};
use super::deliveries::table as deliveries;
use super::incidents::incident::{Incident, word};
use super::incidents::table as incidents;
use super::record::{Recorded, Terms, record};
use super::states::{self, Found, Kept};
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::catalog::alerts::table::{self as alerts, Full};
use crate::serve::catalog::alerts::watched::Watched;
use crate::serve::catalog::services::table::{self as services, Service};
use crate::serve::changes::Entity as _;
use crate::serve::series::sqlite::examine::WORDS;
use crate::serve::store::tx::{Tx, params};
use crate::serve::store::{Scratch, scratch};
use crate::watch::{self, AlertState, Context, How, Reading, Settings, Transition};

const SETTINGS: Settings = Settings { settle: 10, max_age: 900, gather: 0 };

fn terms(now: i64) -> Terms {
    Terms { account: "ops@example.org".into(), notify: true, now }
}

/// An alert over one metric that tells two services, with its state.
struct Driven {
    alert: Arc<Alert>,
    watched: Arc<watch::Alert>,
    state: AlertState,
}

impl Driven {
    fn new(tx: &Tx<'_>) -> Driven {
        for title in ["a", "b"] {
            let (service_type, title) = ("webhook".to_owned(), title.to_owned());
            let mut service = Service { service_type, title, ..Service::default() };
            services::save(tx, &mut service, 0).unwrap();
        }
        let body = json!({
            "name": "web.slow", "description": "Look at the database.", "services": [1, 2],
            "attributes": { "runbook_url": "https://example.org/slow" },
            "conditions": [{ "type": "above", "metric_name": "web.ms", "threshold": 10 }],
        });
        let alert = Alert::new(body.as_object().unwrap(), &|_: &str| None, 100).unwrap();
        let mut full = Full::new(alert);
        full.save(tx, 100).unwrap();
        Driven::read(tx, full.id())
    }

    fn read(tx: &Tx<'_>, id: i64) -> Driven {
        let alert = alerts::get_all(tx, &vec![id]).unwrap().remove(0);
        let watched = Watched::of(tx, [&alert]).unwrap().watch(&alert);
        let state = AlertState::new(&watched, 100);
        Driven { alert: Arc::new(alert), watched: Arc::new(watched), state }
    }

    fn ctx(&self) -> Context<'_> {
        Context { alert: &self.watched, settings: &SETTINGS, silences: &[] }
    }

    /// What happens when values of one stream come in.
    fn take(&mut self, at: i64, value: f64) -> Recorded {
        let watched = Arc::clone(&self.watched);
        let ctx = Context { alert: &watched, settings: &SETTINGS, silences: &[] };
        let reading = Reading { u: at, t: at, condition: 0, stream: "web1".into(), value: Some(value) };
        let transitions = self.state.advance(&ctx, at, &mut vec![reading]);
        self.recorded(transitions)
    }

    fn recorded(&self, transitions: Vec<Transition>) -> Recorded {
        let state = Kept::of(&self.state, &self.ctx()).unwrap();
        Recorded { alert: Arc::clone(&self.alert), watched: Arc::clone(&self.watched), transitions, state }
    }
}

fn all_incidents(tx: &Tx<'_>) -> Vec<Incident> {
    tx.all("SELECT * FROM incidents ORDER BY id", params![], incidents::from_row).unwrap()
}

fn all_deliveries(tx: &Tx<'_>) -> Vec<Delivery> {
    tx.all("SELECT * FROM deliveries ORDER BY id", params![], deliveries::from_row).unwrap()
}

fn outcomes(tx: &Tx<'_>) -> Vec<(i64, i64, Kind, Status)> {
    let outcome = |one: Delivery| (one.service.id, one.seq, one.kind, one.status);
    all_deliveries(tx).into_iter().map(outcome).collect()
}

#[test]
fn an_incident_leaves_its_row_its_deliveries_and_its_event() {
    let scratch = scratch();
    let tx = scratch.tx();
    let mut driven = Driven::new(&tx);
    let (file, id) = (Clock::read(&tx).unwrap().file, driven.alert.id);
    assert_eq!(record(&tx, &terms(1_011), &[driven.take(1_000, 12.5)]).unwrap(), [0_i64; 0]);
    let key = format!("{file:08x}-{id}-1");
    let [incident] = all_incidents(&tx).try_into().unwrap();
    assert_eq!(
        (incident.key.as_str(), incident.alert, incident.alert_name.as_str()),
        (key.as_str(), id, "web.slow")
    );
    assert_eq!((incident.opened, incident.triggered, incident.closed), (1_000, Some(1_000), None));
    let why = &incident.snapshot.violations[0];
    assert_eq!((why.stream.as_str(), why.value, why.threshold), ("web1", 12.5, Some(10.0)));
    assert_eq!(incident.snapshot.conditions[0]["metric_name"], "web.ms");
    let event = |tx: &Tx<'_>| {
        let sql =
            "SELECT e.* FROM events e JOIN streams s ON s.id = e.stream_id WHERE s.name = 'librato.alerts'";
        tx.all(sql, params![], |row| {
            let (start, end): (i64, Option<i64>) = (row.get("start_time")?, row.get("end_time")?);
            let text: (String, String) = (row.get("title")?, row.get("description")?);
            Ok((text, row.get::<Option<String>>("source")?, start, end))
        })
        .unwrap()
    };
    let text = "Look at the database.\n`web.ms` from `web1` was above threshold 10 with value 12.5";
    let expected = (("web.slow".to_owned(), text.to_owned()), Some("web1".to_owned()), 1_000, None);
    assert_eq!(event(&tx), std::slice::from_ref(&expected));

    assert_eq!(record(&tx, &terms(1_071), &[driven.take(1_060, 3.0)]).unwrap(), [0_i64; 0]);
    let [incident] = all_incidents(&tx).try_into().unwrap();
    assert_eq!((incident.closed, incident.how), (Some(1_060), Some(How::Normal)));
    assert_eq!(event(&tx), [(expected.0, expected.1, 1_000, Some(1_060))]);
    let (trigger, clear, waits) = (Kind::Trigger, Kind::Clear, Status::Waiting);
    assert_eq!(
        outcomes(&tx),
        [(1, 0, trigger, waits), (2, 0, trigger, waits), (1, 1, clear, waits), (2, 1, clear, waits)]
    );
    // Re-arm: no one is told of the next one, and there is no event.
    record(&tx, &terms(1_131), &[driven.take(1_120, 20.0)]).unwrap();
    record(&tx, &terms(1_191), &[driven.take(1_180, 1.0)]).unwrap();
    assert_eq!((all_incidents(&tx).len(), all_deliveries(&tx).len(), event(&tx).len()), (2, 4, 1));
    assert!(all_incidents(&tx)[1].silent);
    assert_eq!(Driven::read(&tx, id).alert.incidents, 2);
}

#[test]
fn what_was_worked_out_of_an_alert_that_has_changed_is_void() {
    let scratch = scratch();
    let tx = scratch.tx();
    let mut driven = Driven::new(&tx);
    let (id, recorded) = (driven.alert.id, driven.take(1_000, 12.5));
    alerts::revise(&tx, &vec![id]).unwrap();
    assert_eq!(record(&tx, &terms(1_011), &[recorded]).unwrap(), [id]);
    assert_eq!((all_incidents(&tx).len(), all_deliveries(&tx).len()), (0, 0));
    assert!(states::load(&tx, &[id]).unwrap().is_empty());
}

#[test]
fn nobody_gets_a_clear_of_what_never_arrived() {
    for (held, notify, trigger, clear) in [
        (false, false, Status::Muted, Status::Dropped),
        (true, true, Status::Held, Status::Dropped),
        (false, true, Status::Waiting, Status::Waiting),
    ] {
        let scratch = scratch();
        let tx = scratch.tx();
        let mut driven = Driven::new(&tx);
        clock::hold(&tx, held).unwrap();
        let terms = Terms { notify, ..terms(1_011) };
        record(&tx, &terms, &[driven.take(1_000, 12.5)]).unwrap();
        record(&tx, &terms, &[driven.take(1_060, 1.0)]).unwrap();
        let found: Vec<_> = all_deliveries(&tx).into_iter().map(|one| one.status).collect();
        assert_eq!(found, [trigger, trigger, clear, clear]);
    }
}

/// The last that an open incident says, once; nothing of those that are over, and the clear follows.
#[test]
fn what_was_held_back_goes_as_far_as_it_is_still_true() {
    let scratch = scratch();
    let tx = scratch.tx();
    let mut driven = Driven::new(&tx);
    clock::hold(&tx, true).unwrap();
    for (at, value) in [(1_000, 20.0), (1_060, 1.0), (2_000, 20.0), (3_000, 20.0)] {
        record(&tx, &terms(at + 11), &[driven.take(at, value)]).unwrap();
    }
    clock::hold(&tx, false).unwrap();
    assert_eq!(super::deliveries::table::release(&tx, 3_100).unwrap(), 2);
    assert_eq!(super::deliveries::table::release(&tx, 3_100).unwrap(), 0);
    record(&tx, &terms(4_000), &[driven.take(3_990, 1.0)]).unwrap();
    let of_one: Vec<_> = outcomes(&tx).into_iter().filter(|(service, ..)| *service == 1).collect();
    let (trigger, clear) = (Kind::Trigger, Kind::Clear);
    let expected = [
        (1, 0, trigger, Status::Dropped),
        (1, 1, clear, Status::Dropped),
        (1, 0, trigger, Status::Replaced),
        (1, 1, trigger, Status::Waiting),
        (1, 2, clear, Status::Waiting),
    ];
    assert_eq!(of_one, expected);
}

#[test]
fn a_service_that_is_gone_is_not_told() {
    let scratch = scratch();
    let tx = scratch.tx();
    let mut driven = Driven::new(&tx);
    tx.execute("DELETE FROM services WHERE id = 1", params![]).unwrap();
    record(&tx, &terms(1_011), &[driven.take(1_000, 12.5)]).unwrap();
    assert_eq!(outcomes(&tx), [(2, 0, Kind::Trigger, Status::Waiting)]);
}

fn kept(scratch: &Scratch) -> i64 {
    let tx = scratch.tx();
    let mut driven = Driven::new(&tx);
    record(&tx, &terms(1_011), &[driven.take(1_000, 12.5)]).unwrap();
    driven.alert.id
}

#[test]
fn a_state_comes_back_as_it_was() {
    let scratch = scratch();
    let id = kept(&scratch);
    let tx = scratch.tx();
    let driven = Driven::read(&tx, id);
    let Found::Pages(pages) = states::load(&tx, &[id]).unwrap().remove(&id).unwrap() else { panic!() };
    let state = AlertState::from_pages(&driven.ctx(), pages).unwrap();
    assert!(state.is_triggered());
    assert_eq!((state.through(), state.next()), (1_000, 2));
    states::save(&tx, &[&Kept::nothing(id)]).unwrap();
    assert!(states::load(&tx, &[id]).unwrap().is_empty());
}

/// Also where what is left is JSON of the right form.
#[test]
fn every_damage_of_a_state_is_noticed() {
    let scratch = scratch();
    let id = kept(&scratch);
    let body: Vec<u8> = scratch.query_row("SELECT body FROM alert_states", [], |row| row.get(0)).unwrap();
    let load = |body: &[u8], pages: i64| {
        scratch.execute("UPDATE alert_states SET body = ?1, pages = ?2", (body, pages)).unwrap();
        states::load(&scratch.tx(), &[id]).unwrap().remove(&id).unwrap()
    };
    assert!(matches!(load(&body, 1), Found::Pages(_)));
    assert!(matches!(load(&body, 2), Found::Unreadable(_)), "a page is missing");
    for bit in 0..8 * body.len() {
        let mut flipped = body.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(load(&flipped, 1), Found::Unreadable(_)), "bit {bit}");
    }
    for end in 0..body.len() {
        assert!(matches!(load(&body[..end], 1), Found::Unreadable(_)), "{end} bytes");
    }
}

/// The examination of a file knows every word.
#[test]
fn words_are_those_that_a_check_knows() {
    let known = |table: &str, column: &str| {
        let found = WORDS.iter().find(|(of, name, _)| (*of, *name) == (table, column));
        found.map(|(.., words)| words.to_vec()).unwrap()
    };
    let all: Vec<_> = Status::ALL.iter().map(|status| status.name()).collect();
    assert_eq!(known("deliveries", "status"), all);
    assert_eq!(known("deliveries", "kind"), [Kind::Trigger.name(), Kind::Clear.name()]);
    assert_eq!(known("incidents", "how"), [How::Normal, How::Manual, How::Auto].map(word));
    assert!(all.iter().all(|name| Status::of(name).is_some_and(|status| status.name() == *name)));
}

#[test]
fn a_new_file_notifies_at_once() {
    let scratch = scratch();
    let clock = Clock::read(&scratch.tx()).unwrap();
    assert_eq!((clock.held, clock.written.furthest()), (false, None));
}

/// Where servers share a database some of them evaluate some groups, and one that has it for itself evaluates all of them as one.
#[test]
fn each_group_of_alerts_has_a_clock_of_its_own() {
    let scratch = scratch();
    let tx = scratch.tx();
    let (file, all) = (Clock::read(&tx).unwrap().file, 4);
    for id in 2..=all {
        let sql = "INSERT INTO alert_clock (id, file, held) VALUES (?1, ?2, 0)";
        tx.execute(sql, params![id, i64::from(file)]).unwrap();
    }
    let at = |clock| Written { clock, wall: clock };
    clock::write(&tx, &vec![1, 3], all, at(50)).unwrap();
    let clocks = Clock::read(&tx).unwrap().written;
    let of = |alert| clocks.of(alert).map(|written| written.clock);
    assert_eq!([4, 5, 6, 7, 8].map(of), [None, Some(50), None, Some(50), None]);
    clock::write(&tx, &vec![0, 2], all, at(40)).unwrap();
    let clocks = Clock::read(&tx).unwrap().written;
    assert_eq!((clocks.of_group(1, all), clocks.of_group(0, 1)), (Some(50), Some(40)), "the oldest of all");
    assert_eq!(clocks.furthest(), Some(50));
    clock::write(&tx, &vec![0], 1, at(60)).unwrap();
    let clocks = Clock::read(&tx).unwrap().written;
    assert!((0..all).all(|group| clocks.of_group(group, all) == Some(60)));
    assert!(clock::write(&tx, &vec![7], 64, at(70)).is_err(), "there is no such group");
}
