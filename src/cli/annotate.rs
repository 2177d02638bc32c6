//! `annotate`: posts an event to a stream, or ends one. Repeats what may have been lost without making it twice.

use anyhow::{Context, anyhow};
use librato_apply::remote::{ApiError, Call, Client, Method, ReadApi, Reply, WriteApi, segment, sleep};
use librato_apply::wire::lenient;
use serde_json::{Map, Value, json};

use super::args::{Annotate, Format, Global};
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::remote::with_service;
use super::time;
use super::ui::{Ui, pretty};

/// Posts or closes the event.
pub async fn annotate(args: &Annotate, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let now = time::now();
    let fields = fields(args, now)?;
    // An event to be ended is somewhere already.
    let access = if args.close.is_some() { Access::Change } else { Access::Write };
    let event = with_service(global, ui, access, async |client, _| {
        let stream = Stream { client, path: format!("/annotations/{}", segment(&args.stream)) };
        ui.stage.sends();
        match args.close {
            Some(id) => stream.close(id, fields, args, now).await,
            None => stream.post(fields, args.start.is_some(), ui).await,
        }
    })
    .await?;
    ui.document(&match args.format {
        Format::Json => pretty(&event)?,
        Format::Text => {
            format!("{}\n", lenient::id(&event["id"]).map_or_else(String::new, |id| id.to_string()))
        }
    });
    Ok(Exit::Done)
}

/// What the arguments say about the event, in the API's names.
fn fields(args: &Annotate, now: i64) -> Result<Map<String, Value>, Stop> {
    let at =
        |text: &Option<String>, flag| text.as_deref().map(|text| time::parse(text, now, flag)).transpose();
    let (start, end) = (at(&args.start, "--start")?, at(&args.end, "--end")?);
    let links: Vec<Value> = args.links.iter().map(|text| link(text)).collect::<Result<_, _>>()?;
    let mut fields = Map::new();
    let mut add =
        |name: &str, value: Option<Value>| _ = value.map(|value| fields.insert(name.to_owned(), value));
    add("title", args.title.clone().map(Value::from));
    add("description", args.description.clone().map(Value::from));
    add("source", args.source.clone().map(Value::from));
    if args.close.is_none() {
        // Said and not left to the service, so that the event can be found again after a lost answer.
        add("start_time", Some(start.unwrap_or(now).into()));
        let ends_first = end.is_some_and(|end| end < start.unwrap_or(now));
        if ends_first {
            return Err(Stop::usage("the event ends before it starts", "see --start and --end"));
        }
    }
    add("end_time", end.or(args.close.map(|_| now)).map(Value::from));
    add("links", Some(links).filter(|links| !links.is_empty()).map(Value::from));
    Ok(fields)
}

fn link(text: &str) -> Result<Value, Stop> {
    let wrong = || {
        Stop::usage("--link needs REL=HREF[,LABEL]", "such as --link build=https://ci.example.org/42,Build")
    };
    let (rel, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (href, label) = rest.split_once(',').map_or((rest, None), |(href, label)| (href, Some(label)));
    if rel.is_empty() || href.is_empty() {
        return Err(wrong());
    }
    Ok(match label {
        Some(label) => json!({"rel": rel, "href": href, "label": label}),
        None => json!({"rel": rel, "href": href}),
    })
}

/// One annotation stream of a service.
struct Stream<'a> {
    client: &'a Client,
    path: String,
}

