//! Silences: whose notifications are not sent for a time, and why: `/v1/silences`. One cannot be changed, only ended.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::catalog::alerting::evaluation::Evaluation;
use super::catalog::alerting::silences::silence::{MOST_DAYS, Phase, Silence};
use super::catalog::alerting::silences::table::{self, Search};
use super::catalog::alerting::silences::withdraw;
use super::changes::{self, Entity, Terms};
use super::http::answer;
use super::http::body::{Body, Query, Segments, numeric};
use super::http::fields::{Object, Reader};
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::refusal::{Errors, Refusal};
use super::store::Store;
use super::store::tx::Tx;

const ORDERS: Orders = &[("id", "id")];

/// The most characters of a reason, and of a pattern.
const LONGEST_WHY: usize = 500;
const LONGEST_PATTERN: usize = 1_000;

const DAY: i64 = 86_400;

impl Entity for Silence {
    const KIND: &'static str = "silence";

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.alert.clone()
    }

    fn whole(&self) -> Value {
        json!({
            "id": self.id,
            "alert": self.alert,
            "stream": self.stream,
            "start_time": self.starts,
            "end_time": self.ends,
            "why": self.why,
            "user": self.by,
            "created_at": self.created_at,
            "ended_at": self.ended_at,
        })
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        self.id = table::insert(tx, self)?;
        Ok(())
    }

    fn namesake(&self, _: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(None)
    }
}

/// The filters are `status` and `alert`, a part of the pattern.
pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read_by(&query, ORDERS, "alert")?;
    let (now, mut read) = (store.now(), Reader::new(&query));
    let status = read.text("status").value().filter(|text| !text.is_empty());
    let phase = status.as_deref().map(Phase::of);
    if phase == Some(None) {
        read.errors.add("status", "is not one of: active, pending, ended");
    }
    read.finish()?;
    let search = Search { phase: phase.flatten(), now };
    let listed = store.query(move |tx: &Tx| page.cut_by(|page| table::search(tx, &search, page))).await?;
    Ok(answer::ok(&listed.envelope("silences", |silence| shown(silence, now))))
}

/// Triggers that are due and certainly did not arrive are withdrawn with it.
pub async fn create(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    terms: Terms,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (now, terms) = (store.now(), terms.over(&body));
    let user = terms.caller.name.to_string();
    let make = move |tx: &Tx| {
        let silence = read_new(&body, &user, now)?;
        let mut all = table::watched(tx, now)?;
        all.push(silence.clone());
        withdraw::withdraw(tx, &by, &all, now)?;
        Ok(silence)
    };
    let show = |made: &Silence, location: &str| answer::created(location, &shown(made, now));
    changes::create(&store, terms, "/v1/silences".to_owned(), make, table::find, show).await
}

/// Ends it now.
pub async fn delete(
    State(store): State<Store>,
    terms: Terms,
    Segments(id): Segments<String>,
) -> Result<Response, Problem> {
    let (id, now) = (numeric(&id)?, store.now());
    let find = move |tx: &Tx| {
        let silence = table::find(tx, id)?;
        if silence.phase(now) == Phase::Ended {
            let message = format!("The silence {id} has ended already.");
            return Err(Refusal::Over(message));
        }
        Ok(silence)
    };
    changes::delete(&store, terms, find, move |tx: &Tx, _| Ok(table::end(tx, id, now)?)).await
}

fn shown(silence: &Silence, now: i64) -> Value {
    let mut shown = silence.whole();
    shown["status"] = json!(silence.phase(now).name());
    shown
}

