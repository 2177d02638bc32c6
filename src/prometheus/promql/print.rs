//! Expressions as text. Everything that comes from outside is escaped here.

use std::fmt::Write as _;

use super::selector::{Comparison, Matcher, Name, Selector};
use super::tree::{Expr, Reach, Sign};

/// What ranges mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// They hold both their ends: Prometheus 2. They are written a millisecond shorter.
    Closed,
    /// They leave out their beginning: Prometheus 3 and its kin, VictoriaMetrics.
    LeftOpen,
}

/// An expression on one line.
fn print(expr: &Expr, engine: Engine) -> String {
    let mut out = String::new();
    write(expr, engine, &mut out);
    out
}

/// An expression with a line for each side of the signs at its top.
pub fn print_in_lines(expr: &Expr, engine: Engine) -> Vec<String> {
    let mut lines = Vec::new();
    split(expr, engine, String::new(), &mut lines);
    lines
}

fn split(expr: &Expr, engine: Engine, before: String, lines: &mut Vec<String>) {
    match expr {
        Expr::Binary { sign, left, right, on } if sign.is_of_sets() && !binds_less(left, *sign, false) => {
            split(left, engine, before, lines);
            let mut line = sign.text().to_owned() + " ";
            write_on(on.as_deref(), &mut line);
            side(right, *sign, true, engine, &mut line);
            lines.push(line);
        }
        _ => lines.push(before + &print(expr, engine)),
    }
}

fn binds_less(inner: &Expr, sign: Sign, right: bool) -> bool {
    match inner {
        Expr::Binary { sign: inner, .. } => {
            let (inner, outer) = (inner.precedence(), sign.precedence());
            inner < outer || right && inner == outer
        }
        _ => false,
    }
}

fn side(expr: &Expr, sign: Sign, right: bool, engine: Engine, out: &mut String) {
    if binds_less(expr, sign, right) {
        out.push('(');
        write(expr, engine, out);
        out.push(')');
    } else {
        write(expr, engine, out);
    }
}

fn write_on(on: Option<&[String]>, out: &mut String) {
    if let Some(on) = on {
        let _ = write!(out, "on ({}) ", on.join(", "));
    }
}

fn write(expr: &Expr, engine: Engine, out: &mut String) {
    match expr {
        Expr::Number(value) => out.push_str(&number(*value)),
        Expr::Text(text) => quote(text, out),
        Expr::Series(selector) => write_selector(selector, out),
        Expr::Over { function, first, of, reach } => {
            let _ = write!(out, "{function}(");
            if let Some(first) = first {
                let _ = write!(out, "{}, ", number(*first));
            }
            let plain = matches!(**of, Expr::Series(_));
            if plain {
                write(of, engine, out);
            } else {
                // Calls need no brackets, but whoever reads this does.
                out.push('(');
                write(of, engine, out);
                out.push(')');
            }
            write_reach(*reach, plain, engine, out);
            out.push(')');
        }
        Expr::Call(function, arguments) => {
            let _ = write!(out, "{function}(");
            for (place, argument) in arguments.iter().enumerate() {
                if place > 0 {
                    out.push_str(", ");
                }
                write(argument, engine, out);
            }
            out.push(')');
        }
        Expr::Aggregate { function, by, first, of } => {
            out.push_str(function);
            if !by.is_empty() {
                let _ = write!(out, " by ({}) ", by.join(", "));
            }
            out.push('(');
            if let Some(first) = first {
                let _ = write!(out, "{}, ", number(*first));
            }
            write(of, engine, out);
            out.push(')');
        }
        Expr::Binary { sign, left, right, on } => {
            side(left, *sign, false, engine, out);
            let _ = write!(out, " {} ", sign.text());
            write_on(on.as_deref(), out);
            side(right, *sign, true, engine, out);
        }
    }
}

fn write_reach(reach: Reach, plain: bool, engine: Engine, out: &mut String) {
    let length = reach.length * 1_000 - i64::from(engine == Engine::Closed);
    out.push('[');
    out.push_str(&milliseconds(length));
    if !plain {
        let _ = write!(out, ":{}", duration(reach.step));
    }
    out.push(']');
    if reach.offset != 0 {
        let _ = write!(out, " offset {}", duration(reach.offset));
    }
}

fn write_selector(selector: &Selector, out: &mut String) {
    let mut matchers: Vec<Matcher> = selector.matchers.iter().cloned().collect();
    let mut quoted = false;
    match &selector.name {
        Name::Exact(name) if is_plain(name) => out.push_str(name),
        Name::Exact(_) => quoted = true,
        Name::Matching(regex) => {
            matchers.insert(0, Matcher::new("__name__", Comparison::Matches, regex.as_str()));
        }
    }
    if matchers.is_empty() && !quoted {
        return;
    }
    out.push('{');
    if let (true, Name::Exact(name)) = (quoted, &selector.name) {
        quote(name, out);
        out.push_str(if matchers.is_empty() { "" } else { "," });
    }
    for (place, Matcher { label, comparison, value }) in matchers.iter().enumerate() {
        let sign = match comparison {
            Comparison::Is => "=",
            Comparison::IsNot => "!=",
            Comparison::Matches => "=~",
            Comparison::MatchesNot => "!~",
        };
        let comma = if place > 0 { "," } else { "" };
        let _ = write!(out, "{comma}{label}{sign}");
        quote(value, out);
    }
    out.push('}');
}

