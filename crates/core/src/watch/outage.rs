//! Outages: stretches of time in which no one could report, so that silence does not count.

use serde::{Deserialize, Serialize};

/// A stretch of the evaluation clock in which nothing was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The last second that was certainly listened in.
    pub from: i64,
    /// The first second of listening again.
    pub to: i64,
}

impl Outage {
    pub(super) fn length(&self) -> i64 {
        self.to.saturating_sub(self.from).max(0)
    }
}

/// When a stream that was last seen at `u`, with `interval` seconds between its last two readings, is absent. Each outage moves the
/// deadlines that were open when it began, by its length and a grace in which senders come back. `delay` is that of the alert:
/// what had not passed the frontier was still open.
pub(super) fn deadline(u: i64, interval: i64, duration: i64, outages: &[Outage], delay: i64) -> i64 {
    let mut deadline = u.saturating_add(duration);
    for outage in outages {
        if u < outage.to && deadline > outage.from.saturating_sub(delay) {
            deadline = deadline.saturating_add(outage.length()).saturating_add(grace(interval, duration));
        }
    }
    deadline
}

/// How long senders have to come back.
fn grace(interval: i64, duration: i64) -> i64 {
    duration.min(interval.saturating_mul(2).max(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_move_by_outage_and_grace_when_they_were_open() {
        let outage = [Outage { from: 1_000, to: 2_000 }];
        for (u, interval, duration, expected) in [
            // Before the outage, passed by the frontier already (delay 10).
            (390, 60, 600, 990),
            (391, 60, 600, 991 + 1_000 + 120),
            (900, 60, 600, 1_500 + 1_000 + 120),
            (900, 0, 600, 1_500 + 1_000 + 60),
            (900, 400, 600, 1_500 + 1_000 + 600),
            (950, 5, 60, 1_010 + 1_000 + 60),
            // Seen after it.
            (2_000, 60, 600, 2_600),
        ] {
            assert_eq!(deadline(u, interval, duration, &outage, 10), expected, "{u} {interval} {duration}");
        }
        let two = [outage[0], Outage { from: 2_100, to: 2_200 }];
        assert_eq!(deadline(900, 60, 600, &two, 10), 1_500 + 1_120 + 220);
    }
}
