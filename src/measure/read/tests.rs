//! Lines in, measurements and reasons out.

use super::*;
use crate::measure::{Summary, to_line};

fn rows(text: &str, format: Option<Format>) -> Vec<Row> {
    let mut rows = Rows::new(text.as_bytes(), format);
    std::iter::from_fn(|| rows.next_row().unwrap()).collect()
}

fn good(text: &str) -> Vec<Measurement> {
    rows(text, None).into_iter().map(|row| row.measurement.unwrap()).collect()
}

/// Line numbers and reasons of what was refused.
fn bad(text: &str, format: Format) -> Vec<(u64, String)> {
    rows(text, Some(format)).into_iter().filter_map(|row| Some((row.line, row.measurement.err()?))).collect()
}

#[test]
fn the_first_line_tells_the_format_and_all_say_the_same() {
    let expected = [
        Measurement::gauge("cpu.load", -0.5)
            .measure_time(1_700_000_000)
            .tag("host", "web-1")
            .tag("region", "eu"),
        Measurement::gauge("t", 21.0),
    ];
    let plain = "\n# a comment\ncpu.load -0.5 1700000000 region=eu host=web-1\nt 21\n";
    let json = "{\"name\":\"cpu.load\",\"value\":\"-0.5\",\"time\":1700000000.9,\"tags\":{\"host\":\"web-1\",\"region\":\"eu\"}}\n\
                {\"name\":\"t\",\"value\":21,\"source\":null}";
    let csv = "\u{feff}name,value,time,tags.region,tags.host\r\n\"cpu.load\",-0.5,2023-11-14T22:13:20Z,eu,web-1\r\nt,21,,,\r\n";
    let listed = &rows("[\n", None)[0].measurement;
    assert!(listed.as_ref().unwrap_err().contains("jq -c"));
    for text in [plain, json, csv] {
        assert_eq!(good(text), expected, "{text}");
    }
}

#[test]
fn what_is_written_out_is_read_again() {
    let summary = Summary { min: Some(1.0), max: Some(2.0), sum_squares: Some(5.0), ..Summary::new(2, 3.0) };
    for measurement in [
        Measurement::counter("c", 5.0).source("s").measure_time(7),
        Measurement::summary("m", summary).period(60).description("d \"x\"").attribute("aggregate", true),
        Measurement::gauge("g", 1e-300).tag("a", "b c").display_name("G"),
    ] {
        assert_eq!(good(&to_line(&measurement)), [measurement]);
    }
}

#[test]
fn a_bad_line_costs_one_measurement() {
    let long = format!("x {}", "9".repeat(2 << 20));
    let text = format!("a 1\nb\nc one\nd inf\ne 1 2 3\nf 1 =x\ng 1 yesterday\n{long}\nh 1 a=1 a=2\ni 1");
    let found = bad(&text, Format::Plain);
    let expected = [
        (2, "there is no value"),
        (3, "`one` is not a number"),
        (4, "`inf` is not a finite number, and JSON has no others"),
        (5, "`3` is neither a time nor tag=value"),
        (6, "`=x` names no tag"),
        (7, "`yesterday` is not a time: write epoch seconds or RFC 3339"),
        (8, "the line is longer than 1 MiB"),
        (9, "the tag `a` stands twice"),
    ];
    assert_eq!(found, expected.map(|(line, why)| (line, why.to_owned())));
}

#[test]
fn bad_json_is_told_by_its_column() {
    let text = r#"{"name":"a","value":1}
[1]
{"name":"a","vaule":1}
{"name":"a","value":1
{"name":"a","value":true}
{"value":1}
{"name":"a","count":3}
{"name":"a","value":1,"type":"counter","tags":{"a":"b"}}
{"name":"a","value":1,"source":"s","tags":{"a":"b"}}
{"name":"a","name":"b","value":1}
{"name":"a","value":1,"time":1e300}"#;
    let found = bad(text, Format::Json);
    assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), (2..=11).collect::<Vec<_>>());
    for ((_, why), part) in found.iter().zip([
        "this begins a list",
        "unknown field `vaule`",
        "EOF while parsing an object (column 21)",
        "expected a number (column 24)",
        "there is no name",
        "a count without a sum",
        "a counter has no tags",
        "a source and tags",
        "duplicate field `name`",
        "is not a time",
    ]) {
        assert!(why.contains(part), "{why}: {part}");
    }
}

#[test]
fn a_quote_that_is_not_closed_costs_one_record() {
    let text = "name,value,description\na,1,\"x, \"\"y\"\"\"\nb,2,\"open\nc,3\nd,four,\ne,5,\"z\"\rz\nf,6,3.5\" disk\n";
    let found = bad(text, Format::Csv);
    let expected = [
        (3, "a quote is not closed on this line"),
        (4, "there are 2 fields, and the header has 3"),
        (5, "`four` is not a number"),
    ];
    assert_eq!(found, expected.map(|(line, why)| (line, why.to_owned())));
    let first = rows(text, None).remove(0).measurement.unwrap();
    assert_eq!(first.properties.unwrap().description.as_deref(), Some("x, \"y\""));
}

#[test]
fn headers_are_checked_before_anything_is_sent() {
    for (header, part) in [
        ("name,value,sorce", "`sorce` is not a field of a measurement"),
        ("name,value,value", "two columns for `value`"),
        ("value,time", "no column `name`"),
    ] {
        let error = Rows::new(header.as_bytes(), Some(Format::Csv)).next_row().unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && error.contains(part), "{error}");
    }
    let many: String = (0..200).map(|n| format!(",tags.t{n}")).collect();
    let text = format!("name,value{many}\na,1{}\n", ",x".repeat(200));
    assert_eq!(good(&text).len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_input_makes_it_stumble(
        text in "(\\{\"name\":|name,value,tags\\.a|[a-c\"',=\\[\\]{}#\r\n 0-9.-]|é|\\\\){0,40}",
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
    ) {
        let input = [b"name,value\n", text.as_bytes(), b"\n", &bytes].concat();
        for (input, format) in [(&input, None), (&bytes, None), (&input, Some(Format::Csv)), (&input, Some(Format::Json))] {
            let lines = input.split(|byte| *byte == b'\n').count() as u64;
            let mut rows = Rows::new(input.as_slice(), format);
            while let Ok(Some(row)) = rows.next_row() {
                proptest::prop_assert!(row.line <= lines);
            }
        }
    }
}
