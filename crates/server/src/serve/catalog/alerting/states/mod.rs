//! The states of alerts as they are kept: pages in envelopes, so that a damaged one is noticed. An alert without one was quiet.

mod table;

use std::collections::{BTreeMap, HashMap};

use self::table::Stored;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::envelope;
use crate::watch::{AlertState, Context, Page};

/// The most streams a page holds.
const STREAMS: usize = 1_000;

/// A state to be kept in place of the one before.
#[derive(Debug)]
pub struct Kept {
    pub alert: i64,
    pub through: i64,
    /// The pages, sealed.
    bodies: Vec<Vec<u8>>,
}

/// What is kept of an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Pages(Vec<Page>),
    /// Something that is of no use, and why.
    Unreadable(String),
}

impl Kept {
    /// What is to be kept of a state.
    pub fn of(state: &AlertState, ctx: &Context<'_>) -> Result<Kept, StoreError> {
        let alert = ctx.alert.id;
        let pages = state.pages(ctx.alert, STREAMS);
        let seal = |(at, page): (i64, &Page)| {
            let body = serde_json::to_vec(page).map_err(StoreError::internal)?;
            Ok::<_, StoreError>(envelope::seal(&[alert, at], &body))
        };
        Ok(Kept {
            alert,
            through: state.through(),
            bodies: (0..).zip(&pages).map(seal).collect::<Result<_, _>>()?,
        })
    }

    /// Of an alert that is not evaluated any more.
    pub fn nothing(alert: i64) -> Kept {
        Kept { alert, through: 0, bodies: Vec::new() }
    }
}

/// Keeps states in place of those before.
pub fn save(tx: &Tx<'_>, states: &[&Kept]) -> Result<(), StoreError> {
    if states.is_empty() {
        return Ok(());
    }
    let alerts: Vec<i64> = states.iter().map(|kept| kept.alert).collect();
    table::delete(tx, &alerts)?;
    let rows = states.iter().flat_map(|kept| {
        let pages = kept.bodies.len() as i64;
        (0..).zip(&kept.bodies).map(move |(page, body)| {
            let (alert, through) = (kept.alert, kept.through);
            (alert, Stored { page, pages, through, body: body.clone() })
        })
    });
    table::insert(tx, rows)
}

/// What is kept of these alerts; those of which nothing is kept are left out.
pub fn load(tx: &Tx<'_>, alerts: &[i64]) -> Result<HashMap<i64, Found>, StoreError> {
    let mut all: BTreeMap<i64, Vec<Stored>> = BTreeMap::new();
    table::each(tx, alerts, |alert, stored| all.entry(alert).or_default().push(stored))?;
    Ok(all.into_iter().map(|(alert, rows)| (alert, read(alert, &rows))).collect())
}

/// The rows of one alert, in order of their pages.
fn read(alert: i64, rows: &[Stored]) -> Found {
    let mut pages = Vec::with_capacity(rows.len());
    for (at, row) in (0..).zip(rows) {
        if row.page != at || row.pages != rows.len() as i64 {
            return Found::Unreadable(format!("page {at} of {} is missing", row.pages));
        }
        let page = envelope::open(&[alert, at], &row.body).map_err(|error| error.to_string()).and_then(
            // What serde says may quote a text, which is the name of a stream at most.
            |body| serde_json::from_slice(body).map_err(|error| error.to_string()),
        );
        match page {
            Ok(page) => pages.push(page),
            Err(error) => return Found::Unreadable(format!("page {at} cannot be read: {error}")),
        }
    }
    Found::Pages(pages)
}
