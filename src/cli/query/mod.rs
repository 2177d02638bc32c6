//! `query`: the data of a metric or of a composite, and how it comes about.
//! Definitions are diagnosed here before anything is sent; the answer is the service's, with `--explain` our own.

mod answer;
mod ask;
pub mod document;
mod local;
mod picture;
mod plot;
pub mod read;
mod table;
pub mod time;

use std::sync::Arc;

use anyhow::Context;
use librato_apply::composite::eval::{Outcome, Window};
use librato_apply::composite::{self, Problem, Selector, Statistic, Use};
use librato_apply::diag::{Diagnostic, Files, IndexBuilder, Place, Report, printable};
use librato_apply::remote::Client;

use self::answer::{Answer, Line};
use self::read::Wanted;
use self::time::{Clock, Span};
use super::args::Global;
use super::args::query::{Query, QueryFormat};
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::inputs;
use super::progress::waiting;
use super::remote::with_service;
use super::target::Target;
use super::ui::{Ui, pretty};

/// Asks and shows the answer.
pub async fn query(args: &Query, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let clock = Clock { zone: time::zone(&args.time_zone)? };
    let span = time::span(args, &clock.zone, super::time::now())?;
    let choice = Choice::read(args)?;
    picture::check(args)?;
    let asked = Asked::read(&args.what)?;
    let asked = match asked {
        Asked::Composite(text) => Asked::Composite(prepared(&text, "composite", &choice, ui)?),
        name @ Asked::Name(_) => name,
    };
    let drawn = args.format.is_picture();
    let finest =
        || if drawn { picture::resolution(args, span.end.abs_diff(span.start)) } else { resolution(span) };
    let resolution = args.resolution.unwrap_or_else(finest);
    let (answer, target) = with_service(global, ui, Access::Read, async |client, target| {
        let asking =
            Asking { client, choice, span, resolution, explain: args.explain, statistics: drawn, ui };
        let answer = waiting(ui, &format!("asking {target}"), asking.answer(asked)).await?;
        Ok((answer, target.clone()))
    })
    .await?;
    if drawn {
        explained(&answer).iter().for_each(|text| ui.complain(text));
        picture::show(&answer, args, &clock, ui)?;
    } else {
        show(&answer, args.format, &target, &clock, ui)?;
    }
    Ok(Exit::Done)
}

/// Metrics that are looked up to find out why an answer is empty.
const LOOKED_UP: usize = 5;

/// What is asked for.
enum Asked {
    Name(String),
    Composite(String),
}

impl Asked {
    fn read(what: &str) -> Result<Self, Stop> {
        let named = |c: char| c.is_ascii_alphanumeric() || ".:-_".contains(c);
        if what.trim().is_empty() {
            return Err(Stop::usage(
                "there is nothing to ask for",
                "give the name of a metric, or a composite",
            ));
        }
        if what.chars().all(named) {
            return Ok(Self::Name(what.to_owned()));
        }
        if what.chars().all(|c| named(c) || c == '*') {
            let message = format!("`{what}` is a pattern, not the name of one metric");
            return Err(Stop::usage(message, format!("all that it means: 's(\"{what}\", \"*\")'")));
        }
        Ok(Self::Composite(what.to_owned()))
    }
}

/// The source or the tags that are wanted.
struct Choice {
    source: Option<String>,
    tags: Vec<(String, String)>,
}

impl Choice {
    fn read(args: &Query) -> Result<Self, Stop> {
        let tag = |text: &String| {
            let (name, pattern) = text.split_once('=').filter(|(name, _)| !name.is_empty())?;
            Some((name.to_owned(), pattern.to_owned()))
        };
        let tags: Option<Vec<_>> = args.tags.iter().map(tag).collect();
        let tags = tags.ok_or_else(|| Stop::usage("--tag needs NAME=PATTERN", "such as --tag region=eu*"))?;
        let wrong = |text: &String| text.is_empty() || text.contains(['"', '\\']);
        if tags.iter().any(|(name, pattern)| wrong(name) || wrong(pattern)) || args.source.iter().any(wrong) {
            return Err(Stop::usage(
                "a source or tag is neither empty nor holds quotes",
                "`*` stands for anything",
            ));
        }
        Ok(Self { source: args.source.clone(), tags })
    }

