//! Calls that may be repeated without harm: PUT and DELETE.
//! Knows when a failure is worth another try; knows nothing of plans.

use super::Run;
use crate::remote::{ApiError, Call, Method, Reply, WriteApi};

impl<A: WriteApi> Run<'_, A> {
    /// Sends a call until it is answered, for as long as the retry policy allows.
    pub(super) async fn send(&self, call: &Call) -> Result<Reply, String> {
        self.try_send(call).await.map_err(|error| error.to_string())
    }

    /// As [`Run::send`], for callers that look at the failure.
    pub(super) async fn try_send(&self, call: &Call) -> Result<Reply, ApiError> {
        let mut backoff = self.options.retry.backoff();
        loop {
            match self.api.send(call).await {
                Ok(reply) => return Ok(reply),
                // Gone is what a delete is for, whoever did it: perhaps an earlier try whose answer was lost.
                Err(error) if call.method == Method::Delete && error.is_not_found() => {
                    return Ok(Reply { status: 204, body: None, location: None });
                }
                Err(error) => self.wait(&mut backoff, error).await?,
            }
        }
    }

    /// Waits before another try, or gives the error back where none makes sense.
    pub(super) async fn wait(
        &self,
        backoff: &mut crate::remote::Backoff,
        error: ApiError,
    ) -> Result<(), ApiError> {
        if !error.is_passing() {
            return Err(error);
        }
        let Some(delay) = backoff.next_delay(&error) else { return Err(error) };
        tracing::info!(error = %error, delay_ms = delay.as_millis() as u64, "trying again");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}
