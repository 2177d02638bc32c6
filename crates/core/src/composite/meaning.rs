//! From a syntax tree to a query: every call is given its meaning, and everything that has none is reported.
//! Goes through all arguments whatever it finds, so that one run shows all there is to mend.

use std::ops::Range;

use super::arguments::{self, Options};
use super::functions::{self, FUNCTIONS, Function, Parameter, Signature};
use super::inputs;
use super::patterns::{self, Use};
use super::problem::Problems;
use super::query::{Bounds, Choice, Combine, Each, Filling, Leaf, Node, Op, Select, Statistic, Windowed};
use super::tree::{Expr, ExprKind, Name};
use crate::diag::{Code, suggest};

/// How many series `top` and `bottom` keep unless told.
const RANKED: usize = 10;

/// Reads the meaning of a tree. `None` where an error was reported, here or by the parser.
pub(super) fn of(expr: &Expr, used_in: Use, problems: &mut Problems) -> Option<Node> {
    Reader { used_in, repeated: false, mapped: false, problems }.expression(expr)
}

struct Reader<'p> {
    used_in: Use,
    /// Whether it is inside `group_by` or `map`, which leave fewer series than patterns promise.
    repeated: bool,
    /// Whether it is inside `map`, where `&` has a meaning.
    mapped: bool,
    problems: &'p mut Problems,
}

/// The arguments of a call, read.
#[derive(Default)]
struct Arguments {
    set: Option<Node>,
    options: Options,
    shifts: Option<Vec<i64>>,
    tags: Option<Vec<String>>,
    sources: Option<(String, String)>,
}

