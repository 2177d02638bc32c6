//! The picture of a snapshot, for whoever may see spaces: in the session of a browser, or with credentials.

use axum::extract::{Path, State};
use axum::http::Extensions;
use axum::response::Response;

use super::refused::Refused;
use super::site::Pages;
use super::visit::Visit;
use crate::serve::http::auth::Caller;
use crate::serve::http::problem::Problem;

pub async fn show(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    extensions: Extensions,
) -> Result<Response, Refused> {
    let missing = || Refused::from(Problem::not_found());
    let id = name.strip_suffix(".png").and_then(|id| id.parse::<u32>().ok()).ok_or_else(missing)?;
    let visitor = extensions.get::<Visit>().map(|visit| visit.caller.clone());
    let caller = visitor.or_else(|| extensions.get::<Caller>().cloned()).ok_or_else(missing)?;
    pages.api().fetch(caller, &format!("/v1/snapshots/{id}/image")).await
}
