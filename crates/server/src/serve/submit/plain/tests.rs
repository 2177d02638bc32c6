//! What is plain is read as `legacy` reads it, whatever becomes of it on the way; and what clients send is plain.

use proptest::prelude::*;

use super::*;
use crate::serve::submit::plain_is_read_as_ever;

const NOW: i64 = 1_234_568_000;

#[test]
fn what_clients_send_is_plain() {
    for body in [
        r#"{"gauges":[{"name":"a.b","value":1}]}"#,
        r#"{"measure_time":1234567950,"source":"eu","gauges":[{"name":"a","value":88.4,"source":"us"}],"counters":[{"name":"c","value":5}]}"#,
        r#" {"gauges":[{"name":"a","count":3,"sum":6.5,"min":1,"max":4,"sum_squares":14,"source":null}],"period":60}"#,
        r#"{"counters":[],"gauges":[{"name":"a","value":-0.0,"measure_time":1234567950.7,"source":"unassigned"}],"source":"eu"}"#,
    ] {
        assert!(legacy(body, Arrival::at(NOW)).is_some_and(|all| !all.is_empty()), "{body}");
        plain_is_read_as_ever(body, NOW);
    }
    let text = r#"{"tags":{"Region":"EU","az":"a"},"time":0,"measurements":[{"name":"a","value":1},{"name":"b","count":1,"sum":2,"tags":{"h":"x"}}]}"#;
    let labels: Vec<_> =
        tagged(text, Arrival::at(NOW)).into_iter().flatten().map(|plain| plain.labels).collect();
    assert_eq!(labels, [r#"{"az":"a","region":"eu"}"#, r#"{"h":"x"}"#]);
    plain_is_read_as_ever(text, NOW);
    let all = legacy(
        r#"{"gauges":[{"name":"a","value":2}],"counters":[{"name":"b","value":3,"source":"x"}],"source":"eu"}"#,
        Arrival::at(NOW),
    );
    let plain = |metric, kind, source, value| Plain {
        metric,
        kind,
        labels: Cow::Borrowed(source),
        time: NOW,
        stats: Stats::Single(value),
    };
    assert_eq!(all, Some(vec![plain("a", Kind::Gauge, "eu", 2.0), plain("b", Kind::Counter, "x", 3.0)]));
}

#[test]
fn what_is_wrong_or_has_a_meaning_of_its_own_is_left_to_others() {
    for item in [
        r#""name":"a""#,
        r#""name":"a b","value":1"#,
        r#""name":"a","value":"1""#,
        r#""name":"a","value":1e127"#,
        r#""name":"a","value":1e999"#,
        r#""name":"a","value":1,"value":2"#,
        r#""name":"a","value":1,"source":"ALL""#,
        r#""name":"a","value":1,"source":"\u0061""#,
        r#""name":"a","value":1,"measure_time":5"#,
        r#""name":"a","count":0,"sum":1"#,
        r#""name":"a","count":1.0,"sum":1"#,
        r#""name":"a","sum":1"#,
        r#""name":"a","value":1,"attributes":{"aggregate":true}"#,
        r#""name":"a","value":1,"other":1"#,
        r#""value":1"#,
    ] {
        assert_eq!(legacy(&format!("{{\"gauges\":[{{{item}}}]}}"), Arrival::at(NOW)), None, "{item}");
    }
    for body in
        ["[]", "{}x", r#"{"gauges":{"a":{"value":1}}}"#, r#"{"gauges":null}"#, r#"{"measurements":[]}"#]
    {
        assert_eq!(legacy(body, Arrival::at(NOW)), None, "{body}");
    }
}

fn scalar() -> impl Strategy<Value = String> {
    let texts = ["", "a", "web-1", "unassigned", "All", "a b", "\\u0041", "é", "60"];
    let numbers = [
        "0",
        "-0",
        "-0.0",
        "1",
        "3",
        "2.5",
        "1e3",
        "-1",
        "1e126",
        "1e127",
        "1e-131",
        "1e999",
        "18446744073709551615",
        "9223372036854775808",
        "1234567950",
        "1234567950.9",
        "5",
        "253402300800",
        "01",
        "1.",
        "0.1000000000000000055511151231257827",
    ];
    prop_oneof![
        2 => prop::sample::select(texts.to_vec()).prop_map(|text| format!("\"{text}\"")),
        6 => prop::sample::select(numbers.to_vec()).prop_map(str::to_owned),
        4 => any::<f64>().prop_map(|number| format!("{number}")),
        1 => prop::sample::select(vec!["null", "true", "[]", "{}", "[1]", "{\"a\":1}", "{\"a\":\"\"}"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![r#"{"b":"X","a":"y z"}"#, r#"{"a":"x","A":"y"}"#, r#"{"@a":"x:?/"}"#, r#"{"a b":"x"}"#]).prop_map(str::to_owned),
    ]
}

fn object(keys: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(
        (prop::sample::select(keys), scalar()).prop_map(|(key, value)| format!("\"{key}\":{value}")),
        0..most,
    )
}

fn item() -> impl Strategy<Value = String> {
    let rest = object(
        &[
            "name",
            "source",
            "measure_time",
            "value",
            "count",
            "sum",
            "min",
            "max",
            "last",
            "sum_squares",
            "stddev",
            "period",
            "other",
            "time",
            "tags",
            "tags",
        ],
        4,
    );
    let start = prop::sample::select(vec![
        r#""name":"a.b","value":1.25"#,
        r#""name":"a","count":3,"sum":2"#,
        r#""source":"s","name":"a:b","value":7"#,
        r#""name":"a","value":7,"tags":{"host":"Web-1","AZ":"b c"}"#,
        r#""name":"a","value":7,"tags":{}"#,
        r#""value":7"#,
        r#""name":"""#,
    ]);
    (start, rest)
        .prop_map(|(start, rest)| format!("{{{}}}", [vec![start.to_owned()], rest].concat().join(",")))
}

fn body() -> impl Strategy<Value = String> {
    let list = || prop::collection::vec(item(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
    let lists = prop::collection::vec(
        (prop::sample::select(vec!["gauges", "counters", "measurements"]), list()),
        0..3,
    )
    .prop_map(|lists| lists.into_iter().map(|(name, list)| format!("\"{name}\":{list}")).collect::<Vec<_>>());
    let top = object(&["source", "measure_time", "period", "gauges", "tags", "tags", "time"], 3);
    (lists, top, any::<bool>()).prop_map(|(lists, top, first)| {
        let parts = if first { [lists, top].concat() } else { [top, lists].concat() };
        format!("{{{}}}", parts.join(","))
    })
}

proptest! {
    #[test]
    fn what_is_plain_is_read_as_it_always_is(body in body()) {
        plain_is_read_as_ever(&body, NOW);
    }

    #[test]
    fn so_it_is_after_bytes_have_changed(body in body(), changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"\"{}[]:,.0e-\\n a\n\0x1".to_vec())), 1..4)) {
        let mut bytes = body.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(text) = str::from_utf8(&bytes) {
            plain_is_read_as_ever(text, NOW);
        }
    }
}