/// Whether a name may stand before the matchers, as in all versions of Prometheus.
pub fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
}

/// A text in quotes, as Go reads it.
pub fn quoted(text: &str) -> String {
    let mut out = String::new();
    quote(text, &mut out);
    out
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if crate::diag::is_harmless(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// A number that reads back as the same.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e16).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

/// Seconds, as Prometheus writes them.
pub fn duration(seconds: i64) -> String {
    milliseconds(seconds.saturating_mul(1_000))
}

fn milliseconds(total: i64) -> String {
    if total == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    let mut rest = total;
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest / size > 0 {
            let _ = write!(out, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Expr {
        Expr::Series(Selector::of("x"))
    }

    fn shown(expr: &Expr) -> String {
        print(expr, Engine::LeftOpen)
    }

    #[test]
    fn ranges_are_written_for_their_engine() {
        let expr = Expr::over("max_over_time", x(), 300, 60, 60);
        assert_eq!(shown(&expr), "max_over_time(x[5m] offset 1m)");
        assert_eq!(print(&expr, Engine::Closed), "max_over_time(x[4m59s999ms] offset 1m)");
        let sub = Expr::over("sum_over_time", Expr::Call("abs", vec![x()]), 120, 0, 60);
        assert_eq!(shown(&sub), "sum_over_time((abs(x))[2m:1m])");
        assert_eq!(print(&sub, Engine::Closed), "sum_over_time((abs(x))[1m59s999ms:1m])");
        let median = Expr::Over {
            function: "quantile_over_time",
            first: Some(0.5),
            of: Box::new(x()),
            reach: Reach { length: 90, offset: 0, step: 0 },
        };
        assert_eq!(shown(&median), "quantile_over_time(0.5, x[1m30s])");
    }

    #[test]
    fn brackets_stand_where_they_are_needed() {
        let (a, b, c) = (x, x, x);
        let sum = || a().binary(Sign::Plus, b());
        for (expr, expected) in [
            (sum().binary(Sign::Times, c()), "(x + x) * x"),
            (c().binary(Sign::Minus, sum()), "x - (x + x)"),
            (sum().binary(Sign::Minus, c()), "x + x - x"),
            (c().binary(Sign::Plus, a().binary(Sign::By, b())), "x + x / x"),
            (
                a().compared(Sign::Above, 1.0).binary(Sign::And, b().compared(Sign::Below, -2.5)),
                "x > 1 and x < -2.5",
            ),
            (a().binary(Sign::Or, b()).binary(Sign::Unless, c()), "(x or x) unless x"),
            (a().binary(Sign::And, b()).binary(Sign::Unless, c()), "x and x unless x"),
            (a().binary(Sign::And, b().binary(Sign::Unless, c())), "x and (x unless x)"),
            (a().paired(Sign::By, &["az".into()], b().compared(Sign::IsNot, 0.0)), "x / on (az) (x != 0)"),
            (a().paired(Sign::And, &[], b()), "x and on () x"),
        ] {
            assert_eq!(shown(&expr), expected);
        }
    }

    #[test]
    fn lines_are_those_of_the_sets_at_the_top() {
        let part = |at: f64| x().compared(Sign::Above, at);
        let expr = part(1.0).binary(Sign::And, part(2.0)).binary(Sign::Unless, part(3.0));
        assert_eq!(print_in_lines(&expr, Engine::LeftOpen), ["x > 1", "and x > 2", "unless x > 3"]);
        assert_eq!(print_in_lines(&part(1.0), Engine::LeftOpen), ["x > 1"]);
        let expr = part(1.0).binary(Sign::Or, part(2.0)).binary(Sign::And, part(3.0));
        assert_eq!(print_in_lines(&expr, Engine::LeftOpen), ["(x > 1 or x > 2) and x > 3"]);
        assert_eq!(print_in_lines(&expr, Engine::LeftOpen).join(" "), shown(&expr));
    }

    #[test]
    fn texts_are_escaped_and_numbers_kept() {
        let selector = Selector::of("x").and(Matcher::new("a", Comparison::Is, "\"\\\n\u{7}\u{202e}é"));
        assert_eq!(shown(&Expr::Series(selector)), "x{a=\"\\\"\\\\\\n\\U00000007\\U0000202eé\"}");
        let named =
            Selector { name: Name::Matching("a_.*".into()), matchers: [Matcher::present("b")].into() };
        assert_eq!(shown(&Expr::Series(named)), "{__name__=~\"a_.*\",b!=\"\"}");
        for (value, text) in [
            (-0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e300, "1e300"),
            (-2.5e-9, "-2.5e-9"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(number(value), text);
            assert_eq!(text.parse::<f64>().unwrap(), value);
        }
        let aggregate = Expr::aggregate("sum", &["a".into(), "b".into()], x());
        assert_eq!(shown(&aggregate), "sum by (a, b) (x)");
        assert_eq!(
            [duration(0), duration(90), duration(86_400), duration(93_784)],
            ["0s", "1m30s", "1d", "1d2h3m4s"]
        );
    }
}
