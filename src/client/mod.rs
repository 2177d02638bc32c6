//! The service as a Rust library: typed objects of every kind over the transport of [`remote`](crate::remote).
//! Owns what a programmer sees; paging, pauses, retries and odd answers are the transport's affair. Never prints.
//!
//! # Connecting
//!
//! ```
//! # mod doc_server { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc_server.rs")); }
//! # doc_server::with_server(async |url, token| {
//! use librato_apply::client::Librato;
//! use std::time::Duration;
//!
//! let librato = Librato::connect(url, "ops@example.org", token)
//!     .timeout(Duration::from_secs(5)) // 10 s where nothing is said
//!     .open()?;
//! assert!(librato.metrics().list().await?.is_empty());
//! # Ok(()) });
//! ```
//!
//! # Reading, changing, writing back
//!
//! ```
//! # mod doc_server { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc_server.rs")); }
//! # doc_server::with_server(async |url, token| {
//! use librato_apply::client::{Librato, Metric, TryStreamExt};
//!
//! let librato = Librato::connect(url, "ops@example.org", token).open()?;
//! librato.metrics().create(&Metric::gauge("temperature").description("at home")).await?;
//!
//! let mut all = librato.metrics().stream();
//! while let Some(mut metric) = all.try_next().await? {
//!     metric.attributes.insert("display_units_long".into(), "°C".into());
//!     librato.metrics().save(&metric).await?;
//! }
//!
//! let metric = librato.metrics().get("temperature").await?;
//! assert_eq!(metric.attributes["display_units_long"], "°C");
//! # Ok(()) });
//! ```
//!
//! # Alerts
//!
//! ```
//! # mod doc_server { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/doc_server.rs")); }
//! # doc_server::with_server(async |url, token| {
//! use librato_apply::client::{Alert, Condition, Librato, Object, Service, SummaryFunction};
//! use std::time::Duration;
//!
//! let librato = Librato::connect(url, "ops@example.org", token).open()?;
//! let mail = Service::new("mail", "ops").setting("addresses", "ops@example.org");
//! let mail = librato.services().create(&mail).await?;
//! let alert = Alert::new("web.slow")
//!     .when(Condition::above("web.ms", 800.0).summary(SummaryFunction::Max).lasting(Duration::from_secs(300)))
//!     .when(Condition::absent("web.heartbeat", Duration::from_secs(600)).source("web*"))
//!     .notify(mail.saved_key()?)
//!     .runbook("https://wiki.example.org/slow");
//! let alert = librato.alerts().create(&alert).await?;
//! assert_eq!(alert.conditions.len(), 2);
//! # Ok(()) });
//! ```

mod account;
mod alert;
mod annotation;
mod chart;
mod compose;
mod condition;
mod connect;
mod error;
mod kinds;
mod legacy;
mod measurement;
mod metric;
mod object;
mod objects;
mod read;
mod select;
mod service;
mod tagged;
mod time;
mod words;

pub use account::{ApiToken, Snapshot, Snapshots};
pub use alert::{Alert, AlertService, Status};
pub use annotation::{AnnotationStream, Event, Events, EventsBySource, Link};
pub use chart::{Chart, ChartStream, Space, Threshold};
pub use compose::{Composed, ComposedSeries};
pub use condition::{Condition, TagSet};
pub use connect::{Connect, Librato, Token};
pub use error::Error;
pub use futures_util::TryStreamExt;
pub use legacy::{Dashboard, Instrument, Source};
pub use measurement::{Measured, Record};
pub use metric::Metric;
pub use object::{Collection, Identity, Object, object_id};
pub use objects::Objects;
pub use read::More;
pub use select::{Found, Page, Select};
pub use service::{Service, Settings};
pub use tagged::{Point, Series, TagQuery};
pub use time::{Interval, Time, Window};
pub use words::{ChartType, ConditionType, GroupFunction, MetricType, Role, SummaryFunction};
