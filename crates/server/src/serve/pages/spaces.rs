//! Spaces: the list of them, and what the charts of one show.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::fields::{list as items, query, text, whole};
use super::frame::{Here, card, heading, page};
use super::parts::{ROWS, Tone, chip, filter, nothing, pager, space_address, table};
use super::picture::{Charts, Size};
use super::refused::Refused;
use super::site::Pages;
use super::text::{Text, clean};
use super::times::Clock;
use super::visit::Visit;
use super::window::Window;
use super::{chart, copies, picture, silences, words};
use crate::serve::drawing::Drawing;
use crate::serve::http::answer::segment;
use crate::serve::http::problem::Problem;
use crate::serve::http::role::Access;
use crate::wire::lenient;

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let api = pages.api();
    let wanted = visit.params.text("name");
    let (offset, length) = (visit.params.offset().to_string(), ROWS.to_string());
    let found = api
        .get(visit, &query("/v1/spaces", &[("name", wanted), ("offset", &offset), ("length", &length)]))
        .await?;
    let firing = firing(pages, visit).await?;
    let mut rows = Vec::new();
    for space in items(&found, "spaces") {
        let id = whole(space, "id").unwrap_or_default();
        let charts = charts(pages, visit, id).await?;
        let metrics = metrics(&charts);
        let troubled: Vec<&Value> = firing.iter().filter(|incident| touches(incident, &metrics)).collect();
        rows.push((troubled.len(), vec![
            html! { a href=(space_address(space)) { (Text(text(space, "name"))) } },
            html! { (charts.len()) },
            html! {
                @if troubled.is_empty() { span.muted { "none" } } @else {
                    @for incident in troubled {
                        a href=(format!("/ui/alerts/{}", segment(text(&incident["alert"], "name")))) { (chip(Tone::Bad, &clean(text(&incident["alert"], "name")))) } " "
                    }
                }
            },
        ]));
    }
    rows.sort_by_key(|(trouble, _)| std::cmp::Reverse(*trouble));
    let rows: Vec<Vec<Markup>> = rows.into_iter().map(|(_, row)| row).collect();
    let sees_alerts = visit.may(Access::ReadIncidents);
    let columns: &[&str] =
        if sees_alerts { &["Space", "Charts", "Alerts firing"] } else { &["Space", "Charts"] };
    let rows: Vec<Vec<Markup>> =
        rows.into_iter().map(|row| row.into_iter().take(columns.len()).collect()).collect();
    let content = html! {
        (heading("Spaces", &html! {}, &filter(visit, "/ui/", "name", "Name")))
        @if rows.is_empty() && wanted.is_empty() {
            (card("No spaces yet", &html! {
                p { "A space is a page of charts. Spaces are defined in files and made by " code { "librato-apply apply" } "; or by any client of the API." }
            }))
        } @else if rows.is_empty() {
            (nothing(&html! { "No space has a name with “" (Text(wanted)) "” in it." }))
        } @else {
            section.card { (table("Spaces", columns, &rows)) }
            (pager(visit, "/ui/", &found))
        }
    };
    Ok(page(visit, Here::Spaces, "Spaces", &content))
}

pub async fn by_id(State(pages): State<Pages>, visit: Visit, Path(id): Path<String>) -> Response {
    let found = match id.parse::<i64>() {
        Ok(id) => pages.api().get(&visit, &format!("/v1/spaces/{id}")).await,
        Err(_) => Err(Problem::not_found().into()),
    };
    match found {
        Ok(space) => shown(&pages, &visit, &space).await.unwrap_or_else(|refused| refused.shown(&visit)),
        Err(refused) => refused.shown(&visit),
    }
}

/// Names are what people know; where several spaces share one, it is for them to choose.
pub async fn by_name(State(pages): State<Pages>, visit: Visit, Path(name): Path<String>) -> Response {
    named(&pages, &visit, &name).await.unwrap_or_else(|refused| refused.shown(&visit))
}

async fn named(pages: &Pages, visit: &Visit, name: &str) -> Result<Response, Refused> {
    let mut same = Vec::new();
    for offset in 0.. {
        let offset = (offset * ROWS).to_string();
        let path = query("/v1/spaces", &[("name", name), ("offset", &offset), ("length", &ROWS.to_string())]);
        let found = pages.api().get(visit, &path).await?;
        let all = items(&found, "spaces");
        same.extend(all.iter().filter(|space| text(space, "name") == name).cloned());
        if all.len() < ROWS {
            break;
        }
    }
    match same.as_slice() {
        [] => Err(Problem::not_found().into()),
        [one] => shown(pages, visit, one).await,
        several => {
            let choice = html! {
                (heading(name, &html! { "several spaces have this name" }, &html! {}))
                ul.card.plain { @for space in several {
                    @let id = whole(space, "id").unwrap_or_default();
                    li { a href=(format!("/ui/spaces/id/{id}")) { "the space with the id " (id) } }
                } }
            };
            Ok(page(visit, Here::Spaces, name, &choice))
        }
    }
}

