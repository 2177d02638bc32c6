//! Reading, printing and checking definitions: what each mistake is called and the bytes it stands at.

use super::*;
use crate::diag::Severity;

/// The problems of a definition as `code@"the text it stands at": message`.
fn said(text: &str) -> Vec<String> {
    let line = |p: Problem| format!("{}@{}: {}", p.code, &text[p.span.clone()], p.message);
    check_to_evaluate(text, Use::Metric).into_iter().map(line).collect()
}

fn one(text: &str) -> String {
    let found = said(text);
    assert_eq!(found.len(), 1, "{text}: {found:#?}");
    found.into_iter().next().unwrap()
}

#[test]
fn the_metrics_of_a_definition_are_found_without_patterns() {
    let text = r#"divide([sum(s("a.err","*")), sum(series("a.req", {"az":"x"}, {period: "60"})), s("a.*","*"), s("a.err","*")])"#;
    let expr = parse(text).unwrap();
    assert_eq!(expr.metrics(), ["a.err", "a.req"]);
    assert!(expr.reads().iter().all(|read| &text[read.start..read.end] == read.metric));
    assert_eq!(expr.reads().len(), 4);
}

#[test]
fn what_means_the_same_compares_equal() {
    let same = |a: &str, b: &str| assert_eq!(canonical(a), canonical(b));
    same("sum( s(\"a\" ,\n \"*\") )", r#"sum(series("a","*"))"#);
    same(r#"s("a","*",{period: 60, function: "sum"})"#, r#"s("a","*",{"function":"sum","period":"60"})"#);
    same(r#"sum([[s("a","*")]])"#, r#"sum(s("a","*"))"#);
    same(r#"[s("a","*"),[s("b","*"),s("c","*")]]"#, r#"[s("a","*"),s("b","*"),s("c","*")]"#);
    same(r#"derive(s("a",{},{}), {})"#, r#"derive(s("a",{}))"#);
    assert_ne!(canonical(r#"s("a",{})"#), canonical(r#"s("a","*")"#));
    assert_ne!(canonical(r#"sum(s("a","*"))"#), canonical(r#"sum(s("a","x"))"#));
    assert_ne!(
        canonical(r#"divide([s("a","*"),s("b","*")])"#),
        canonical(r#"divide([s("b","*"),s("a","*")])"#)
    );
    // A number is no name: quoting it would mend a mistake without a word.
    assert!(compile("s(20, .. )").is_err() && compile(&canonical("s(20, .. )")).is_err());
    // Nor is a name in brackets one, or a value in them.
    for text in [r#"s(["a"],"*")"#, r#"s("a","*",{period: ["60"]})"#, r#"sum([{}])"#] {
        assert!(compile(text).is_err() && compile(&canonical(text)).is_err(), "{text}");
    }
    assert_eq!(canonical("sum(("), "sum((");
}

#[test]
fn every_documented_form_is_understood() {
    for text in [
        r#"divide([sum(s("mem.used","prod*")), sum(s("mem.total","prod*"))])"#,
        r#"group_by("region", sum(s("hits", {"region":"us*"}, {function:"sum", period:"60"})))"#,
        r#"timeshift("0,1w", moving_average(max(s("p99","*")), {size:"10"}))"#,
        r#"derive(s("net.rx","web*"))"#,
        r#"s("errors", {region: "!eu*", az: "a"})"#,
        r#"scale(s("b","*"), {factor: "1/1024"})"#,
        r#"scale(s("b","*"), {factor: -0.5})"#,
        r#"rate(derive(s("c","*"), {detect_reset: "false"}), {duration: "60"})"#,
        r#"fill(s("a","*",{period: 60}), {value: "last"})"#,
        r#"fill(s("a","*",{period: 60}), {value: 0})"#,
        r#"[top(s("a","*"), {count:"3", function:"max"}), bottom(s("a","*")), sort(s("a","*"))]"#,
        r#"filter(s("a","*"), {gt: 1, lte: "9", function: "max"})"#,
        r#"window(integrate(abs(s("a","*"))), {size:"64", function:"median"})"#,
        r#"multiply([zero_fill(s("a","*")), last_fill(s("b","*")), count(s("c","*"))])"#,
        r#"group_by("host", divide([s("used",{}), s("total",{})]))"#,
        r#"subtract(timeshift("0,1d", sum(s("a","*"))))"#,
        "mean(\n  s(\n    \"a\",\n    \"*\"\n  )\n)\n",
    ] {
        assert_eq!(said(text), [""; 0], "{text}");
        let tree = parse(text).unwrap();
        assert_eq!(parse(&tree.to_string()).unwrap(), tree, "{text}");
    }
}

#[test]
fn the_shape_is_reported_where_it_breaks() {
    for (text, expected) in [
        (r#"sum(s("a","*")"#, "invalid-composite@sum(: `sum(` is not closed: `)` is missing"),
        (r#"sum([s("a","*"))"#, "invalid-composite@[: `[` is not closed: `]` is missing before `)`"),
        (r#"sum(s("a","*"), )"#, "invalid-composite@): expected a function call, a text or a set, found `)`"),
        (r#"sum(s("a" "*"))"#, "invalid-composite@\"*\": expected `,` or `)`, found the text \"*\""),
        (r#"sum(s("a","*")])"#, "invalid-composite@]: `]` closes nothing that is open; expected `,` or `)`"),
        ("", "invalid-composite@: a definition cannot be empty"),
        ("  \n", "invalid-composite@  \n: a definition cannot be empty"),
        ("sum", "invalid-composite@sum: `sum` stands alone: a function is followed by `(`"),
        (r#"s("a","*"))"#, "invalid-composite@): the definition ends before `)`"),
        (r#"s("a","*"), s("b","*")"#, "invalid-composite@, s(\"b\",\"*\"): the definition ends before `,`"),
        (r#"sum (s("a","*"))"#, "invalid-composite@ : no blank may stand between `sum` and `(`"),
        (r#"s('a',"*")"#, "invalid-composite@'a': texts stand in double quotes, not in `'`"),
        (
            r#"s("a","*",{period 60})"#,
            "invalid-composite@60: expected `:` and a value behind `period`, found the number 60",
        ),
        (
            r#"s("a","*",{period: })"#,
            "invalid-composite@}: expected a function call, a text or a set, found `}`",
        ),
        (r#""a""#, "invalid-composite@\"a\": a definition is a function call, or a set of them in `[ ]`"),
        ("{}", "invalid-composite@{}: a definition is a function call, or a set of them in `[ ]`"),
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
    assert!(said(r#"s("a"#)[0].starts_with("invalid-composite@\": this text is not closed"));
    for deep in ["f(", "[", "{a:", "f([{a:"] {
        let found = said(&deep.repeat(10_000));
        assert!(found.iter().any(|line| line.contains("nested too deeply")), "{found:?}");
    }
    assert!(one(&"s".repeat(1 << 20)).contains("at most 65536 bytes"));
}

#[test]
fn every_argument_is_looked_at() {
    let found = said(
        r#"divide([summ(s("a","*")), s("b","*",{peroid: 60}), scale(s("c","*")), 7, sum(;), mean(s("d" "*"))])"#,
    );
    let codes: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "unknown-function@summ",
            "unknown-option@peroid",
            "missing-option@scale",
            "numeric-literal@7",
            "invalid-composite@;",
            "invalid-composite@\"*\"",
        ],
        "{found:#?}"
    );
}

#[test]
fn functions_and_their_arguments_are_known() {
    for (text, expected) in [
        (r#"summ(s("a","*"))"#, "unknown-function@summ: there is no function `summ`"),
        (r#"Sum(s("a","*"))"#, "unknown-function@Sum: there is no function `Sum`"),
        (
            r#"sum(s("a","*"), s("b","*"))"#,
            "wrong-arguments@s(\"b\",\"*\"): `sum` takes one argument: sum(set)",
        ),
        ("sum()", "wrong-arguments@sum(): `sum` needs a function call, or several in `[ ]`: sum(set)"),
        ("sum([])", "wrong-arguments@[]: a set cannot be empty"),
        (
            r#"sum("a")"#,
            "wrong-arguments@\"a\": `sum` wants a function call, or several in `[ ]` here, not text",
        ),
        (
            r#"s("a")"#,
            "wrong-arguments@s(\"a\"): `s` needs a source pattern in quotes or tags in `{ }`: s(metric, selector, {function?, period?})",
        ),
        (r#"s(a, "*")"#, "invalid-composite@a: `a` stands alone: a function is followed by `(`"),
        (
            r#"scale(s("a","*"), 2)"#,
            "wrong-arguments@2: `scale` wants options in `{ }` here, not the number 2",
        ),
        (r#"scale(s("a","*"), {})"#, "missing-option@{}: `scale` needs the option `factor`"),
        (r#"scale(s("a","*"), {faktor: 2})"#, "unknown-option@faktor: `scale` has no option `faktor`"),
        (r#"sum(2)"#, "numeric-literal@2: the number 2 cannot stand here: only `s(…)` makes series"),
        (r#"timeshift(s("a","*"))"#, ""),
        (r#"group_by("", sum(s("a","*")))"#, "wrong-value@\"\": \"\" is no name of a tag"),
        (
            r#"timeshift("1y", s("a","*"))"#,
            "wrong-value@\"1y\": \"1y\" is not a number, or several with commas, and a unit",
        ),
        (r#"s("a","")"#, "wrong-value@\"\": a source cannot be empty"),
        (r#"s("","*")"#, "wrong-value@\"\": a metric name has 1 to 255 characters, this one has 0"),
        (r#"s("a b","*")"#, "never-matches@\"a b\": no metric matches this, since no name holds ' '"),
        (
            r#"s("a","%")"#,
            "dynamic-source@\"%\": `%` is the source chosen in a space; here it means every source",
        ),
        (
            r#"s("a",{az:"%"})"#,
            "dynamic-source@\"%\": `%` is the source chosen in a space; here it means every source",
        ),
        (
            r#"s("a","&")"#,
            "never-matches@\"&\": `&` is the source that `map` has come to, and there is no `map`",
        ),
        (
            r#"map({source:"web*"}, s("a","&"))"#,
            "deprecated-function@map: `map` belongs to the time before tags",
        ),
        (r#"filter(s("a","*"))"#, "no-bounds@filter: `filter` without a bound keeps every series"),
        (
            r#"filter(s("a","*"), {gt: 5, lt: 1})"#,
            "wrong-value@filter: no number is above 5 and below 1, so nothing is kept",
        ),
    ] {
        let found = said(text);
        if expected.is_empty() {
            assert_eq!(found.len(), 2, "{found:#?}");
        } else {
            assert_eq!(found, [expected], "{text}");
        }
    }
    assert!(check(r#"s("a","%")"#, Use::Chart).is_empty());
}

#[test]
fn options_have_ranges() {
    for (text, wants) in [
        (r#"s("a","*",{period: 0})"#, "a whole number of seconds from 1 to 604800, not \"0\""),
        (r#"s("a","*",{period: "60s"})"#, "a whole number of seconds from 1 to 604800, not \"60s\""),
        (
            r#"s("a","*",{function: "average"})"#,
            "\"min\" or \"max\" or \"mean\" or \"sum\" or \"count\", not \"average\"",
        ),
        (r#"scale(s("a","*"),{factor: "1/0"})"#, "a number or a fraction, not \"1/0\""),
        (r#"scale(s("a","*"),{factor: "inf"})"#, "a number or a fraction, not \"inf\""),
        (r#"derive(s("a","*"),{detect_reset: "no"})"#, "\"true\" or \"false\", not \"no\""),
        (r#"rate(s("a","*"),{duration: -1})"#, "a number of seconds above zero, not \"-1\""),
        (r#"window(s("a","*"),{size: 65})"#, "a whole number from 1 to 64, not \"65\""),
        (
            r#"window(s("a","*"),{function: "count"})"#,
            "\"mean\" or \"sum\" or \"min\" or \"max\" or \"median\", not \"count\"",
        ),
        (r#"fill(s("a","*"),{value: "first"})"#, "a number or \"last\", not \"first\""),
        (r#"top(s("a","*"),{count: "1.5"})"#, "a whole number from 1 to 10000, not \"1.5\""),
        (r#"filter(s("a","*"),{gt: [s("b","*")]})"#, "a number, not a set"),
    ] {
        let found = one(text);
        assert!(found.starts_with("wrong-value@") && found.ends_with(wants), "{text}: {found}");
    }
    let help = |text: &str| check(text, Use::Metric)[0].help.clone().unwrap_or_default();
    assert_eq!(help(r#"s("a","*",{period: "5m"})"#), "write seconds: \"300\"");
    assert_eq!(help(r#"s("a","*",{function: "average"})"#), "did you mean \"mean\"?");
    assert_eq!(help(r#"s("a","*",{peroid: 5})"#), "did you mean `period`?");
    assert!(help(r#"avg(s("a","*"))"#).starts_with("did you mean mean(set)"));
    assert_eq!(
        one(r#"s("a","*",{period: 60, period: 60})"#),
        "repeated-option@period: `period` is given twice"
    );
}

#[test]
fn two_inputs_are_counted_where_they_can_be() {
    for (text, expected) in [
        (
            r#"divide(sum(s("a","*")))"#,
            "wrong-inputs@sum(s(\"a\",\"*\")): `divide` takes exactly two series, and this is one",
        ),
        (
            r#"divide([s("a","x"), s("b","x"), s("c","x")])"#,
            "wrong-inputs@[s(\"a\",\"x\"), s(\"b\",\"x\"), s(\"c\",\"x\")]: `divide` takes exactly two series, and these are 3",
        ),
        (
            r#"subtract(timeshift("0,1,2d", sum(s("a","*"))))"#,
            "wrong-inputs@timeshift(\"0,1,2d\", sum(s(\"a\",\"*\"))): `subtract` takes exactly two series, and these are 3",
        ),
        (
            r#"divide([s("a","*"), sum(s("b","*"))])"#,
            "wrong-inputs@s(\"a\",\"*\"): `divide` gives nothing unless there are exactly two series, and this may be any number",
        ),
    ] {
        assert_eq!(one(text), expected);
    }
    assert_eq!(said(r#"divide([s("a","web-1"), top(s("b","*"), {count: 1})])"#), [""; 0]);
}

#[test]
fn a_problem_tells_its_line_and_column() {
    let text = "sum(\n  ščs(\"a\", \"*\"))";
    let found = check(text, Use::Metric);
    assert!(
        found[0].located(text).starts_with("there is no function `ščs` (line 2, column 3); "),
        "{found:?}"
    );
    assert!(compile(text).is_err());
    assert!(compile(r#"s("a", "%")"#).is_ok(), "a warning keeps nothing from being used");
}

#[test]
fn what_only_we_do_not_know_is_a_doubt_where_a_definition_is_kept() {
    for (text, code, meant) in [
        (r#"holt_winters(s("a","*"))"#, "unknown-function", false),
        (r#"summ(s("a","*"))"#, "unknown-function", true),
        (r#"derive(s("a","*"), {horizon: "1"})"#, "unknown-option", false),
        (r#"s("a","*",{function: "p95"})"#, "wrong-value", false),
    ] {
        let found = check(text, Use::Metric);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!((found[0].severity, found[0].code), (Severity::Warning, code), "{text}");
        let help = found[0].help.as_deref().unwrap();
        assert_eq!(help.starts_with("did you mean"), meant, "{help}");
        assert_eq!(compile(text).unwrap_err()[0].severity, Severity::Error, "{text}");
    }
    // What has no meaning anywhere stays an error, also inside.
    for text in [r#"holt_winters(sum())"#, r#"window(s("a","*"), {size: "65"})"#, "sum(2)"] {
        assert!(check(text, Use::Metric).iter().any(|problem| problem.severity == Severity::Error), "{text}");
    }
}
