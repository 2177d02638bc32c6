//! What several pages are made of: tables that fit a phone, filters, pages of lists, marks of states.

use maud::{Markup, html};
use serde_json::Value;

use super::fields::{text, whole};
use super::visit::Visit;
use crate::serve::http::answer::segment;

/// How many rows a page of a list has.
pub const ROWS: usize = 100;

/// A table whose rows become cards where there is no room for columns. The first column is what a row is about.
pub fn table(name: &str, columns: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table aria-label=(name) {
            thead { tr { @for column in columns { @if column.is_empty() { td {} } @else { th scope="col" { (column) } } } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (cell, column) in row.iter().zip(columns) {
                            td data-label=(column) { div { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// A field that narrows a list, and what it holds now.
pub fn filter(visit: &Visit, path: &str, name: &str, label: &str) -> Markup {
    html! {
        form.filter role="search" method="get" action=(path) {
            label { span { (label) } input type="search" name=(name) value=(visit.params.text(name)); }
            button { "Filter" }
        }
    }
}

/// Which part of a list is shown, and the way to the others. `query` is what the API says of it.
pub fn pager(visit: &Visit, path: &str, list: &Value) -> Markup {
    let number =
        |key: &str| list["query"][key].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
    let (found, offset, length) = (number("found"), number("offset"), number("length"));
    html! {
        @if found > length {
            nav.pager aria-label="Parts of the list" {
                @if offset > 0 {
                    a.button rel="prev" href=(visit.params.with(path, "offset", &offset.saturating_sub(ROWS).to_string())) { "Previous" }
                }
                span { (offset + 1) " to " (offset + length) " of " (found) }
                @if offset + length < found {
                    a.button rel="next" href=(visit.params.with(path, "offset", &(offset + ROWS).to_string())) { "Next" }
                }
            }
        }
    }
}

/// What a state means to the eye; the word is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Bad,
    Warn,
    Good,
    Quiet,
}

/// A state as a word with its mark.
pub fn chip(tone: Tone, word: &str) -> Markup {
    let class = match tone {
        Tone::Bad => "chip bad",
        Tone::Warn => "chip warn",
        Tone::Good => "chip good",
        Tone::Quiet => "chip quiet",
    };
    html! { span class=(class) { (word) } }
}

/// Where there is nothing.
pub fn nothing(words: &Markup) -> Markup {
    html! { p.nothing { (words) } }
}

/// Where a space is: by its name, which is what people know.
pub fn space_address(space: &Value) -> String {
    match text(space, "name") {
        // steps that a browser would take out of the path
        "" | "." | ".." => format!("/ui/spaces/id/{}", whole(space, "id").unwrap_or_default()),
        name => format!("/ui/spaces/{}", segment(name)),
    }
}
