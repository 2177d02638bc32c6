//! Measurements between reading and the service: gathered or aggregated, cut into batches, several on their way, every one
//! accounted for in the tally.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use librato_apply::measure::read::Row;
use librato_apply::measure::{Aggregator, BATCH, BatchSender, Delivery, Measurement};
use librato_apply::remote::Client;

use super::defaults::Defaults;
use super::tally::Tally;
use crate::cli::time;

/// An aggregator that holds more series is sent before its time, so that memory stays bounded; the service adds up what
/// comes in several parts for one time.
const MOST_SERIES: usize = 20_000;

/// What goes together. An aggregated measurement stands on many lines and has none here.
struct Batch {
    lines: Vec<Option<u64>>,
    measurements: Vec<Measurement>,
}

/// Batches on their way, and what waits for them.
pub struct Run<'a> {
    client: Client,
    sender: Arc<BatchSender>,
    defaults: &'a Defaults,
    most_flights: usize,
    waiting: VecDeque<(Option<u64>, Measurement)>,
    aggregator: Option<Aggregator>,
    flights: FuturesUnordered<BoxFuture<'static, (u64, Delivery)>>,
    /// Kept here as well, to account for them where a flight is not waited for.
    on_their_way: BTreeMap<u64, Arc<Batch>>,
    launched: u64,
    /// What became of everything so far.
    pub tally: Tally<'a>,
}

impl<'a> Run<'a> {
    /// With at most so many batches on their way, and an aggregator if there shall be one.
    pub fn new(
        client: &Client,
        defaults: &'a Defaults,
        most_flights: usize,
        aggregator: Option<Aggregator>,
        tally: Tally<'a>,
    ) -> Self {
        Self {
            client: client.clone(),
            sender: Arc::new(BatchSender::new(client.config().retry)),
            defaults,
            most_flights,
            waiting: VecDeque::new(),
            aggregator,
            flights: FuturesUnordered::new(),
            on_their_way: BTreeMap::new(),
            launched: 0,
            tally,
        }
    }

    /// Takes in what was read.
    pub fn take(&mut self, rows: Vec<Row>) {
        let now = time::now();
        for Row { line, measurement } in rows {
            self.tally.rows += 1;
            self.tally.last_line = line;
            match (measurement, &mut self.aggregator) {
                (Err(reason), _) => self.tally.unreadable(line, &reason),
                (Ok(mut measurement), aggregator) => {
                    self.defaults.fill(&mut measurement, now);
                    match aggregator {
                        Some(aggregator) => aggregator.add_measurement(measurement),
                        None => self.waiting.push_back((Some(line), measurement)),
                    }
                }
            }
        }
        if self.aggregator.as_ref().is_some_and(|aggregator| aggregator.len() > MOST_SERIES) {
            self.end_period();
        }
    }

    /// Sends what is aggregated so far.
    pub fn end_period(&mut self) {
        let sent = self.aggregator.as_mut().map(Aggregator::take).unwrap_or_default();
        self.waiting.extend(sent.into_iter().map(|measurement| (None, measurement)));
    }

    /// Whether more can be taken in. After a failure everything is, only to be accounted for.
    pub fn has_room(&self) -> bool {
        self.has_failed() || (self.flights.len() < self.most_flights && self.waiting.len() < BATCH)
    }

    /// Whether something could not be sent, so that nothing more is.
    pub fn has_failed(&self) -> bool {
        self.tally.error.is_some()
    }

    /// Whether batches are on their way.
    pub fn is_flying(&self) -> bool {
        !self.flights.is_empty()
    }

    /// Whether anything waits that can still be sent.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty() && !self.has_failed()
    }

    /// Sends whole batches, and what is left where that is all for now.
    pub fn launch(&mut self, all: bool) {
        while self.flights.len() < self.most_flights
            && self.is_waiting()
            && (all || self.waiting.len() >= BATCH)
        {
            let size = self.waiting.len().min(BATCH);
            let (lines, measurements) = self.waiting.drain(..size).unzip();
            let batch = Arc::new(Batch { lines, measurements });
            let (id, client, sender) = (self.launched, self.client.clone(), Arc::clone(&self.sender));
            self.launched += 1;
            self.on_their_way.insert(id, Arc::clone(&batch));
            let flight = async move { (id, sender.deliver(&client, &batch.measurements).await) };
            self.flights.push(Box::pin(flight));
        }
    }

    /// Waits for a batch and counts what became of it.
    pub async fn land(&mut self) {
        let Some((id, delivery)) = self.flights.next().await else { return };
        let Some(batch) = self.on_their_way.remove(&id) else { return };
        let tally = &mut self.tally;
        tally.accepted += delivery.submitted.accepted;
        tally.twice += delivery.submitted.twice;
        tally.unclear(delivery.unclear);
        for (index, reason) in &delivery.refused {
            tally.refused(batch.lines[*index], &batch.measurements[*index], reason);
        }
        for (index, reason) in &delivery.doubtful {
            tally.doubtful(&batch.measurements[*index], reason);
        }
        for index in delivery.unsent {
            tally.unsent(batch.lines[index], &batch.measurements[index]);
        }
        tally.error = tally.error.take().or(delivery.error);
    }

    /// Gives up what was not sent, and what is on its way. The tally has the last word.
    pub fn end(mut self) -> Tally<'a> {
        self.end_period();
        for batch in self.on_their_way.into_values() {
            self.tally.unclear(batch.measurements.len() as u64);
            for (line, measurement) in batch.lines.iter().zip(&batch.measurements) {
                self.tally.unsent(*line, measurement);
            }
        }
        for (line, measurement) in self.waiting {
            self.tally.unsent(line, &measurement);
        }
        self.tally
    }
}
