//! The functions of the language: their parameters, options and limits, as one table.
//! Checks, messages, canonical forms and the reading of calls all go by it. What functions compute is in `eval`.

/// Which function it is: what reads calls goes by this, so that one in the table that no one reads does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Series,
    Sum,
    Mean,
    Min,
    Max,
    Count,
    Multiply,
    Divide,
    Subtract,
    Abs,
    Floor,
    Ceiling,
    Scale,
    Derive,
    Rate,
    Integrate,
    Window,
    MovingAverage,
    Fill,
    ZeroFill,
    LastFill,
    Filter,
    Top,
    Bottom,
    Sort,
    Timeshift,
    GroupBy,
    Map,
}

/// A function as it may be called.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) function: Function,
    pub(super) name: &'static str,
    /// Options come last and may be left out; all else must be given.
    pub(super) parameters: &'static [Parameter],
    pub(super) does: &'static str,
}

/// What stands at one place of a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parameter {
    /// A metric name or pattern.
    Metric,
    /// Which sources or tags.
    Selector,
    /// An expression, or several in brackets.
    Set,
    /// How far to shift: `0,1,2w`.
    Shifts,
    /// Tag names: `region,az`.
    TagNames,
    /// One source pattern: `{source: "web*"}`.
    Sources,
    /// Options in braces.
    Options(&'static [OptionSpec]),
}

impl Parameter {
    /// Its name in a signature.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Selector => "selector",
            Self::Set => "set",
            Self::Shifts => "shifts",
            Self::TagNames => "tags",
            Self::Sources => "{source: \"pattern\"}",
            Self::Options(_) => "options",
        }
    }

    /// What is expected there.
    pub(super) fn wants(self) -> &'static str {
        match self {
            Self::Metric => "a metric name or pattern in quotes",
            Self::Selector => "a source pattern in quotes or tags in `{ }`",
            Self::Set => "a function call, or several in `[ ]`",
            Self::Shifts => "how far to shift, as in \"0,1,2w\"",
            Self::TagNames => "tag names, as in \"region,az\"",
            Self::Sources => "one pattern of sources, as in {source: \"web*\"}",
            Self::Options(_) => "options in `{ }`",
        }
    }
}

/// An option as it may be written.
#[derive(Debug)]
pub(super) struct OptionSpec {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) required: bool,
}

/// The values an option takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number or a fraction: `0.5`, `1/1024`.
    Factor,
    /// Any finite number.
    Number,
    /// A whole number from one to this.
    Count(u64),
    /// A whole number of seconds, from one to this.
    Seconds(u64),
    /// A number of seconds above zero.
    Duration,
    /// `true` or `false`.
    Boolean,
    /// A number, or `last`.
    Filling,
}

/// The largest window.
pub(super) const MAX_WINDOW: u64 = 64;

/// The longest period: a week, as is the coarsest resolution.
const MAX_PERIOD: u64 = 604_800;

const AGGREGATES: &[&str] = &["min", "max", "sum", "mean"];
const SET: &[Parameter] = &[Parameter::Set];

const fn optional(name: &'static str, takes: Takes) -> OptionSpec {
    OptionSpec { name, takes, required: false }
}

const fn required(name: &'static str, takes: Takes) -> OptionSpec {
    OptionSpec { name, takes, required: true }
}

const fn function(
    function: Function,
    name: &'static str,
    parameters: &'static [Parameter],
    does: &'static str,
) -> Signature {
    Signature { function, name, parameters, does }
}

const SERIES: &[Parameter] = &[
    Parameter::Metric,
    Parameter::Selector,
    Parameter::Options(&[
        optional("function", Takes::OneOf(&["min", "max", "mean", "sum", "count"])),
        optional("period", Takes::Seconds(MAX_PERIOD)),
    ]),
];

const RANKED: &[Parameter] = &[
    Parameter::Set,
    Parameter::Options(&[
        optional("count", Takes::Count(10_000)),
        optional("function", Takes::OneOf(AGGREGATES)),
    ]),
];

