//! A queue against a service that takes, refuses and fails.

use std::time::Duration;

use proptest::test_runner::Config;

use super::*;
use crate::measure::Sanitizer;
use crate::measure::fake::{Fake, Verdict};
use crate::remote::RetryPolicy;

fn options() -> Options {
    Options { retry: RetryPolicy::quick(), ..Options::default() }
}

fn numbered(range: std::ops::Range<usize>) -> impl Iterator<Item = Measurement> {
    range.map(|n| Measurement::gauge(n.to_string(), n as f64))
}

async fn fill(queue: &Queue<Fake>, range: std::ops::Range<usize>) {
    for measurement in numbered(range) {
        queue.add(measurement).await.unwrap();
    }
}

fn sorted(fake: &Fake) -> Vec<usize> {
    let mut names: Vec<usize> = fake.names().iter().map(|name| name.parse().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn everything_arrives_once_in_batches_of_300() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let queue = Queue::with(fake.clone(), options());
    fill(&queue, 0..1000).await;
    assert_eq!((fake.sizes().len(), queue.len()), (0, 1000), "it collects until it is told to submit");
    assert_eq!(queue.submit().await.unwrap(), Submitted { accepted: 1000, twice: 0 });
    let mut sizes = fake.sizes();
    sizes.sort_unstable();
    assert_eq!(sizes, [100, 300, 300, 300]);
    assert_eq!(sorted(&fake), (0..1000).collect::<Vec<_>>());
    assert_eq!(queue.submit().await.unwrap(), Submitted::default(), "an empty queue sends nothing");
    assert_eq!(fake.sizes().len(), 4);
}

#[tokio::test]
async fn it_submits_by_itself_at_a_count() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let queue = Queue::with(fake.clone(), Options { auto_submit_count: Some(400), ..options() });
    fill(&queue, 0..399).await;
    assert_eq!(queue.len(), 399);
    fill(&queue, 399..400).await;
    assert_eq!(queue.len(), 0);
    assert_eq!(queue.submit().await.unwrap().accepted, 400);
    assert_eq!(fake.sizes().iter().max(), Some(&300));
}

#[tokio::test(start_paused = true)]
async fn it_submits_by_itself_at_an_age() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let queue =
        Queue::with(fake.clone(), Options { auto_submit_age: Some(Duration::from_secs(10)), ..options() });
    fill(&queue, 0..2).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(fake.sizes().len(), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((fake.sizes(), queue.len()), (vec![2], 0));
    fill(&queue, 2..3).await;
    assert_eq!(queue.submit().await.unwrap().accepted, 3);
    fill(&queue, 3..4).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(queue.len(), 1, "the timer of what was submitted is not that of what came later");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(queue.len(), 0);
}

#[tokio::test]
async fn a_scope_submits_whatever_its_end() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let queue = Queue::with(fake.clone(), options());
    let (work, submitted) = queue
        .scope(async |queue| {
            fill(queue, 0..1).await;
            Err::<(), _>("gone wrong")
        })
        .await;
    assert_eq!((work, submitted.unwrap().accepted, sorted(&fake)), (Err("gone wrong"), 1, vec![0]));
}

