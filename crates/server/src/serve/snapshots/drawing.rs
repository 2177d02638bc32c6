//! Snapshots are drawn one after the other, beside everything else: what waits is taken, drawn from what is stored, and kept. Whatever a
//! kill interrupts is drawn again by who draws next. Of several servers one draws.

use std::convert::Infallible;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::options::{SnapshotOptions, Snapshots};
use super::table::{self, Snapshot};
use crate::chart::View;
use crate::picture::{Scene, Theme, Window, draw, png};
use crate::serve::catalog::spaces::table as spaces;
use crate::serve::cluster::{Cluster, Duty, Token};
use crate::serve::drawing::{self as charts, PictureRequest};
use crate::serve::http::problem::Problem;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// As the pictures of the hosted service were, for screens of twice the pixels.
const WIDTH: u32 = 800;
const HEIGHT: u32 = 216;
const PIXELS: f64 = 2.0;

/// What it is called among the duties of servers.
const DUTY: &str = "snapshots";

/// How long it takes until one is noticed that another server was asked for.
const LOOK: Duration = Duration::from_secs(2);

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait when the store cannot be asked.
const PAUSE: Duration = Duration::from_secs(5);

/// Draws what waits, and what comes, unless another server of `cluster` does. Never returns.
pub async fn draw_snapshots(store: Store, options: SnapshotOptions, cluster: Cluster) -> Infallible {
    if options.seen_by == Snapshots::Off {
        return std::future::pending().await;
    }
    let (duty, mut known) = (cluster.duty(DUTY), None);
    loop {
        let woken = options.wake.notified();
        let outcome = match next(&store, &duty, &mut known).await {
            Ok(None) if store.is_shared() => {
                let _ = tokio::time::timeout(LOOK, woken).await;
                Ok(())
            }
            Ok(None) => {
                woken.await;
                Ok(())
            }
            Ok(Some((snapshot, token))) => finish(&store, snapshot, token).await,
            Err(error) => Err(error),
        };
        match outcome {
            // Whoever draws now begins with what was under way here.
            Ok(()) | Err(StoreError::Superseded) => {}
            Err(error) => {
                note(&error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The one that has waited longest, where it is this server that draws.
async fn next(
    store: &Store,
    duty: &Duty,
    known: &mut Option<Token>,
) -> Result<Option<(Snapshot, Token)>, StoreError> {
    let Some(token) = duty.held() else { return Ok(None) };
    if known.as_ref() != Some(&token) {
        let fenced = token.clone();
        // What was being drawn by who did it before waits again.
        let wait_again = move |tx: &Tx| fenced.fence(tx).and_then(|()| table::wait_again(tx));
        store.write(wait_again).await?;
        *known = Some(token.clone());
    }
    let fenced = token.clone();
    let taken = store.write(move |tx: &Tx| fenced.fence(tx).and_then(|()| table::take(tx))).await?;
    Ok(taken.map(|snapshot| (snapshot, token)))
}

fn note(error: &StoreError) {
    tracing::error!(target: "librato_apply::serve", %error, "snapshots cannot be drawn for now");
}

async fn finish(store: &Store, snapshot: Snapshot, token: Token) -> Result<(), StoreError> {
    let drawn = tokio::time::timeout(PATIENCE, picture(store, &snapshot)).await;
    let drawn = drawn.unwrap_or_else(|_| Err("it took too long to draw".to_owned()));
    let key = key();
    let now = store.now();
    store
        .write(move |tx: &Tx| {
            token.fence(tx)?;
            match (&drawn, &key) {
                (Ok(png), Ok(key)) => table::finish(tx, &snapshot, key, png, now),
                (Err(why), _) | (_, Err(why)) => table::fail(tx, &snapshot, why),
            }
        })
        .await
}

/// 128 random bits.
pub fn key() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| "this machine has no source of randomness".to_owned())?;
    Ok(hex::encode(bytes))
}

async fn picture(store: &Store, snapshot: &Snapshot) -> Result<Vec<u8>, String> {
    let scene = scene(store, snapshot).await.map_err(|problem| problem.told())?;
    let scene = scene.ok_or("what it pictures is not there any more")?;
    let painted = tokio::task::spawn_blocking(move || png::paint(&draw(&scene), Theme::Light, PIXELS)).await;
    painted.ok().flatten().ok_or_else(|| "there is no memory for the picture".to_owned())
}

async fn scene(store: &Store, snapshot: &Snapshot) -> Result<Option<Scene>, Problem> {
    let subject = snapshot.subject.clone();
    let Some(chart) = store.read(move |tx: &Tx| of_subject(tx, &subject)).await? else { return Ok(None) };
    let shown = &snapshot.subject["chart"];
    let view = View {
        window: Window { start: snapshot.end_time.saturating_sub(snapshot.duration), end: snapshot.end_time },
        now: store.now(),
        kept: 1,
        width: WIDTH,
        height: HEIGHT,
        whole: true,
        zone: TimeZone::UTC,
        source: source(&shown["sources"]),
        tags: tags(&shown["tags"]),
        hidden: Vec::new(),
    };
    // Pictures may be shown to people who may not know of alerts.
    let request = PictureRequest {
        charts: vec![chart],
        view,
        events: None,
        with_alerts: false,
        only_alert: None,
        only_series: None,
    };
    Ok(charts::draw(store, request).await?.scenes.pop())
}

/// The definition of what is pictured, with what the snapshot says otherwise.
fn of_subject(tx: &Tx<'_>, subject: &Value) -> Result<Option<Value>, Problem> {
    if let Some(id) = subject["chart"]["id"].as_i64() {
        let Some(space) = table::space_of(tx, id)? else { return Ok(None) };
        let mut chart = spaces::find_chart(tx, space, id)?.chart.shown();
        if let Some(kind) = subject["chart"]["type"].as_str() {
            chart["type"] = json!(kind);
        }
        return Ok(Some(chart));
    }
    let href = &subject["instrument"]["href"];
    let tail = href.as_str().and_then(|href| href.trim_end_matches('/').rsplit('/').next());
    let id = tail.and_then(|id| id.parse::<i64>().ok()).or(subject["instrument"]["id"].as_i64());
    let Some(id) = id else { return Ok(None) };
    let Some(name) = table::instrument(tx, id)? else { return Ok(None) };
    let streams = spaces::streams(tx, spaces::Owner::Instrument, &[id])?.remove(&id).unwrap_or_default();
    Ok(Some(json!({ "name": name, "type": "line", "streams": streams })))
}

/// What stands for `%`: nothing where every source is meant.
fn source(sources: &Value) -> Option<String> {
    let names: Vec<&str> = sources.as_array()?.iter().filter_map(Value::as_str).collect();
    (!names.is_empty() && !names.contains(&"*")).then(|| names.join(" OR "))
}

/// What was chosen for dynamic tags: of a list or a mapping the first value each.
fn tags(sent: &Value) -> Vec<(String, String)> {
    let first = |value: &Value| match value {
        Value::Array(values) => values.first().and_then(Value::as_str).map(str::to_owned),
        value => value.as_str().map(str::to_owned),
    };
    match sent {
        Value::Array(all) => {
            let one = |tag: &Value| Some((tag["name"].as_str()?.to_owned(), first(&tag["values"])?));
            all.iter().filter_map(one).collect()
        }
        Value::Object(all) => {
            all.iter().filter_map(|(name, value)| Some((name.clone(), first(value)?))).collect()
        }
        _ => Vec::new(),
    }
}
