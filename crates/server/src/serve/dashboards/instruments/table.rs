//! The table of instruments.

use serde_json::{Value, json};

use crate::serve::catalog::spaces::table::{Owner, save_streams, streams};
use crate::serve::changes::Entity;
use crate::serve::changes::by_id;
use crate::serve::http::fields::Object;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

#[derive(Default)]
pub struct Instrument {
    pub id: i64,
    pub name: String,
    pub attributes: Object,
    pub streams: Vec<Object>,
}

impl Instrument {
    pub fn shown(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "attributes": self.attributes, "streams": self.streams })
    }

    /// The columns of the table; streams come from [`complete`].
    pub fn from_row(row: &Row<'_>) -> Result<Instrument, StoreError> {
        Ok(Instrument {
            id: row.get("id")?,
            name: row.get("name")?,
            attributes: row.json("instruments", "attributes")?,
            streams: Vec::new(),
        })
    }
}

impl Entity for Instrument {
    const KIND: &'static str = "instrument";

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    fn save(&mut self, tx: &Tx<'_>, now: i64) -> Result<(), Refusal> {
        Ok(save(tx, self, now)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        let sql = "SELECT id FROM instruments WHERE name = ?1 ORDER BY id LIMIT 1";
        Ok(tx.one(sql, params![self.name], |row| row.get("id"))?)
    }
}

/// Adds the streams to any number of instruments that come from rows.
pub fn complete(tx: &Tx<'_>, mut instruments: Vec<Instrument>) -> Result<Vec<Instrument>, StoreError> {
    let ids: Vec<i64> = instruments.iter().map(|instrument| instrument.id).collect();
    let mut streams = streams(tx, Owner::Instrument, &ids)?;
    for instrument in &mut instruments {
        instrument.streams = streams.remove(&instrument.id).unwrap_or_default();
    }
    Ok(instruments)
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<Instrument, Refusal> {
    let found = by_id::find(tx, "instruments", id, Instrument::from_row)?;
    complete(tx, vec![found])?.pop().ok_or(Refusal::Missing)
}

/// Writes the instrument, inserting it when it has no id yet.
pub fn save(tx: &Tx<'_>, instrument: &mut Instrument, now: i64) -> Result<(), StoreError> {
    let Instrument { id, name, attributes, streams } = instrument;
    let attributes = json!(attributes).to_string();
    if *id == 0 {
        let sql = "INSERT INTO instruments (name, attributes, updated_at) VALUES (?1, ?2, ?3) RETURNING id";
        *id = tx.id(sql, params![name, attributes, now])?;
    } else {
        let sql = "UPDATE instruments SET name = ?1, attributes = ?2, updated_at = ?3 WHERE id = ?4";
        tx.execute(sql, params![name, attributes, now, id])?;
    }
    save_streams(tx, Owner::Instrument, *id, streams)
}
