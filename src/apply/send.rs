//! Calls that may be repeated without harm: PUT and DELETE.
//! Knows when a failure is worth another try; knows nothing of plans.

use std::time::Duration;

use tokio::time::Instant;

use super::run::Run;
use crate::plan::Failure;
use crate::remote::{ApiError, Call, Method, Reply, Terms, WriteApi};

/// How often who waits looks whether there is still something to wait for.
const GLANCE: Duration = Duration::from_millis(100);

/// The status of a delete whose object was not there any more.
const GONE: u16 = 404;

/// Whether what a delete was for had been done before.
pub(super) fn had_gone(reply: &Reply) -> bool {
    reply.status == GONE
}

impl<A: WriteApi> Run<'_, A> {
    /// Sends a call until it is answered, for as long as the retry policy allows.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply, Failure> {
        Ok(self.try_send(call).await?)
    }

    /// As [`Run::send`], for callers that look at the failure.
    pub(super) async fn try_send(&self, call: &Call) -> Result<Reply, ApiError> {
        self.send_as_read(call, None).await
    }

    /// The same for an object that is to be in the state of this tag.
    pub(super) async fn send_as_read(&self, call: &Call, tag: Option<String>) -> Result<Reply, ApiError> {
        let mut terms = Terms { tag, ..Terms::default() };
        let (mut backoff, mut before) = (self.options.retry.backoff(), None);
        loop {
            match self.api.send_under(call, &terms).await {
                Ok(reply) => return Ok(reply),
                // What went wrong says more than that nothing was sent any more.
                Err(error @ ApiError::Unreachable { .. }) => return Err(before.unwrap_or(error)),
                // Gone is what a delete is for, whoever did it: perhaps an earlier try whose answer was lost.
                Err(error) if call.method == Method::Delete && error.is_not_found() => {
                    // Only what no earlier try can have deleted was gone before.
                    let ours = before.as_ref().is_some_and(ApiError::may_have_been_executed);
                    return Ok(Reply { status: if ours { 204 } else { GONE }, body: None, location: None });
                }
                Err(error) => {
                    if error.may_have_been_executed() {
                        // It may be this very change that the next try would find.
                        terms.tag = None;
                    }
                    self.wait(&mut backoff, error.clone()).await?;
                    before = Some(error);
                }
            }
        }
    }

    /// Waits before another try, or gives the error back where none makes sense.
    pub(super) async fn wait(
        &self,
        backoff: &mut crate::remote::Backoff,
        error: ApiError,
    ) -> Result<(), ApiError> {
        let Some(delay) = backoff.next_delay(&error) else { return Err(error) };
        tracing::info!(error = %error, delay_ms = delay.as_millis() as u64, "trying again");
        let end = Instant::now() + delay;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if self.observer.stopped() || self.api.has_given_up() {
                return Err(error);
            }
            tokio::time::sleep(left.min(GLANCE)).await;
        }
        Ok(())
    }
}
