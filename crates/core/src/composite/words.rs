//! Seconds in the form in which the files write them: `90s`, `5m`, `1h`.

/// So many seconds.
pub(super) fn in_words(seconds: u64) -> String {
    match seconds {
        hours if hours > 0 && hours.is_multiple_of(3600) => format!("{}h", hours / 3600),
        minutes if minutes > 0 && minutes.is_multiple_of(60) => format!("{}m", minutes / 60),
        seconds => format!("{seconds}s"),
    }
}
