//! What the log says of incidents that open and close, so that a night can be followed in it. Of a storm it names the first.

use std::collections::HashMap;
use std::sync::Arc;

use super::incidents::incident::{Incident, word};
use crate::notify::Violation;
use crate::serve::catalog::alerts::alert::Alert;
use crate::watch::How;

/// So many incidents of one transaction are named, of those that open and of those that close.
const NAMED: usize = 20;

/// Incidents that opened, and those that closed, by their keys, with their alerts.
pub fn happened(opened: &[Incident], closed: &[(String, i64, How)], alerts: &HashMap<String, Arc<Alert>>) {
    for one in opened.iter().take(NAMED) {
        let (alert, incident, stream, silent) =
            (one.alert_name.as_str(), one.key.as_str(), one.stream.as_deref(), one.silent);
        let (why, violations) = (one.snapshot.violations.first().map(why), one.snapshot.violations.len());
        tracing::info!(target: "librato_apply::serve", alert, incident, stream, silent, why, violations, "an alert has triggered");
    }
    for (incident, _, how) in closed.iter().take(NAMED) {
        let (incident, how) = (incident.as_str(), word(*how));
        let alert = alerts.get(incident).map(|alert| alert.name.as_str());
        tracing::info!(target: "librato_apply::serve", alert, incident, how, "an alert has cleared");
    }
    let more = opened.len().saturating_sub(NAMED) + closed.len().saturating_sub(NAMED);
    if more > 0 {
        tracing::info!(target: "librato_apply::serve", more, "more incidents opened or closed; `get incidents` shows them");
    }
}

/// `web.ms above 800 with 912 on web1`
fn why(one: &Violation) -> String {
    match one.threshold {
        Some(threshold) => {
            format!("{} {} {threshold} with {} on {}", one.metric, one.test.word(), one.value, one.stream)
        }
        None => format!("{} {} on {}", one.metric, one.test.word(), one.stream),
    }
}

#[cfg(test)]
pub mod tests {
    use std::io;
    use std::sync::Mutex;

    use super::*;
    use crate::serve::catalog::alerting::incidents::incident::Snapshot;

    /// What is logged.
    #[derive(Clone, Default)]
    pub struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        /// Listens on this thread, until the guard is dropped.
        pub fn listen(&self) -> tracing::subscriber::DefaultGuard {
            let writer = self.clone();
            let lines = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
            let guard = tracing::subscriber::set_default(lines);
            // Tests beside this one, which log nothing, may have been first to ask whether these lines are wanted.
            tracing::callsite::rebuild_interest_cache();
            guard
        }

        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn what_opens_and_closes_is_named_and_of_a_storm_the_first() {
        let lines = Lines::default();
        let guard = lines.listen();
        let alert = Alert { name: "db.slow".to_owned(), ..Alert::unread(7) };
        let open = |number: usize| {
            Incident::new(format!("beef-7-{number}"), &alert, None, (1, number == 1), Snapshot::default())
        };
        let all: Vec<Incident> = (0..25).map(open).collect();
        let names = HashMap::from([("beef-7-0".to_owned(), Arc::new(alert.clone()))]);
        happened(&all, &[("beef-7-0".to_owned(), 2, How::Manual)], &names);
        drop(guard);
        let text = lines.text();
        let fields: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["fields"].clone())
            .collect();
        assert_eq!(fields.len(), NAMED + 2, "{text}");
        let of = |at: usize| ["message", "alert", "incident"].map(|key| fields[at][key].as_str().unwrap());
        assert_eq!(of(0), ["an alert has triggered", "db.slow", "beef-7-0"]);
        assert_eq!((&fields[0]["silent"], &fields[1]["silent"]), (&false.into(), &true.into()));
        assert_eq!(of(NAMED), ["an alert has cleared", "db.slow", "beef-7-0"]);
        assert_eq!(fields[NAMED + 1]["more"], 5);
    }
}
