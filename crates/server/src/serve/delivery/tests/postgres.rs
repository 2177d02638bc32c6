//! Several servers of one database, of which one sends: it dies and stalls at every point, and nothing is sent twice but what it had sent and not
//! marked.

use proptest::prelude::{Just, Strategy as _, prop, prop_oneof};
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::serve::store::postgres::test_server;
use crate::serve::{Connecting, Postgres};

/// A server, and how others know it.
struct Server {
    cluster: Cluster,
    world: World,
}

/// The database of several servers, and where they send to.
struct Servers {
    address: String,
    clock: Clock,
    sink: Arc<Sink>,
    all: Vec<Server>,
}

pub async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(job).await.unwrap()
}

pub fn connect(address: &str, clock: &Clock) -> Store {
    let target = Postgres::new(address, &Connecting::default()).unwrap().that_may_forget();
    Store::connect(&target, Opening { clock: clock.clone(), ..Opening::default() }).unwrap()
}

impl Servers {
    async fn new(count: usize) -> Option<Servers> {
        let address = test_server::fresh(|model| connect(model, &Clock::system()).close())?;
        let (clock, sink) = (Clock::standing_at(START), Arc::new(Sink::start(ok).await));
        let mut servers = Servers { address, clock, sink, all: Vec::new() };
        for _ in 0..count {
            let server = servers.start();
            servers.all.push(server);
        }
        let url = json!({"url": servers.sink.url()});
        servers.all[0].world.save(0, "webhook", &url).await;
        Some(servers)
    }

    fn start(&self) -> Server {
        let store = connect(&self.address, &self.clock);
        let cluster = Cluster::by_hand(&store);
        let world = World::of(store, self.clock.clone(), &cluster, Arc::clone(&self.sink));
        Server { cluster, world }
    }

    /// The process ends, whatever it was doing, and another begins.
    fn kill(&mut self, at: usize) {
        self.all[at] = self.start();
    }

    /// Whoever has it is not heard for too long.
    async fn time_runs_out(&self) {
        let store = self.all[0].world.store.clone();
        let job = move |tx: &Tx<'_>| tx.execute("UPDATE leases SET until = 0", params![]);
        blocking(move || store.apart(job)).await.unwrap();
    }

    /// A server is heard. How much is under way, here and at those who do not know it yet, where it is given the duty by that.
    async fn hear(&self, at: usize) -> usize {
        let duty = self.all[at].cluster.duty("outbox");
        let before = duty.held();
        self.all[at].heard().await;
        let is_new = duty.held().is_some_and(|token| Some(token) != before);
        let under_way = self.all.iter().map(|one| one.world.dispatcher.busy.len()).sum();
        if is_new { under_way } else { 0 }
    }