    fn selector(&self) -> Selector {
        match (&self.source, self.tags.as_slice()) {
            (Some(source), _) => Selector::Source(source.clone()),
            (None, []) => Selector::Source("*".to_owned()),
            (None, tags) => Selector::Tags(tags.to_vec()),
        }
    }
}

/// A definition with what was chosen put in, and checked.
fn prepared(text: &str, name: &str, choice: &Choice, ui: &Ui) -> anyhow::Result<String> {
    let used_in = if choice.source.is_some() { Use::Chart } else { Use::Metric };
    diagnose(text, name, composite::check_to_evaluate(text, used_in), ui)?;
    composite::choose(text, choice.source.as_deref(), &choice.tags).map_err(|lost| {
        let (flag, place) = if lost == "source" && choice.source.is_some() {
            ("--source".to_owned(), "s(\"…\", \"%\")".to_owned())
        } else {
            (format!("--tag {lost}"), format!("s(\"…\", {{{lost}: \"%\"}})"))
        };
        Stop::usage(
            format!("{flag} has nothing to choose: the composite has no `%` for it"),
            format!("write {place} where it shall be chosen, or the pattern itself"),
        )
        .into()
    })
}

/// Prints problems of a definition where they stand in it.
///
/// # Errors
/// Where one of them forbids going on.
fn diagnose(text: &str, name: &str, problems: Vec<Problem>, ui: &Ui) -> Result<(), Stop> {
    let mut files = Files::default();
    let file = files.add(printable(name), text.to_owned(), |_| IndexBuilder::default().finish(true));
    let mut report = Report::default();
    for problem in problems {
        let diagnostic = Diagnostic::new(problem.severity, problem.code, problem.message);
        let diagnostic = diagnostic.at(Place::Bytes { file, span: problem.span }, "");
        report.push(problem.help.into_iter().fold(diagnostic, Diagnostic::help));
    }
    inputs::check(&report, &files, false, ui)
}

/// The finest resolution that a chart of this time can show and that services still keep.
fn resolution(span: Span) -> u64 {
    let length = span.end.abs_diff(span.start);
    let steps = [1, 10, 60, 300, 900, 3600, 21_600, 86_400];
    steps.into_iter().find(|step| length / step <= 120).unwrap_or(604_800)
}

/// Everything an answer is made from.
struct Asking<'a> {
    client: &'a Client,
    choice: Choice,
    span: Span,
    resolution: u64,
    explain: bool,
    /// Whether what lies behind each point is asked for as well.
    statistics: bool,
    ui: &'a Ui,
}

