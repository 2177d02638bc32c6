//! Endpoints that this machine speaks of.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;

/// Endpoints: that of the environment, the data files in the directory that is typed, and how the others begin.
pub fn endpoints(typed: &OsStr) -> Vec<CompletionCandidate> {
    let text = typed.to_string_lossy();
    let path = text.strip_prefix("embedded:").unwrap_or("./");
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    let start = if path.contains('/') { format!("{above}/") } else { String::new() };
    let listed =
        std::fs::read_dir(if start.is_empty() { "." } else { &start }).into_iter().flatten().flatten();
    let names = listed.filter_map(|entry| entry.file_name().into_string().ok());
    let mut files: Vec<String> =
        names.filter(|name| name.ends_with(".db")).map(|name| format!("embedded:{start}{name}")).collect();
    files.sort();
    let others = ["embedded:", "http://127.0.0.1:8080", "https://"].map(str::to_owned);
    let others = others.into_iter().filter(|other| files.is_empty() || other != "embedded:");
    let own = std::env::var("LIBRATO_ENDPOINT").ok();
    let all = own.into_iter().chain(files.clone()).chain(others);
    all.filter(|word| !word.is_empty() && word.starts_with(&*text)).map(CompletionCandidate::new).collect()
}
