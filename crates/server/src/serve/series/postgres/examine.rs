//! The examination of series and points in a database, and of what is kept of alerts: can all of it be read, and does it lie where it is
//! looked for?

use std::ops::ControlFlow;

use super::table;
use crate::serve::series::sqlite::examine::WORDS;
use crate::serve::store::Report;
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::check::Examination;
use crate::serve::store::tx::{Row, Tx, params};
use crate::serve::tsdb::tier::Tier;
use crate::serve::tsdb::{Error, envelope, journal, page};

pub const EXAMINATIONS: &[Examination] = &[labels, waiting, pages, alerting, states];

fn labels(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT id, metric_id, dialect, labels, checksum FROM series WHERE dialect <> 'damaged'";
    tx.each(sql, params![], |row| {
        let id: i64 = row.get("id")?;
        if let Err(why) = table::labels(row)? {
            report.problem(format!("row {id} of series: {why}"));
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}

fn waiting(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let mut points = 0;
    tx.each("SELECT id, block FROM journal", params![], |row| {
        match journal::open(row.get("block")?) {
            Ok(samples) => points += samples.len() as u64,
            Err(why) => report.problem(format!("row {} of journal {why}", row.get::<i64>("id")?)),
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    report.counted("points in journal".to_owned(), points);
    Ok(())
}

/// Where a page stands: part, tier, window, layer.
type Place = [i64; 4];

fn pages(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT part, tier, start, seq, first, no, last, block FROM pages ORDER BY part, tier, start, seq, no";
    let parts = tx.one("SELECT parts FROM meta", params![], |row| row.get("parts"))?.unwrap_or(1);
    let (mut points, mut before): (u64, Option<(Place, i64)>) = (0, None);
    tx.each(sql, params![], |row| {
        let place = [row.get("part")?, row.get("tier")?, row.get("start")?, row.get("seq")?];
        let [part, tier, start, seq] = place;
        let no: i64 = row.get("no")?;
        let mut wrong = |why: &str| {
            report.problem(format!("page {no} of layer {seq} in part {part} ({tier} s from {start}) {why}"));
        };
        let last = before.filter(|(layer, _)| *layer == place).map(|(_, last)| last);
        match (opened(row, parts)?, last) {
            (Err(why), _) => wrong(&why.to_string()),
            (Ok(found), Some(last)) if found.first < last => {
                points += found.points;
                wrong("does not come behind the one before it");
            }
            (Ok(_), None) if no != 0 => wrong("is of a layer that does not begin"),
            (Ok(found), _) if !found.is_in_place => wrong("is not where it is looked for"),
            (Ok(found), _) => points += found.points,
        }
        before = Some((place, row.get("last")?));
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })?;
    report.counted("points in pages".to_owned(), points);
    Ok(())
}

/// What a page that can be read has.
struct Found {
    points: u64,
    first: i64,
    /// Whether its metrics are those that its row says, and of its part.
    is_in_place: bool,
}

fn opened(row: &Row<'_>, parts: i64) -> Result<Result<Found, Error>, StoreError> {
    let (part, first, last): (i64, i64, i64) = (row.get("part")?, row.get("first")?, row.get("last")?);
    let (tier, start, block): (_, _, &[u8]) =
        (Tier::of(row.get("tier")?), row.get("start")?, row.get("block")?);
    let read = || {
        let (page, places) = page::open(tier.ok_or(Error::Unreadable)?, start, block)?;
        let mut points = 0;
        for place in &places {
            points += page.points(place)?.len() as u64;
        }
        let metrics = || places.iter().map(|place| place.metric);
        let is_in_place = metrics().min() == Some(first)
            && metrics().max() == Some(last)
            && metrics().all(|metric| metric.rem_euclid(parts) == part);
        Ok(Found { points, first, is_in_place })
    };
    Ok(read())
}

fn alerting(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    for (table, column, known) in WORDS {
        let sql = format!("SELECT id, {column} AS word FROM {table} WHERE {column} IS NOT NULL");
        tx.each(&sql, params![], |row| {
            let (id, word): (i64, &str) = (row.get("id")?, row.get("word")?);
            if !known.contains(&word) {
                let why = "is none of the words that belong there";
                report.problem(format!("{column} in row {id} of {table} {why}"));
            }
            Ok::<_, StoreError>(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}

fn states(tx: &Tx<'_>, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT id, alert_id, page, body, pages, (SELECT count(*) FROM alert_states AS all_of
            WHERE all_of.alert_id = alert_states.alert_id) AS there FROM alert_states ORDER BY id";
    tx.each(sql, params![], |row| {
        let (id, alert, page): (i64, i64, i64) = (row.get("id")?, row.get("alert_id")?, row.get("page")?);
        let complete = row.get::<i64>("pages")? == row.get::<i64>("there")?;
        let opened = envelope::open(&[alert, page], row.get("body")?);
        match opened.map(serde_json::from_slice::<serde::de::IgnoredAny>) {
            Ok(Ok(_)) if complete => {}
            Ok(Ok(_)) => {
                report.problem(format!("row {id} of alert_states: pages of alert {alert} are missing"));
            }
            Ok(Err(_)) => report.problem(format!("row {id} of alert_states {}", Error::Unreadable)),
            Err(why) => report.problem(format!("row {id} of alert_states {why}")),
        }
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}
