//! What `--deny` can refuse.

/// What can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deny {
    /// Alerts that page less than before.
    WeakerAlerts,
    /// Alerts that would have notified more often than this.
    NoisyAlerts(usize),
}

/// What is refused.
pub fn parse_deny(text: &str) -> Result<Deny, String> {
    let wrong = || {
        "write weaker-alerts, or noisy-alerts=N with the most notifications an alert may have sent".to_owned()
    };
    match text.split_once('=') {
        None if text == "weaker-alerts" => Ok(Deny::WeakerAlerts),
        Some(("noisy-alerts", most)) => most.parse().map(Deny::NoisyAlerts).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}
