//! Incidents, open and closed, and why they opened: `/v1/incidents`. Reads only; they are written where alerts are evaluated and edited.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::catalog::alerting::deliveries::heard::{self, Heard};
use super::catalog::alerting::incidents::incident::{Incident, word};
use super::catalog::alerting::incidents::table::{self, Search};
use super::http::answer;
use super::http::body::{Query, Segments};
use super::http::fields::Reader;
use super::http::paging::{Orders, Page};
use super::http::problem::Problem;
use super::store::Store;
use super::store::error::StoreError;
use super::store::tx::Tx;
use crate::notify::Violation;

const ORDERS: Orders = &[("id", "id")];

/// The filters are `alert` (an id, a name or a pattern), `status` and `start_time`, from which on an incident was open.
pub async fn list(State(store): State<Store>, Query(query): Query) -> Result<Response, Problem> {
    let page = Page::read(&query, ORDERS)?.without_name();
    let mut read = Reader::new(&query);
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let search = Search {
        alert: read.text("alert").value().and_then(given),
        is_open: match read.text("status").value().and_then(given).as_deref() {
            None => None,
            Some("open") => Some(true),
            Some("closed") => Some(false),
            Some(_) => {
                read.errors.add("status", "is not one of: open, closed");
                None
            }
        },
        start: read.time("start_time").value(),
    };
    read.finish()?;
    let read = move |tx: &Tx| {
        let listed = page.cut_by(|page| table::search(tx, &search, page))?;
        let heard = heard::of(tx, &listed.items.iter().map(|incident| incident.key.clone()).collect())?;
        Ok::<_, StoreError>((listed, heard))
    };
    let (listed, heard) = store.query(read).await?;
    Ok(answer::ok(&listed.envelope("incidents", |incident| shown(incident, heard.get(&incident.key)))))
}

/// One, by its key.
pub async fn show(State(store): State<Store>, Segments(key): Segments<String>) -> Result<Response, Problem> {
    let read = move |tx: &Tx| {
        let incident = table::find(tx, &key)?.ok_or_else(Problem::not_found)?;
        Ok::<_, Problem>((incident, heard::of(tx, &vec![key.clone()])?))
    };
    let (incident, heard) = store.read(read).await?;
    Ok(answer::ok(&shown(&incident, heard.get(&incident.key))))
}

/// The read form.
#[derive(Serialize)]
struct Shown<'a> {
    id: i64,
    incident_key: &'a str,
    alert: Alert<'a>,
    stream: Option<&'a str>,
    status: &'static str,
    opened_at: i64,
    triggered_at: Option<i64>,
    closed_at: Option<i64>,
    closed: Option<&'static str>,
    silent: bool,
    /// Whether services have heard of it; nothing where no one was to be told, or it is no longer known.
    delivery: Option<&'static str>,
    /// The titles of services that should have and have not.
    undelivered: Vec<&'a str>,
    event_id: Option<i64>,
    violations: &'a [Violation],
    violations_truncated: usize,
    conditions: &'a [Value],
}

#[derive(Serialize)]
struct Alert<'a> {
    id: i64,
    name: &'a str,
}

