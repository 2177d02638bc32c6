//! Delivers one batch: repeats what may pass, splits what is refused until the culprits stand alone, and accounts for every
//! measurement. Keeps nothing between batches but whether the service was ever reached.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::Measurement;
use super::body::Dialect;
use super::outcome::Submitted;
use crate::remote::{ApiError, Method, RetryPolicy, TransportKind, WriteApi, sleep};
use crate::wire::Failures;

/// How many measurements the API recommends for one request.
pub const BATCH: usize = 300;

/// What became of one batch. Every measurement of it is counted once: accepted, refused, doubtful or unsent.
#[derive(Debug, Default)]
pub struct Delivery {
    /// What was taken.
    pub submitted: Submitted,
    /// The places in the batch of those refused, with the reasons.
    pub refused: Vec<(usize, String)>,
    /// The places in the batch of those of which the service took some and not others, without saying which, with what it
    /// did say. How many it took, as far as it said so, is counted in `submitted`.
    pub doubtful: Vec<(usize, String)>,
    /// The places in the batch of those that could not be sent.
    pub unsent: Vec<usize>,
    /// How many of the unsent may have arrived all the same.
    pub unclear: u64,
    /// Why they could not be sent.
    pub error: Option<ApiError>,
}

/// Takes batches to the service. One serves any number of batches at once.
#[derive(Debug, Default)]
pub struct BatchSender {
    retry: RetryPolicy,
    reached: AtomicBool,
}

/// Measurements of one batch that go into one request.
struct Group {
    dialect: Dialect,
    chosen: Vec<usize>,
    /// For the second half of a refused group: how many refusals there were before the first half went. If the first
    /// half added none, this half is refused for certain and need not be tried whole.
    refused_before: Option<usize>,
}

/// What became of one group.
enum Answer {
    Accepted {
        repeated: bool,
    },
    Refused(String),
    /// A success that tells of failures: so many were taken, for all that is known.
    Doubtful {
        accepted: u64,
        all_failed: bool,
        reason: String,
    },
    Failed {
        error: ApiError,
        unclear: bool,
    },
}

impl BatchSender {
    /// A sender of this patience.
    pub fn new(retry: RetryPolicy) -> Self {
        Self { retry, reached: AtomicBool::new(false) }
    }

    /// Delivers a batch of any mixture, in one request for each dialect if nothing is refused.
    ///
    /// A request is stored whole or refused whole, and a refusal does not say which measurement it is about. So a
    /// refused request is halved until the refused ones stand alone; what was accepted is never sent again.
    pub async fn deliver<A: WriteApi>(&self, api: &A, batch: &[Measurement]) -> Delivery {
        let mut delivery = Delivery::default();
        let mut groups = groups(batch, &mut delivery.refused);
        while let Some(group) = groups.pop() {
            let size = group.chosen.len() as u64;
            if group.chosen.len() > 1 && group.refused_before == Some(delivery.refused.len()) {
                groups.extend(group.halves(&delivery));
                continue;
            }
            match self.post(api, group.dialect, batch, &group.chosen).await {
                Answer::Accepted { repeated } => {
                    let twice = if repeated { size } else { 0 };
                    delivery.submitted.add(Submitted { accepted: size, twice });
                }
                Answer::Refused(reason) => match group.chosen.as_slice() {
                    [one] => delivery.refused.push((*one, reason)),
                    _ => groups.extend(group.halves(&delivery)),
                },
                Answer::Doubtful { accepted, all_failed, reason } => {
                    // It stands for the whole request, so nothing of it may be sent again.
                    let told = group.chosen.into_iter().map(|index| (index, reason.clone()));
                    if all_failed {
                        delivery.refused.extend(told);
                    } else {
                        delivery.doubtful.extend(told);
                    }
                    delivery.submitted.add(Submitted { accepted, twice: 0 });
                }
                Answer::Failed { error, unclear } => {
                    delivery.unclear = if unclear { size } else { 0 };
                    delivery.error = Some(error);
                    // Whatever stopped this group would stop the others too.
                    groups.push(group);
                    break;
                }
            }
        }
        delivery.unsent = groups.into_iter().flat_map(|group| group.chosen).collect();
        delivery.unsent.sort_unstable();
        delivery.refused.sort_unstable();
        delivery
    }

