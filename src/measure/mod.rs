//! Measurements on their way to the service: what one is, how many are gathered (queue) or condensed (aggregator), and how
//! a batch is delivered so that nothing is lost unnoticed. Knows no definitions and no plans; prints nothing.
//!
//! # Sending
//!
//! ```
//! # #[cfg(feature = "serve")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use librato_apply::{remote::{Client, Config, Endpoint}, serve};
//! # let token = secrecy::SecretString::from("token of the example");
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr()?), false)?;
//! # let store = serve::Store::open(&serve::Data::Memory)?;
//! # let credentials = vec![serve::Credentials::new("me", &token)];
//! # let router = serve::router(store.clone(), credentials, &serve::Options::default());
//! # tokio::spawn(serve::run(listener, router, store, std::future::pending()));
//! # let client = Client::new(Config::new(endpoint, "me", token))?;
//! use librato_apply::measure::{Aggregator, Measurement, Queue};
//!
//! let queue = Queue::new(client);
//! queue.add(Measurement::gauge("temperature", 22.1).source("upstairs")).await?;
//! queue.add(Measurement::gauge("temperature", 23.1).source("downstairs")).await?;
//! queue.add(Measurement::counter("requests", 102.0).source("web-1")).await?;
//!
//! let mut aggregator = Aggregator::new().source("web-1").period(60);
//! aggregator.add("response.ms", 42.0);
//! aggregator.add("response.ms", 5.0);
//! queue.add_aggregator(&mut aggregator).await?;
//!
//! let submitted = queue.submit().await?;
//! assert_eq!((submitted.accepted, submitted.twice), (4, 0));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "serve"))]
//! # fn main() {}
//! ```
//!
//! # What a lost answer means
//!
//! The API has no way to tell a repeated batch from a new one. A batch whose answer was lost is sent again all the same,
//! since losing it would be worse, and counted in [`Submitted::twice`]. What that does to the numbers, as the server of this
//! program stores them: at one time, **a gauge's `count` and `sum` double** (and its `sum_squares`); its mean, minimum,
//! maximum and standard deviation stay. **A counter does not change**: it is the same reading again. That holds because
//! a repeated measurement carries the same time: the [`Queue`] gives one that has none the second it was added in.

mod aggregator;
mod batch_sender;
mod body;
#[cfg(test)]
mod fake;
mod measurement;
mod outcome;
mod queue;
pub mod read;
mod sanitize;
mod summary;

pub use aggregator::Aggregator;
pub use batch_sender::{BATCH, BatchSender, Delivery};
pub use body::to_line;
pub use measurement::{Labels, Measurement, MetricType, Properties, Reading, Tags};
pub use outcome::{Refused, SubmitError, Submitted};
pub use queue::{Options, Queue};
pub use sanitize::{Sanitizer, sanitize_metric_name};
pub use summary::Summary;

/// The time by this machine, in epoch seconds.
fn now() -> i64 {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}
