//! Calls that may be repeated without harm: PUT and DELETE.
//! Knows what a repetition may find; knows nothing of plans.

use std::time::Duration;

use tokio::time::Instant;

use super::run::Run;
use crate::plan::Failure;
use crate::remote::{ApiError, Attempts, Call, Method, Reply, Terms, WriteApi};

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
        // A POST that comes here may be repeated: whoever sends it removes what is there twice.
        let mut attempts = self.options.retry.attempts(call.method).accounted();
        loop {
            match self.api.send_under(call, &terms).await {
                Ok(reply) => return Ok(reply),
                // Gone is what a delete is for, whoever did it: perhaps an earlier try whose answer was lost.
                Err(error) if call.method == Method::Delete && error.is_not_found() => {
                    // Only what no earlier try can have deleted was gone before.
                    let status = if attempts.may_have_been_executed() { 204 } else { GONE };
                    return Ok(Reply { status, body: None, location: None, warning: None });
                }
                Err(error) => {
                    self.wait(&mut attempts, error).await?;
                    if attempts.may_have_been_executed() {
                        // It may be this very change that the next try would find.
                        terms.tag = None;
                    }
                }
            }
        }
    }

    /// Waits before another try, or gives the error back where none makes sense.
    pub(super) async fn wait(&self, attempts: &mut Attempts, error: ApiError) -> Result<(), ApiError> {
        attempts.next(error, |delay| self.rest(delay)).await
    }

    /// Waits, unless there is nothing to wait for any more: then false.
    async fn rest(&self, delay: Duration) -> bool {
        let end = Instant::now() + delay;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if self.observer.stopped() || self.api.has_given_up() {
                return false;
            }
            tokio::time::sleep(left.min(GLANCE)).await;
        }
        true
    }
}