fn shown<'a>(incident: &'a Incident, heard: Option<&'a Heard>) -> Shown<'a> {
    let is_told = incident.triggered.is_some() && incident.closed.is_none();
    Shown {
        delivery: heard.map(Heard::word).or_else(|| is_told.then_some("nobody")),
        undelivered: heard.map(Heard::undelivered).unwrap_or_default(),
        id: incident.id,
        incident_key: &incident.key,
        alert: Alert { id: incident.alert, name: &incident.alert_name },
        stream: incident.stream.as_deref(),
        status: if incident.closed.is_none() { "open" } else { "closed" },
        opened_at: incident.opened,
        triggered_at: incident.triggered,
        closed_at: incident.closed,
        closed: incident.how.map(word),
        silent: incident.silent,
        event_id: incident.event,
        violations: &incident.snapshot.violations,
        violations_truncated: incident.snapshot.truncated,
        conditions: &incident.snapshot.conditions,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use crate::serve::driven::{NOW, alert, firing};

    #[tokio::test]
    async fn incidents_say_why_they_opened() {
        let server = firing().await;
        let listed = server.get("/v1/incidents").await;
        let incident = &listed["incidents"][0];
        let key = incident["incident_key"].as_str().unwrap();
        assert_eq!(server.get(&format!("/v1/incidents/{key}")).await, *incident);
        let mut shown = incident.clone();
        shown
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !matches!(key.as_str(), "incident_key" | "conditions"));
        let violation = json!({
            "stream": "web1", "condition_id": 1, "metric": "m", "threshold": 10.0, "condition_type": "above",
            "value": 20.0, "begin": NOW + 50, "end": NOW + 50, "count": 1, "recorded_at": NOW + 50,
        });
        let expected = json!({
            "id": 1, "alert": { "id": 1, "name": "a" }, "stream": null, "status": "open", "opened_at": NOW + 50,
            "triggered_at": NOW + 50, "closed_at": null, "closed": null, "silent": false, "delivery": "waiting", "undelivered": [], "event_id": 1,
            "violations": [violation], "violations_truncated": 0,
        });
        assert_eq!(shown, expected);
        assert_eq!(incident["conditions"][0]["threshold"], 10.0);
    }

    #[tokio::test]
    async fn incidents_and_deliveries_are_found_by_what_is_known_of_them() {
        let server = firing().await;
        server.good("POST", "/v1/alerts", alert(json!({ "name": "b_c", "services": [2] }))).await;
        server.evaluate(2, NOW + 500, vec![(NOW + 400, "web1", 20.0)]).await;
        server.evaluate(1, NOW + 600, vec![(NOW + 550, "web1", 1.0)]).await;
        let found = async |path: &str, query: String| {
            let list = server.get(&format!("/v1/{path}?{query}")).await;
            let all = list[path].as_array().unwrap().iter();
            all.map(|one| one["id"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        for (query, ids) in [
            (String::new(), vec![1, 2]),
            ("sort=desc&length=1".to_owned(), vec![2]),
            ("status=open".to_owned(), vec![2]),
            ("status=closed".to_owned(), vec![1]),
            ("alert=1".to_owned(), vec![1]),
            ("alert=B_C".to_owned(), vec![2]),
            ("alert=b*".to_owned(), vec![2]),
            ("alert=bxc".to_owned(), vec![]),
            (format!("start_time={}", NOW + 551), vec![2]),
            (format!("start_time={}&alert=a", NOW + 550), vec![1]),
        ] {
            assert_eq!(found("incidents", query.clone()).await, ids, "{query}");
        }
        for (query, ids) in [
            (String::new(), vec![1, 2, 3, 4, 5]),
            ("service=1".to_owned(), vec![1, 4]),
            ("service=a".to_owned(), vec![1, 4]),
            ("status=waiting&alert=b*".to_owned(), vec![3]),
            ("status=sent".to_owned(), vec![]),
            (format!("start_time={}", NOW + 501), vec![4, 5]),
        ] {
            assert_eq!(found("deliveries", query.clone()).await, ids, "{query}");
        }
        let delivery = &server.get("/v1/deliveries?length=1").await["deliveries"][0];
        let expected = json!({ "id": 1, "type": "mail", "title": "a", "circuit": null });
        assert_eq!((&delivery["service"], &delivery["kind"]), (&expected, &json!("trigger")));
        for path in ["/v1/incidents?status=new", "/v1/deliveries?status=new", "/v1/incidents?start_time=now"]
        {
            let (status, found) = server.ask("GET", path, serde_json::Value::Null).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {found}");
        }
        assert_eq!(server.ask("GET", "/v1/incidents/nothing", json!(null)).await.0, StatusCode::NOT_FOUND);
    }
}
