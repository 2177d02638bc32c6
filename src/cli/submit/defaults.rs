//! What the flags say about every measurement that does not say it itself.

use librato_apply::measure::{Labels, Measurement, MetricType, Tags};

use crate::cli::args::{MetricKind, Submit};
use crate::cli::exit::Stop;
use crate::cli::time;

/// The flags, read.
pub struct Defaults {
    /// What a metric is.
    pub metric_type: MetricType,
    labels: Labels,
    /// Epoch seconds.
    time: Option<i64>,
    /// Seconds.
    pub period: Option<u64>,
}

impl Defaults {
    /// Reads the flags.
    ///
    /// # Errors
    /// Tags and times that are none, and what does not go together.
    pub fn read(args: &Submit) -> Result<Self, Stop> {
        let tags = args.tags.iter().map(|tag| tag.split_once('=').filter(|(name, _)| !name.is_empty()));
        let tags: Option<Tags> =
            tags.map(|tag| tag.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect();
        let tags = tags.ok_or_else(|| Stop::usage("--tag needs NAME=VALUE", "such as --tag region=eu"))?;
        if args.source.as_deref() == Some("") || args.tags.iter().any(|tag| tag.ends_with('=')) {
            return Err(Stop::usage(
                "a source or a tag is empty",
                "leave --source or --tag out where there is none; is a variable of the script not set?",
            ));
        }
        let counter = args.kind == MetricKind::Counter;
        if counter && !tags.is_empty() {
            return Err(Stop::usage(
                "tagged measurements have no counters",
                "leave --type out, or use --source",
            ));
        }
        let time = args.time.as_deref().map(|text| time::parse(text, time::now(), "--time")).transpose()?;
        Ok(Self {
            metric_type: if counter { MetricType::Counter } else { MetricType::Gauge },
            labels: if tags.is_empty() { Labels::Source(args.source.clone()) } else { Labels::Tags(tags) },
            time,
            period: args.period,
        })
    }

    /// Completes a measurement. One that no one gave a time gets the present one, so that it stays at its place when it
    /// has to be sent again.
    pub fn fill(&self, measurement: &mut Measurement, now: i64) {
        if measurement.labels == Labels::Source(None) {
            // A counter cannot have tags.
            if measurement.metric_type == MetricType::Gauge || matches!(self.labels, Labels::Source(_)) {
                measurement.labels.clone_from(&self.labels);
            }
        }
        measurement.time = measurement.time.or(self.time).or(Some(now));
        if let Some(period) = self.period {
            measurement.properties_mut().period.get_or_insert(period);
        }
    }
}
