//! `resolve`: clears a triggered alert by hand.

use librato_apply::client::Librato;
use librato_apply::diag::printable;
use librato_apply::remote::{ApiError, Client, ReadApi};
use serde_json::Value;

use super::args::Global;
use super::args::kind::Kind;
use super::args::resolve::Resolve;
use super::delete::{ambiguous, title};
use super::endpoint::Access;
use super::exit::Exit;
use super::get::asked::Asked;
use super::get::why::why;
use super::get::{missing, not_called, time};
use super::remote::{self, Entry};
use super::ui::Ui;
use super::unevaluated;

/// Clears the alert.
pub async fn resolve(args: &Resolve, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    remote::with_service(global, ui, Access::Change, async |client, target| {
        let alert = find(client, args).await?;
        let id = alert.id.ok_or_else(|| missing(Kind::Alerts, "with an id", None))?;
        if is_quiet(client, id).await? {
            ui.done(&format!(
                "{} on {target} is not triggered: there is nothing to resolve.\n",
                title(Kind::Alerts, &alert)
            ));
            unevaluated::note(client).iter().for_each(|note| ui.say(note));
            return Ok(Exit::Done);
        }
        let open = open(client, id).await;
        ui.stage.sends();
        Librato::from(client.clone()).alerts().clear(id).await?;
        let what = open.iter().map(described).collect::<String>();
        let end = if what.is_empty() { "." } else { ":" };
        ui.done(&format!("Resolved {} on {target}{end}\n{what}", title(Kind::Alerts, &alert)));
        Ok(Exit::Done)
    })
    .await
}

/// The incidents that are going to be closed. A service that does not say them clears the alert all the same.
async fn open(client: &Client, id: u64) -> Vec<Value> {
    Asked::open(id).read(client).await.unwrap_or_else(|_| Vec::new())
}

/// `  open since 2026-11-22T10:00:00Z: web.ms above 800: web1 912`
fn described(incident: &Value) -> String {
    let (since, why) = (time(&incident["opened_at"]), why(incident));
    format!("  open since {}{}\n", since, if why.is_empty() { why } else { printable(&format!(": {why}")) })
}

/// Whether the service says that the alert is not triggered.
async fn is_quiet(client: &Client, id: u64) -> Result<bool, ApiError> {
    match client.get(&format!("/alerts/{id}/status"), &[]).await {
        Ok(found) => Ok(found["status"] == "ok"),
        // A service need not know of states.
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn find(client: &Client, args: &Resolve) -> anyhow::Result<Entry> {
    if let Some(id) = args.id {
        let found = remote::numbered(client, Kind::Alerts, id).await?;
        return found.ok_or_else(|| missing(Kind::Alerts, &format!("with the id {id}"), None));
    }
    let name = args.name.as_deref().unwrap_or_default();
    let mut found = remote::called(client, Kind::Alerts, name).await?;
    match (found.len(), found.pop()) {
        (1, Some(alert)) => Ok(alert),
        (_, Some(last)) => {
            found.push(last);
            Err(ambiguous("resolve", Kind::Alerts, name, &found).into())
        }
        (_, None) => {
            let all = remote::list(client, Kind::Alerts, "").await?;
            Err(not_called(Kind::Alerts, name, &all))
        }
    }
}