impl Stream<'_> {
    /// Creates the event. Events have no name of their own, so before a creation is repeated the stream is searched for an
    /// event of the same title, source and start; `find_first` does that before the first try as well.
    async fn post(&self, fields: Map<String, Value>, find_first: bool, ui: &Ui) -> anyhow::Result<Value> {
        let call = Call { method: Method::Post, path: self.path.clone(), body: Some(fields.clone().into()) };
        let mut attempts = self.client.config().retry.attempts(call.method).accounted();
        loop {
            if find_first || attempts.may_have_been_executed() {
                let found =
                    self.same(&fields).await.context("whether the event exists could not be found out")?;
                if let Some(found) = found.into_iter().next() {
                    ui.say("note: this event exists already; it was not made again");
                    let differs =
                        |field: &&str| fields.get(*field).is_some_and(|given| *given != found[*field]);
                    if ["end_time", "description"].iter().any(differs) {
                        ui.complain(&format!(
                            "warning: the event that exists has another end or description and keeps it; to end it: --close {}",
                            found["id"]
                        ));
                    }
                    return Ok(found);
                }
            }
            let error = match self.client.send(&call).await {
                Ok(reply) => {
                    if attempts.may_have_been_executed() {
                        self.report_duplicates(&fields, ui).await;
                    }
                    return created(reply, fields);
                }
                Err(error) => error,
            };
            attempts.next(error, sleep).await.context("the event was not posted")?;
        }
    }

    /// An earlier try may have been carried out after all, late. An equal event may also be someone else's, so none is
    /// deleted here.
    async fn report_duplicates(&self, fields: &Map<String, Value>, ui: &Ui) {
        match self.same(fields).await {
            Ok(duplicates) if duplicates.len() > 1 => {
                let ids: Vec<String> =
                    duplicates.iter().filter_map(|event| Some(lenient::id(&event["id"])?.to_string())).collect();
                ui.complain(&format!(
                    "note: an answer was lost, and the event stands more than once: {}",
                    ids.join(", ")
                ));
            }
            Ok(_) => {}
            Err(error) => ui.complain(&format!(
                "note: an answer was lost, and whether the event stands more than once could not be found out: {error}"
            )),
        }
    }

    /// Events of the same title, source and start as `fields`, the oldest first.
    async fn same(&self, fields: &Map<String, Value>) -> Result<Vec<Value>, ApiError> {
        let start = fields["start_time"].to_string();
        // Only starts inside the interval count, and whether its end belongs to it is not documented.
        let end = fields["start_time"].as_i64().unwrap_or_default().saturating_add(1).to_string();
        let stream = match self.client.get(&self.path, &[("start_time", start), ("end_time", end)]).await {
            Ok(stream) => stream,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let same = |event: &&Value| {
            ["title", "source"].iter().all(|name| event[*name] == *fields.get(*name).unwrap_or(&Value::Null))
                && lenient::f64(&event["start_time"]) == lenient::f64(&fields["start_time"])
        };
        let mut found: Vec<Value> = events(&stream["events"]).into_iter().filter(same).cloned().collect();
        found.sort_by_key(|event| lenient::id(&event["id"]));
        Ok(found)
    }

    /// Ends an event: a merge, which may be repeated. Links come beside those it has.
    async fn close(
        &self,
        id: u64,
        mut fields: Map<String, Value>,
        args: &Annotate,
        now: i64,
    ) -> anyhow::Result<Value> {
        let path = format!("{}/{id}", self.path);
        let none = || format!("there is no event {id} in the stream {}", args.stream);
        let event = match self.client.get(&path, &[]).await {
            Ok(event) => event,
            Err(error) if error.is_not_found() => return Err(anyhow!(none())),
            Err(error) => return Err(anyhow!(error).context("the event was not closed")),
        };
        let start = lenient::f64(&event["start_time"]);
        let end = fields["end_time"].as_i64().unwrap_or(now);
        if start.is_some_and(|start| (end as f64) < start) && args.end.is_some() {
            return Err(Stop::usage("the event ends before it starts", "see --end").into());
        }
        if let Some(new) = fields.get_mut("links").and_then(Value::as_array_mut) {
            let old = event["links"].as_array().into_iter().flatten();
            let kept: Vec<Value> =
                old.filter(|old| new.iter().all(|new| new["rel"] != old["rel"])).cloned().collect();
            new.splice(0..0, kept);
        }
        let call = Call { method: Method::Put, path, body: Some(fields.clone().into()) };
        let sent = self.client.with_retry(|| self.client.send(&call)).await;
        sent.context("the event was not closed")?;
        Ok(merged(event, fields))
    }
}

/// The event as the service shows it; where it shows nothing, as it was sent and with the id of its address.
fn created(reply: Reply, fields: Map<String, Value>) -> anyhow::Result<Value> {
    let shown = reply.body.filter(|body| lenient::id(&body["id"]).is_some());
    let address = reply.location.as_deref().and_then(|path| path.trim_end_matches('/').rsplit('/').next());
    match (shown, address.and_then(|id| lenient::id(&Value::from(id)))) {
        (Some(event), _) => Ok(event),
        (None, Some(id)) => Ok(merged(json!({ "id": id }), fields)),
        (None, None) => Err(anyhow!("the event was posted, but the service does not say its id")),
    }
}

fn merged(mut event: Value, fields: Map<String, Value>) -> Value {
    for (name, value) in fields {
        event[name.as_str()] = value;
    }
    event
}

/// The events of all sources. The service shows an object by source; its documentation once printed a list of such.
fn events(shown: &Value) -> Vec<&Value> {
    match shown {
        Value::Array(list) => list.iter().flat_map(events).collect(),
        Value::Object(sources) => sources.values().filter_map(Value::as_array).flatten().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_a_relation_an_address_and_perhaps_a_label() {
        let label = json!({"rel": "build", "href": "https://ci/4?a=b", "label": "Build, 4"});
        assert_eq!(link("build=https://ci/4?a=b,Build, 4").ok(), Some(label));
        assert_eq!(link("a=b").ok(), Some(json!({"rel": "a", "href": "b"})));
        for wrong in ["", "https://ci/4", "=b", "a=", "a=,x"] {
            assert!(link(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn events_are_found_in_both_forms() {
        let by_source = json!({"unassigned": [{"id": 1}], "web": [{"id": 2}]});
        assert_eq!(events(&by_source).len(), 2);
        assert_eq!(events(&json!([by_source])).len(), 2);
        assert_eq!(events(&Value::Null).len(), 0);
    }
}
