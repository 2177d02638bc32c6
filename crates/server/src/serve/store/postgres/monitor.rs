//! Asks the database again and again, so that it is known whether it answers without anybody having to wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_postgres::Client;

use super::error::words;
use super::target::Postgres;

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(2);

/// How old an answer may be.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Monitor {
    begun: Instant,
    /// Milliseconds from then to the last answer.
    answered: Arc<AtomicU64>,
}

impl Monitor {
    /// Begins to ask a database that has just answered.
    pub fn start(target: Postgres, runtime: &Handle) -> Monitor {
        let (begun, answered) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let last = Arc::clone(&answered);
        runtime.spawn(async move {
            let mut known = None;
            loop {
                tokio::time::sleep(EVERY).await;
                match tokio::time::timeout(PATIENCE, ask(&mut known, &target)).await {
                    Ok(Ok(())) => last.store(begun.elapsed().as_millis() as u64, Ordering::Release),
                    Ok(Err(error)) => {
                        known = None;
                        tracing::warn!(target: "librato_apply::serve", "the database does not answer: {}", words(&error));
                    }
                    Err(_) => {
                        known = None;
                        tracing::warn!(target: "librato_apply::serve", "the database does not answer");
                    }
                }
            }
        });
        Monitor { begun, answered }
    }

    /// Whether the database answered lately.
    pub fn is_answered(&self) -> bool {
        let last = Duration::from_millis(self.answered.load(Ordering::Acquire));
        self.begun.elapsed().saturating_sub(last) <= PATIENCE
    }
}

/// Asks whether it can be written, over a connection of its own.
async fn ask(known: &mut Option<Client>, target: &Postgres) -> Result<(), tokio_postgres::Error> {
    let client = match known.take() {
        Some(client) if !client.is_closed() => client,
        _ => {
            let (client, connection) = target.config().connect(target.tls()).await?;
            tokio::spawn(connection);
            client
        }
    };
    let row = client.query_one("SELECT pg_is_in_recovery()", &[]).await?;
    // The next one finds the primary, which may be another one now.
    *known = Some(client).filter(|_| row.try_get::<_, bool>(0).is_ok_and(|standby| !standby));
    Ok(())
}
