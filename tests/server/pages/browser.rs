//! A browser as far as the server can tell one: it keeps a cookie, sends forms, and names its host.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use librato_apply::serve::{Credentials, Data, Options, Role, Store, router};
use tower::ServiceExt as _;
use url::form_urlencoded;

use crate::harness::{Api, TOKEN, USER};

pub const HOST: &str = "127.0.0.1:8080";

/// One role each, as a file of credentials has them; the password is the name.
pub const PEOPLE: [(&str, Role); 3] =
    [("viewer", Role::Viewer), ("operator", Role::Operator), ("recorder", Role::Recorder)];

pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it sends the browser.
    pub fn to(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location")
    }

    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.text
    }
}

/// The cookie that an answer sets, without its attributes.
pub fn cookie(page: &Page) -> String {
    page.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

pub struct Browser {
    pub router: Router,
    pub cookie: String,
}

impl Browser {
    pub fn new(router: &Router) -> Browser {
        Browser { router: router.clone(), cookie: String::new() }
    }

    /// One that has logged in.
    pub async fn of(router: &Router, user: &str, token: &str) -> Browser {
        let mut browser = Browser::new(router);
        let page = browser.log_in(user, token).await;
        assert_eq!(page.to(), "/ui/");
        browser.cookie = cookie(&page);
        browser
    }

    pub async fn log_in(&self, user: &str, token: &str) -> Page {
        self.post("/ui/login", &[("user", user), ("token", token)], &[]).await
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send("GET", path, String::new(), &[]).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, body, headers).await
    }

    /// Sends a form as a page of ours holds it, with its token.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.form_token().await;
        let mut all = fields.to_vec();
        all.push(("form_token", &token));
        let headers = [("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "same-origin")];
        self.post(path, &all, &headers).await
    }

    pub async fn form_token(&self) -> String {
        let page = self.get("/ui/help").await.good();
        let (_, after) = page.split_once("name=\"form_token\" value=\"").unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    pub async fn send(&self, method: &str, path: &str, body: String, headers: &[(&str, &str)]) -> Page {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header(header::HOST, HOST);
        }
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Page {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }
}

/// A server that knows the admin and the [`PEOPLE`].
pub fn server(options: &Options) -> Api {
    let store = Store::open(&Data::Memory).unwrap();
    let mut all = vec![Credentials::new(USER, &TOKEN.into())];
    all.extend(PEOPLE.map(|(name, role)| Credentials::with_role(name, &name.into(), role)));
    let mut options = options.clone();
    options.pages.definitions = librato_apply::definition::writer();
    Api { router: router(store, all, &options) }
}
