//! Measurements gathered and sent in batches, several at once, in the background. Decides when to send; how a batch is
//! delivered is the sender's affair.

mod options;
mod state;

use std::sync::Arc;

pub use self::options::Options;
use self::state::Shared;
use super::aggregator::Aggregator;
use super::measurement::{Labels, Measurement, Tags};
use super::now;
use super::outcome::{SubmitError, Submitted};
use crate::remote::WriteApi;

/// A queue of measurements in front of the service.
///
/// It sends when [`Queue::submit`] is called, when it holds enough or is old enough (see [`Options`]), and when a
/// [`Queue::scope`] ends. What the service refuses is reported; what could not be sent is held, in order, and goes first
/// next time.
///
/// **Dropping** a queue cannot send, since sending takes time: what it still holds is lost, and that is logged as an error
/// with the number. Batches on their way arrive as long as the runtime lives. Use a scope, call `submit` last, or take what
/// is left with [`Queue::take`].
///
/// All methods need a tokio runtime.
#[derive(Debug)]
pub struct Queue<A: WriteApi + Clone + 'static> {
    shared: Arc<Shared<A>>,
}

impl<A: WriteApi + Clone + 'static> Queue<A> {
    /// A queue with the default options: it collects until it is told to submit.
    pub fn new(api: A) -> Self {
        Self::with(api, Options::default())
    }

    /// A queue with these options.
    pub fn with(api: A, mut options: Options) -> Self {
        options.batch = options.batch.max(1);
        options.in_flight = options.in_flight.clamp(1, 1024);
        Self { shared: Arc::new(Shared::new(api, options)) }
    }

    /// Adds a measurement. Waits only when it makes the queue submit by itself while enough batches are on their way.
    ///
    /// # Errors
    /// Where what the queue sent by itself was refused, or could not be sent; told when the queue would send again. The
    /// measurement is in the queue all the same.
    pub async fn add(&self, measurement: Measurement) -> Result<(), SubmitError> {
        if !self.shared.push(self.prepared(measurement)) {
            return Ok(());
        }
        match self.shared.problem(true) {
            Some(problem) => Err(problem),
            None => {
                self.shared.start().await;
                Ok(())
            }
        }
    }

    /// Adds what an aggregator has condensed, and clears the aggregator.
    ///
    /// # Errors
    /// As [`Queue::add`].
    pub async fn add_aggregator(&self, aggregator: &mut Aggregator) -> Result<(), SubmitError> {
        let mut outcome = Ok(());
        for measurement in aggregator.take() {
            // All of them are in the queue, whatever becomes of those that went before.
            outcome = outcome.and(self.add(measurement).await);
        }
        outcome
    }

    /// Sends everything and waits until it has arrived.
    ///
    /// # Errors
    /// Where something was refused, or could not be sent and is held.
    pub async fn submit(&self) -> Result<Submitted, SubmitError> {
        self.shared.forgive();
        self.shared.start().await;
        self.shared.landed().await;
        match self.shared.problem(false) {
            Some(problem) => Err(problem),
            None => Ok(self.shared.submitted()),
        }
    }

    /// Runs `work` with the queue and then submits, whatever `work` came to: gives back both.
    ///
    /// ```no_run
    /// # use librato_apply::measure::{Measurement, Queue};
    /// # async fn dangerous() -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn run(queue: Queue<librato_apply::remote::Client>) -> Result<(), Box<dyn std::error::Error>> {
    /// let (work, submitted) = queue
    ///     .scope(async |queue| {
    ///         queue.add(Measurement::gauge("temperature", 22.1).source("upstairs")).await?;
    ///         dangerous().await?; // The first measurement is sent even where this fails.
    ///         queue.add(Measurement::counter("requests", 100.0).source("web-1")).await?;
    ///         Ok::<_, Box<dyn std::error::Error>>(())
    ///     })
    ///     .await;
    /// work?;
    /// println!("{} accepted", submitted?.accepted);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn scope<T>(&self, work: impl AsyncFnOnce(&Self) -> T) -> (T, Result<Submitted, SubmitError>) {
        let done = work(self).await;
        (done, self.submit().await)
    }

    /// How many measurements it holds, those on their way not counted.
    pub fn len(&self) -> usize {
        self.shared.held()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes out everything it holds, unsent.
    pub fn take(&self) -> Vec<Measurement> {
        self.shared.take_all()
    }

    fn prepared(&self, mut measurement: Measurement) -> Measurement {
        let Options { labels, sanitizer, stamp, .. } = &self.shared.options;
        if let Some(sanitize) = sanitizer {
            measurement.name = sanitize(&measurement.name);
        }
        if *stamp && measurement.time.is_none() {
            measurement.time = Some(now());
        }
        match (&mut measurement.labels, labels) {
            (own @ Labels::Source(None), shared) => *own = shared.clone(),
            (Labels::Tags(own), Labels::Tags(shared)) if measurement.inherits_tags => inherit(own, shared),
            _ => {}
        }
        measurement
    }
}

fn inherit(own: &mut Tags, shared: &Tags) {
    for (name, value) in shared {
        own.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

impl<A: WriteApi + Clone + 'static> Drop for Queue<A> {
    fn drop(&mut self) {
        let (held, on_their_way) = (self.shared.held(), self.shared.on_their_way());
        if held > 0 {
            tracing::error!(held, on_their_way, "a queue was dropped with measurements that were never sent");
        }
    }
}

#[cfg(test)]
mod tests;
