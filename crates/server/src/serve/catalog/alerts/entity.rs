//! Alerts as objects that are made, changed and deleted. A change runs the machine on what was evaluated so far.

use serde_json::{Value, json};

use super::alert::Client;
use super::table::{self, Full};
use crate::serve::catalog::alerting::edits;
use crate::serve::changes::Entity;
use crate::serve::http::role::Role;
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::rows;
use crate::serve::store::tx::Tx;

impl Entity for Full {
    const KIND: &'static str = "alert";

    fn id(&self) -> i64 {
        self.alert.id
    }

    fn name(&self) -> String {
        self.alert.name.clone()
    }

    fn whole(&self) -> Value {
        let mut whole = json!(self.alert.shown(&[], Role::Admin, Client::Other));
        whole["services"] = json!(self.alert.services);
        whole
    }

    /// `updated_at` moves with every accepted change.
    fn save(&mut self, tx: &Tx<'_>, now: i64) -> Result<(), Refusal> {
        self.alert.updated_at = now;
        let changed = match &self.edited {
            Some(edited) => edits::edit(tx, &edited.by, &edited.before, &mut self.alert, now)?,
            None => {
                // Who defines an alert and sends values at once means these, too: the whole second counts.
                let since = now.saturating_sub(1);
                self.alert.conditions.iter_mut().for_each(|condition| condition.since = since);
                None
            }
        };
        self.services = table::save(tx, &mut self.alert, self.edited.as_ref().map(|edited| &edited.before))?;
        if let (Some(changed), Some(edited)) = (changed, &self.edited) {
            changed.write(tx, &edited.by, &self.alert, now)?;
        }
        Ok(())
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        Ok(rows::named(tx, "alerts", &fold(&self.alert.name))?)
    }
}
