//! `GET /v1/metrics/{name}/uses`: the alerts, charts and composites that name a metric, as far as whoever asks may see them. Patterns of
//! names are not looked at.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::composite;
use crate::serve::catalog::alerts::table as alerts;
use crate::serve::catalog::metrics::table as metrics;
use crate::serve::catalog::spaces::table as spaces;
use crate::serve::http::answer;
use crate::serve::http::auth::Caller;
use crate::serve::http::body::Segments;
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::serve::http::role::Access;
use crate::serve::names::fold;
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

/// So many of each kind are named.
const MOST: usize = 200;

pub async fn uses(
    State(store): State<Store>,
    caller: Caller,
    Segments(name): Segments<String>,
) -> Result<Response, Problem> {
    let may = |access: Access| access.roles().contains(&caller.role);
    let (sees_alerts, sees_charts) = (may(Access::ReadAlerts), may(Access::ReadSpaces));
    let read = move |tx: &Tx| -> Result<_, Problem> {
        let key = fold(&name);
        metrics::id_of(tx, &name)?.ok_or_else(Problem::not_found)?;
        let alerts = if sees_alerts { alerts::names(tx, &alerts::naming(tx, &key)?)? } else { Vec::new() };
        let shows = |stream: &Object| shows(stream, &key);
        let charts = if sees_charts { spaces::charts_with(tx, &shows)? } else { Vec::new() };
        let mut composites = metrics::composites(tx)?;
        composites.retain(|(_, definition)| reads(definition, &key));
        Ok((alerts, charts, composites))
    };
    let (alerts, charts, composites) = store.query(read).await?;
    let left_out = [alerts.len(), charts.len(), composites.len()].map(|all| all.saturating_sub(MOST));
    let alerts: Vec<Value> =
        alerts.into_iter().take(MOST).map(|(id, name)| json!({ "id": id, "name": name })).collect();
    let charts: Vec<Value> = charts
        .into_iter()
        .take(MOST)
        .map(|used| {
            let space = json!({ "id": used.space, "name": used.space_name });
            json!({ "id": used.chart, "name": used.chart_name, "space": space })
        })
        .collect();
    let composites: Vec<String> = composites.into_iter().take(MOST).map(|(name, _)| name).collect();
    let left_out: usize = left_out.iter().sum();
    Ok(answer::ok(
        &json!({ "alerts": alerts, "charts": charts, "composites": composites, "left_out": left_out }),
    ))
}

/// Whether a stream of a chart shows the metric with this folded name.
fn shows(stream: &Object, key: &str) -> bool {
    let text = |name: &str| stream.get(name).and_then(Value::as_str);
    let is_event = text("type") == Some("annotation");
    !is_event && text("metric").is_some_and(|metric| fold(metric) == key)
        || text("composite").is_some_and(|definition| reads(definition, key))
}

/// Whether a composite reads it. One that cannot be read reads nothing.
fn reads(definition: &str, key: &str) -> bool {
    composite::parse(definition).is_ok_and(|read| read.metrics().iter().any(|metric| fold(metric) == key))
}
