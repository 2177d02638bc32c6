//! Which streams violate the conditions of alerts, also where no alert fires yet: `/v1/violations`. Reads the states as they were kept
//! last, which is a few seconds ago; drives nothing.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::serve::catalog::alerting::clock::{Clock, Written};
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::catalog::alerting::restore::restore;
use crate::serve::catalog::alerting::states::{self, Found};
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::catalog::alerts::condition::Condition;
use crate::serve::catalog::alerts::table;
use crate::serve::catalog::alerts::watched::Watched;
use crate::serve::http::answer;
use crate::serve::http::body::Query;
use crate::serve::http::fields::Reader;
use crate::serve::http::paging::{Orders, Page};
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;
use crate::watch::{AlertState, Context, Settings, Status, Stream};

/// So many streams of a condition are shown, those that meet it first.
const STREAMS: usize = 50;

const ORDERS: Orders = &[("id", "id")];

/// The filter is `alerts`, ids with commas between them.
pub async fn list(
    State(store): State<Store>,
    State(by): State<Evaluation>,
    Query(query): Query,
) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let mut read = Reader::new(&query);
    let ids = match read.text("alerts").value().filter(|text| !text.is_empty()).map(|text| ids(&text)) {
        Some(None) => {
            read.errors.add("alerts", "is not a list of ids with commas between them");
            None
        }
        given => given.flatten(),
    };
    read.finish()?;
    let (now, settings) = (store.now(), by.settings());
    let read = move |tx: &Tx| -> Result<_, Problem> {
        let listed = page.cut_by(|page| table::ids(tx, ids.as_ref(), page))?;
        listed.try_map(|ids| {
            let alerts = table::readable(tx, &ids)?;
            let (mut found, watched) = (states::load(tx, &ids)?, Watched::of(tx, &alerts)?);
            let clocks = Clock::read(tx)?.written;
            let shown = alerts.into_iter().map(|alert| {
                let found = found.remove(&alert.id);
                violations(&alert, found, &watched, &settings, clocks.of(alert.id), now)
            });
            Ok(shown.collect::<Vec<_>>())
        })
    };
    let listed = store.query(read).await?;
    Ok(answer::ok(&listed.envelope("violations", |shown| shown)))
}

fn ids(text: &str) -> Option<Vec<i64>> {
    text.split(',').map(|id| id.trim().parse().ok()).collect()
}

/// An alert, and what violates it.
#[derive(Serialize)]
struct Shown {
    alert: Named,
    /// The second up to which that is so.
    through: Option<i64>,
    conditions: Vec<Violated>,
}

#[derive(Serialize)]
struct Named {
    id: i64,
    name: String,
}

#[derive(Serialize)]
struct Violated {
    condition_id: Option<i64>,
    streams: Vec<Violating>,
    streams_truncated: usize,
}

#[derive(Serialize)]
struct Violating {
    stream: Stream,
    status: &'static str,
    /// The first reading of the run; where a stream is absent, the second since when it is. Not known right after an edit.
    since: Option<i64>,
    /// How many readings the run has.
    count: u32,
    last_time: Option<i64>,
    last_value: Option<f64>,
}

/// What cannot be read is not shown: the evaluation says so, and begins again.
fn violations(
    alert: &Alert,
    found: Option<Found>,
    metrics: &Watched,
    settings: &Settings,
    written: Option<Written>,
    now: i64,
) -> Shown {
    let watched = metrics.watch(alert);
    let ctx = Context { alert: &watched, settings, silences: &[] };
    let kept = found.map(|found| restore(&ctx, alert, Some(found), written, now));
    let state = kept.filter(|kept| kept.lost.is_none()).map(|kept| kept.state);
    let of = |state: &AlertState| -> Vec<Violated> {
        let all = alert.conditions.iter().enumerate();
        all.map(|(place, condition)| violated(&ctx, state, place, condition)).collect()
    };
    Shown {
        alert: Named { id: alert.id, name: alert.name.clone() },
        through: state.as_ref().map(AlertState::through),
        conditions: state.as_ref().map(of).unwrap_or_default(),
    }
}

fn violated(ctx: &Context<'_>, state: &AlertState, place: usize, condition: &Condition) -> Violated {
    let mut all = state.statuses(ctx, place);
    all.retain(|(_, status)| !matches!(status, Status::Seen { .. }));
    all.sort_by_key(|(_, status)| matches!(status, Status::Pending { .. }));
    let truncated = all.len().saturating_sub(STREAMS);
    let show = |(stream, status): (Stream, Status)| {
        let (status, since, count) = match status {
            Status::Pending { since, count } => ("pending", Some(since), count),
            Status::Met { since, count } => ("met", Some(since), count),
            Status::Held { .. } | Status::Seen { .. } => ("held", None, 0),
        };
        let (last_time, last_value) = state.last(place, &stream).unzip();
        Violating { stream, status, since, count, last_time, last_value }
    };
    let streams = all.into_iter().take(STREAMS).map(show).collect();
    Violated { condition_id: condition.id, streams, streams_truncated: truncated }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use crate::serve::driven::{NOW, Server, alert};

    #[tokio::test]
    async fn streams_that_violate_are_listed_before_the_alert_fires() {
        let server = Server::with_services().await;
        let condition = json!({ "type": "above", "metric_name": "m", "threshold": 10, "duration": 120 });
        server.good("POST", "/v1/alerts", alert(json!({ "conditions": [condition] }))).await;
        server.good("POST", "/v1/alerts", alert(json!({ "name": "b" }))).await;
        let found = server.get("/v1/violations").await;
        assert_eq!(
            (&found["query"]["found"], found["violations"][0]["conditions"].as_array().unwrap().len()),
            (&json!(2), 0)
        );
        server
            .evaluate(
                1,
                NOW + 100,
                vec![(NOW + 50, "web1", 20.0), (NOW + 90, "web1", 30.0), (NOW + 90, "web2", 1.0)],
            )
            .await;
        let streams = async || {
            server.get("/v1/violations?alerts=1").await["violations"][0]["conditions"][0]["streams"].clone()
        };
        let pending = json!({ "stream": "web1", "status": "pending", "since": NOW + 50, "count": 2, "last_time": NOW + 90, "last_value": 30.0 });
        assert_eq!(streams().await, json!([pending]));
        server.evaluate(1, NOW + 200, vec![(NOW + 170, "web1", 40.0), (NOW + 170, "web0", 50.0)]).await;
        let found = streams().await;
        let states: Vec<(&Value, &Value)> =
            found.as_array().unwrap().iter().map(|one| (&one["stream"], &one["status"])).collect();
        assert_eq!(states, [(&json!("web1"), &json!("met")), (&json!("web0"), &json!("pending"))]);
        server.evaluate(1, NOW + 300, vec![(NOW + 250, "web1", 1.0), (NOW + 250, "web0", 1.0)]).await;
        assert_eq!(streams().await, json!([]));
        assert_eq!(server.get("/v1/violations?alerts=2,9").await["query"]["found"], 1);
        assert_eq!(
            server.ask("GET", "/v1/violations?alerts=a", Value::Null).await.0,
            StatusCode::BAD_REQUEST
        );
    }
}
