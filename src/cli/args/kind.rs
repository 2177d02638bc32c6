//! The kinds of objects that commands name, singular or plural.

use clap::ValueEnum;

/// A kind of object on the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Gauges, counters and composites.
    #[value(alias = "metric")]
    Metrics,
    /// Metrics computed from others.
    #[value(alias = "composite")]
    Composites,
    /// What was measured; NAME is a metric.
    #[value(alias = "measurement")]
    Measurements,
    /// Annotation streams.
    #[value(alias = "annotation")]
    Annotations,
    /// What happened; NAME is an annotation stream.
    #[value(alias = "event")]
    Events,
    /// Alerts.
    #[value(alias = "alert")]
    Alerts,
    /// Notification services.
    #[value(alias = "service")]
    Services,
    /// Spaces.
    #[value(alias = "space")]
    Spaces,
    /// Charts; NAME is SPACE/CHART.
    #[value(alias = "chart")]
    Charts,
    /// Sources of measurements without tags.
    #[value(alias = "source")]
    Sources,
    /// Instruments of the time before spaces.
    #[value(alias = "instrument")]
    Instruments,
    /// Dashboards of the time before spaces.
    #[value(alias = "dashboard")]
    Dashboards,
    /// API tokens; the tokens themselves are not shown.
    #[value(alias = "token")]
    Tokens,
    /// Snapshots of charts; only by --id.
    #[value(alias = "snapshot")]
    Snapshots,
    /// Who changed which definition, of a server that keeps it; NAME is a part of the name of what was changed.
    Audit,
    /// When alerts fired, and why; NAME is an alert.
    #[value(alias = "incident")]
    Incidents,
    /// Who was notified of it; NAME is an alert.
    #[value(alias = "delivery")]
    Deliveries,
    /// For which alerts no one is notified; NAME is an alert.
    #[value(alias = "silence")]
    Silences,
}

impl Kind {
    /// One of them.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Metrics => "metric",
            Self::Composites => "composite",
            Self::Measurements => "measurement",
            Self::Annotations => "annotation stream",
            Self::Events => "event",
            Self::Alerts => "alert",
            Self::Services => "service",
            Self::Spaces => "space",
            Self::Charts => "chart",
            Self::Sources => "source",
            Self::Instruments => "instrument",
            Self::Dashboards => "dashboard",
            Self::Tokens => "API token",
            Self::Snapshots => "snapshot",
            Self::Audit => "audit entry",
            Self::Incidents => "incident",
            Self::Deliveries => "delivery",
            Self::Silences => "silence",
        }
    }

    /// Several of them, in one word.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Composites => "composites",
            Self::Measurements => "measurements",
            Self::Annotations => "annotations",
            Self::Events => "events",
            Self::Alerts => "alerts",
            Self::Services => "services",
            Self::Spaces => "spaces",
            Self::Charts => "charts",
            Self::Sources => "sources",
            Self::Instruments => "instruments",
            Self::Dashboards => "dashboards",
            Self::Tokens => "tokens",
            Self::Snapshots => "snapshots",
            Self::Audit => "audit",
            Self::Incidents => "incidents",
            Self::Deliveries => "deliveries",
            Self::Silences => "silences",
        }
    }

    /// How it is written as an argument: `librato-apply get alert`.
    pub fn argument(self) -> &'static str {
        match self {
            Self::Annotations => "annotation",
            Self::Tokens => "token",
            Self::Audit => "audit",
            other => other.noun(),
        }
    }
}
