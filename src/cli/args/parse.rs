//! Values of flags that are no plain text or number.

use std::time::Duration;

/// A limit of time.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 10s, 500ms or 1m".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let time = match &text[digits.len()..] {
        "ms" => Duration::from_millis(number),
        "" | "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err(wrong()),
    };
    if time.is_zero() { Err("a time limit cannot be zero".to_owned()) } else { Ok(time) }
}

/// A length of time that people plan with, in seconds.
pub fn parse_length(text: &str) -> Result<i64, String> {
    let seconds = crate::cli::time::seconds(text).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(|| "write a time such as 30m, 2h30m or 1d".to_owned())
}

/// Whole seconds, as the files write them.
pub fn parse_seconds(text: &str) -> Result<u64, String> {
    let seconds =
        librato_apply::model::Seconds::parse(text).ok_or("write a time such as 60, 60s, 5m or 1h")?;
    Ok(seconds.0)
}

/// How far back evidence is looked for.
pub fn parse_evidence(text: &str) -> Result<i64, String> {
    let length = parse_length(text)?;
    let bounds = 3_600..=31 * 86_400;
    if bounds.contains(&length) { Ok(length) } else { Err("evidence looks 1h to 31d back".to_owned()) }
}

/// The address of a page.
pub fn parse_web(text: &str) -> Result<url::Url, String> {
    let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "write a URL such as https://ci.example.org/artifacts/plan.html".to_owned())
}
