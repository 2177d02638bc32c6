//! Looking around: any metric or composite, narrowed by its sources and tags, put together in any way, without a chart that is defined.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::fields::{list as items, query, text};
use super::frame::{Here, card, heading, page};
use super::measured::{self, Measured, STREAMS};
use super::parts::nothing;
use super::picture::{Charts, SINCE, Size};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::visit::Visit;
use super::window::Window;
use super::{copies, figure, picture};
use crate::composite::{self, Labels, SOURCE};
use crate::serve::drawing::Drawing;
use crate::serve::http::answer::segment;

/// Names that are offered while someone writes one, and values of a tag that are shown.
const NAMES: usize = 200;
const VALUES: usize = 12;

const STATISTICS: [(&str, &str); 9] = [
    ("", "as the metric says"),
    ("average", "average"),
    ("sum", "sum"),
    ("count", "count"),
    ("min", "least"),
    ("max", "greatest"),
    ("derivative", "change"),
    ("absolute_value", "last value"),
    ("stddev", "standard deviation"),
];

const GROUPS: [(&str, &str); 5] = [
    ("", "a line each"),
    ("average", "one line: all samples"),
    ("sum", "one line: sum"),
    ("min", "one line: least"),
    ("max", "one line: greatest"),
];

/// What is asked for.
enum Subject {
    Metric(Value),
    Composite,
    /// Nothing, or nothing that is known; why.
    Unknown(String),
}

