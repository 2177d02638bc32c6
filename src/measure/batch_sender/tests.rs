//! One batch against a service that refuses, loses and fails.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::measure::fake::{Fake, Verdict};

fn batch(count: usize) -> Vec<Measurement> {
    (0..count).map(|n| Measurement::gauge(n.to_string(), 1.0)).collect()
}

fn quick() -> BatchSender {
    BatchSender::new(RetryPolicy::quick())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn what_is_refused_is_found_and_the_rest_arrives_once(
        count in 0_usize..400,
        bad in prop::collection::btree_set(0_usize..400, 0..6),
    ) {
        let bad: BTreeSet<usize> = bad.into_iter().filter(|index| *index < count).collect();
        let judged = bad.clone();
        let fake = Fake::new(move |_, names| {
            let refused = names.iter().any(|name| judged.contains(&name.parse().unwrap()));
            if refused { Verdict::Refuse } else { Verdict::Take }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let delivery = runtime.block_on(quick().deliver(&fake, &batch(count)));
        let found: BTreeSet<usize> = delivery.refused.iter().map(|(index, _)| *index).collect();
        prop_assert_eq!(&found, &bad);
        prop_assert!(delivery.refused.iter().all(|(_, reason)| reason == "one of 1 is bad"));
        prop_assert_eq!(delivery.submitted, Submitted { accepted: (count - bad.len()) as u64, twice: 0 });
        prop_assert!(delivery.unsent.is_empty() && delivery.error.is_none());
        let expected: Vec<String> = (0..count).filter(|n| !bad.contains(n)).map(|n| n.to_string()).collect();
        prop_assert_eq!(fake.names(), expected);
    }
}

#[tokio::test]
async fn one_culprit_costs_few_requests() {
    let fake =
        Fake::new(
            |_, names| {
                if names.iter().any(|name| name == "299") { Verdict::Refuse } else { Verdict::Take }
            },
        );
    let delivery = quick().deliver(&fake, &batch(300)).await;
    assert_eq!(delivery.refused.len(), 1);
    assert!(fake.sizes().len() <= 12, "{:?}", fake.sizes());
}

#[tokio::test]
async fn a_lost_answer_is_repeated_and_counted() {
    let fake = Fake::new(|number, _| if number == 0 { Verdict::TakeAndLose } else { Verdict::Take });
    let delivery = quick().deliver(&fake, &batch(10)).await;
    assert_eq!(delivery.submitted, Submitted { accepted: 10, twice: 10 });
    assert_eq!(fake.taken().len(), 20);
}

#[tokio::test]
async fn what_certainly_did_not_arrive_is_not_counted_twice() {
    for verdict in [Verdict::Fail(429), Verdict::NoConnection] {
        let fake = Fake::new(move |number, _| if number < 2 { verdict } else { Verdict::Take });
        let delivery = quick().deliver(&fake, &batch(10)).await;
        assert_eq!(delivery.submitted, Submitted { accepted: 10, twice: 0 }, "{verdict:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_given_back_whole() {
    let fake = Fake::new(|_, names| match names.len() {
        4 => Verdict::Refuse,
        _ if names[0] == "0" => Verdict::Take,
        _ => Verdict::Fail(401),
    });
    let delivery = quick().deliver(&fake, &batch(4)).await;
    assert_eq!((delivery.submitted.accepted, delivery.unsent, delivery.unclear), (2, vec![2, 3], 0));
    assert_eq!(delivery.error.unwrap().status(), Some(401));

    let fake = Fake::new(|_, _| Verdict::Fail(503));
    let delivery = quick().deliver(&fake, &batch(3)).await;
    assert_eq!(
        (delivery.unsent, delivery.unclear),
        (vec![0, 1, 2], 3),
        "a 503 says nothing about how far it got"
    );
}

#[tokio::test]
async fn dialects_go_apart_and_what_no_request_can_say_stays_here() {
    let fake = Fake::new(|_, _| Verdict::Take);
    let batch = [
        Measurement::gauge("a", 1.0),
        Measurement::gauge("b", 1.0).tag("x", "y"),
        Measurement::gauge("c", f64::NAN),
        Measurement::counter("d", 1.0).source("s"),
    ];
    let delivery = quick().deliver(&fake, &batch).await;
    assert_eq!((fake.sizes(), fake.names()), (vec![2, 1], ["a", "d", "b"].map(str::to_owned).to_vec()));
    assert_eq!(delivery.refused[0].0, 2);
    assert!(delivery.refused[0].1.contains("not a finite number"));
}

#[tokio::test]
async fn a_success_that_tells_of_failures_is_none_and_is_not_sent_again() {
    for (failed, sent, accepted, refused, doubtful) in [
        (Some(3), 5, 2, 0, 5),
        (None, 5, 0, 0, 5),
        (Some(5), 5, 0, 5, 0),
        (Some(1), 1, 0, 1, 0),
        (None, 1, 0, 1, 0),
    ] {
        let fake = Fake::new(move |_, _| Verdict::Tell { failed });
        let delivery = quick().deliver(&fake, &batch(sent)).await;
        let found = (delivery.submitted.accepted, delivery.refused.len(), delivery.doubtful.len());
        assert_eq!(found, (accepted, refused, doubtful), "{failed:?} of {sent}");
        assert!(delivery.unsent.is_empty() && delivery.error.is_none());
        assert_eq!(fake.sizes(), [sent]);
    }
}