fn read_new(body: &Object, user: &str, now: i64) -> Result<Silence, Errors> {
    let mut read = Reader::new(body);
    for name in ["alert", "why"] {
        read.require(name);
    }
    let alert = read.text("alert").value().unwrap_or_default();
    let stream =
        read.text("stream").value().filter(|text| !text.is_empty()).unwrap_or_else(|| "*".to_owned());
    for (name, pattern) in [("alert", &alert), ("stream", &stream)] {
        if pattern.chars().count() > LONGEST_PATTERN {
            read.errors.add(name, format!("must not have more than {LONGEST_PATTERN} characters"));
        }
    }
    let why = read.text("why").value().unwrap_or_default();
    if why.chars().count() > LONGEST_WHY {
        read.errors.add("why", format!("must not have more than {LONGEST_WHY} characters"));
    }
    let starts = read.time("start_time").value().unwrap_or(now).max(now);
    let duration = read.integer("duration").value();
    let ends = match (read.time("end_time").value(), duration) {
        (Some(_), Some(_)) => {
            read.errors.add("duration", "cannot be given together with end_time");
            starts
        }
        (Some(end), None) => end,
        (None, Some(duration)) => starts.saturating_add(duration),
        (None, None) => {
            if read.errors.lacks("end_time") && read.errors.lacks("duration") {
                read.errors.add("end_time", "is not present, nor is duration");
            }
            starts
        }
    };
    if read.errors.is_empty() && ends <= starts {
        read.errors.add("end_time", "must be after start_time and in the future");
    }
    if ends.saturating_sub(starts) > MOST_DAYS * DAY {
        read.errors.add("end_time", format!("must be at most {MOST_DAYS} days after start_time"));
    }
    read.finish()?;
    let by = user.to_owned();
    Ok(Silence { id: 0, alert, stream, starts, ends, by, why, created_at: now, ended_at: None })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;

    use super::*;
    use crate::serve::driven::{NOW, firing};

    fn body(more: Value) -> Value {
        let mut body = json!({ "alert": "A*", "why": "moving house", "duration": 3600 });
        let Value::Object(more) = more else { panic!("no object: {more}") };
        body.as_object_mut().unwrap().extend(more);
        body
    }

    #[tokio::test]
    async fn a_silence_is_made_listed_and_ended() {
        let server = firing().await;
        let made = server.good("POST", "/v1/silences", body(json!({ "stream": "db*" }))).await;
        let expected = json!({
            "id": 1, "alert": "A*", "stream": "db*", "start_time": NOW, "end_time": NOW + 3600,
            "why": "moving house", "user": "ops@example.org", "created_at": NOW, "ended_at": null, "status": "active",
        });
        assert_eq!(made, expected);
        let later = json!({ "start_time": NOW + 60, "end_time": NOW + 120, "duration": null });
        server.good("POST", "/v1/silences", body(later)).await;
        let listed = async |query: &str| {
            let found = server.get(&format!("/v1/silences?{query}")).await;
            let all = found["silences"].as_array().unwrap().iter();
            all.map(|one| one["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(listed("").await, [1, 2]);
        assert_eq!((listed("status=active").await, listed("status=pending").await), (vec![1], vec![2]));
        assert_eq!((listed("alert=a*").await, listed("alert=b").await), (vec![1, 2], vec![]));
        server.good("DELETE", "/v1/silences/1", Value::Null).await;
        assert_eq!(listed("status=ended").await, [1]);
        assert_eq!(server.ask("DELETE", "/v1/silences/1", Value::Null).await.0, StatusCode::NOT_FOUND);
        assert_eq!(server.ask("DELETE", "/v1/silences/9", Value::Null).await.0, StatusCode::NOT_FOUND);
        server.clock.pass(Duration::from_secs(200));
        assert_eq!(listed("status=ended&sort=desc").await, [2, 1]);
        let audit = server.get("/v1/audit?kind=silence").await;
        let actions =
            audit["audit"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap());
        assert_eq!(actions.collect::<Vec<_>>(), ["create", "create", "delete"]);
    }

    #[tokio::test]
    async fn what_is_no_silence_is_refused() {
        let server = firing().await;
        for (more, named) in [
            (json!({ "why": "" }), "why"),
            (json!({ "why": null }), "why"),
            (json!({ "why": "x".repeat(501) }), "why"),
            (json!({ "alert": " " }), "alert"),
            (json!({ "alert": "x".repeat(1001) }), "alert"),
            (json!({ "duration": null }), "end_time"),
            (json!({ "duration": 0 }), "end_time"),
            (json!({ "duration": null, "end_time": NOW }), "end_time"),
            (json!({ "end_time": NOW + 60 }), "duration"),
            (json!({ "duration": 30 * DAY + 1 }), "end_time"),
            (json!({ "start_time": "soon" }), "start_time"),
        ] {
            let (status, found) = server.ask("POST", "/v1/silences", body(more.clone())).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{more}: {found}");
            assert!(found["errors"]["params"].get(named).is_some(), "{more}: {found}");
        }
        server
            .good("POST", "/v1/silences", body(json!({ "duration": 30 * DAY, "why": "ü".repeat(500) })))
            .await;
        let (status, _) = server.ask("GET", "/v1/silences?status=loud", Value::Null).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    /// A trigger that waits is not sent any more, and is sent when the silence ends: once.
    #[tokio::test]
    async fn what_waits_is_withdrawn_and_told_at_the_end() {
        let server = firing().await;
        server.clock.pass(Duration::from_secs(110));
        for other in
            [json!({ "alert": "b*" }), json!({ "stream": "web2" }), json!({ "start_time": NOW + 999 })]
        {
            server.good("POST", "/v1/silences", body(other)).await;
        }
        assert_eq!(server.deliveries().await, ["1 trigger waiting", "2 trigger waiting"]);
        server.good("POST", "/v1/silences", body(json!({ "stream": "web*", "duration": 600 }))).await;
        let silenced = ["1 trigger silenced", "2 trigger silenced"];
        assert_eq!(server.deliveries().await, silenced);
        assert_eq!(server.incidents().await, ["open"], "it goes on");
        server.evaluate(1, NOW + 650, vec![(NOW + 300, "web1", 30.0)]).await;
        assert_eq!(server.deliveries().await, silenced, "and nobody hears of it");
        server.evaluate(1, NOW + 800, vec![]).await;
        let told = [&silenced[..], &["1 trigger waiting", "2 trigger waiting"]].concat();
        assert_eq!(server.deliveries().await, told);
        server.evaluate(1, NOW + 1_000, vec![(NOW + 900, "web1", 1.0)]).await;
        let cleared = [&told[..], &["1 clear waiting", "2 clear waiting"]].concat();
        assert_eq!(server.deliveries().await, cleared);
    }

    /// Of one that closes under the silence no one hears, as no one was told that it opened.
    #[tokio::test]
    async fn what_was_withdrawn_and_closes_meanwhile_is_told_to_nobody() {
        let server = firing().await;
        server.clock.pass(Duration::from_secs(110));
        server.good("POST", "/v1/silences", body(json!({}))).await;
        server.evaluate(1, NOW + 400, vec![(NOW + 300, "web1", 1.0)]).await;
        let found = server.deliveries().await;
        assert_eq!(found[2..], ["1 clear dropped", "2 clear dropped"]);
        assert_eq!(server.evaluate(1, NOW + 9_000, vec![]).await, []);
    }

    /// A clear that is due is never withdrawn.
    #[tokio::test]
    async fn clears_are_sent_all_the_same() {
        let server = firing().await;
        server.evaluate(1, NOW + 200, vec![(NOW + 150, "web1", 1.0)]).await;
        server.clock.pass(Duration::from_secs(210));
        server
            .store
            .write(|tx: &Tx| {
                let sql = "UPDATE deliveries SET in_doubt = 1 WHERE kind = 'trigger' AND service_id = 1";
                tx.execute(sql, crate::serve::store::tx::params![]).map(drop)
            })
            .await
            .unwrap();
        server.good("POST", "/v1/silences", body(json!({}))).await;
        let expected = ["1 trigger waiting", "2 trigger silenced", "1 clear waiting", "2 clear waiting"];
        assert_eq!(server.deliveries().await, expected);
    }
}
