//! JSON whose memory is claimed as it grows. Knows nothing of what is written.

use std::io;

use super::problem::Problem;
use crate::serve::budget::{self, Exceeded};

/// `value` as JSON.
///
/// # Errors
/// When there is no room for it.
pub fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Problem> {
    let mut text = Text::default();
    let written = serde_json::to_writer(&mut text, value);
    match (text.refused, written) {
        (Some(exceeded), _) => Err(exceeded.into()),
        (None, Err(error)) => Err(Problem::internal(error)),
        (None, Ok(())) => Ok(text.bytes),
    }
}

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    refused: Option<Exceeded>,
}

impl io::Write for Text {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        /// What a vector that doubles would waste of a long answer is worth more than the copying.
        const STEP: usize = 1 << 20;
        let room = self.bytes.capacity() - self.bytes.len();
        if more.len() > room {
            let wanted = more.len().max(self.bytes.len().clamp(256, STEP));
            if let Err(exceeded) = budget::hold(wanted) {
                self.refused = Some(exceeded);
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.bytes.reserve_exact(wanted);
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::http::admission::Admission;
    use crate::serve::telemetry::Telemetry;

    /// What is written is claimed before it is written.
    #[tokio::test]
    async fn answers_are_claimed_as_they_grow() {
        let admission = Admission::new(1, 4 << 20, Telemetry::default());
        let claim = admission.enter().unwrap();
        let outcome = budget::of_request(claim.permit(), async {
            let written = json(&"x".repeat(2 << 20))?;
            assert!(admission.claimed() >= written.capacity());
            json(&"x".repeat(3 << 20))
        })
        .await;
        assert!(outcome.is_err());
    }
}
