//! The picture in a mail or a chat: what the alert watches, drawn when it fires. A notification never waits long for it, and goes without it
//! where there is none.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use url::Url;

use crate::chart::View;
use crate::notify::{Illustration, LinkedPicture, Message, What};
use crate::picture::{Theme, Window, draw, png};
use crate::serve::drawing::{self, PictureRequest};
use crate::serve::snapshots::{self, Snapshot, table};
use crate::serve::store::Store;
use crate::serve::store::tx::Tx;

/// As wide as mails are read, for screens of twice the pixels.
const WIDTH: u32 = 600;
const HEIGHT: u32 = 160;
const PIXELS: f64 = 2.0;

/// Seconds before the alert fired that are shown.
const BEFORE: i64 = 2 * 3_600;

/// How long a notification waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The same at an address that anybody may open, for chats: one for all who are told, however often.
pub async fn linked(store: &Store, message: &Message, base: &Url) -> Option<LinkedPicture> {
    let What::Trigger { .. } = message.what else { return None };
    let about = json!({"id": message.alert.id, "name": message.alert.name});
    let subject = json!({"alert": about, "message": format!("{}-{}", message.key, message.seq)});
    let at =
        |key: &str| Url::parse(&format!("{}/snapshots/{key}.png", base.as_str().trim_end_matches('/'))).ok();
    let asked = subject.clone();
    if let Some(key) = store.read(move |tx: &Tx| table::kept(tx, &asked)).await.ok()? {
        return Some(LinkedPicture { url: at(&key)?, words: message.alert.name.clone() });
    }
    let Illustration { png, words, .. } = of(store, message).await?;
    let (key, now) = (snapshots::key().ok()?, store.now());
    let made = Snapshot {
        id: 0,
        job: 0,
        subject,
        duration: BEFORE,
        end_time: message.at,
        created_at: now,
        updated_at: now,
        key: None,
    };
    let kept = key.clone();
    store.write(move |tx: &Tx| table::keep(tx, &made, &kept, &png)).await.ok()?;
    Some(LinkedPicture { url: at(&key)?, words })
}

/// What the condition that is violated first watches; nothing of what is over, or a test.
pub async fn of(store: &Store, message: &Message) -> Option<Illustration> {
    let What::Trigger { violations, .. } = &message.what else { return None };
    if message.test {
        return None;
    }
    let violated = violations.first()?;
    let is_it = |condition: &&Value| condition["id"].as_i64() == Some(violated.condition_id);
    let condition = message.conditions.iter().find(is_it)?;
    let chart = json!({
        "name": message.alert.name, "type": "line",
        "streams": [{
            "metric": violated.metric, "source": condition["source"], "tags": condition["tags"],
            "group_function": "breakout", "summary_function": condition["summary_function"],
        }],
    });
    let view = View {
        window: Window { start: message.at.saturating_sub(BEFORE), end: message.at },
        now: store.now(),
        kept: 1,
        width: WIDTH,
        height: HEIGHT,
        whole: true,
        zone: TimeZone::UTC,
        source: None,
        tags: Vec::new(),
        hidden: Vec::new(),
    };
    let only_alert = Some(message.alert.id);
    let request = PictureRequest {
        charts: vec![chart],
        view,
        events: None,
        with_alerts: true,
        only_alert,
        only_series: None,
    };
    let drawn = async {
        let scene = drawing::draw(store, request).await.ok()?.scenes.pop()?;
        if scene.series.iter().all(|series| series.points.is_empty()) {
            return None;
        }
        let painted = tokio::task::spawn_blocking(move || {
            let picture = draw(&scene);
            let png = png::paint(&picture, Theme::Light, PIXELS)?;
            Some(Illustration { png, words: picture.summary, width: WIDTH })
        });
        painted.await.ok()?
    };
    tokio::time::timeout(PATIENCE, drawn).await.ok()?
}