    async fn until_sent(&self, count: usize) {
        while self.sink.count() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Server {
    async fn heard(&self) {
        let cluster = self.cluster.clone();
        blocking(move || cluster.beat()).await;
    }
}

/// How far a sender gets with a notification before it dies.
#[derive(Debug, Clone, Copy)]
enum Point {
    BeforeSending,
    BeforeMarking,
    AfterMarking,
}

#[tokio::test]
async fn only_what_was_sent_and_not_marked_is_sent_once_more() {
    for (point, sent) in [(Point::BeforeSending, 1), (Point::BeforeMarking, 2), (Point::AfterMarking, 1)] {
        let Some(mut servers) = Servers::new(2).await else { return };
        servers.all[0].world.queue(vec![trigger("a", 0)]).await;
        servers.all[0].heard().await;
        servers.all[1].heard().await;
        servers.all[1].world.round().await;
        assert_eq!(servers.sink.count(), 0, "it is not the one that sends");
        let first = &mut servers.all[0].world;
        first.dispatcher.round().await;
        match point {
            // What was begun has had no time yet.
            Point::BeforeSending => {}
            Point::BeforeMarking => servers.until_sent(1).await,
            Point::AfterMarking => first.dispatcher.quiet().await,
        }
        servers.kill(0);
        servers.time_runs_out().await;
        servers.all[1].heard().await;
        servers.all[1].world.round().await;
        assert_eq!(names(&servers.sink), vec!["a-0"; sent], "{point:?}");
        assert_eq!(servers.all[1].world.statuses().await, ["sent"], "{point:?}");
    }
}

#[tokio::test]
async fn who_wakes_after_another_took_over_marks_nothing_and_sends_no_more() {
    let Some(mut servers) = Servers::new(2).await else { return };
    servers.all[0].heard().await;
    servers.all[0].world.queue(vec![trigger("a", 0), clear("a", 1)]).await;
    servers.all[0].world.dispatcher.round().await;
    servers.until_sent(1).await;
    servers.time_runs_out().await;
    servers.all[1].heard().await;
    servers.all[1].world.round().await;
    assert_eq!(names(&servers.sink), ["a-0", "a-0"]);
    // It does not know yet that it was given up.
    let woken = &mut servers.all[0].world;
    woken.dispatcher.quiet().await;
    assert_eq!(woken.rows().await[0].3, 1, "the attempt of the one that sends");
    woken.round().await;
    assert_eq!(servers.sink.count(), 2);
    servers.all[1].world.round().await;
    servers.all[0].heard().await;
    servers.all[0].world.round().await;
    assert_eq!(names(&servers.sink), ["a-0", "a-0", "a-1"]);
    assert_eq!(servers.all[0].world.statuses().await, ["sent", "sent"]);
}

/// A database that does not answer for a while costs nobody a second message: what was sent is marked once it answers.
#[tokio::test]
async fn who_was_not_heard_and_not_replaced_marks_what_it_has_sent() {
    let Some(mut servers) = Servers::new(1).await else { return };
    servers.all[0].heard().await;
    servers.all[0].world.queue(vec![trigger("a", 0)]).await;
    servers.all[0].world.dispatcher.round().await;
    servers.until_sent(1).await;
    servers.clock.pass(Duration::from_secs(9));
    servers.all[0].world.queue(vec![trigger("b", 0)]).await;
    servers.all[0].world.round().await;
    assert_eq!(servers.all[0].world.statuses().await, ["sent", "waiting"], "nothing is begun");
    servers.all[0].heard().await;
    servers.all[0].world.round().await;
    assert_eq!(names(&servers.sink), ["a-0", "b-0"]);
}

#[tokio::test]
async fn who_ends_in_order_leaves_the_rest_to_the_next_at_once() {
    let Some(mut servers) = Servers::new(2).await else { return };
    servers.all[0].heard().await;
    servers.all[0].world.queue(vec![trigger("a", 0)]).await;
    let first = servers.all.remove(0);
    first.world.dispatcher.run(std::future::ready(())).await;
    servers.all[0].heard().await;
    servers.all[0].world.round().await;
    assert_eq!(names(&servers.sink), ["a-0"]);
    assert_eq!(servers.all[0].world.statuses().await, ["sent"]);
}

/// What happens to one of three servers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Heard(usize),
    Round(usize),
    Marks(usize),
    Dies(usize),
    TimeRunsOut,
}

/// In whatever order: everything arrives, and no more is sent twice than was under way where somebody died or was given up.
#[test]
fn whoever_dies_whenever_everything_arrives_and_only_what_was_under_way_twice() {
    let which = 0..3_usize;
    let step = prop_oneof![
        3 => which.clone().prop_map(Step::Heard),
        4 => which.clone().prop_map(Step::Round),
        3 => which.clone().prop_map(Step::Marks),
        1 => which.prop_map(Step::Dies),
        1 => Just(Step::TimeRunsOut),
    ];
    let config = Config { cases: Config::default().cases.min(12), ..Config::default() };
    let law = |steps: Vec<Step>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps));
        Ok(())
    };
    TestRunner::new(config).run(&prop::collection::vec(step, 1..40), law).unwrap();
}

async fn run(steps: Vec<Step>) {
    const INCIDENTS: usize = 6;
    let Some(mut servers) = Servers::new(3).await else { return };
    let keys: Vec<String> = (0..INCIDENTS).map(|number| format!("i{number}")).collect();
    let messages = keys.iter().flat_map(|key| [trigger(key, 0), clear(key, 1)]).collect();
    servers.all[0].world.queue(messages).await;
    let mut doubtful = 0;
    for step in steps {
        match step {
            Step::Heard(at) => doubtful += servers.hear(at).await,
            Step::Round(at) => {
                servers.clock.pass(Duration::from_secs(1));
                servers.all[at].world.dispatcher.round().await;
            }
            Step::Marks(at) => servers.all[at].world.dispatcher.quiet().await,
            Step::Dies(at) => {
                doubtful += servers.all[at].world.dispatcher.busy.len();
                servers.kill(at);
            }
            Step::TimeRunsOut => servers.time_runs_out().await,
        }
    }
    servers.time_runs_out().await;
    doubtful += servers.hear(2).await;
    for _ in 0..60 {
        servers.clock.pass(Duration::from_secs(1));
        servers.all[2].heard().await;
        servers.all[2].world.round().await;
    }
    let sent = names(&servers.sink);
    let statuses = servers.all[2].world.statuses().await;
    assert!(statuses.iter().all(|status| status == "sent"), "{statuses:?}: {sent:?}");
    for key in &keys {
        let at = |seq: usize| sent.iter().position(|name| *name == format!("{key}-{seq}"));
        assert!(at(0).is_some() && at(0) < at(1), "{sent:?}");
    }
    assert!(sent.len() <= 2 * INCIDENTS + doubtful, "{doubtful} were under way: {sent:?}");
}