impl Reader<'_> {
    fn expression(&mut self, expr: &Expr) -> Option<Node> {
        let op = match &expr.kind {
            ExprKind::Call(name, arguments) => self.call(expr, name, arguments)?,
            ExprKind::Set(items) => {
                if items.is_empty() {
                    self.problems.error(Code::WrongArguments, expr.span.clone(), "a set cannot be empty");
                }
                let nodes: Vec<_> = items.iter().map(|item| self.expression(item)).collect();
                Op::Set(nodes.into_iter().collect::<Option<_>>()?)
            }
            ExprKind::Number(number) => {
                let message = format!("the number {number} cannot stand here: only `s(…)` makes series");
                self.problems.error(Code::NumericLiteral, expr.span.clone(), message).help(
                    "multiply with scale(set, {factor: \"2\"}), replace gaps with fill(set, {value: \"0\"})",
                );
                return None;
            }
            ExprKind::Text(text) => {
                let message = "expected a function call, found text";
                self.problems
                    .error(Code::WrongArguments, expr.span.clone(), message)
                    .help(format!("the series of a metric are s(\"{}\", \"*\")", text.escape_debug()));
                return None;
            }
            ExprKind::Map(_) => {
                let message = "expected a function call, found options";
                self.problems.error(Code::WrongArguments, expr.span.clone(), message);
                return None;
            }
            ExprKind::Hole => return None,
        };
        Some(Node { op, span: expr.span.clone() })
    }

    fn call(&mut self, call: &Expr, name: &Name, given: &[Expr]) -> Option<Op> {
        let Some(function) = functions::find(&name.text) else {
            self.unknown_function(name);
            // What it was given may be wrong too.
            let nested = given.iter().filter(|a| matches!(a.kind, ExprKind::Call(..) | ExprKind::Set(_)));
            nested.for_each(|argument| {
                self.expression(argument);
            });
            return None;
        };
        // Where the shape is broken, the number of arguments says nothing.
        if !self.problems.any_within(&call.span) {
            arguments::count(function, name, given, call.span.end, self.problems);
        }
        if matches!(function.parameters.first(), Some(Parameter::Metric)) {
            return self.series(function, given);
        }
        let before = (self.repeated, self.mapped);
        self.repeated |= matches!(function.function, Function::GroupBy | Function::Map);
        self.mapped |= function.function == Function::Map;
        let mut read = Arguments::default();
        for (parameter, argument) in function.parameters.iter().zip(given) {
            self.argument(function, *parameter, argument, &mut read);
        }
        (self.repeated, self.mapped) = before;
        if function.function == Function::Map {
            self.problems
                .warning(Code::DeprecatedFunction, name.span.clone(), "`map` belongs to the time before tags")
                .help("group_by(\"tag\", …) repeats an expression for each value of a tag");
        }
        let op = self.operation(function, name, &call.span, read)?;
        if let Op::Combine(Combine::Divide | Combine::Subtract, set) = &op
            && !self.problems.any_within(&call.span)
        {
            inputs::check(&name.text, set, self.repeated, self.problems);
        }
        Some(op)
    }

    fn unknown_function(&mut self, name: &Name) {
        let message = format!("there is no function `{}`", name.text);
        let lower = name.text.to_lowercase();
        let known = match lower.as_str() {
            "avg" | "average" | "avgseries" | "averageseries" => Some("mean"),
            "add" | "sumseries" => Some("sum"),
            "mul" | "product" => Some("multiply"),
            "div" => Some("divide"),
            "sub" | "diff" | "minus" => Some("subtract"),
            "derivative" => Some("derive"),
            "ceil" => Some("ceiling"),
            _ => suggest(&name.text, FUNCTIONS.iter().map(|function| function.name)),
        };
        let help = known.and_then(functions::find).map_or_else(
            || {
                let names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
                format!("there are {}", names.join(", "))
            },
            |close| format!("did you mean {}, which {}?", close.signature(), close.does),
        );
        self.problems.unknown(Code::UnknownFunction, name.span.clone(), message).help(help);
    }

    fn argument(
        &mut self,
        function: &Signature,
        parameter: Parameter,
        argument: &Expr,
        read: &mut Arguments,
    ) {
        match (parameter, &argument.kind) {
            (Parameter::Set, ExprKind::Text(_) | ExprKind::Map(_)) => {
                arguments::wrong_kind(function, parameter, argument, self.problems);
            }
            (Parameter::Set, _) => read.set = self.expression(argument),
            (Parameter::Options(specs), ExprKind::Map(pairs)) => {
                read.options = arguments::options(function, specs, pairs, &argument.span, self.problems);
            }
            (Parameter::Shifts, ExprKind::Text(text)) => {
                read.shifts = patterns::shifts(text, &argument.span, self.problems);
            }
            (Parameter::TagNames, ExprKind::Text(text)) => {
                read.tags = patterns::tag_names(text, &argument.span, self.problems);
            }
            (Parameter::Sources, ExprKind::Map(pairs)) => match pairs.as_slice() {
                [(key, Expr { kind: ExprKind::Text(pattern), .. })] => {
                    read.sources = Some((key.text.clone(), pattern.clone()));
                }
                _ => arguments::wrong_kind(function, parameter, argument, self.problems),
            },
            _ => {
                arguments::wrong_kind(function, parameter, argument, self.problems);
                // An expression at the wrong place is still looked into.
                if matches!(argument.kind, ExprKind::Call(..) | ExprKind::Set(_)) {
                    self.expression(argument);
                }
            }
        }
    }

    fn series(&mut self, function: &Signature, given: &[Expr]) -> Option<Op> {
        let mut leaf = (None, None);
        let mut options = Options::default();
        for (parameter, argument) in function.parameters.iter().zip(given) {
            match (parameter, &argument.kind) {
                (Parameter::Metric, ExprKind::Text(name)) => {
                    patterns::metric(name, &argument.span, self.problems);
                    leaf.0 = Some(name.clone());
                }
                (Parameter::Selector, ExprKind::Text(_) | ExprKind::Map(_)) => {
                    leaf.1 = patterns::selector(argument, self.used_in, self.mapped, self.problems);
                }
                (Parameter::Options(specs), ExprKind::Map(pairs)) => {
                    options = arguments::options(function, specs, pairs, &argument.span, self.problems);
                }
                _ => arguments::wrong_kind(function, *parameter, argument, self.problems),
            }
        }
        let function = statistic(options.word("function"));
        Some(Op::Series(Leaf {
            metric: leaf.0?,
            selector: leaf.1?,
            function,
            period: options.count("period"),
        }))
    }

    /// What a function does with its arguments. `None` where one is missing, which was reported.
    fn operation(
        &mut self,
        function: &Signature,
        name: &Name,
        call: &Range<usize>,
        read: Arguments,
    ) -> Option<Op> {
        let Arguments { set, options, shifts, tags, sources } = read;
        let set = Box::new(set?);
        let each = |each, set| Some(Op::Each(each, set));
        let combine = |combine, set| Some(Op::Combine(combine, set));
        let select =
            |how, set| Some(Op::Select(Select { by: statistic(options.word("function")), how }, set));
        let size = options.count("size").map_or(1, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let count =
            options.count("count").map_or(RANKED, |count| usize::try_from(count).unwrap_or(usize::MAX));
        match function.function {
            Function::Sum => combine(Combine::Sum, set),
            Function::Mean => combine(Combine::Mean, set),
            Function::Min => combine(Combine::Min, set),
            Function::Max => combine(Combine::Max, set),
            Function::Count => combine(Combine::Count, set),
            Function::Multiply => combine(Combine::Multiply, set),
            Function::Divide => combine(Combine::Divide, set),
            Function::Subtract => combine(Combine::Subtract, set),
            Function::Abs => each(Each::Abs, set),
            Function::Floor => each(Each::Floor, set),
            Function::Ceiling => each(Each::Ceiling, set),
            Function::Scale => each(Each::Scale(options.number("factor")?), set),
            Function::Derive => {
                each(Each::Derive { detect_reset: options.boolean("detect_reset").unwrap_or(true) }, set)
            }
            Function::Rate => each(Each::Rate(options.number("duration").unwrap_or(1.0)), set),
            Function::Integrate => each(Each::Integrate, set),
            Function::Window => {
                each(Each::Window { size, function: windowed(options.word("function")) }, set)
            }
            Function::MovingAverage => each(Each::Window { size, function: Windowed::Mean }, set),
            Function::Fill if options.last("value") => each(Each::Fill(Filling::Last), set),
            Function::Fill => each(Each::Fill(Filling::Value(options.number("value")?)), set),
            Function::ZeroFill => each(Each::Fill(Filling::Value(0.0)), set),
            Function::LastFill => each(Each::Fill(Filling::Last), set),
            Function::Filter => select(Choice::Filter(self.bounds(&options, name, call)), set),
            Function::Top => select(Choice::Top(count), set),
            Function::Bottom => select(Choice::Bottom(count), set),
            Function::Sort => select(Choice::Sort, set),
            Function::Timeshift => Some(Op::Timeshift(shifts?, set)),
            Function::GroupBy => Some(Op::GroupBy(tags?, set)),
            Function::Map => sources.map(|(label, pattern)| Op::Map(label, pattern, set)),
            // Read by `series`, whose first argument is no set.
            Function::Series => None,
        }
    }

    fn bounds(&mut self, options: &Options, name: &Name, call: &Range<usize>) -> Bounds {
        let [gt, lt, gte, lte] = ["gt", "lt", "gte", "lte"].map(|bound| options.number(bound));
        let lower = gt.into_iter().chain(gte).fold(f64::NEG_INFINITY, f64::max);
        let upper = lt.into_iter().chain(lte).fold(f64::INFINITY, f64::min);
        if options.is_empty() && !self.problems.any_within(call) {
            self.problems
                .warning(Code::NoBounds, name.span.clone(), "`filter` without a bound keeps every series")
                .help("give it one of `gt`, `lt`, `gte`, `lte`");
        } else if lower > upper {
            let message = format!("no number is above {lower} and below {upper}, so nothing is kept");
            self.problems.error(Code::WrongValue, name.span.clone(), message);
        }
        Bounds { gt, lt, gte, lte }
    }
}

fn statistic(word: Option<&str>) -> Statistic {
    match word {
        Some("min") => Statistic::Min,
        Some("max") => Statistic::Max,
        Some("sum") => Statistic::Sum,
        Some("count") => Statistic::Count,
        _ => Statistic::Mean,
    }
}

fn windowed(word: Option<&str>) -> Windowed {
    match word {
        Some("min") => Windowed::Min,
        Some("max") => Windowed::Max,
        Some("sum") => Windowed::Sum,
        Some("median") => Windowed::Median,
        _ => Windowed::Mean,
    }
}
