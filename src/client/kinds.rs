//! The way from a connection to every kind of object.

use super::{
    Alert, AnnotationStream, ApiToken, Chart, Dashboard, Events, Instrument, Librato, Metric, Objects,
    Service, Snapshots, Source, Space,
};

impl Librato {
    /// Gauges, counters and composites: attributes, measurements, composite queries.
    pub fn metrics(&self) -> Objects<'_, Metric> {
        Objects::new(self)
    }

    /// Annotation streams. Their events are in [`Librato::events`].
    pub fn annotation_streams(&self) -> Objects<'_, AnnotationStream> {
        Objects::new(self)
    }

    /// The events of an annotation stream, which comes into being with its first one.
    pub fn events<'a>(&'a self, stream: &'a str) -> Events<'a> {
        Events::new(self, stream)
    }

    /// Alerts.
    pub fn alerts(&self) -> Objects<'_, Alert> {
        Objects::new(self)
    }

    /// Notification services.
    pub fn services(&self) -> Objects<'_, Service> {
        Objects::new(self)
    }

    /// Spaces.
    pub fn spaces(&self) -> Objects<'_, Space> {
        Objects::new(self)
    }

    /// The charts of a space, by its id.
    pub fn charts(&self, space: u64) -> Objects<'_, Chart> {
        Objects::below(self, format!("/spaces/{space}/charts"))
    }

    /// Sources, of measurements that have no tags.
    pub fn sources(&self) -> Objects<'_, Source> {
        Objects::new(self)
    }

    /// Instruments, of the time before spaces.
    pub fn instruments(&self) -> Objects<'_, Instrument> {
        Objects::new(self)
    }

    /// Dashboards, of the time before spaces.
    pub fn dashboards(&self) -> Objects<'_, Dashboard> {
        Objects::new(self)
    }

    /// API tokens.
    pub fn api_tokens(&self) -> Objects<'_, ApiToken> {
        Objects::new(self)
    }

    /// Snapshots of charts.
    pub fn snapshots(&self) -> Snapshots<'_> {
        Snapshots::new(self)
    }
}