pub async fn show(State(pages): State<Pages>, visit: Visit) -> Response {
    shown(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn shown(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let wanted = visit.params.text("q");
    let window = Window::read(visit, SINCE)?.steadily(visit.clock.now);
    let subject = subject(pages, visit, wanted).await?;
    let measured = match &subject {
        Subject::Metric(metric) => Some(Measured::read(pages, visit, metric, window).await?),
        _ => None,
    };
    let all = measured.as_ref().map(Measured::labels).unwrap_or_default();
    let chosen = chosen(visit);
    let taken: Vec<&Labels> = all.iter().filter(|labels| is_chosen(labels, &chosen)).collect();
    let chart = chart(visit, &subject, wanted, &chosen);
    let mut charts = Charts::new(vec![chart.clone()], window, Size::Large);
    if measured.is_some() && visit.params.text("group").is_empty() {
        charts.only_series = Some(
            taken.iter().skip(visit.params.offset()).take(STREAMS).map(|labels| (*labels).clone()).collect(),
        );
    }
    let is_known = !matches!(subject, Subject::Unknown(_));
    if is_known && let Some(answer) = charts.taken(pages, visit, Here::Explore).await? {
        return Ok(answer);
    }
    let (Drawing { scenes, newest_event }, failed) =
        if is_known { charts.drawn(pages, visit).await } else { Default::default() };
    let names = pages.api().get(visit, &query("/v1/metrics", &[("length", &NAMES.to_string())])).await?;
    let content = html! {
        (heading("Explore", &html! {}, &picture::toggles(visit, &scenes)))
        (form(visit, &all, &names))
        @if let Subject::Unknown(why) = &subject { (unknown(pages, visit, wanted, why).await?) } @else {
            (window.picker(visit, "/ui/explore", SINCE, newest_event.as_ref()))
            @if let Some(why) = &failed { p.message role="alert" { "The picture cannot be drawn now: " (why) } }
            @for (place, scene) in scenes.iter().enumerate() { (figure::card(visit, place, scene, None)) }
            @if charts.only_series.is_some() { (measured::part(visit, taken.len())) }
            @if !all.is_empty() { (card("Where it comes from", &facets(visit, &all, &chosen))) }
            (card("Elsewhere", &html! {
                (copies::definition(&(pages.definitions().space)(&json!({"name": "explored"}), std::slice::from_ref(&chart), &BTreeMap::new())))
                (copies::commands(&commands(visit, &subject, wanted)))
            }))
        }
    };
    Ok(page(visit, Here::Explore, if wanted.is_empty() { "Explore" } else { wanted }, &content))
}

async fn subject(pages: &Pages, visit: &Visit, wanted: &str) -> Result<Subject, Refused> {
    if wanted.is_empty() {
        return Ok(Subject::Unknown(String::new()));
    }
    match pages.api().get(visit, &format!("/v1/metrics/{}", segment(wanted))).await {
        Ok(metric) => return Ok(Subject::Metric(metric)),
        Err(refused) if refused.status == StatusCode::NOT_FOUND => {}
        Err(refused) => return Err(refused),
    }
    Ok(match composite::parse(wanted) {
        Ok(_) => Subject::Composite,
        Err(problems) if wanted.contains('(') => {
            let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            Subject::Unknown(format!("The composite cannot be read: {why}."))
        }
        Err(_) => Subject::Unknown("No metric has this name.".to_owned()),
    })
}

/// Values of tags that were chosen; the source is one of them.
fn chosen(visit: &Visit) -> Vec<(String, String)> {
    let source = Some(visit.params.text("source")).filter(|source| !source.is_empty());
    let tags = visit.params.starting_with("tag.");
    source.map(|source| (SOURCE.to_owned(), source.to_owned())).into_iter().chain(tags).collect()
}

fn is_chosen(labels: &Labels, chosen: &[(String, String)]) -> bool {
    let stream = crate::chart::Stream {
        tags: chosen
            .iter()
            .map(|(name, value)| crate::chart::Tag {
                name: name.clone(),
                values: vec![value.clone()],
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    chosen.is_empty() || crate::chart::Choice::of(&stream, None, &[]).takes(labels)
}

/// A chart of it as the API has charts.
fn chart(visit: &Visit, subject: &Subject, wanted: &str, chosen: &[(String, String)]) -> Value {
    let (statistic, group, by) =
        (visit.params.text("stat"), visit.params.text("group"), visit.params.text("by"));
    let mut stream = match subject {
        Subject::Metric(_) => json!({"metric": wanted, "source": "*"}),
        _ => json!({"composite": wanted}),
    };
    if let Subject::Metric(_) = subject {
        stream["group_function"] = json!(if group.is_empty() { "breakout" } else { group });
        if !statistic.is_empty() {
            stream["summary_function"] = json!(statistic);
        }
        let mut tags: Vec<Value> = chosen
            .iter()
            .map(|(name, value)| json!({"name": name, "values": [value], "grouped": name == by}))
            .collect();
        if !by.is_empty() && !group.is_empty() && !chosen.iter().any(|(name, _)| name == by) {
            tags.push(json!({"name": by, "values": ["*"], "grouped": true}));
        }
        match (&tags[..], chosen) {
            ([], _) => {}
            ([_], [(name, value)]) if name == SOURCE && by.is_empty() => stream["source"] = json!(value),
            _ => {
                stream["tags"] = json!(tags);
                if let Some(stream) = stream.as_object_mut() {
                    stream.remove("source");
                }
            }
        }
    }
    let name: String = wanted.chars().take(100).collect();
    json!({"name": name, "type": if visit.params.text("stacked") == "1" { "stacked" } else { "line" }, "streams": [stream]})
}

fn form(visit: &Visit, all: &[Labels], names: &Value) -> Markup {
    let params = &visit.params;
    let keys: BTreeSet<&String> = all.iter().flat_map(Labels::keys).collect();
    let asked = ["q", "source", "stat", "group", "by", "stacked", "offset"];
    let select = |name: &str, label: &str, options: &[(&str, &str)]| {
        html! {
            label { (label)
                select name=(name) {
                    @for (value, shown) in options { option value=(value) selected[params.text(name) == *value] { (shown) } }
                }
            }
        }
    };
    let by: Vec<(&str, &str)> =
        std::iter::once(("", "nothing")).chain(keys.iter().map(|key| (key.as_str(), key.as_str()))).collect();
    html! {
        section.card {
            form.fields.close role="search" method="get" action="/ui/explore" {
                @for (name, value) in params.others(&asked) { input type="hidden" name=(name) value=(value); }
                label.wide { "Metric or composite"
                    input type="search" name="q" value=(params.text("q")) list="names" required autocomplete="off" spellcheck="false" placeholder="shop.latency, or sum(s(\"shop.*\", \"web*\"))";
                }
                datalist #names { @for metric in items(names, "metrics") { option value=(text(metric, "name")) {} } }
                label { "Source" input name="source" value=(params.text("source")) placeholder="web* OR !db-1"; }
                (select("stat", "Statistic", &STATISTICS))
                (select("group", "Streams become", &GROUPS))
                (select("by", "Lines for each", &by))
                (select("stacked", "Drawn as", &[("", "lines"), ("1", "stacked areas")]))
                button.primary { "Show" }
            }
        }
    }
}

/// What there may be instead.
async fn unknown(pages: &Pages, visit: &Visit, wanted: &str, why: &str) -> Result<Markup, Refused> {
    if wanted.is_empty() {
        return Ok(nothing(&html! { "Write the name of a metric, or a composite over several." }));
    }
    let part = wanted.split(['.', '(', '"']).find(|part| !part.is_empty()).unwrap_or(wanted);
    let found = pages.api().get(visit, &query("/v1/metrics", &[("name", part), ("length", "20")])).await?;
    let like = items(&found, "metrics");
    Ok(card(
        "Not found",
        &html! {
            p { (Text(why)) }
            @if !like.is_empty() {
                p { "Do you mean one of these?" }
                ul.plain { @for metric in like {
                    li { a href=(visit.params.with("/ui/explore", "q", text(metric, "name"))) { (Text(text(metric, "name"))) } }
                } }
            }
        },
    ))
}

/// The values of each tag with how many series have it, the most frequent first; a link narrows to one, and back.
fn facets(visit: &Visit, all: &[Labels], chosen: &[(String, String)]) -> Markup {
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for labels in all {
        for (name, value) in labels {
            *counts.entry(name).or_default().entry(value).or_default() += 1;
        }
    }
    let param = |name: &str| if name == SOURCE { "source".to_owned() } else { format!("tag.{name}") };
    let is_on = |name: &str, value: &str| chosen.iter().any(|(of, is)| of == name && is == value);
    html! {
        dl.facets {
            @for (name, values) in &counts {
                @let sorted = most_frequent(values);
                dt { (Text(name)) }
                dd {
                    @for (value, count) in sorted.iter().take(VALUES) {
                        @let on = is_on(name, value);
                        a.facet href=(visit.params.with_all("/ui/explore", &[(&param(name), if on { "" } else { value }), ("offset", "")])) aria-current=[on.then_some("true")] {
                            (Text(value)) @if *count > 1 { " " span.muted { (count) } }
                        }
                    }
                    @if sorted.len() > VALUES { span.muted { "and " (sorted.len() - VALUES) " more" } }
                }
            }
        }
    }
}

fn most_frequent<'a>(values: &BTreeMap<&'a str, usize>) -> Vec<(&'a str, usize)> {
    let mut sorted: Vec<(&str, usize)> = values.iter().map(|(value, count)| (*value, *count)).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
}

fn commands(visit: &Visit, subject: &Subject, wanted: &str) -> Vec<String> {
    let since = Some(visit.params.text("from")).filter(|from| !from.is_empty()).unwrap_or(SINCE);
    let source = visit.params.text("source");
    let mut words = vec!["query", wanted, "--start", since];
    if !source.is_empty() {
        words.extend(["--source", source]);
    }
    let mut all = vec![copies::command(&words)];
    words.push("--explain");
    if matches!(subject, Subject::Composite) {
        all.push(copies::command(&words));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_narrows_the_series() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let chosen =
            |pairs: &[(&str, &str)]| -> Vec<(String, String)> { labels(pairs).into_iter().collect() };
        let web = labels(&[("source", "web-1"), ("region", "eu")]);
        assert!(is_chosen(&web, &[]));
        assert!(is_chosen(&web, &chosen(&[("source", "web*")])));
        assert!(is_chosen(&web, &chosen(&[("source", "web*"), ("region", "eu")])));
        assert!(!is_chosen(&web, &chosen(&[("source", "web*"), ("region", "us")])));
        assert!(!is_chosen(&web, &chosen(&[("host", "a")])));
    }
}
