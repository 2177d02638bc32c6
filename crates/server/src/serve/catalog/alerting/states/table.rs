//! The table of states.

use std::ops::ControlFlow;

use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};

/// One page as it is stored.
#[derive(Debug)]
pub struct Stored {
    pub page: i64,
    /// How many pages the state has.
    pub pages: i64,
    /// Up to which event time the state goes.
    pub through: i64,
    pub body: Vec<u8>,
}

pub fn delete(tx: &Tx<'_>, alerts: &Vec<i64>) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM alert_states WHERE {}", tx.any("alert_id", 1));
    tx.execute(&sql, params![alerts]).map(drop)
}

pub fn insert(tx: &Tx<'_>, rows: impl Iterator<Item = (i64, Stored)>) -> Result<(), StoreError> {
    let sql = "INSERT INTO alert_states (alert_id, page, pages, through, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.many(sql, |many| {
        for (alert, Stored { page, pages, through, body }) in rows {
            many.run(params![alert, page, pages, through, body])?;
        }
        Ok(())
    })
    .map(drop)
}

/// The pages of these alerts, in order.
pub fn each(tx: &Tx<'_>, alerts: &[i64], mut each: impl FnMut(i64, Stored)) -> Result<(), StoreError> {
    let any = tx.any("alert_id", 1);
    let sql = format!("SELECT * FROM alert_states WHERE {any} ORDER BY alert_id, page");
    tx.each(&sql, params![alerts], |row| {
        let stored = Stored {
            page: row.get("page")?,
            pages: row.get("pages")?,
            through: row.get("through")?,
            body: row.get("body")?,
        };
        each(row.get("alert_id")?, stored);
        Ok::<_, StoreError>(ControlFlow::Continue(()))
    })
}
