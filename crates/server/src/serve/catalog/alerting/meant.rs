//! Which alert a filter means, in the tables that remember alerts by id and name.

use crate::serve::names::fold;
use crate::serve::store::page::{Conditions, is_like, like};

/// An alert by its id, or alerts by a pattern of names.
pub enum Meant {
    Id(i64),
    Names(String),
}

impl Meant {
    /// A number is an id, anything else a name or a pattern with `*`.
    pub fn of(text: &str) -> Meant {
        text.parse().map_or_else(|_| Meant::Names(like(&fold(text))), Meant::Id)
    }

    pub fn add<'a>(&'a self, wanted: &mut Conditions<'a>) {
        match self {
            Meant::Id(id) => wanted.add(id, |at| format!("alert_id = ?{at}")),
            Meant::Names(pattern) => wanted.add(pattern, |at| is_like("lower(alert)", at)),
        }
    }
}
