//! `POST /v1/services/:id/test`: a message that says that it is a test goes to a service at once, outside the queue, the way real ones
//! go; and then its clear.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::sending::Sending;
use crate::notify::{How, Message, Report, Subject, Test, Verdict, Violation, What, render};
use crate::serve::catalog::alerting::clock::Clock;
use crate::serve::catalog::alerts::alert::Alert;
use crate::serve::catalog::alerts::condition;
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::catalog::services::table as services;
use crate::serve::changes::Unconditional;
use crate::serve::http::answer;
use crate::serve::http::body::{Body, Segments, numeric};
use crate::serve::http::fields::Reader;
use crate::serve::http::problem::Problem;
use crate::serve::refusal::Refusal;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;
use crate::serve::telemetry::Telemetry;

/// Sends a test trigger and, unless `clear` is false, its clear. `alert` names the alert that it seems to be about. Always 200: what the
/// far end made of it stands in the answer.
pub async fn test(
    State(store): State<Store>,
    State(sending): State<Sending>,
    State(telemetry): State<Telemetry>,
    Unconditional(terms): Unconditional,
    Segments(id): Segments<String>,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = numeric(&id)?;
    let mut read = Reader::new(&body);
    let (about, clear) = (read.text("alert").value(), read.boolean("clear").value().unwrap_or(true));
    read.finish()?;
    let find = move |tx: &Tx| {
        let service = services::find(tx, id)?;
        let alert = match &about {
            None => None,
            Some(name) => Some(alerts::find(tx, name).map_err(|refusal| match refusal {
                Refusal::Missing => Refusal::field("alert", "there is no alert of that name"),
                other => other,
            })?),
        };
        Ok::<_, Refusal>((service, alert.map(|full| full.alert), Clock::read(tx)?.file))
    };
    let (service, alert, file) = store.read(find).await?;
    let now = store.now();
    let (sender, surroundings) =
        sending.at(now).map_err(|error| Problem::param("notify", error.to_string()))?;
    let key = format!("{file:08x}-test-{now}");
    let trigger = trigger(alert.as_ref(), key, terms.caller.name.to_string(), now);
    let cleared = Message { seq: 1, what: What::Clear { how: How::Normal }, ..trigger.clone() };
    let settings = service.settings.revealed();
    let mut told = Vec::new();
    for (kind, message) in [("trigger", Some(&trigger)), ("clear", clear.then_some(&cleared))] {
        let Some(message) = message else { continue };
        let request = render(&service.service_type, settings, message, &surroundings);
        let report = sender.send(request, settings, &[], now).await;
        let goes_on = matches!(report.verdict, Verdict::Taken | Verdict::NotTaken);
        told.push((kind, report));
        if !goes_on {
            break;
        }
    }
    if told.iter().any(|(_, report)| report.verdict == Verdict::Taken) {
        telemetry.troubles().reached(service.id, now);
    }
    let is_ok = told.iter().all(|(_, report)| matches!(report.verdict, Verdict::Taken | Verdict::NotTaken));
    let messages: Vec<Value> = told.iter().map(|(kind, report)| shown(kind, report)).collect();
    Ok(answer::ok(&json!({
        "service": { "id": service.id, "type": service.service_type, "title": service.title },
        "ok": is_ok,
        "messages": messages,
    })))
}

/// What came of a message, for people: no secrets, the target by its host alone.
fn shown(kind: &str, report: &Report) -> Value {
    let outcome = match report.verdict {
        Verdict::Taken => "sent",
        Verdict::Passing { .. } => "unavailable",
        Verdict::Lasting => "refused",
        Verdict::Unready => "not_configured",
        Verdict::Dead => "unsupported",
        Verdict::NotTaken => "not_taken",
    };
    json!({
        "kind": kind,
        "outcome": outcome,
        "target": report.target,
        "status": report.status,
        "milliseconds": u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "detail": report.detail,
    })
}

/// A trigger that says that it is a test: of an alert, each of whose conditions one stream seems to violate, or of none.
fn trigger(alert: Option<&Alert>, key: String, account: String, now: i64) -> Message {
    let made_up = || Subject {
        id: 0,
        name: "test".to_owned(),
        description: Some("A test of this service.".to_owned()),
        runbook_url: None,
    };
    let violations = match alert {
        None => vec![violation(0, "test.metric", Test::Above, Some(1.0), now)],
        Some(alert) => alert.conditions.iter().map(|one| violation_of(one, now)).collect(),
    };
    let conditions = alert.map(|alert| alert.conditions.iter().map(|one| json!(one.shown())).collect());
    let what = What::Trigger { violations, truncated: 0, again: false };
    Message {
        key,
        seq: 0,
        at: now,
        opened: None,
        account,
        alert: alert.map_or_else(made_up, Alert::subject),
        stream: None,
        conditions: conditions.unwrap_or_default(),
        what,
        test: true,
    }
}

fn violation_of(condition: &condition::Condition, now: i64) -> Violation {
    let (test, threshold) = match &condition.test {
        condition::Test::Threshold { above: true, threshold, .. } => (Test::Above, Some(*threshold)),
        condition::Test::Threshold { threshold, .. } => (Test::Below, Some(*threshold)),
        condition::Test::Absent { .. } => (Test::Absent, None),
    };
    violation(condition.id.unwrap_or_default(), &condition.metric_name, test, threshold, now)
}

fn violation(condition_id: i64, metric: &str, test: Test, threshold: Option<f64>, now: i64) -> Violation {
    let value = match (test, threshold) {
        (Test::Above, Some(threshold)) => threshold + 1.0,
        (_, Some(threshold)) => threshold - 1.0,
        (_, None) => 0.0,
    };
    Violation {
        stream: "test".to_owned(),
        condition_id,
        metric: metric.to_owned(),
        threshold,
        test,
        value,
        begin: now,
        end: now,
        count: u32::from(test != Test::Absent),
        recorded_at: now,
    }
}
