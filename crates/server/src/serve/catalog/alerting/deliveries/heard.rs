//! Who has heard of incidents: what became of their triggers at each service.

use std::collections::{BTreeMap, HashMap};

use super::delivery::Status;
use super::table;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// What became of the triggers of one incident, by the ids of services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    services: BTreeMap<i64, Service>,
}

/// The same at one service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    title: String,
    /// That of the last trigger.
    status: Status,
    has_it: bool,
    was_tried: bool,
}

/// Of these incidents, by their keys. Those that no one was to be told of are left out.
pub fn of(tx: &Tx<'_>, keys: &Vec<String>) -> Result<HashMap<String, Heard>, StoreError> {
    let mut all: HashMap<String, Heard> = HashMap::new();
    for trigger in table::triggers(tx, keys)? {
        let services = &mut all.entry(trigger.key).or_default().services;
        let before = services.get(&trigger.service).is_some_and(|before| before.has_it);
        let has_it = before || trigger.status == Status::Sent || trigger.carried;
        let (title, status, was_tried) = (trigger.title, trigger.status, trigger.attempts > 0);
        services.insert(trigger.service, Service { title, status, has_it, was_tried });
    }
    Ok(all)
}

impl Heard {
    /// The services that should have heard and have not: given up, or tried in vain so far.
    pub fn undelivered(&self) -> Vec<&str> {
        let missed = |one: &&Service| {
            !one.has_it && (one.status.is_lost() || one.status == Status::Waiting && one.was_tried)
        };
        self.services.values().filter(missed).map(|one| one.title.as_str()).collect()
    }

    /// All of it in a word.
    pub fn word(&self) -> &'static str {
        let all = || self.services.values();
        let last = |status: Status| all().any(|one| one.status == status);
        match () {
            () if !self.undelivered().is_empty() => "not_delivered",
            () if all().any(|one| one.has_it) => "delivered",
            () => [Status::Waiting, Status::Silenced, Status::Muted, Status::Held]
                .into_iter()
                .find(|status| last(*status))
                .map_or("nobody", Status::name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(services: &[(Status, bool, bool)]) -> Heard {
        let service = |(status, has_it, was_tried): &(Status, bool, bool)| Service {
            title: status.name().to_owned(),
            status: *status,
            has_it: *has_it,
            was_tried: *was_tried,
        };
        Heard { services: (1..).zip(services.iter().map(service)).collect() }
    }

    #[test]
    fn an_incident_is_not_delivered_as_long_as_one_service_misses_it() {
        let sent = (Status::Sent, true, true);
        for (services, word) in [
            (vec![sent], "delivered"),
            (vec![sent, (Status::Failed, false, true)], "not_delivered"),
            (vec![sent, (Status::Waiting, false, true)], "not_delivered"),
            (vec![(Status::Waiting, false, false)], "waiting"),
            (vec![(Status::Waiting, true, true)], "delivered"),
            (vec![(Status::Expired, true, true)], "delivered"),
            (vec![(Status::Silenced, false, false)], "silenced"),
            (vec![(Status::Held, false, false)], "held"),
            (vec![], "nobody"),
        ] {
            assert_eq!(heard(&services).word(), word, "{services:?}");
        }
        assert_eq!(heard(&[sent, (Status::Failed, false, true)]).undelivered(), ["failed"]);
    }
}
