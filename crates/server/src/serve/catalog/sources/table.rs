//! The table of sources. Names are unique without regard to case and keep their first spelling.

use serde_json::{Value, json};

use crate::serve::changes::Entity;
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::page::Filter;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx, params};

/// Where a name is looked for.
pub const NAMES: Filter = Filter::Part(&["key", "lower(coalesce(display_name, ''))"]);

pub struct Source {
    pub name: String,
    pub display_name: Option<String>,
}

impl Source {
    pub fn shown(&self) -> Value {
        json!({ "name": self.name, "display_name": self.display_name })
    }

    pub fn from_row(row: &Row<'_>) -> Result<Source, StoreError> {
        Ok(Source { name: row.get("name")?, display_name: row.get("display_name")? })
    }
}

/// Known by its name alone, so it has no id.
impl Entity for Source {
    const KIND: &'static str = "source";

    fn id(&self) -> i64 {
        0
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        Ok(save(tx, self)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(rows::named(tx, "sources", &fold(&self.name))?)
    }
}

pub fn find(tx: &Tx<'_>, name: &str) -> Result<Option<Source>, StoreError> {
    tx.one("SELECT * FROM sources WHERE key = ?1", params![fold(name)], Source::from_row)
}

/// What is shown for a source in its place, if anything was said about it.
pub fn display_name(tx: &Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    Ok(find(tx, name)?.and_then(|source| source.display_name))
}

fn save(tx: &Tx<'_>, source: &Source) -> Result<(), StoreError> {
    let sql = "INSERT INTO sources (key, name, display_name) VALUES (?1, ?2, ?3)
        ON CONFLICT (key) DO UPDATE SET display_name = excluded.display_name";
    tx.execute(sql, params![fold(&source.name), source.name, source.display_name]).map(drop)
}

/// Whether there was such a source.
pub fn delete(tx: &Tx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM sources WHERE key = ?1", params![fold(name)])? > 0)
}
