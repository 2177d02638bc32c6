//! Alerts are evaluated here: a thread that reads what the journal has got, drives the machine ([`crate::watch`]) and writes what
//! happened. Nothing is evaluated that is not durable, and there is no hook in the way of a submission. Of several servers over one database
//! each evaluates some groups of alerts; whoever takes one over goes on from what is stored.

mod clock;
mod composites;
mod engine;
mod figures;
mod groups;
mod index;
mod loading;
mod places;
mod results;
mod seat;
mod taking_up;
#[cfg(test)]
mod tests;
mod wheel;
mod writing;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch::{Receiver, Sender, channel};

use self::engine::Engine;
use self::figures::{Figures, Standing};
use super::catalog::alerting::evaluation::Evaluation;
use super::catalog::alerting::options::AlertOptions;
use super::cluster::{Cluster, Divided, Share};
use super::http::users::Users;
use super::store::Store;
use super::telemetry::Telemetry;

/// What servers have groups of.
const DUTY: &str = "alerts";

/// A round begins this long after a second has, so that what was received in the second before is written.
const AFTER: i64 = 50;

/// The longest pause after failures, in seconds.
const LONGEST_PAUSE: u64 = 60;

/// The evaluation of the alerts of one store, on a thread of its own. Clones share it.
#[derive(Debug, Clone)]
pub struct Evaluator {
    stop: Sender<bool>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Evaluator {
    /// Begins to evaluate the alerts of a store, unless the options say that no one shall, as far as no other server of the cluster does.
    /// Must be called inside a runtime. `users` and `telemetry` are those of the router.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(
        store: Store,
        users: Users,
        options: &AlertOptions,
        telemetry: &Telemetry,
        cluster: &Cluster,
    ) -> std::io::Result<Option<Evaluator>> {
        if !options.evaluate {
            return Ok(None);
        }
        telemetry.evaluates();
        let (stop, stopped) = channel(false);
        let by = Evaluation::new(options.clone(), users, telemetry.lost_states()).among(&store);
        let work = Work::new(store, by, telemetry.clone(), cluster.divided(DUTY));
        let runtime = Handle::current();
        let thread = thread::Builder::new()
            .name("evaluation".to_owned())
            .spawn(move || runtime.block_on(work.until(stopped)))?;
        Ok(Some(Evaluator { stop, thread: Arc::new(Mutex::new(Some(thread))) }))
    }

    /// Writes down how far it has come, and ends. Blocks.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// What the thread needs.
struct Work {
    store: Store,
    by: Evaluation,
    telemetry: Telemetry,
    duty: Divided,
    /// What a test does in the middle of a round.
    #[cfg(test)]
    meanwhile: Box<dyn Fn() + Send + Sync>,
}

impl Work {
    fn new(store: Store, by: Evaluation, telemetry: Telemetry, duty: Divided) -> Work {
        Work {
            store,
            by,
            telemetry,
            duty,
            #[cfg(test)]
            meanwhile: Box::new(|| ()),
        }
    }

    async fn until(self, mut stopped: Receiver<bool>) {
        let (mut engine, mut failures) = (None, 0);
        loop {
            let pause = self.turn(&mut engine, &mut failures).await;
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Some(engine) = &mut engine {
            let _ = AssertUnwindSafe(engine.close()).catch_unwind().await;
        }
        self.duty.give_back().await;
    }

    /// One round, whatever becomes of it; how long to wait for the next one.
    async fn turn(&self, engine: &mut Option<Engine>, failures: &mut u32) -> Duration {
        let share = self.duty.held();
        if share.tokens.is_empty() {
            // Other servers evaluate, or soon will.
            *engine = None;
            let ran = self.store.clock().ran();
            Figures::new(self.telemetry.clone()).show(&Standing { ran, ..Standing::default() });
            return self.until_next_second();
        }
        if engine.as_ref().is_some_and(|engine| !engine.keeps_any_of(&share)) {
            // Others did meanwhile.
            *engine = None;
        }
        let outcome = AssertUnwindSafe(self.round(engine, share)).catch_unwind().await;
        if let Ok(true) = outcome {
            *failures = 0;
            return self.until_next_second();
        }
        self.telemetry.alerts().failures.inc();
        if outcome.is_err() {
            // What it holds may be half done. All that matters is stored.
            *engine = None;
            tracing::error!(target: "librato_apply::serve", "the evaluation of alerts panicked; it begins anew from what is stored");
        }
        let pause = 1_u64.checked_shl(*failures).unwrap_or(u64::MAX).min(LONGEST_PAUSE);
        *failures = failures.saturating_add(1);
        Duration::from_secs(pause)
    }

    /// One round; whether it went well.
    async fn round(&self, engine: &mut Option<Engine>, share: Share) -> bool {
        #[cfg(test)]
        (self.meanwhile)();
        let outcome = match engine {
            Some(engine) => engine.tick(&share).await,
            None => {
                let (store, by) = (self.store.clone(), self.by.clone());
                let figures = Figures::new(self.telemetry.clone());
                match Engine::open(store, by, figures, share, self.duty.follower()).await {
                    Ok(opened) => {
                        *engine = Some(opened);
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            }
        };
        if let Err(error) = &outcome {
            tracing::error!(target: "librato_apply::serve", %error, "alerts cannot be evaluated now; it is tried again");
        }
        if let (Ok(()), Some(engine)) = (&outcome, engine) {
            self.duty.done(engine.behind());
            self.leave_surplus(engine).await;
        }
        outcome.is_ok()
    }

    /// Leaves a group to another server, if this one has too many, with everything written that is known of it: so that is only a moment behind.
    async fn leave_surplus(&self, engine: &mut Engine) {
        if let Some(group) = self.duty.surplus() {
            engine.write_states().await;
            self.duty.let_go(group).await;
        }
    }

    fn until_next_second(&self) -> Duration {
        let past = (self.store.clock().wall() - AFTER).rem_euclid(1000);
        Duration::from_millis((1000 - past).unsigned_abs())
    }
}