    /// Sends one request until it is answered, for as long as the policy allows.
    async fn post<A: WriteApi>(
        &self,
        api: &A,
        dialect: Dialect,
        batch: &[Measurement],
        chosen: &[usize],
    ) -> Answer {
        let body = dialect.body(batch, chosen);
        // What may arrive twice is counted.
        let mut attempts = self.retry.attempts(Method::Post).accounted();
        let begun = Instant::now();
        loop {
            let error = match api.post_text(dialect.path(), body.clone()).await {
                Ok(_) => {
                    self.reached.store(true, Ordering::Relaxed);
                    return Answer::Accepted { repeated: attempts.may_have_been_executed() };
                }
                Err(error) => error,
            };
            let unconnected = matches!(error, ApiError::Transport { kind: TransportKind::Connect, .. });
            if !unconnected {
                self.reached.store(true, Ordering::Relaxed);
            }
            if let ApiError::Told { failures, .. } = &error {
                return doubtful(failures, chosen.len() as u64);
            }
            if let Some(reason) = refusal(&error) {
                return Answer::Refused(reason);
            }
            let reached = self.reached.load(Ordering::Relaxed);
            let hopeless = !reached && begun.elapsed() > self.retry.first_contact;
            let rest = async |delay| !hopeless && sleep(delay).await;
            if let Err(error) = attempts.next(error, rest).await {
                return Answer::Failed { error, unclear: attempts.may_have_been_executed() };
            }
        }
    }
}

impl Group {
    /// The second half below the first, since the last group goes next.
    fn halves(self, delivery: &Delivery) -> [Group; 2] {
        let Group { dialect, chosen: mut first, .. } = self;
        let second = first.split_off(first.len() / 2);
        let refused_before = Some(delivery.refused.len());
        [
            Group { dialect, chosen: second, refused_before },
            Group { dialect, chosen: first, refused_before: None },
        ]
    }
}

/// One group for each dialect; what no request can say is refused at once.
fn groups(batch: &[Measurement], refused: &mut Vec<(usize, String)>) -> Vec<Group> {
    let group = |dialect| Group { dialect, chosen: Vec::with_capacity(batch.len()), refused_before: None };
    let (mut sources, mut tags) = (group(Dialect::Sources), group(Dialect::Tags));
    for (index, measurement) in batch.iter().enumerate() {
        match (measurement.unspeakable(), Dialect::of(measurement)) {
            (Some(reason), _) => refused.push((index, reason.to_owned())),
            (None, Dialect::Sources) => sources.chosen.push(index),
            (None, Dialect::Tags) => tags.chosen.push(index),
        }
    }
    [tags, sources].into_iter().filter(|group| !group.chosen.is_empty()).collect()
}

/// What a success that tells of failures came to, for so many measurements.
fn doubtful(failures: &Failures, sent: u64) -> Answer {
    let taken = failures.accepted.or_else(|| Some(sent.saturating_sub(failures.failed?)));
    let accepted = taken.unwrap_or_default().min(sent);
    let all_failed = sent == 1 || failures.failed.is_some_and(|failed| failed >= sent) && accepted == 0;
    let accepted = if all_failed { 0 } else { accepted };
    Answer::Doubtful { accepted, all_failed, reason: failures.to_string() }
}

/// Why the service refuses what is in the request, rather than the request or its sender.
fn refusal(error: &ApiError) -> Option<String> {
    let ApiError::Status { status: status @ (400 | 413 | 422), messages, .. } = error else { return None };
    if messages.is_empty() { Some(format!("refused with {status}")) } else { Some(messages.to_string()) }
}

#[cfg(test)]
mod tests;
