//! What there is, and who may see it.

use axum::response::Response;
use maud::{Markup, html};

use super::frame::{Here, card, heading, page};
use super::parts::table;
use super::visit::Visit;

const ROLES: [(&str, &str); 4] = [
    ("viewer", "spaces, metrics and events"),
    (
        "operator",
        "also alerts, services with their settings masked, silences and health; silences and resolves alerts",
    ),
    ("admin", "also sends test messages to services"),
    ("recorder", "no pages: this role is for sending measurements"),
];

const KEYS: [(&str, &str); 17] = [
    ("g s, g e, g a, g m", "to the spaces, to explore, to the alerts, to the metrics"),
    ("j, k", "to the next chart, to the one before"),
    ("← → Home End", "on a chart: move the cursor through its values"),
    ("v", "the chart alone, large"),
    ("d", "its numbers as a table"),
    ("l", "to its legend: Enter shows a series alone, Ctrl with Enter hides it"),
    ("y", "the definition as YAML"),
    ("t z, Ctrl z", "twice as much time"),
    ("t ←, t →", "half of the time earlier, later"),
    ("t a", "from here on exactly this time"),
    ("t c, t v", "copy a link to this time, take over one that was copied"),
    ("drag", "on a chart: show this time; with Shift: move it; double click: twice as much"),
    ("hold, two fingers", "on a phone: read values; zoom"),
    ("d r", "refresh now"),
    ("d k", "for a screen on the wall: charts alone"),
    ("/", "to the field that filters"),
    ("?", "this page"),
];

pub async fn show(visit: Visit) -> Response {
    let rows: Vec<Vec<Markup>> =
        ROLES.iter().map(|(role, sees)| vec![html! { (role) }, html! { (sees) }]).collect();
    let content = html! {
        (heading("Help", &html! {}, &html! {}))
        (card("When you were woken", &html! {
            ol {
                li { "Alerts shows what fires, since when and why, before anything else." }
                li { "The page of the alert says who was notified, and has its runbook." }
                li { "“Silence it” holds back notifications for a time; the alert is evaluated all the same, and says so." }
                li { "“Resolve” closes the incident; the alert fires again when its conditions are met anew." }
            }
        }))
        (card("Who sees what", &table("Roles", &["Role", "Sees and does"], &rows)))
        (card("Definitions", &html! {
            p { "Nothing is edited here. Alerts, spaces and metrics are defined in files, and changed by " code { "librato-apply plan" } " and " code { "apply" } "." }
        }))
        (card("Keys", &html! {
            p.note { "With scripts only. " label { input #keys-off type="checkbox" checked; " Use keys" } }
            (table("Keys", &["Keys", "What they do"], &KEYS.map(|(keys, does)| vec![html! { kbd { (keys) } }, html! { (does) }])))
        }))
        (card("Times", &html! {
            p { "Where a time is asked for, write " code { "-6h" } ", " code { "now" } ", seconds of the epoch or "
                code { "2026-01-31T12:00:00Z" } ". What you chose stands in the address, so a copied link shows the same." }
        }))
    };
    page(&visit, Here::Help, "Help", &content)
}
