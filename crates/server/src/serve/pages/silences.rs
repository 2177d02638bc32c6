//! Silences: whose notifications are held back, why and until when; begun and ended by forms.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::fields::{list as items, text, whole};
use super::frame::{Here, card, done, form_token, heading, page};
use super::parts::{Tone, chip, nothing, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::times::span;
use super::visit::{Sent, Visit};
use crate::pattern;
use crate::serve::http::role::Access;

/// Seconds that can be chosen.
const LENGTHS: [i64; 7] = [1_800, 3_600, 7_200, 14_400, 43_200, 86_400, 604_800];

pub async fn list(State(pages): State<Pages>, visit: Visit) -> Response {
    listed(&pages, &visit).await.unwrap_or_else(|refused| refused.shown(&visit))
}

pub async fn create(State(pages): State<Pages>, visit: Visit, sent: Sent) -> Response {
    let body = json!({
        "alert": sent.text("alert"),
        "stream": sent.text("stream"),
        "duration": sent.text("duration"),
        "why": sent.text("why"),
    });
    match pages.api().post(&visit, "/v1/silences", &body).await {
        Ok(_) => done(&sent.back("/ui/silences"), "silenced"),
        Err(refused) => refused.shown(&visit),
    }
}

pub async fn end(State(pages): State<Pages>, visit: Visit, Path(id): Path<u32>, sent: Sent) -> Response {
    match pages.api().delete(&visit, &format!("/v1/silences/{id}")).await {
        Ok(_) => done(&sent.back("/ui/silences"), "ended"),
        Err(refused) => refused.shown(&visit),
    }
}

async fn listed(pages: &Pages, visit: &Visit) -> Result<Response, Refused> {
    let mut parts = Vec::new();
    for (status, title) in [("active", "Active"), ("pending", "Coming"), ("ended", "Ended")] {
        let found =
            pages.api().get(visit, &format!("/v1/silences?status={status}&sort=desc&length=100")).await?;
        parts.push((status, title, items(&found, "silences").to_vec()));
    }
    let content = html! {
        (heading("Silences", &html! { "alerts are evaluated all the same; nobody is notified" }, &html! {}))
        @for (status, title, silences) in &parts {
            @if *status == "active" || !silences.is_empty() { (card(title, &rows(visit, status, silences))) }
        }
        @if visit.may(Access::Clear) { (card("Silence alerts", &form(visit, "", "/ui/silences"))) }
    };
    Ok(page(visit, Here::Silences, "Silences", &content))
}

/// The silence that covers every stream of an alert.
pub fn of_all_streams<'a>(silences: &'a [Value], alert: &str) -> Option<&'a Value> {
    silences.iter().find(|silence| {
        matches!(text(silence, "stream"), "" | "*") && pattern::matches(text(silence, "alert"), alert)
    })
}

fn rows(visit: &Visit, status: &str, silences: &[Value]) -> Markup {
    let rows: Vec<Vec<Markup>> = silences
        .iter()
        .map(|silence| {
            let time = |key: &str| whole(silence, key);
            let until = time("ended_at").or(time("end_time")).unwrap_or_default();
            vec![
                html! {
                    (Text(text(silence, "alert")))
                    @if !matches!(text(silence, "stream"), "" | "*") { " on " (Text(text(silence, "stream"))) }
                    @if status == "active" { " " (chip(Tone::Quiet, "active")) }
                },
                html! {
                    @if status == "pending" { "from " (time("start_time").map(|at| visit.clock.when(at)).unwrap_or_default()) ", " }
                    @if status == "ended" { (visit.clock.ago(until)) } @else { "until " (visit.clock.when(until)) " (" (visit.clock.ago(until)) ")" }
                },
                html! { (Text(text(silence, "why"))) },
                html! { (Text(text(silence, "user"))) },
                html! {
                    @if status != "ended" && visit.may(Access::Clear) {
                        form method="post" action=(format!("/ui/silences/{}/end", time("id").unwrap_or_default())) {
                            (form_token(visit)) button { "End it" span.hidden { ": " (Text(text(silence, "alert"))) } }
                        }
                    }
                },
            ]
        })
        .collect();
    html! {
        @if rows.is_empty() { (nothing(&html! { "No alert is silenced." })) }
        @else { (table("Silences", &["Alerts", "Time", "Why", "By", ""], &rows)) }
    }
}

/// The form that begins one. `alert` is whom it is about, where that is known.
pub fn form(visit: &Visit, alert: &str, back: &str) -> Markup {
    html! {
        form.fields method="post" action="/ui/silences" {
            (form_token(visit))
            input type="hidden" name="to" value=(back);
            @if alert.is_empty() {
                label { "Alerts" input name="alert" required placeholder="shop.*"; small { "a name; * stands for any run of characters" } }
            } @else {
                input type="hidden" name="alert" value=(alert);
            }
            label { "Streams" input name="stream" value="*"; small { "such as web*; * for all" } }
            label { "For"
                select name="duration" {
                    @for length in LENGTHS { option value=(length) selected[length == 3_600] { (span(length)) } }
                }
            }
            label.wide { "Why" input name="why" required maxlength="500"; }
            button.primary { "Silence" }
        }
    }
}
