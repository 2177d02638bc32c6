//! Who changed which definition, as a server tells that keeps an audit.

use librato_apply::client::Error;
use librato_apply::remote::{Client, ReadApi};
use serde_json::Value;

use crate::cli::args::get::Get;
use crate::cli::exit::Stop;
use crate::cli::time;

/// How many where nothing is said.
const COUNT: usize = 20;

/// How many come at once.
const PAGE: usize = 100;

/// What is asked for.
pub struct Wanted {
    query: Vec<(&'static str, String)>,
    count: usize,
}

/// Reads the flags.
///
/// # Errors
/// Where a time cannot be read, or a flag means nothing here.
pub fn wanted(args: &Get) -> Result<Wanted, Stop> {
    if args.end.is_some() || !args.sources.is_empty() {
        return Err(Stop::usage(
            "the audit is chosen by name, --start and --count",
            "leave out --end and --source",
        ));
    }
    let mut query = vec![("sort", "desc".to_owned())];
    if let Some(start) = &args.start {
        query.push(("start_time", time::parse(start, time::now(), "--start")?.to_string()));
    }
    if let Some(name) = &args.name {
        query.push(("name", name.clone()));
    }
    let count = args.count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let all_since = args.start.as_ref().map(|_| usize::MAX);
    Ok(Wanted { query, count: count.or(all_since).unwrap_or(COUNT) })
}

/// The newest entries, oldest first.
///
/// # Errors
/// Where they cannot be read.
pub async fn read(client: &Client, wanted: &Wanted) -> Result<Vec<Value>, Error> {
    let mut found: Vec<Value> = Vec::new();
    loop {
        let length = (wanted.count - found.len()).min(PAGE);
        let mut query = wanted.query.clone();
        query.push(("offset", found.len().to_string()));
        query.push(("length", length.to_string()));
        let mut page = client.get("/audit", &query).await?;
        let Value::Array(entries) = page["audit"].take() else { break };
        let is_last = entries.len() < length;
        found.extend(entries);
        if is_last || found.len() >= wanted.count {
            break;
        }
    }
    found.reverse();
    Ok(found)
}
