//! Coming in with a user and a token or by a link of the program itself, and going out.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

use super::fields::Params;
use super::refused::Refused;
use super::site::Pages;
use super::visit::{Sent, Visit, own_path};
use super::{cookie, frame, gate};
use crate::serve::http::address::Client;
use crate::serve::http::auth::{Asked, Caller, Identity};
use crate::serve::http::problem::Problem;
use crate::serve::http::role::Role;

/// The form; with `once` whoever has this link is let in.
pub async fn form(State(pages): State<Pages>, request: Request) -> Result<Response, Refused> {
    let params = Params::read(request.uri().query().unwrap_or_default());
    let client = request.extensions().get::<Client>().copied().unwrap_or_default();
    let once = params.text("once");
    if once.is_empty() {
        let shown = shown(&pages, client, own_path(params.text("to")).unwrap_or_default(), "", None);
        return Ok(frame::outside("Log in", gate::theme(request.headers(), &params), &shown).into_response());
    }
    if !pages.gate().links.take(once) {
        let message = "This link was used before, or is older than ten minutes. Press Enter where the server runs for a new one.";
        return Err(Refused::new(StatusCode::FORBIDDEN, message));
    }
    match pages.gate().authenticator.first_admin() {
        Some(known) => let_in(&pages, request.headers(), client, known, "/ui/").await,
        None => Err(Refused::new(StatusCode::FORBIDDEN, "No user of this server is an admin.")),
    }
}

/// What the form sent.
pub async fn submit(State(pages): State<Pages>, sent: Sent, request: Request) -> Result<Response, Refused> {
    let client = request.extensions().get::<Client>().copied().unwrap_or_default();
    let theme = gate::theme(request.headers(), &Params::default());
    let (user, token, to) = (sent.text("user"), sent.text("token"), sent.back(""));
    let again = |status: StatusCode, message: &str| {
        let shown = shown(&pages, client, &to, user, Some(message));
        (status, frame::outside("Log in", theme, &shown)).into_response()
    };
    if !takes_tokens(&pages, client) {
        return Ok(again(StatusCode::FORBIDDEN, "Nothing was sent on: the connection is not encrypted."));
    }
    if user.is_empty() || token.is_empty() {
        return Ok(again(StatusCode::BAD_REQUEST, "Give both, user and token."));
    }
    let known = match pages.gate().authenticator.log_in(user, token, client).await.map_err(Refused::from) {
        Ok(known) => known,
        Err(refused) => return Ok(again(refused.status, &refused.message)),
    };
    match known {
        None => Ok(again(StatusCode::FORBIDDEN, "No user of this server has this token.")),
        Some((caller, _)) if caller.role == Role::Recorder => Ok(again(
            StatusCode::FORBIDDEN,
            "This token is for sending measurements; there are no pages for it.",
        )),
        Some(known) => {
            let to = if to.is_empty() { "/ui/" } else { &to };
            let_in(&pages, request.headers(), client, known, to).await
        }
    }
}

/// Ends the session for good, also where its cookie was copied.
pub async fn logout(
    State(pages): State<Pages>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    pages.gate().sessions.end(&visit.session).await?;
    let mut response = Redirect::to("/ui/login").into_response();
    let gone = cookie::session(&cookie::name(&headers), "", pages.gate().is_secure(visit.client));
    response.headers_mut().extend(gone.map(|gone| (header::SET_COOKIE, gone)));
    Ok(response)
}

async fn let_in(
    pages: &Pages,
    headers: &HeaderMap,
    client: Client,
    (caller, identity): (Caller, Identity),
    to: &str,
) -> Result<Response, Refused> {
    let gate = pages.gate();
    let begun = gate.sessions.begin(&identity).await?;
    let set = begun.session.seal(&begun.key);
    let set = set.and_then(|sealed| cookie::session(&cookie::name(headers), &sealed, gate.is_secure(client)));
    let set = set.ok_or_else(|| Problem::internal("a session could not be sealed"))?;
    let mut response = Redirect::to(to).into_response();
    response.headers_mut().insert(header::SET_COOKIE, set);
    response.extensions_mut().insert(Asked(caller.name));
    Ok(response)
}

/// Whether a token that is given here is seen by no one on the way.
fn takes_tokens(pages: &Pages, client: Client) -> bool {
    let is_here = client.address.is_none_or(|address| address.to_canonical().is_loopback());
    is_here || pages.gate().is_secure(client)
}

fn shown(pages: &Pages, client: Client, to: &str, user: &str, message: Option<&str>) -> Markup {
    html! {
        h1 { "Log in" }
        @if let Some(message) = message {
            p.message role="alert" { (message) }
        }
        @if takes_tokens(pages, client) {
            form method="post" action="/ui/login" {
                input type="hidden" name="to" value=(to);
                label { "User" input name="user" value=(user) autocomplete="username" required autofocus[user.is_empty()]; }
                label { "Token" input name="token" type="password" autocomplete="current-password" required autofocus[!user.is_empty()]; }
                button.primary { "Log in" }
            }
            p.note { "The user and the token that clients of the API use. The roles viewer, operator and admin have pages." }
        } @else {
            p { "This connection is not encrypted, so a token that is typed here could be read on the way." }
            p { "Give the server a certificate (" code { "--tls-cert" } ", " code { "--tls-key" } "); or put a proxy that speaks HTTPS in front of it,
                and name it with " code { "--trusted-proxy" } " and " code { "--public-url" } "; or go through a tunnel:" }
            pre { "ssh -L 8080:localhost:8080 HOST" }
        }
    }
}
