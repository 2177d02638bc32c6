//! What every request for a page passes: under which name it asks, whether a page of ours sent it, whose session it has, and the headers
//! that its answer gets.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use subtle::ConstantTimeEq as _;

use super::fields::{Params, list, query};
use super::refused::Refused;
use super::screen::Screen;
use super::sessions::Found;
use super::site::{Gate, Pages};
use super::times::{self, Clock};
use super::visit::{Sent, Visit, own_path};
use super::{cookie, demo, frame};
use crate::serve::http::address::Client;
use crate::serve::http::admission::MemoryPermit;
use crate::serve::http::auth::{Asked, Caller};
use crate::serve::http::problem::Problem;
use crate::serve::http::role::{Access, Role};
use crate::serve::http::{cross_site, form};

/// The longest body of a form.
const LONGEST: usize = 64 * 1024;

const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types picture",
    ),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Lets a request through to the pages, or answers it.
pub async fn pass(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let response = admit(&pages, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let response = pages.gate().prefix.applied(response).await;
    let mut response = response.unwrap_or_else(IntoResponse::into_response);
    if pages.gate().is_demo {
        response = demo::marked(response).await.unwrap_or_else(IntoResponse::into_response);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn admit(pages: &Pages, mut request: Request, next: Next) -> Result<Response, Refused> {
    let gate = pages.gate();
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !gate.hosts.are(host) {
        let message = "This server is not known by the name under which it was asked. Whoever runs it allows a name with \
            --allow-host, or with --public-url.";
        return Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, message));
    }
    let client = request.extensions().get::<Client>().copied().unwrap_or_default();
    cross_site::check(request.method(), request.headers(), gate.is_secure(client))?;
    let path = request.uri().path().to_owned();
    if path == "/" || path == "/ui" || path.starts_with("/ui/assets/") {
        return Ok(next.run(request).await);
    }
    let found = find(gate, request.headers()).await?;
    if request.method() == Method::POST {
        let sent = receive(&mut request, gate.body_time).await?;
        if let Some((_, _, token)) = &found {
            let given = request.headers().get("x-form-token").map(HeaderValue::as_bytes);
            let given = given.unwrap_or(sent.text("form_token").as_bytes());
            if path != "/ui/login" && !bool::from(token.as_bytes().ct_eq(given)) {
                let message =
                    "The form is not one of this session. Go back, load the page again and repeat it.";
                return Err(Refused::new(StatusCode::FORBIDDEN, message));
            }
        }
        request.extensions_mut().insert(sent);
    }
    if path == "/ui/login" {
        return Ok(next.run(request).await);
    }
    let Some((found, caller, form_token)) = found else {
        return with_credentials(pages, request, next, client).await;
    };
    let uri = request.uri().clone();
    let params = Params::read(uri.query().unwrap_or_default());
    let mut visit = Visit {
        caller,
        session: found.session.clone(),
        form_token,
        client,
        claim: request.extensions().get::<MemoryPermit>().cloned(),
        firing: None,
        theme: theme(request.headers(), &params),
        screen: Screen::of(request.headers()),
        address: uri.path_and_query().map_or_else(|| path.clone(), ToString::to_string),
        clock: Clock { now: gate.sessions.now(), zone: times::zone(request.headers(), &params) },
        aging: pages.store().aging(),
        params,
    };
    if visit.may(Access::ReadIncidents) && request.method() != Method::POST {
        let status = pages.api().get(&visit, "/v1/alerts/status").await.ok();
        visit.firing = status.map(|status| list(&status, "firing").len());
    }
    let (asked, chosen) = (Asked(visit.caller.name.clone()), visit.params.text("theme").to_owned());
    let name = cookie::name(request.headers());
    request.extensions_mut().insert(visit);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(asked);
    if !response.headers().contains_key(header::SET_COOKIE) {
        let again = found.session.seen_at(gate.sessions.now()).and_then(|session| session.seal(&found.key));
        let again = again.and_then(|sealed| cookie::session(&name, &sealed, gate.is_secure(client)));
        let theme = matches!(chosen.as_str(), "light" | "dark" | "system")
            .then(|| cookie::theme(&chosen, gate.is_secure(client)));
        for cookie in again.into_iter().chain(theme.flatten()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

/// Where there is no session: pictures are shown to programs with credentials, too; everything else to whoever logs in.
async fn with_credentials(
    pages: &Pages,
    mut request: Request,
    next: Next,
    client: Client,
) -> Result<Response, Refused> {
    let is_picture = request.uri().path().starts_with("/ui/v1/snapshots/");
    if !is_picture || !request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(stranger(&request));
    }
    let caller = pages.gate().authenticator.admit(request.headers(), client).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The session of the browser, whose it is, and what its forms hold.
async fn find(gate: &Gate, headers: &HeaderMap) -> Result<Option<(Found, Caller, String)>, Problem> {
    let name = cookie::name(headers);
    // Whoever shares the host may add cookies of this name; more than a few are not looked at.
    for cookie in cookie::all(headers, &name).take(4) {
        let Some(found) = gate.sessions.find(cookie).await? else { continue };
        let Found { session, key } = &found;
        let accept = |secret: &[u8; 32]| {
            key.fingerprint(secret).is_some_and(|print| bool::from(print.ct_eq(&session.fingerprint)))
        };
        let Some(caller) = gate.authenticator.again(session.token, accept).await? else { continue };
        if caller.role == Role::Recorder {
            continue;
        }
        let Some(form_token) = session.form_token(key) else { continue };
        return Ok(Some((found, caller, form_token)));
    }
    Ok(None)
}

async fn receive(request: &mut Request, time: Duration) -> Result<Sent, Refused> {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    let unread = |message: &str| Refused::new(StatusCode::BAD_REQUEST, message);
    let bytes = tokio::time::timeout(time, to_bytes(body, LONGEST)).await;
    let bytes = bytes.map_err(|_| unread("The form took too long to arrive."))?;
    let bytes = bytes.map_err(|_| unread("The form is too long, or was broken off."))?;
    form::decode(&bytes).map(Sent).map_err(|error| unread(&format!("The form cannot be read: {error}.")))
}

/// What someone is answered who is not logged in: the login, and afterwards back to where they wanted to.
fn stranger(request: &Request) -> Response {
    let wanted = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let wanted = own_path(&wanted).filter(|_| request.method() != Method::POST).unwrap_or("/ui/");
    if request.method() != Method::POST && is_from_elsewhere(request.headers()) {
        return frame::reload(wanted).into_response();
    }
    Redirect::to(&query("/ui/login", &[("to", if wanted == "/ui/" { "" } else { wanted })])).into_response()
}

/// Whether a link on another site led here: browsers do not send our cookie along then, but do once the page asks itself again.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "cross-site" | "same-site"),
        None => text("referer").and_then(|from| url::Url::parse(from).ok()).is_some_and(|from| {
            let port = from.port().map_or_else(String::new, |port| format!(":{port}"));
            text("host") != from.host_str().map(|host| format!("{host}{port}")).as_deref()
        }),
    }
}

/// What was chosen now, else what was chosen before.
pub fn theme(headers: &HeaderMap, params: &Params) -> Option<&'static str> {
    let known = |name: &str| ["light", "dark"].into_iter().find(|known| *known == name);
    match params.text("theme") {
        "" => cookie::all(headers, "theme").find_map(known),
        chosen => known(chosen),
    }
}
