//! Asks the database again and again, so that it is known whether it answers, how large it is, and what its clock shows, by which all servers
//! go, without anybody having to wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_postgres::Client;

use super::error::words;
use super::schema::CURRENT;
use super::shared::Shared;
use super::target::Postgres;
use crate::serve::Clock;
use crate::serve::store::error::Trouble;
use crate::serve::store::standbys::Found;

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(2);

/// How many answers lie between two that say how large it is.
const MEASURED: u32 = 30;

/// What our tables take, with their indexes.
const SIZE: &str = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
    WHERE c.relnamespace = 'librato_apply'::regnamespace AND c.relkind = 'r'";

/// How old an answer may be.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Monitor {
    begun: Instant,
    /// Milliseconds from then to the last answer.
    answered: Arc<AtomicU64>,
}

impl Monitor {
    /// Begins to ask a database that has just answered.
    pub fn start(target: Postgres, runtime: &Handle, shared: Arc<Shared>) -> Monitor {
        let monitor = Monitor { begun: Instant::now(), answered: Arc::default() };
        let own = monitor.clone();
        runtime.spawn(async move {
            let (mut known, mut answers) = (None, 0_u32);
            loop {
                match tokio::time::timeout(PATIENCE, ask(&mut known, &target, &shared.condition.clock)).await {
                    Ok(Ok(Answer { usable: true, standbys })) => {
                        shared.condition.standbys_are(standbys);
                        own.answered.store(own.begun.elapsed().as_millis() as u64, Ordering::Release);
                        shared.condition.wrote(|| None);
                        if answers.is_multiple_of(MEASURED) {
                            measure(known.as_ref(), &shared).await;
                        }
                        answers = answers.wrapping_add(1);
                    }
                    Ok(Ok(_)) => {
                        tracing::warn!(target: "librato_apply::serve", "the database cannot be written, or a newer program has made its tables others");
                    }
                    Ok(Err(error)) => {
                        known = None;
                        tracing::warn!(target: "librato_apply::serve", "the database does not answer: {}", words(&error));
                    }
                    Err(_) => {
                        known = None;
                        tracing::warn!(target: "librato_apply::serve", "the database does not answer");
                    }
                }
                if !own.is_answered() {
                    shared.condition.fails(Trouble::Unanswered);
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        monitor
    }

    /// Whether the database answered lately.
    pub fn is_answered(&self) -> bool {
        let last = Duration::from_millis(self.answered.load(Ordering::Acquire));
        self.begun.elapsed().saturating_sub(last) <= PATIENCE
    }
}

/// Whether it can be written, and read by this program; what time it is there; how far a standby is behind, and how many of them have what is
/// acknowledged, as far as the user may know: to others there are standbys without a state.
const ASKED: &str = "SELECT NOT pg_is_in_recovery() AND (SELECT oldest_reader FROM librato_apply.meta) <= $1,
    CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT),
    (SELECT CAST(extract(epoch FROM max(replay_lag)) * 1000 AS BIGINT) FROM pg_stat_replication),
    (SELECT CASE WHEN count(*) = count(state) THEN count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) END
        FROM pg_stat_replication)";

/// Asks for the first time. What is wrong shows when it is asked again.
pub fn begin(target: &Postgres, runtime: &Handle, clock: &Clock) {
    let _ = runtime.block_on(ask(&mut None, target, clock));
}

/// Asks whether it can be used, over a connection of its own.
async fn ask(
    known: &mut Option<Client>,
    target: &Postgres,
    clock: &Clock,
) -> Result<Answer, tokio_postgres::Error> {
    let client = match known.take() {
        Some(client) if !client.is_closed() => client,
        _ => {
            let (client, connection) = target.config().connect(target.tls()).await?;
            tokio::spawn(connection);
            client
        }
    };
    let asked = Instant::now();
    let row = client.query_one(ASKED, &[&CURRENT]).await?;
    let way = i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX) / 2;
    clock.tell(row.try_get::<_, i64>(1)?.saturating_add(way), way + 5);
    let usable = row.try_get(0)?;
    let (behind, synchronous): (Option<i64>, _) = (row.try_get(2)?, row.try_get(3)?);
    // The next one finds the primary, which may be another one now.
    *known = Some(client).filter(|_| usable);
    Ok(Answer { usable, standbys: Found { synchronous, behind: behind.unwrap_or(0) } })
}

/// What the database said.
struct Answer {
    usable: bool,
    standbys: Found,
}

/// Notes how large it is. Without an answer the last one stays true enough.
async fn measure(client: Option<&Client>, shared: &Shared) {
    let Some(client) = client else { return };
    let size = async { client.query_one(SIZE, &[]).await?.try_get::<_, i64>(0) };
    if let Ok(Ok(size)) = tokio::time::timeout(PATIENCE, size).await {
        let _without_limit = shared.condition.room.measured(size.unsigned_abs());
    }
}
