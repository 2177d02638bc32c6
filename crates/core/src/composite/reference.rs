//! The page of the documentation with every function of the language, made of the table of functions; the numbers of its examples are
//! computed by the language itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::eval::tests::{Given, run, window};
use super::functions::{FUNCTIONS, Function, OptionSpec, Parameter, Signature, Takes};

const PAGE: &str = "../../docs/functions.md";

const HEAD: &str = "\
# Functions of composites

[All pages](README.md)

Every function of the language that [composites](composites.md) are written in. This page is made of the program's table of functions, and
the numbers in it are computed by the program. The examples read these series, which have a point a minute; times are minutes:
";

const GIVEN: &[Given<'_>] = &[
    ("x", "a", Some(60), &[(0, 1.0), (60, 2.0), (180, 4.0)]),
    ("x", "b", Some(60), &[(60, 10.0), (120, 20.0), (180, 40.0)]),
    ("level", "a", Some(60), &[(0, -1.5), (60, 3.2), (180, -5.0), (240, 2.0)]),
    ("counter", "a", Some(60), &[(0, 5.0), (60, 9.0), (180, 3.0), (240, 4.0)]),
    ("used", "region=eu,az=a", Some(60), &[(0, 1.0), (60, 2.0)]),
    ("used", "region=eu,az=b", Some(60), &[(0, 2.0), (60, 4.0)]),
    ("used", "region=us,az=a", Some(60), &[(0, 3.0), (60, 6.0)]),
];