#[tokio::test]
async fn what_could_not_be_sent_is_held_in_order_and_goes_first() {
    let fake = Fake::new(|number, _| if number == 0 { Verdict::Fail(401) } else { Verdict::Take });
    let queue = Queue::with(fake.clone(), Options { in_flight: 1, ..options() });
    fill(&queue, 0..700).await;
    let error = queue.submit().await.unwrap_err();
    assert_eq!((error.held, queue.len(), error.submitted.accepted), (700, 700, 0));
    assert!(
        error.to_string().starts_with("700 measurements not sent and held: POST /metrics: 401"),
        "{error}"
    );
    fill(&queue, 700..701).await;
    assert_eq!(queue.submit().await.unwrap().accepted, 701);
    assert_eq!(fake.names(), (0..701).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_refused_is_given_back_and_not_sent_again() {
    let bad = |names: &[String]| names.iter().any(|name| name == "7");
    let fake = Fake::new(move |_, names| if bad(names) { Verdict::Refuse } else { Verdict::Take });
    let queue = Queue::with(fake.clone(), options());
    fill(&queue, 0..10).await;
    let error = queue.submit().await.unwrap_err();
    assert_eq!((error.submitted.accepted, error.held, error.refused.len()), (9, 0, 1));
    assert_eq!(error.refused[0].measurement.name, "7");
    assert_eq!(error.to_string(), "1 measurement refused, the first is \"7\": one of 1 is bad");
    assert_eq!(queue.submit().await.unwrap(), Submitted::default());
}

#[tokio::test]
async fn a_queue_that_submits_by_itself_tells_of_its_failures() {
    let fake = Fake::new(|_, _| Verdict::Fail(401));
    let queue = Queue::with(fake.clone(), Options { auto_submit_count: Some(2), ..options() });
    fill(&queue, 0..2).await;
    queue.shared.landed().await;
    let error = queue.add(Measurement::gauge("2", 2.0)).await.unwrap_err();
    assert_eq!(
        (error.held, queue.len(), fake.sizes().len()),
        (3, 3, 1),
        "nothing is sent until submit is called"
    );
    let left: Vec<String> = queue.take().into_iter().map(|measurement| measurement.name).collect();
    assert_eq!((left, queue.len()), (["0", "1", "2"].map(str::to_owned).to_vec(), 0));
}

#[tokio::test]
async fn names_places_and_times_are_completed() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let tags = Tags::from([("region".to_owned(), "eu".to_owned()), ("az".to_owned(), "a".to_owned())]);
    let sanitizer = Some(crate::measure::sanitize_metric_name as Sanitizer);
    let queue = Queue::with(fake.clone(), Options { labels: Labels::Tags(tags), sanitizer, ..options() });
    for measurement in [
        Measurement::gauge("a b", 1.0),
        Measurement::gauge("own", 1.0).tag("az", "b"),
        Measurement::gauge("both", 1.0).tag("az", "b").inherit_tags().measure_time(5),
    ] {
        queue.add(measurement).await.unwrap();
    }
    queue.submit().await.unwrap();
    let taken = fake.taken();
    assert_eq!(taken[0]["name"], "a-b");
    let tags: Vec<String> = taken.iter().map(|item| item["tags"].to_string()).collect();
    assert_eq!(tags, [r#"{"az":"a","region":"eu"}"#, r#"{"az":"b"}"#, r#"{"az":"b","region":"eu"}"#]);
    assert!(taken[0]["time"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(taken[2]["time"], 5);
}

#[tokio::test]
async fn an_aggregator_joins_and_is_cleared() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let queue = Queue::with(fake.clone(), options());
    let mut aggregator = Aggregator::new().source("web").period(60).measure_time(119);
    aggregator.add("foo", 1.0);
    aggregator.add("foo", 3.0);
    queue.add_aggregator(&mut aggregator).await.unwrap();
    assert!(aggregator.is_empty());
    queue.submit().await.unwrap();
    let expected = serde_json::json!({"name": "foo", "count": 2, "sum": 4.0, "min": 1.0, "max": 3.0,
        "sum_squares": 10.0, "source": "web", "measure_time": 60});
    assert_eq!(fake.taken(), [expected]);
}

#[tokio::test]
async fn an_aggregator_that_cannot_submit_holds_its_values() {
    let fake = Fake::new(|number, _| if number == 0 { Verdict::Fail(401) } else { Verdict::Take });
    let mut aggregator = Aggregator::new().measure_time(7);
    (0..500).for_each(|n| aggregator.add(&n.to_string(), 1.0));
    let error = aggregator.submit(&fake).await.unwrap_err();
    assert_eq!((error.held, aggregator.len()), (500, 500));
    assert_eq!(aggregator.submit(&fake).await.unwrap().accepted, 500);
    assert!(fake.taken().iter().all(|item| item["measure_time"] == 7 && item["count"] == 1));
    assert_eq!(sorted(&fake), (0..500).collect::<Vec<_>>());
    assert!(aggregator.is_empty());
}

proptest::proptest! {
    #![proptest_config(Config::with_cases(Config::default().cases / 4))]

    #[test]
    fn without_faults_everything_arrives_exactly_once(
        tagged in proptest::collection::vec(proptest::prelude::any::<bool>(), 0..400),
        batch in 1_usize..60,
        in_flight in 1_usize..6,
        auto_submit_count in proptest::option::of(1_usize..100),
    ) {
        let fake = Fake::new(|_, _| Verdict::Take);
        let queue = Queue::with(fake.clone(), Options { batch, in_flight, auto_submit_count, ..options() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let submitted = runtime.block_on(async {
            for (measurement, tagged) in numbered(0..tagged.len()).zip(&tagged) {
                queue.add(if *tagged { measurement.tag("a", "b") } else { measurement }).await.unwrap();
            }
            queue.submit().await.unwrap()
        });
        proptest::prop_assert_eq!(submitted, Submitted { accepted: tagged.len() as u64, twice: 0 });
        proptest::prop_assert_eq!(sorted(&fake), (0..tagged.len()).collect::<Vec<_>>());
        proptest::prop_assert!(fake.sizes().iter().all(|size| *size <= batch));
    }
}
