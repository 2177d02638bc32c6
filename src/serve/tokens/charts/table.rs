//! The table of chart tokens.

use serde_json::{Value, json};

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Row, Tx, params};

#[derive(Clone)]
pub struct ChartToken {
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
            token: row.get("token")?,
            entity_type: row.get("entity_type")?,
            entity_id: row.get("entity_id")?,
        })
    }
}

pub fn find(tx: &Tx<'_>, token: &str) -> Result<Option<ChartToken>, StoreError> {
    tx.one("SELECT * FROM chart_tokens WHERE token = ?1", params![token], ChartToken::from_row)
}

pub fn insert(tx: &Tx<'_>, made: &ChartToken) -> Result<(), StoreError> {
    let sql = "INSERT INTO chart_tokens (token, entity_type, entity_id) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![made.token, made.entity_type, made.entity_id]).map(drop)
}

/// Whether there was such a token.
pub fn delete(tx: &Tx<'_>, token: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM chart_tokens WHERE token = ?1", params![token])? > 0)
}
