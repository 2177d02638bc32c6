//! Who watches the watcher: an address outside is called each minute as long as alerts are evaluated and what is due is
//! sent, and only then, so that someone else notices a server that is dead or stuck. What is well is for `health` to judge,
//! how an address is called for whoever starts this.

use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::cluster::{Cluster, Doer};
use super::health::{MOST_LAG, Pulse, Signs, Verdict, judge};
use super::store::Store;
use super::telemetry::Telemetry;

/// How often it is called.
const EVERY: Duration = Duration::from_secs(60);

/// How long a start may take before it counts as stopped, in seconds.
const START: u32 = 60;

/// What it is called among the duties of servers.
pub const DUTY: &str = "heartbeat";

/// The verdict at this moment.
pub fn verdict(store: &Store, telemetry: &Telemetry, cluster: &Cluster) -> Verdict {
    let (evaluation, delivery) = pulses(store, telemetry, cluster);
    judge(&Signs {
        trouble: store.unready().map(|error| error.to_string()),
        space: store.condition().room.space(),
        pressure: store.condition().pressure.level(),
        alone: store.condition().standbys.are_missed(),
        copy: store.is_unadopted_copy(),
        evaluation,
        troubles: telemetry.said(),
        delivery,
    })
}

/// How far evaluation and delivery are behind, whichever server does them.
fn pulses(store: &Store, telemetry: &Telemetry, cluster: &Cluster) -> (Pulse, Pulse) {
    let (evaluation, delivery) = telemetry.pulses(store.clock().ran());
    let of_all = |duty, own| match cluster.doer(duty) {
        Doer::Another(behind) if own != Pulse::Off => behind.map_or(Pulse::Silent, Pulse::Behind),
        _ => own,
    };
    // Alerts are evaluated by several servers, and all of them only up to where the last one is.
    let evaluation = match (evaluation, cluster.behind("alerts")) {
        (Pulse::Behind(own), Some(furthest)) => Pulse::Behind(own.max(furthest)),
        (own, _) => own,
    };
    (evaluation, of_all("outbox", delivery))
}

/// Calls each minute while all is well, from one of the servers of `cluster`. `call` says what went wrong in words without the address, which is a secret.
pub async fn beat<F>(store: Store, telemetry: Telemetry, cluster: Cluster, call: impl Fn() -> F) -> Infallible
where
    F: Future<Output = Result<(), String>>,
{
    let duty = cluster.duty(DUTY);
    begun(&store, &telemetry, &cluster).await;
    let mut stopped = false;
    let mut minutes = interval(EVERY);
    // After a suspension one call is enough.
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        if duty.held().is_none() {
            continue;
        }
        duty.done(Duration::ZERO);
        let now = store.clock().now();
        if let Some(reason) = verdict(&store, &telemetry, &cluster).stops_heartbeat() {
            if !stopped {
                tracing::error!(target: "librato_apply::serve", reason, "the heartbeat stops");
            }
            stopped = true;
            telemetry.heartbeat(now, Err(None));
            continue;
        }
        if stopped {
            tracing::info!(target: "librato_apply::serve", "the heartbeat goes on");
        }
        stopped = false;
        let answer = call().await;
        if let Err(reason) = &answer {
            tracing::warn!(target: "librato_apply::serve", reason, "the heartbeat's address was called in vain");
        }
        telemetry.heartbeat(now, answer.map_err(Some));
    }
}

/// Waits until a server that starts has had time to begin, and to go on where others ended.
async fn begun(store: &Store, telemetry: &Telemetry, cluster: &Cluster) {
    for _ in 0..START {
        match pulses(store, telemetry, cluster).0 {
            Pulse::Silent => {}
            Pulse::Behind(time) if time > MOST_LAG => {}
            _ => return,
        }
        sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::serve::{Clock, Data, Opening};

    /// A heartbeat over minutes that pass at once: the clock of the store and that of the runtime go together.
    async fn minutes(count: u32, telemetry: &Telemetry, each: impl Fn(u32, i64), fails: bool) -> Vec<u32> {
        let clock = Clock::standing_at(1_000_000);
        let opening = Opening { clock: clock.clone(), ..Opening::default() };
        let store = Store::open_with(&Data::Memory, opening).unwrap();
        let (minute, called) = (Cell::new(0), Cell::new(Vec::new()));
        let call = || {
            let mut all = called.take();
            all.push(minute.get());
            called.set(all);
            async move { if fails { Err("it answered 404".to_owned()) } else { Ok(()) } }
        };
        let heart = beat(store.clone(), telemetry.clone(), Cluster::default(), call);
        let time = async {
            for now in 0..count {
                minute.set(now);
                each(now, store.clock().ran());
                sleep(EVERY).await;
                clock.pass(EVERY);
            }
        };
        tokio::select! { biased; () = time => (), never = heart => match never {} }
        called.take()
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_called_each_minute_while_all_is_well() {
        let telemetry = Telemetry::default();
        let well = |_, ran| telemetry.evaluated(ran, Duration::ZERO);
        assert_eq!(minutes(4, &telemetry, well, false).await, [0, 1, 2, 3]);
        assert_eq!(telemetry.last_heartbeats().answered, Some(1_000_000 + 180));
    }

    #[tokio::test(start_paused = true)]
    async fn it_stops_where_the_evaluation_is_stuck_and_goes_on_when_it_is_not() {
        let telemetry = Telemetry::default();
        let stuck = |minute, ran| {
            if !(2..5).contains(&minute) {
                telemetry.evaluated(ran, Duration::ZERO);
            }
        };
        // No one says anything from the second minute on; after that minute the lag is no longer 60 s.
        assert_eq!(minutes(7, &telemetry, stuck, false).await, [0, 1, 2, 5, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_stops_where_a_delivery_was_never_attempted_and_where_nothing_is_evaluated() {
        let telemetry = Telemetry::default();
        let held = |minute, ran| {
            telemetry.evaluated(ran, Duration::ZERO);
            telemetry.delivered(ran, Duration::from_secs(60 * u64::from(minute)));
        };
        assert_eq!(minutes(8, &telemetry, held, false).await, [0, 1, 2, 3, 4, 5]);
        assert!(minutes(3, &Telemetry::default(), |_, _| (), false).await.is_empty(), "nothing is evaluated");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_is_called_again() {
        let telemetry = Telemetry::default();
        let well = |_, ran| telemetry.evaluated(ran, Duration::ZERO);
        assert_eq!(minutes(3, &telemetry, well, true).await, [0, 1, 2]);
        let last = telemetry.last_heartbeats();
        assert_eq!((last.answered, last.failure.as_deref()), (None, Some("it answered 404")));
    }
}
