//! What stands around the content of every page: head, navigation, foot.

use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::address;
use super::fields;
use super::text::Text;
use super::visit::Visit;
use crate::serve::http::role::Access;

/// Where a page is in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    Spaces,
    Explore,
    Metrics,
    Alerts,
    Events,
    Services,
    Silences,
    Health,
    Help,
    Nowhere,
}

const NAVIGATION: [(Here, &str, &str, Access); 8] = [
    (Here::Spaces, "Spaces", "/ui/", Access::ReadSpaces),
    (Here::Explore, "Explore", "/ui/explore", Access::ReadData),
    (Here::Alerts, "Alerts", "/ui/alerts", Access::ReadIncidents),
    (Here::Metrics, "Metrics", "/ui/metrics", Access::ReadData),
    (Here::Events, "Events", "/ui/events", Access::ReadData),
    (Here::Services, "Services", "/ui/services", Access::ReadServices),
    (Here::Silences, "Silences", "/ui/silences", Access::ReadIncidents),
    (Here::Health, "Health", "/ui/health", Access::ReadHealth),
];

/// What the parameter `said` may be, and what a page then says: what a form has just done.
const SAID: [(&str, &str); 4] = [
    ("silenced", "The silence begins. Nobody is notified while it lasts."),
    ("ended", "The silence is over."),
    ("resolved", "The alert is resolved. It fires again when its conditions are met anew."),
    ("tested", "The test was sent."),
];

/// Keys that lead there, one after the other.
fn key(place: Here) -> Option<&'static str> {
    match place {
        Here::Spaces => Some("g s"),
        Here::Explore => Some("g e"),
        Here::Alerts => Some("g a"),
        Here::Metrics => Some("g m"),
        _ => None,
    }
}

/// A page for someone who is known.
pub fn page(visit: &Visit, here: Here, title: &str, content: &Markup) -> Response {
    let said = SAID.iter().find(|(name, _)| *name == visit.params.text("said"));
    let path = visit.path();
    let firing = visit.firing.filter(|firing| *firing > 0);
    let titled = firing.map_or_else(|| title.to_owned(), |firing| format!("({firing}) {title}"));
    // Whoever looks at yesterday stays there.
    let span = ["from", "to", "tz"].map(|name| (name, visit.params.text(name)));
    let body = html! {
        a.skip href="#content" { "To the content" }
        header.head {
            a.brand href="/ui/" { "librato-apply" }
            nav aria-label="Pages" {
                @for (place, name, to, access) in NAVIGATION {
                    @if visit.may(access) {
                        a href=(fields::query(to, &span)) data-key=[key(place)] aria-current=[(place == here).then_some("page")] {
                            (name)
                            @if let (Here::Alerts, Some(firing)) = (place, firing) {
                                " " span.count { (firing) span.hidden { " firing" } }
                            }
                        }
                    }
                }
            }
            div.account {
                a href="/ui/help" data-key="?" aria-current=[(here == Here::Help).then_some("page")] { "Help" }
                span.who { (Text(&visit.caller.name)) " · " (visit.role().name()) }
                form method="post" action="/ui/logout" { (form_token(visit)) button { "Log out" } }
            }
        }
        main #content data-zone=(visit.clock.zone_name()) data-refresh=(match visit.params.text("refresh") { "" => "auto", chosen => chosen }) {
            @if let Some((_, said)) = said { p.message.good role="status" { (said) } }
            (content)
        }
        footer {
            span {
                "librato-apply " (env!("CARGO_PKG_VERSION")) " · times in " (visit.clock.zone_name())
                @if visit.clock.zone_name() != "UTC" { " · " a href=(visit.params.with(path, "tz", "UTC")) { "in UTC" } }
                @else if visit.params.text("tz") == "UTC" { " · " a.scripted href=(visit.params.with(path, "tz", "")) { "as in the browser" } }
            }
            span { "Colours: "
                @for (name, shown) in [("system", "as the system"), ("light", "light"), ("dark", "dark")] {
                    a href=(visit.params.with(path, "theme", name)) aria-current=[(visit.theme.unwrap_or("system") == name).then_some("true")] { (shown) }
                    " "
                }
            }
        }
    };
    // Whoever has scripts is refreshed by them, without a flicker.
    let again =
        refresh(visit).map(|seconds| html! { noscript { meta http-equiv="refresh" content=(seconds); } });
    whole(&titled, visit.theme, visit.params.text("wall") == "1", &again.unwrap_or_default(), &body)
        .into_response()
}

/// After how many seconds the page is to be asked for again, if someone chose that.
fn refresh(visit: &Visit) -> Option<u32> {
    visit.params.text("refresh").parse().ok().filter(|seconds| (5..=3_600).contains(seconds))
}

/// A page for someone who is not known yet.
pub fn outside(title: &str, theme: Option<&str>, content: &Markup) -> Html<String> {
    whole(
        title,
        theme,
        false,
        &html! {},
        &html! { main.outside { p.brand { "librato-apply" } div.card { (content) } } },
    )
}

/// The same for a few words.
pub fn bare(title: &str, content: &Markup) -> Html<String> {
    outside(title, None, &html! { h1 { (title) } (content) })
}

/// A page that asks for itself again, this time from here.
pub fn reload(path: &str) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content=(format!("0; url={path}"));
                title { "librato-apply" }
            }
            body { a href=(path) { "Go on" } }
        }
    };
    Html(page.into_string())
}

pub async fn to_spaces() -> Redirect {
    Redirect::to("/ui/")
}

fn whole(title: &str, theme: Option<&str>, wall: bool, head: &Markup, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] data-wall=[wall.then_some("1")] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (super::text::clean(title)) " · librato-apply" }
                link rel="stylesheet" href=(address("app.css"));
                link rel="icon" type="image/svg+xml" href=(address("icon.svg"));
                script type="module" src=(address("app.js")) {}
                (head)
            }
            body { (body) }
        }
    };
    Html(page.into_string())
}

/// What every form that writes holds.
pub fn form_token(visit: &Visit) -> Markup {
    html! { input type="hidden" name="form_token" value=(visit.form_token); }
}

/// A part of a page with a title.
pub fn card(title: &str, content: &Markup) -> Markup {
    html! { section.card { h2 { (title) } (content) } }
}

/// The head of the content: what it is about, a note, and what can be done.
pub fn heading(title: &str, note: &Markup, actions: &Markup) -> Markup {
    html! { div.title { h1 { (Text(title)) } div.note { (note) } div.actions { (actions) } } }
}

/// Answers with a page somewhere else that says what was done.
pub fn done(to: &str, said: &str) -> Response {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let to = fields::Params::read(query).with(path, "said", said);
    ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&to)).into_response()
}