/// What shows best what a function does.
fn examples(function: Function) -> &'static [&'static str] {
    match function {
        Function::Series => &[
            r#"s("x", "*")"#,
            r#"s("used", {region: "eu"})"#,
            r#"s("x", "a", {period: "120", function: "sum"})"#,
        ],
        Function::Sum => &[r#"sum(s("x", "*"))"#, r#"sum([s("x", "a"), s("level", "a")])"#],
        Function::Mean => &[r#"mean(s("x", "*"))"#],
        Function::Min => &[r#"min(s("x", "*"))"#],
        Function::Max => &[r#"max(s("x", "*"))"#],
        Function::Count => &[r#"count(s("x", "*"))"#],
        Function::Multiply => &[r#"multiply(s("x", "*"))"#],
        Function::Divide => &[r#"divide([s("x", "b"), s("x", "a")])"#],
        Function::Subtract => &[r#"subtract([s("x", "b"), s("x", "a")])"#],
        Function::Abs => &[r#"abs(s("level", "*"))"#],
        Function::Floor => &[r#"floor(s("level", "*"))"#],
        Function::Ceiling => &[r#"ceiling(s("level", "*"))"#],
        Function::Scale => &[r#"scale(s("x", "a"), {factor: "1/4"})"#],
        Function::Derive => {
            &[r#"derive(s("counter", "*"))"#, r#"derive(s("counter", "*"), {detect_reset: "false"})"#]
        }
        Function::Rate => &[r#"rate(s("x", "b"))"#, r#"rate(s("x", "b"), {duration: "60"})"#],
        Function::Integrate => &[r#"integrate(s("x", "a"))"#],
        Function::Window => &[r#"window(s("x", "a"), {size: "2", function: "sum"})"#],
        Function::MovingAverage => &[r#"moving_average(s("x", "b"), {size: "2"})"#],
        Function::Fill => &[r#"fill(s("x", "a"), {value: "-1"})"#],
        Function::ZeroFill => &[r#"zero_fill(s("x", "a"))"#],
        Function::LastFill => &[r#"last_fill(s("x", "a"))"#],
        Function::Filter => &[r#"filter(s("x", "*"), {gt: "5"})"#],
        Function::Top => &[r#"top(s("x", "*"), {count: "1"})"#],
        Function::Bottom => &[r#"bottom(s("x", "*"), {count: "1"})"#],
        Function::Sort => &[r#"sort(s("x", "*"))"#],
        Function::Timeshift => &[r#"timeshift("0,2m", s("x", "a"))"#],
        Function::GroupBy => &[r#"group_by("region", sum(s("used", {})))"#],
        Function::Map => &[r#"map({source: "*"}, subtract([s("x", "&"), s("level", "a")]))"#],
    }
}

/// A series as the tables show it: what it is called, its values by minute.
type Line = (String, Vec<(i64, f64)>);

fn table(first: &str, lines: &[Line]) -> String {
    let minutes: BTreeSet<i64> =
        lines.iter().flat_map(|(_, points)| points.iter().map(|(time, _)| time / 60)).collect();
    let head: String = minutes.iter().map(|minute| format!(" {minute} |")).collect();
    let mut text = format!("| {first} |{head}\n| --- |{}\n", " --- |".repeat(minutes.len()));
    for (name, points) in lines {
        let at = |minute: &i64| points.iter().find(|(time, _)| time / 60 == *minute);
        let cells: String = minutes
            .iter()
            .map(|m| at(m).map_or(" |".to_owned(), |(_, value)| format!(" {value} |")))
            .collect();
        writeln!(text, "| {name} |{cells}").unwrap();
    }
    text
}

fn worked(expression: &str) -> String {
    let outcome = run(expression, GIVEN, &window(0, 299, 60)).unwrap();
    let lines: Vec<Line> = outcome
        .series
        .iter()
        .map(|series| {
            let labels: Vec<String> =
                series.labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            let name =
                if labels.is_empty() { "one series".to_owned() } else { format!("`{}`", labels.join(", ")) };
            (name, series.points.iter().map(|point| (point.time, point.value)).collect())
        })
        .collect();
    assert!(!lines.is_empty(), "{expression}");
    format!("\n```text\n{expression}\n```\n\n{}", table("", &lines))
}

fn takes(option: &OptionSpec) -> String {
    let takes = match option.takes {
        Takes::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Takes::Factor => "a number or a fraction, such as `0.5` or `1/1024`".to_owned(),
        Takes::Number => "a number".to_owned(),
        Takes::Count(most) => format!("a whole number from 1 to {most}"),
        Takes::Seconds(most) => format!("whole seconds, from 1 to {most}"),
        Takes::Duration => "seconds".to_owned(),
        Takes::Boolean => "`true` or `false`".to_owned(),
        Takes::Filling => "a number, or `last`".to_owned(),
    };
    format!("- `{}`{}: {takes}\n", option.name, if option.required { ", required" } else { "" })
}

fn section(signature: &Signature) -> String {
    let mut text = format!("\n## {}\n\n`{}` {}.\n", signature.name, signature.signature(), signature.does);
    for parameter in signature.parameters {
        if let Parameter::Options(options) = parameter {
            text.push('\n');
            options.iter().for_each(|option| text.push_str(&takes(option)));
        }
    }
    examples(signature.function).iter().for_each(|example| text.push_str(&worked(example)));
    text
}

/// `UPDATE=1 cargo test -p librato-apply-core page_of_functions` writes it again.
#[test]
fn the_page_of_functions_is_fresh() {
    let given: Vec<Line> = GIVEN
        .iter()
        .map(|(metric, labels, _, points)| {
            let labels =
                if labels.contains('=') { labels.replace(',', ", ") } else { format!("source={labels}") };
            (format!("`{metric}`, `{labels}`"), points.to_vec())
        })
        .collect();
    let mut page = format!("{HEAD}\n{}", table("Metric", &given));
    for signature in FUNCTIONS.iter().filter(|signature| signature.name != "series") {
        page.push_str(&section(signature));
    }
    page.push_str("\n## series\n\nAnother name of [`s`](#s).\n");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let kept = std::fs::read_to_string(PAGE).unwrap();
    assert_eq!(kept, page, "run: UPDATE=1 cargo test -p librato-apply-core page_of_functions");
}
