//! `silence` and `unsilence`: for a time no one is notified of some alerts, with a reason that others can read.

use std::collections::BTreeMap;

use librato_apply::diag::{counted, printable, suggest};
use librato_apply::pattern;
use librato_apply::remote::{ApiError, Call, Client, Listing, Method, ReadApi, WriteApi};
use librato_apply::wire::lenient;
use serde_json::{Value, json};

use super::args::Global;
use super::args::kind::Kind;
use super::args::silence::{Silence, Unsilence};
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::get::missing;
use super::ui::Ui;
use super::{remote, time};

/// Makes a silence.
pub async fn silence(args: &Silence, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let now = time::now();
    let moment =
        |text: &Option<String>, flag| text.as_ref().map(|text| time::parse(text, now, flag)).transpose();
    let mut body = json!({"alert": args.alert, "stream": args.stream, "why": args.why});
    for (key, value) in [
        ("start_time", moment(&args.start, "--start")?),
        ("end_time", moment(&args.until, "--until")?),
        ("duration", args.duration),
    ] {
        if let Some(value) = value {
            body[key] = value.into();
        }
    }
    remote::with_service(global, ui, Access::Change, async |client, _| {
        let alerts = remote::list(client, Kind::Alerts, "").await?;
        let fit = alerts.iter().filter(|entry| pattern::matches(&args.alert, &entry.name)).count();
        let is_name = !args.alert.contains(['*', '?', '[', '{']);
        let close = suggest(&args.alert, alerts.iter().map(|entry| entry.name.as_str())).map(str::to_owned);
        if fit == 0 && is_name && close.is_some() {
            return Err(missing(
                Kind::Alerts,
                &format!("called \"{}\", so nothing was silenced", printable(&args.alert)),
                close,
            ));
        }
        ui.stage.sends();
        let call = Call { method: Method::Post, path: "/silences".to_owned(), body: Some(body.clone()) };
        let made = client.send(&call).await.map_err(explained)?.body.unwrap_or(Value::Null);
        let end = super::get::time(&made["end_time"]);
        let id = lenient::id(&made["id"]).map(|id| format!(" (silence {id})")).unwrap_or_default();
        let streams =
            if args.stream == "*" { String::new() } else { format!(" on {}", printable(&args.stream)) };
        ui.done(&format!(
            "Silenced {}{streams} until {end}{id}: {}.\n",
            printable(&args.alert),
            counted(fit, "alert")
        ));
        if fit == 0 {
            ui.complain(&format!("warning: no alert fits {} now", printable(&args.alert)));
        }
        Ok(Exit::Done)
    })
    .await
}

/// Ends silences now. All are looked up first, so that nothing is ended where one of them is not there.
pub async fn unsilence(args: &Unsilence, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    remote::with_service(global, ui, Access::Change, async |client, _| {
        let all = in_force(client).await.map_err(explained)?;
        let mut found = BTreeMap::new();
        for wanted in &args.silences {
            let with_id = all.iter().filter_map(|silence| Some((lenient::id(&silence["id"])?, silence)));
            let is_meant =
                |(id, silence): &(u64, &Value)| id.to_string() == *wanted || silence["alert"] == **wanted;
            let meant: Vec<_> = with_id.filter(is_meant).collect();
            if meant.is_empty() {
                return Err(none(wanted).into());
            }
            found.extend(meant);
        }
        ui.stage.sends();
        for (id, silence) in found {
            let call = Call { method: Method::Delete, path: format!("/silences/{id}"), body: None };
            client.send(&call).await?;
            let alert = printable(silence["alert"].as_str().unwrap_or_default());
            ui.done(&format!("Ended silence {id} of {alert}.\n"));
        }
        Ok(Exit::Done)
    })
    .await
}

fn none(wanted: &str) -> Stop {
    Stop {
        exit: Exit::Error,
        message: format!("there is no silence {} that has not ended; nothing was ended", printable(wanted)),
        help: vec!["`librato-apply get silences` lists them".to_owned()],
    }
}

/// Silences that have not ended.
async fn in_force(client: &Client) -> Result<Vec<Value>, ApiError> {
    let identity = |raw: &Value| lenient::id(&raw["id"]).map(|id| id.to_string());
    let (path, key) = ("/silences".to_owned(), "silences");
    let listing = Listing { path, key, query: Vec::new(), order: None, identity, tagged: false };
    let mut all = client.list(&listing).await?;
    all.retain(|silence| silence["status"] != "ended");
    Ok(all)
}

fn explained(error: ApiError) -> anyhow::Error {
    if !error.is_not_found() {
        return error.into();
    }
    let help = vec!["`librato-apply serve` does; elsewhere `active: false` mutes an alert".to_owned()];
    Stop { exit: Exit::Error, message: "this service keeps no silences".to_owned(), help }.into()
}