impl Asking<'_> {
    async fn answer(&self, asked: Asked) -> anyhow::Result<Answer> {
        let name = match asked {
            Asked::Composite(text) => return self.composite(&text, "composite", &text, None).await,
            Asked::Name(name) => name,
        };
        let raw = ask::metric(self.client, &name).await.context("the metric cannot be looked up")?;
        let Some(raw) = raw else { return Err(self.unknown(&name).await.into()) };
        if raw["type"] == "composite" {
            let text = raw["composite"].as_str().unwrap_or_default();
            let text = prepared(text, &name, &self.choice, self.ui)?;
            return self.composite(&text, &name, &name, ask::units(&raw).as_ref()).await;
        }
        if self.explain {
            let text = self.as_composite(&name);
            return self.composite(&text, "composite", &text, ask::units(&raw).as_ref()).await;
        }
        let selector = self.choice.selector();
        let wanted = Wanted {
            metric: &name,
            selector: &selector,
            span: self.span,
            resolution: self.resolution,
            statistics: self.statistics,
        };
        let lines = ask::native(self.client, &raw, wanted).await;
        let lines = lines.with_context(|| format!("the measurements of {name} cannot be read"))?;
        let answer = self.answered(&name, lines, None, None);
        if answer.lines.is_empty() {
            self.say_why_empty(&self.as_composite(&name)).await;
        }
        Ok(answer)
    }

    /// The series of one metric as a definition.
    fn as_composite(&self, name: &str) -> String {
        let selector = match self.choice.selector() {
            Selector::Source(source) => format!("\"{source}\""),
            Selector::Tags(tags) => {
                let pairs: Vec<_> =
                    tags.iter().map(|(name, pattern)| format!("\"{name}\": \"{pattern}\"")).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        };
        format!("s(\"{name}\", {selector})")
    }

    async fn unknown(&self, name: &str) -> Stop {
        let close = ask::close_to(self.client, name).await;
        let help = match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => "a metric comes into being with its first measurement".to_owned(),
        };
        Stop { exit: Exit::Error, message: format!("there is no metric `{name}`"), help: vec![help] }
    }

    /// The answer to a definition that was checked: the service's, or our own where it is to be explained.
    async fn composite(
        &self,
        text: &str,
        name: &str,
        title: &str,
        units: Option<&String>,
    ) -> anyhow::Result<Answer> {
        if self.explain {
            let Outcome { series, explain } = self.evaluate(text, name).await?;
            let line = |series: composite::eval::Series| Line {
                metric: series.metric,
                labels: Arc::unwrap_or_clone(series.labels),
                period: series.period,
                units: None,
                points: series.points,
                samples: Vec::new(),
            };
            let lines = series.into_iter().map(line).collect();
            return Ok(self.answered(title, lines, units, Some(explain)));
        }
        let lines = ask::composite(self.client, text, self.span, self.resolution).await;
        let answer = self.answered(title, lines.context("the composite was not answered")?, units, None);
        if answer.lines.is_empty() {
            self.say_why_empty(text).await;
        }
        Ok(answer)
    }

    /// Evaluates a definition here.
    async fn evaluate(&self, text: &str, name: &str) -> anyhow::Result<Outcome> {
        let query = match composite::compile(text) {
            Ok(query) => query,
            Err(problems) => {
                diagnose(text, name, problems, self.ui)?;
                anyhow::bail!("the composite cannot be read");
            }
        };
        let window = Window {
            start: self.span.start,
            end: self.span.end,
            resolution: self.resolution,
            summarize: Statistic::Mean,
            source: None,
        };
        let evaluated =
            local::run(self.client, &query, &window).await.context("its series cannot be read")?;
        match evaluated {
            Ok(outcome) => Ok(outcome),
            Err(error) => {
                diagnose(text, name, vec![error.into()], self.ui)?;
                anyhow::bail!("the composite cannot be evaluated");
            }
        }
    }

    fn answered(
        &self,
        title: &str,
        mut lines: Vec<Line>,
        units: Option<&String>,
        explain: Option<composite::eval::Step>,
    ) -> Answer {
        lines.retain(|line| !line.points.is_empty());
        if let Some(units) = units {
            lines.iter_mut().for_each(|line| line.units = Some(units.clone()));
        }
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        Answer { title: printable(&title), span: self.span, resolution: self.resolution, lines, explain }
    }

    /// An empty answer explains nothing, so the definition is evaluated here as well.
    async fn say_why_empty(&self, text: &str) {
        self.ui.complain("note: there is nothing to show: no series has a point in this time");
        let metrics = composite::parse(text).map_or_else(|_| Vec::new(), |tree| tree.metrics());
        for name in metrics.iter().take(LOOKED_UP) {
            if let Ok(None) = ask::metric(self.client, name).await {
                let close = ask::close_to(self.client, name).await;
                let close = close.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
                self.ui.complain(&format!("  = there is no metric `{}`{close}", printable(name)));
            }
        }
        if let Ok(outcome) = self.evaluate(text, "composite").await {
            for reason in outcome.explain.nothing() {
                self.ui.complain(&format!("  = {}", printable(&reason)));
            }
        }
        self.ui
            .complain("  = help: --explain shows what each part matched; --start -1d asks for a longer time");
    }
}

fn explained(answer: &Answer) -> Option<String> {
    answer.explain.as_ref().map(|explain| explain.to_string())
}

fn show(answer: &Answer, format: QueryFormat, target: &Target, clock: &Clock, ui: &Ui) -> anyhow::Result<()> {
    match format {
        QueryFormat::Json => {
            ui.document(&pretty(&document::document(answer, target.to_string()))?);
            return Ok(());
        }
        // Not among the rows.
        QueryFormat::Csv => {
            explained(answer).iter().for_each(|text| ui.complain(text));
            ui.document(&document::csv(answer, clock));
            return Ok(());
        }
        _ => {}
    }
    if let Some(explained) = explained(answer) {
        let lines: String = explained.lines().map(|line| printable(line) + "\n").collect();
        ui.out(&(lines + "\n"));
    }
    if answer.lines.is_empty() {
        ui.out(&table::head(answer, clock));
        ui.out("\nno points\n");
    } else if format == QueryFormat::Plot {
        ui.out(&plot::plot(answer, clock));
    } else {
        ui.out(&table::table(answer, clock));
    }
    Ok(())
}
