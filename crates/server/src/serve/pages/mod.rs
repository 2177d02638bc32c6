//! What people see in a browser, below `/ui/`: pages that the server writes, who may see them, and the few things they change. What they
//! show is what the routes of the API answer to the role that asks (`api.rs`), so no right is decided here a second time.

mod alert;
mod alerts;
mod api;
mod assets;
mod changes;
mod chart;
mod cookie;
mod copies;
mod csv;
mod definitions;
mod demo;
mod events;
mod explore;
mod fields;
mod figure;
mod frame;
mod gate;
mod health;
mod help;
mod login;
mod measured;
mod metrics;
mod numbers;
mod options;
mod parts;
mod picture;
mod prefix;
mod refused;
mod screen;
mod services;
mod session;
mod sessions;
mod silences;
mod site;
mod snapshot;
mod spaces;
mod table;
mod text;
mod times;
mod visit;
mod window;
mod words;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};

pub use self::definitions::{Definitions, Written};
pub use self::gate::pass;
pub use self::options::{OneTimeLinks, PageOptions};
pub use self::site::{Pages, Surroundings};

use self::refused::Refused;
use self::visit::Visit;
use super::http::problem::Problem;

/// The pages, to be let through [`pass`].
pub fn router(pages: &Pages) -> Router {
    Router::new()
        .route("/", get(frame::to_spaces))
        .route("/ui", get(frame::to_spaces))
        .route("/ui/assets/{hash}/{name}", get(assets::show))
        .route("/ui/login", get(login::form).post(login::submit))
        .route("/ui/logout", post(login::logout))
        .route("/ui/", get(spaces::list))
        .route("/ui/spaces/{name}", get(spaces::by_name))
        .route("/ui/spaces/id/{id}", get(spaces::by_id))
        .route("/ui/spaces/id/{id}/{chart}", get(chart::show))
        .route("/ui/explore", get(explore::show))
        .route("/ui/metrics", get(metrics::list))
        .route("/ui/metrics/{name}", get(metrics::show))
        .route("/ui/alerts", get(alerts::list))
        .route("/ui/alerts/{name}", get(alert::show))
        .route("/ui/alerts/{name}/clear", post(alert::clear))
        .route("/ui/events", get(events::list))
        .route("/ui/services", get(services::list))
        .route("/ui/services/{id}", get(services::show))
        .route("/ui/services/{id}/test", post(services::test))
        .route("/ui/silences", get(silences::list).post(silences::create))
        .route("/ui/silences/{id}/end", post(silences::end))
        .route("/ui/changes", get(changes::list))
        .route("/ui/health", get(health::show))
        .route("/ui/help", get(help::show))
        .route("/ui/v1/snapshots/{name}", get(snapshot::show))
        .route("/ui/{*rest}", get(nothing))
        .method_not_allowed_fallback(async |method: Method| {
            let message = format!("This page does not take {method}.");
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .with_state(pages.clone())
}

/// No page is here.
async fn nothing(visit: Visit) -> Response {
    Refused::from(Problem::not_found()).shown(&visit)
}
