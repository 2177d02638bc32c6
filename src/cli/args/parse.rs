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

/// An address to listen on.
pub fn parse_address(text: &str) -> Result<std::net::SocketAddr, String> {
    let wrong = || "write HOST:PORT, such as 127.0.0.1:8080".to_owned();
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let found = std::net::ToSocketAddrs::to_socket_addrs(&whole).map_err(|_| wrong())?;
    // Of both kinds of addresses that a name may have, clients try the older one in any case.
    let mut found: Vec<std::net::SocketAddr> = found.collect();
    found.sort_by_key(std::net::SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(wrong)
}

/// A number above zero.
pub fn parse_positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "write a number above zero".to_owned())
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