async fn shown(pages: &Pages, visit: &Visit, space: &Value) -> Result<Response, Refused> {
    let id = whole(space, "id").unwrap_or_default();
    let charts = charts(pages, visit, id).await?;
    let metrics = metrics(&charts);
    let related = related(pages, visit, &charts).await?;
    let firing = firing(pages, visit).await?;
    let troubled: Vec<&Value> = firing.iter().filter(|incident| touches(incident, &metrics)).collect();
    let window = Window::read(visit, picture::SINCE)?.steadily(visit.clock.now);
    let path = space_address(space);
    let shown = Charts::new(charts.clone(), window, Size::Card);
    if let Some(answer) = shown.taken(pages, visit, Here::Spaces).await? {
        return Ok(answer);
    }
    let (Drawing { scenes, newest_event }, failed) = shown.drawn(pages, visit).await;
    let actions = html! { (picture::source(visit, &charts)) (picture::toggles(visit, &scenes)) };
    let content = html! {
        (heading(text(space, "name"), &html! { (charts.len()) @if charts.len() == 1 { " chart" } @else { " charts" } }, &actions))
        @for incident in troubled { (strip(incident, &visit.clock)) }
        (window.picker(visit, &path, picture::SINCE, newest_event.as_ref()))
        @if let Some(why) = &failed { p.message role="alert" { "The charts cannot be drawn now: " (why) } }
        @if charts.is_empty() { (nothing(&html! { "This space has no charts." })) }
        div.grid { @for (place, chart) in charts.iter().enumerate() { (chart::small(visit, place, id, chart, scenes.get(place))) } }
        (card("Elsewhere", &html! {
            (copies::definition(&(pages.definitions().space)(space, &charts, &related)))
            (copies::commands(&[copies::command(&["export", &format!("space/{}", text(space, "name"))])]))
        }))
    };
    Ok(page(visit, Here::Spaces, text(space, "name"), &content))
}

/// The names of the spaces that charts lead to, by their ids. Those that are gone have none.
async fn related(pages: &Pages, visit: &Visit, charts: &[Value]) -> Result<BTreeMap<u64, String>, Refused> {
    let ids: BTreeSet<u64> = charts.iter().filter_map(|chart| lenient::id(&chart["related_space"])).collect();
    let mut names = BTreeMap::new();
    for id in ids {
        match pages.api().get(visit, &format!("/v1/spaces/{id}")).await {
            Ok(space) => _ = names.insert(id, text(&space, "name").to_owned()),
            Err(refused) if refused.status == StatusCode::NOT_FOUND => {}
            Err(refused) => return Err(refused),
        }
    }
    Ok(names)
}

/// One alert that fires, in a line.
pub fn strip(incident: &Value, clock: &Clock) -> Markup {
    let name = text(&incident["alert"], "name");
    let violations = items(incident, "violations");
    html! {
        div.strip {
            span.firing { "Firing" }
            a.name href=(format!("/ui/alerts/{}", segment(name))) { (Text(name)) }
            span {
                @if let Some(first) = violations.first() { (words::violation(first, clock.now)) }
                @if violations.len() > 1 { ", and " (violations.len() - 1) " more" }
                (silenced(incident, clock))
            }
        }
    }
}

async fn charts(pages: &Pages, visit: &Visit, space: i64) -> Result<Vec<Value>, Refused> {
    let found = pages.api().get(visit, &format!("/v1/spaces/{space}/charts")).await?;
    Ok(match found {
        Value::Array(charts) => charts,
        other => items(&other, "charts").to_vec(),
    })
}

/// The open incidents, as far as the role may see them; those of alerts that are silenced say until when (`silenced_until`).
pub async fn firing(pages: &Pages, visit: &Visit) -> Result<Vec<Value>, Refused> {
    if !visit.may(Access::ReadIncidents) {
        return Ok(Vec::new());
    }
    let found = pages.api().get(visit, "/v1/incidents?status=open&length=100").await?;
    let mut open = items(&found, "incidents").to_vec();
    if open.is_empty() {
        return Ok(open);
    }
    let found = pages.api().get(visit, "/v1/silences?status=active&length=100").await?;
    for incident in &mut open {
        let silence = silences::of_all_streams(items(&found, "silences"), text(&incident["alert"], "name"));
        if let Some(until) = silence.map(|silence| silence["end_time"].clone()) {
            incident["silenced_until"] = until;
        }
    }
    Ok(open)
}

/// That nobody is notified of an incident for now.
pub fn silenced(incident: &Value, clock: &Clock) -> Markup {
    html! {
        @if let Some(until) = whole(incident, "silenced_until") {
            " " (chip(Tone::Quiet, &format!("silenced until {}", clock.moment(until))))
        }
    }
}

fn metrics(charts: &[Value]) -> Vec<&str> {
    charts.iter().flat_map(|chart| items(chart, "streams")).map(|stream| text(stream, "metric")).collect()
}

fn touches(incident: &Value, metrics: &[&str]) -> bool {
    items(incident, "violations").iter().any(|one| metrics.contains(&text(one, "metric")))
}