/// Every function there is.
pub(super) const FUNCTIONS: &[Signature] = &[
    function(Function::Series, "s", SERIES, "reads the series of a metric"),
    function(Function::Series, "series", SERIES, "reads the series of a metric"),
    function(Function::Sum, "sum", SET, "adds up"),
    function(Function::Mean, "mean", SET, "averages"),
    function(Function::Min, "min", SET, "takes the least"),
    function(Function::Max, "max", SET, "takes the largest"),
    function(Function::Count, "count", SET, "counts the series that have a point"),
    function(Function::Multiply, "multiply", SET, "multiplies"),
    function(Function::Divide, "divide", SET, "divides the first of two series by the second"),
    function(Function::Subtract, "subtract", SET, "subtracts the second of two series from the first"),
    function(Function::Abs, "abs", SET, "drops the sign"),
    function(Function::Floor, "floor", SET, "rounds down"),
    function(Function::Ceiling, "ceiling", SET, "rounds up"),
    function(
        Function::Scale,
        "scale",
        &[Parameter::Set, Parameter::Options(&[required("factor", Takes::Factor)])],
        "multiplies by a number",
    ),
    function(
        Function::Derive,
        "derive",
        &[Parameter::Set, Parameter::Options(&[optional("detect_reset", Takes::Boolean)])],
        "takes the change from point to point",
    ),
    function(
        Function::Rate,
        "rate",
        &[Parameter::Set, Parameter::Options(&[optional("duration", Takes::Duration)])],
        "turns values of a period into values of a second, or of another duration",
    ),
    function(Function::Integrate, "integrate", SET, "adds up from the start"),
    function(
        Function::Window,
        "window",
        &[
            Parameter::Set,
            Parameter::Options(&[
                optional("size", Takes::Count(MAX_WINDOW)),
                optional("function", Takes::OneOf(&["mean", "sum", "min", "max", "median"])),
            ]),
        ],
        "applies a function to the last points",
    ),
    function(
        Function::MovingAverage,
        "moving_average",
        &[Parameter::Set, Parameter::Options(&[optional("size", Takes::Count(MAX_WINDOW))])],
        "averages the last points",
    ),
    function(
        Function::Fill,
        "fill",
        &[Parameter::Set, Parameter::Options(&[required("value", Takes::Filling)])],
        "fills gaps",
    ),
    function(Function::ZeroFill, "zero_fill", SET, "fills gaps with zero"),
    function(Function::LastFill, "last_fill", SET, "fills gaps with the point before"),
    function(
        Function::Filter,
        "filter",
        &[
            Parameter::Set,
            Parameter::Options(&[
                optional("gt", Takes::Number),
                optional("lt", Takes::Number),
                optional("gte", Takes::Number),
                optional("lte", Takes::Number),
                optional("function", Takes::OneOf(AGGREGATES)),
            ]),
        ],
        "keeps the series within bounds",
    ),
    function(Function::Top, "top", RANKED, "keeps the largest series"),
    function(Function::Bottom, "bottom", RANKED, "keeps the least series"),
    function(
        Function::Sort,
        "sort",
        &[Parameter::Set, Parameter::Options(&[optional("function", Takes::OneOf(AGGREGATES))])],
        "orders the series, the largest first",
    ),
    function(Function::Timeshift, "timeshift", &[Parameter::Shifts, Parameter::Set], "looks at other times"),
    function(
        Function::GroupBy,
        "group_by",
        &[Parameter::TagNames, Parameter::Set],
        "repeats an expression for each value of tags",
    ),
    function(
        Function::Map,
        "map",
        &[Parameter::Sources, Parameter::Set],
        "repeats an expression for each source",
    ),
];

/// The function of this name; names are lower case.
pub(super) fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

impl Signature {
    /// How it is called: `scale(set, {factor})`, options that may be left out with a question mark.
    pub(super) fn signature(&self) -> String {
        let parameter = |parameter: &Parameter| match parameter {
            Parameter::Options(options) => {
                let names =
                    options.iter().map(|o| format!("{}{}", o.name, if o.required { "" } else { "?" }));
                format!("{{{}}}", names.collect::<Vec<_>>().join(", "))
            }
            other => other.name().to_owned(),
        };
        let parameters: Vec<_> = self.parameters.iter().map(parameter).collect();
        format!("{}({})", self.name, parameters.join(", "))
    }
}
