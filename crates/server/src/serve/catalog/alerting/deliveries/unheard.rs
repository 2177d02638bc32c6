//! Triggers that were given up and reached no one, by no service. The machine learns of it, so that they do not keep the next incident
//! from being said: re-arm is for those who have heard.

use std::collections::{BTreeMap, BTreeSet};

use super::delivery::Payload;
use super::table;
use crate::serve::catalog::alerting::edits;
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

/// Looks at deliveries that have ended, by their ids.
pub fn tell(tx: &Tx<'_>, by: &Evaluation, ended: &Vec<i64>, now: i64) -> Result<(), StoreError> {
    let mut unheard: BTreeMap<i64, BTreeSet<(Option<String>, i64)>> = BTreeMap::new();
    for delivery in table::unheard(tx, ended)? {
        let Payload::Message(message) = delivery.payload else { continue };
        unheard.entry(delivery.alert).or_default().insert((message.stream, delivery.at));
    }
    if unheard.is_empty() { Ok(()) } else { edits::unheard(tx, by, &unheard, now) }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;
    use crate::serve::driven::{NOW, Server, firing};
    use crate::serve::{AlertOptions, Credentials, Users};

    /// The two services come to these ends with the triggers that wait.
    async fn end(server: &Server, statuses: [&'static str; 2]) {
        let users = Users::from(vec![Credentials::new("ops@example.org", &"t".into())]);
        let by = Evaluation::new(AlertOptions::default(), users, Counter::default());
        let end = move |tx: &Tx| {
            for (service, status) in (1_i64..).zip(statuses) {
                let sql = "UPDATE deliveries SET status = ?2, ended_at = 1 WHERE service_id = ?1 AND kind = 'trigger'";
                tx.execute(sql, crate::serve::store::tx::params![service, status])?;
            }
            tell(tx, &by, &vec![1, 2], NOW + 160)
        };
        server.store.write(end).await.unwrap();
    }

    async fn silent(server: &Server) -> Vec<bool> {
        let listed = server.get("/v1/incidents").await;
        listed["incidents"].as_array().unwrap().iter().map(|one| one["silent"] == true).collect()
    }

    const CLEAR_AND_AGAIN: [(i64, &str, f64); 2] = [(NOW + 150, "web1", 1.0), (NOW + 155, "web1", 20.0)];

    /// Re-arm is ten minutes.
    #[tokio::test]
    async fn a_trigger_that_reached_nobody_does_not_keep_the_next_incident_silent() {
        for (ends, is_silent) in [
            (["failed", "failed"], false),
            (["expired", "unsupported"], false),
            (["failed", "sent"], true),
            (["waiting", "failed"], true),
        ] {
            let server = firing().await;
            end(&server, ends).await;
            server.evaluate(1, NOW + 200, CLEAR_AND_AGAIN.to_vec()).await;
            assert_eq!(silent(&server).await, [false, is_silent], "{ends:?}");
        }
    }

    #[tokio::test]
    async fn a_silent_incident_is_said_once_the_last_trigger_was_given_up() {
        let server = firing().await;
        server.evaluate(1, NOW + 158, CLEAR_AND_AGAIN.to_vec()).await;
        assert_eq!(silent(&server).await, [false, true]);
        end(&server, ["failed", "failed"]).await;
        server.evaluate(1, NOW + 200, Vec::new()).await;
        assert_eq!(silent(&server).await, [false, false]);
    }
}
