//! `get incidents --watch`: what opens and closes, one line each, until someone has seen enough.

use std::collections::BTreeMap;
use std::time::Duration;

use librato_apply::diag::printable;
use librato_apply::remote::Client;
use serde_json::{Value, json};

use super::asked::Asked;
use super::columns::time;
use super::text::text;
use super::why::why;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;

/// How often is asked.
const EVERY: Duration = Duration::from_secs(2);

/// Shows what is open, and then each change. Ends with an error where the first question is not answered; later ones may fail,
/// since a server may be started again meanwhile.
pub async fn watch(client: &Client, asked: &Asked, as_json: bool, ui: &Ui) -> anyhow::Result<Exit> {
    let mut known = Known::default();
    let found = asked.read(client).await.map_err(|error| asked.explained(error))?;
    let mut shown = known.changes(&found, as_json);
    if shown.is_empty() && !as_json {
        ui.say("Nothing is open. Waiting for incidents; Ctrl-C ends it.");
    }
    let mut failing = false;
    loop {
        for line in shown.drain(..) {
            if as_json { ui.document(&line) } else { ui.out(&line) }
        }
        if ui.reader_left() {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(EVERY).await;
        match asked.read(client).await {
            Ok(found) => {
                failing = false;
                shown = known.changes(&found, as_json);
            }
            Err(error) if !error.is_passing() => return Err(asked.explained(error)),
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    ui.complain(&format!("warning: {error}; asking again"));
                }
            }
        }
    }
}

/// The incidents that were shown, by key, and whether they were open.
#[derive(Default)]
struct Known {
    begun: bool,
    open: BTreeMap<String, bool>,
}

impl Known {
    /// A line for each change; at first only for what is open.
    fn changes(&mut self, found: &[Value], as_json: bool) -> Vec<String> {
        let mut lines = Vec::new();
        for incident in found {
            let is_open = incident["status"] == "open";
            let before = self.open.insert(text(&incident["incident_key"]), is_open);
            let mut say = |change| {
                lines.push(if as_json { document(change, incident) } else { line(change, incident) });
            };
            match (before, is_open) {
                (None, true) => say("opened"),
                (None, false) if self.begun => {
                    say("opened");
                    say("closed");
                }
                (Some(true), false) => say("closed"),
                _ => {}
            }
        }
        self.begun = true;
        lines
    }
}

fn line(change: &str, incident: &Value) -> String {
    let at = if change == "opened" { &incident["opened_at"] } else { &incident["closed_at"] };
    let (alert, stream) = (text(&incident["alert"]["name"]), text(&incident["stream"]));
    let reason = match (change, incident["closed"].as_str()) {
        ("opened", _) => why(incident),
        (_, Some("manual")) => "by hand".to_owned(),
        (_, Some("auto")) => "nothing came any more".to_owned(),
        _ => String::new(),
    };
    let cells = [time(at), change.to_owned(), alert, stream, reason];
    let cells: Vec<String> =
        cells.iter().filter(|cell| !cell.is_empty()).map(|cell| printable(cell)).collect();
    cells.join("  ") + "\n"
}

fn document(change: &str, incident: &Value) -> String {
    json!({"format_version": 1, "change": change, "incident": incident}).to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(key: &str, closed: Option<&str>) -> Value {
        json!({
            "incident_key": key, "alert": {"id": 1, "name": "web.slow"}, "stream": null, "opened_at": 1_700_000_000,
            "status": if closed.is_some() { "closed" } else { "open" },
            "closed_at": closed.map(|_| 1_700_000_060), "closed": closed,
            "violations": [{"stream": "web1", "metric": "web.ms", "condition_type": "above", "threshold": 8.0, "value": 9.0}],
        })
    }

    #[test]
    fn every_change_is_shown_once() {
        let mut known = Known::default();
        let opened = "2023-11-14T22:13:20Z  opened  web.slow  web.ms above 8: web1 9\n";
        let closed = "2023-11-14T22:14:20Z  closed  web.slow  by hand\n";
        let first = [incident("a", None), incident("old", Some("normal"))];
        assert_eq!(known.changes(&first, false), [opened], "what was closed before is not news");
        assert_eq!(known.changes(&first, false), [""; 0]);
        let second = [incident("a", Some("manual")), incident("b", Some("manual"))];
        assert_eq!(
            known.changes(&second, false),
            [closed, opened, closed],
            "the second one came and went in between"
        );
        let document: Value = serde_json::from_str(&known.changes(&[incident("c", None)], true)[0]).unwrap();
        assert_eq!(
            (&document["change"], &document["incident"]["incident_key"]),
            (&json!("opened"), &json!("c"))
        );
    }
}
