//! The table of chart tokens.

use serde_json::{Value, json};

use crate::serve::changes::Entity;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

#[derive(Clone)]
pub struct ChartToken {
    /// By which it is found again where it must not be named.
    pub id: i64,
    pub token: String,
    pub entity_type: String,
    pub entity_id: i64,
}

impl ChartToken {
    pub fn shown(&self) -> Value {
        json!({ "token": self.token, "entity_type": self.entity_type, "entity_id": self.entity_id })
    }

    pub fn from_row(row: &Row<'_>) -> Result<ChartToken, StoreError> {
        Ok(ChartToken {
            id: row.get("id")?,
            token: row.get("token")?,
            entity_type: row.get("entity_type")?,
            entity_id: row.get("entity_id")?,
        })
    }
}

/// Known by its token, so it has no name, and several may be for one object.
impl Entity for ChartToken {
    const KIND: &'static str = "chart token";
    const SECRET: Option<&'static str> = Some("token");

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        format!("{} {}", self.entity_type, self.entity_id)
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    fn save(&mut self, tx: &Tx<'_>, _: i64) -> Result<(), Refusal> {
        Ok(insert(tx, self)?)
    }

    fn namesake(&self, _: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(None)
    }
}

pub fn find(tx: &Tx<'_>, token: &str) -> Result<Option<ChartToken>, StoreError> {
    tx.one("SELECT * FROM chart_tokens WHERE token = ?1", params![token], ChartToken::from_row)
}

/// Inserts and sets the id.
fn insert(tx: &Tx<'_>, made: &mut ChartToken) -> Result<(), StoreError> {
    let sql = "INSERT INTO chart_tokens (token, entity_type, entity_id) VALUES (?1, ?2, ?3) RETURNING id";
    made.id = tx.id(sql, params![made.token, made.entity_type, made.entity_id])?;
    Ok(())
}

/// Whether there was such a token.
pub fn delete(tx: &Tx<'_>, token: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM chart_tokens WHERE token = ?1", params![token])? > 0)
}
