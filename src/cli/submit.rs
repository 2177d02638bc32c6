//! `submit NAME VALUE`: one measurement, in the dialect its flags ask for.

use anyhow::Context;
use librato_apply::model::Settings;
use librato_apply::remote::{Call, Method, WriteApi};
use serde_json::{Map, Value, json};

use super::args::{Global, MetricKind, Submit};
use super::endpoint;
use super::exit::{Exit, Stop};
use super::ui::Ui;

/// Sends the measurement.
pub async fn submit(args: &Submit, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let call = call(args)?;
    let given = endpoint::credentials(global, ui)?;
    let target = endpoint::target(global, &Settings::default(), &given, ui)?;
    let connection = endpoint::connect(global, &target, &given, false).await?;
    let sent = connection.client.send(&call).await;
    connection.close().await?;
    sent.with_context(|| format!("the measurement of {} was not accepted", args.name))?;
    ui.out(&format!("Sent {} = {} to {target}.\n", args.name, args.value));
    Ok(Exit::Done)
}

fn call(args: &Submit) -> Result<Call, Stop> {
    if !args.value.is_finite() {
        return Err(Stop::usage("the value is not a number that JSON can hold", "give a finite number"));
    }
    let mut one =
        Map::from_iter([("name".to_owned(), json!(args.name)), ("value".to_owned(), json!(args.value))]);
    let mut add = |key: &str, value: Option<Value>| _ = value.map(|value| one.insert(key.to_owned(), value));
    add("period", args.period.map(Into::into));
    add("description", args.description.clone().map(Into::into));
    add("display_name", args.display_name.clone().map(Into::into));
    if args.tags.is_empty() {
        add("source", args.source.clone().map(Into::into));
        add("measure_time", args.time.map(Into::into));
        let list = if args.kind == MetricKind::Counter { "counters" } else { "gauges" };
        return Ok(post("/metrics", json!({ (list): [one] })));
    }
    if args.kind == MetricKind::Counter {
        return Err(Stop::usage("tagged measurements have no counters", "leave --type out, or use --source"));
    }
    let tags = args.tags.iter().map(|tag| tag.split_once('=').filter(|(name, _)| !name.is_empty()));
    let tags: Option<Map<String, Value>> =
        tags.map(|tag| tag.map(|(name, value)| (name.to_owned(), value.into()))).collect();
    let tags = tags.ok_or_else(|| Stop::usage("--tag needs NAME=VALUE", "such as --tag region=eu"))?;
    add("tags", Some(tags.into()));
    add("time", args.time.map(Into::into));
    Ok(post("/measurements", json!({"measurements": [one]})))
}

fn post(path: &str, body: Value) -> Call {
    Call { method: Method::Post, path: path.to_owned(), body: Some(body) }
}
