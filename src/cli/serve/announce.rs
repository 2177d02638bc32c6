//! What `serve` says of alerts when it starts, in one line.

use librato_apply::diag::counted;
use librato_apply::serve::Standing;

use crate::cli::settings::Settings;

/// The line. `copy`: the data file is a copy that no one adopted.
pub fn line(settings: &Settings, standing: Standing, copy: bool) -> String {
    let active = counted(usize::try_from(standing.active).unwrap_or(usize::MAX), "alert");
    let options = &settings.options;
    let notify = if !options.alerts.notify {
        "notifying nobody (--no-notify)"
    } else if copy {
        "notifying nobody, since this is a copy"
    } else if standing.held {
        "notifications held back, since the file is of an older version: --notify lets them go"
    } else {
        "notifying"
    };
    let heartbeat = if options.notify.heartbeat.is_some() { "on" } else { "off" };
    format!("evaluating {active}, {notify}; heartbeat {heartbeat}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_becomes_of_alerts() {
        let mut settings = Settings::default();
        let (all, held) = (Standing { active: 12, held: false }, Standing { active: 1, held: true });
        assert_eq!(line(&settings, all, false), "evaluating 12 alerts, notifying; heartbeat off");
        assert!(line(&settings, held, false).starts_with("evaluating 1 alert, notifications held back"));
        assert!(line(&settings, all, true).contains("this is a copy"));
        settings.options.alerts.notify = false;
        settings.options.notify.heartbeat = Some("https://beat.example.org/canary".into());
        let said = line(&settings, held, false);
        assert_eq!(said, "evaluating 1 alert, notifying nobody (--no-notify); heartbeat on");
    }
}
