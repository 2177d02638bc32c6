//! Coming in, staying in, going out; and requests that others make a browser send.

use librato_apply::serve::{Credentials, Data, Opening, Options, Role, Store, Users, router};
use serde_json::json;

use super::browser::{Browser, PEOPLE, cookie, server};
use crate::harness::{TOKEN, USER};

#[tokio::test]
async fn whoever_is_not_logged_in_sees_the_login_and_comes_back() {
    let api = server(&Options::default());
    let mut browser = Browser::new(&api.router);
    assert_eq!(browser.get("/").await.to(), "/ui/");
    assert_eq!(browser.get("/ui/").await.to(), "/ui/login");
    assert_eq!(browser.get("/ui/alerts?name=a").await.to(), "/ui/login?to=%2Fui%2Falerts%3Fname%3Da");
    let form = browser.get("/ui/login?to=/ui/alerts").await.good();
    assert!(form.contains("name=\"to\" value=\"/ui/alerts\"") && form.contains("type=\"password\""));
    assert!(!browser.get("/ui/login?to=https://evil.example/").await.good().contains("evil"));
    let fields = [("user", "OPS@example.org"), ("token", TOKEN), ("to", "/ui/alerts")];
    let page = browser.post("/ui/login", &fields, &[]).await;
    assert_eq!(page.to(), "/ui/alerts");
    let set = page.header("set-cookie");
    assert!(set.starts_with("la-8080=") && set.ends_with("; HttpOnly; SameSite=Strict; Path=/ui"), "{set}");
    browser.cookie = cookie(&page);
    browser.get("/ui/alerts").await.good();
    let elsewhere = [("user", USER), ("token", TOKEN), ("to", "https://evil.example/")];
    assert_eq!(browser.post("/ui/login", &elsewhere, &[]).await.to(), "/ui/");
}

#[tokio::test]
async fn a_wrong_token_and_a_recorder_stay_outside() {
    let api = server(&Options::default());
    let browser = Browser::new(&api.router);
    for (user, token, words) in [
        (USER, "wrong", "No user of this server has this token"),
        ("nobody", "viewer ", "No user"),
        ("recorder", "recorder", "for sending measurements"),
        (USER, "", "Give both"),
    ] {
        let page = browser.log_in(user, token).await;
        assert!(page.status >= 400 && page.header("set-cookie").is_empty(), "{user} {token}");
        assert!(page.text.contains(words), "{}", page.text);
        assert!(token.trim().is_empty() || user == token || !page.text.contains(&format!("\"{token}\"")));
    }
    for guess in 0..12 {
        browser.log_in(USER, &format!("guess {guess}")).await;
    }
    let page = browser.log_in(USER, "another").await;
    assert_eq!(page.status, 429, "{}", page.text);
}

#[tokio::test]
async fn logout_ends_the_session_and_not_only_the_cookie() {
    let api = server(&Options::default());
    let browser = Browser::of(&api.router, USER, TOKEN).await;
    let other = Browser::of(&api.router, USER, TOKEN).await;
    let page = browser.submit("/ui/logout", &[]).await;
    assert_eq!(page.to(), "/ui/login");
    assert!(
        page.header("set-cookie").contains("la-8080=;") && page.header("set-cookie").contains("Max-Age=0")
    );
    assert_eq!(browser.get("/ui/").await.to(), "/ui/login", "a copy of the cookie opens nothing");
    other.get("/ui/").await.good();
    let changed = Browser { cookie: format!("{}x", other.cookie), ..Browser::new(&api.router) };
    assert_eq!(changed.get("/ui/").await.to(), "/ui/login");
    let both =
        Browser { cookie: format!("{}; {}", browser.cookie, other.cookie), ..Browser::new(&api.router) };
    both.get("/ui/").await.good();
}

/// What was ended stays so, and what was not goes on, over a restart.
#[tokio::test]
async fn sessions_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let data = Data::File(dir.path().join("a.db"));
    let start = || {
        router(Store::open(&data).unwrap(), vec![Credentials::new(USER, &TOKEN.into())], &Options::default())
    };
    let (ended, kept) = {
        let router = start();
        let (ended, kept) =
            (Browser::of(&router, USER, TOKEN).await, Browser::of(&router, USER, TOKEN).await);
        ended.submit("/ui/logout", &[]).await;
        (ended.cookie.clone(), kept.cookie.clone())
    };
    let router = start();
    let again = |cookie| Browser { cookie, ..Browser::new(&router) };
    again(kept).get("/ui/").await.good();
    assert_eq!(again(ended).get("/ui/").await.to(), "/ui/login");
}

#[tokio::test]
async fn a_session_ends_with_the_credential_it_began_with() {
    let users = Users::from(vec![
        Credentials::new(USER, &TOKEN.into()),
        Credentials::with_role("v", &"viewer-token".into(), Role::Viewer),
    ]);
    let router = router(Store::open(&Data::Memory).unwrap(), users.clone(), &Options::default());
    let viewer = Browser::of(&router, "v", "viewer-token").await;
    viewer.get("/ui/").await.good();
    users.replace(vec![
        Credentials::new(USER, &TOKEN.into()),
        Credentials::with_role("v", &"viewer-token".into(), Role::Operator),
    ]);
    assert_eq!(viewer.get("/ui/").await.to(), "/ui/login", "another role");
    let api = crate::harness::Api { router };
    let made =
        api.post("/v1/api_tokens", &json!({"name": "wall", "role": "viewer"}).to_string()).await.expect(201);
    let wall = Browser::of(&api.router, "token", made["token"].as_str().unwrap()).await;
    assert!(wall.get("/ui/").await.good().contains("API token 1 (wall)"));
    api.put("/v1/api_tokens/1", r#"{"active": false}"#).await.expect(200);
    assert_eq!(wall.get("/ui/").await.to(), "/ui/login", "switched off");
    api.put("/v1/api_tokens/1", r#"{"active": true}"#).await.expect(200);
    wall.get("/ui/").await.good();
    api.delete("/v1/api_tokens/1").await.expect(204);
    assert_eq!(wall.get("/ui/").await.to(), "/ui/login", "deleted");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_after_a_week() {
    let mut opening = Opening::default();
    let clock = librato_apply::serve::Clock::standing_at(1_800_000_000);
    opening.clock = clock.clone();
    let store = Store::open_with(&Data::Memory, opening).unwrap();
    let router = router(store, vec![Credentials::new(USER, &TOKEN.into())], &Options::default());
    let mut browser = Browser::of(&router, USER, TOKEN).await;
    let idle = Browser { cookie: browser.cookie.clone(), ..Browser::new(&router) };
    for _ in 0..15 {
        clock.pass(std::time::Duration::from_secs(11 * 3_600));
        let page = browser.get("/ui/").await;
        browser.cookie = cookie(&page);
        page.good();
    }
    assert_eq!(idle.get("/ui/").await.to(), "/ui/login", "not seen for 12 hours");
    clock.pass(std::time::Duration::from_secs(4 * 3_600));
    assert_eq!(browser.get("/ui/").await.to(), "/ui/login", "a week old");
}

#[tokio::test]
async fn a_link_of_the_program_lets_in_once() {
    let options = Options::default();
    let api = server(&options);
    let link = options.pages.links.make().unwrap();
    let mut browser = Browser::new(&api.router);
    let page = browser.get(&link).await;
    assert_eq!(page.to(), "/ui/");
    browser.cookie = cookie(&page);
    assert!(browser.get("/ui/").await.good().contains("admin"));
    let again = Browser::new(&api.router).get(&link).await;
    assert_eq!((again.status, again.header("set-cookie")), (403, ""));
    assert!(again.text.contains("used before"));
}

/// A link in a chat leads to a page that asks again from here, since browsers hold the cookie back at first.
#[tokio::test]
async fn a_link_from_elsewhere_finds_the_session() {
    let api = server(&Options::default());
    let stranger = Browser::new(&api.router);
    let from_chat = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    let page = stranger.send("GET", "/ui/alerts/a?x=1", String::new(), &from_chat).await.good();
    assert!(page.contains("http-equiv=\"refresh\" content=\"0; url=/ui/alerts/a?x=1\""), "{page}");
    let referred = [("referer", "https://chat.example/room")];
    stranger.send("GET", "/ui/alerts", String::new(), &referred).await.good();
    let from_here = [("sec-fetch-site", "same-origin"), ("referer", "http://127.0.0.1:8080/ui/")];
    assert_eq!(
        stranger.send("GET", "/ui/alerts", String::new(), &from_here).await.to(),
        "/ui/login?to=%2Fui%2Falerts"
    );
}

#[tokio::test]
async fn other_names_than_ours_are_refused() {
    let mut options = Options::default();
    options.pages.allowed_hosts = vec!["watch.example.org".to_owned()];
    let api = server(&options);
    let browser = Browser::new(&api.router);
    for (host, status) in [
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8080", 421),
        ("", 421),
        ("watch.example.org.evil.example", 421),
        ("localhost:8080", 200),
        ("[::1]:8080", 200),
        ("watch.example.org", 200),
        ("192.0.2.1", 200),
    ] {
        let page = browser.send("GET", "/ui/login", String::new(), &[("host", host)]).await;
        assert_eq!(page.status, status, "{host}");
        let page = browser.send("GET", "/", String::new(), &[("host", host)]).await;
        assert_eq!(page.status, if status == 200 { 303 } else { 421 }, "{host}");
    }
}

#[tokio::test]
async fn writes_need_the_token_of_the_session_and_a_page_of_ours() {
    let api = server(&Options::default());
    api.post("/v1/services", r#"{"type":"mail","title":"ops","settings":{"addresses":"a@example.com"}}"#)
        .await
        .expect(201);
    let (browser, other) =
        (Browser::of(&api.router, USER, TOKEN).await, Browser::of(&api.router, USER, TOKEN).await);
    let (token, foreign) = (browser.form_token().await, other.form_token().await);
    let silence = |token: &str| {
        vec![
            ("alert", "a*".to_owned()),
            ("duration", "3600".to_owned()),
            ("why", "x".to_owned()),
            ("form_token", token.to_owned()),
        ]
    };
    for (token, headers) in [
        ("", vec![]),
        (foreign.as_str(), vec![]),
        (token.as_str(), vec![("origin", "http://evil.example")]),
        (token.as_str(), vec![("origin", "null")]),
        (token.as_str(), vec![("origin", "http://127.0.0.1:9090")]),
        (token.as_str(), vec![("sec-fetch-site", "cross-site")]),
        (token.as_str(), vec![("sec-fetch-site", "same-site")]),
    ] {
        for path in
            ["/ui/silences", "/ui/logout", "/ui/services/1/test", "/ui/silences/1/end", "/ui/alerts/a/clear"]
        {
            let fields = silence(token);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(browser.post(path, &fields, &headers).await.status, 403, "{path} {token} {headers:?}");
        }
    }
    assert_eq!(api.get("/v1/silences").await.body["query"]["total"], 0);
    browser.get("/ui/").await.good();
    assert_eq!(
        browser.submit("/ui/silences", &[("alert", "a*"), ("duration", "3600"), ("why", "x")]).await.to(),
        "/ui/silences?said=silenced"
    );
    assert_eq!(api.get("/v1/silences").await.body["silences"][0]["user"], USER);
}

/// The cookie opens pages alone: the API keeps one way in, and pages do not take it.
#[tokio::test]
async fn cookies_are_for_pages_and_credentials_for_the_api() {
    let api = server(&Options::default());
    let browser = Browser::of(&api.router, USER, TOKEN).await;
    for path in ["/v1/metrics", "/v1/alerts", "/metrics", "/v1/api_tokens"] {
        assert_eq!(browser.get(path).await.status, 401, "{path}");
    }
    let basic = crate::harness::basic(USER, TOKEN);
    let page =
        Browser::new(&api.router).send("GET", "/ui/", String::new(), &[("authorization", &basic)]).await;
    assert_eq!(page.to(), "/ui/login");
}

#[tokio::test]
async fn every_answer_forbids_what_pages_do_not_need() {
    let api = server(&Options::default());
    let browser = Browser::of(&api.router, "viewer", "viewer").await;
    for path in ["/", "/ui/", "/ui/login", "/ui/alerts", "/ui/nothing", "/ui/assets/x/app.css"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let others =
            ["x-frame-options", "x-content-type-options", "referrer-policy", "cross-origin-opener-policy"];
        assert_eq!(
            others.map(|name| page.header(name)),
            ["DENY", "nosniff", "same-origin", "same-origin"],
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
    let page = browser.get("/ui/").await.good();
    let (_, after) = page.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let sheet = browser.send("GET", after.split('"').next().unwrap(), String::new(), &[]).await;
    assert!(
        sheet.header("cache-control").contains("immutable")
            && sheet.header("content-type").starts_with("text/css")
    );
    assert!(
        page.matches("<script").count() == 1 && page.contains("<script type=\"module\" src=\"/ui/assets/")
    );
    assert!(!page.contains(" style=") && !page.contains("<style"));
}

/// A proxy takes `/watch` off the path; whatever leads on has it again.
#[tokio::test]
async fn a_prefix_of_the_public_url_stands_before_links() {
    let mut options = Options::default();
    options.notify.public_url = Some("https://ops.example.org/watch/".to_owned());
    let api = server(&options);
    let mut browser = Browser::new(&api.router);
    let host = [("host", "ops.example.org")];
    let page = browser.send("GET", "/ui/alerts", String::new(), &host).await;
    assert_eq!(page.to(), "/watch/ui/login?to=%2Fui%2Falerts");
    let form = browser.send("GET", "/ui/login?to=/ui/alerts", String::new(), &host).await.good();
    assert!(form.contains("action=\"/watch/ui/login\"") && form.contains("value=\"/ui/alerts\""), "{form}");
    let page = browser.log_in(USER, TOKEN).await;
    assert_eq!(page.to(), "/watch/ui/");
    assert!(page.header("set-cookie").ends_with("; Path=/watch/ui"), "{}", page.header("set-cookie"));
    browser.cookie = cookie(&page);
    let page = browser.get("/ui/alerts").await.good();
    assert!(page.contains("href=\"/watch/ui/assets/") && !page.contains("=\"/ui/"), "{page}");
}

#[tokio::test]
async fn a_server_without_pages_has_none() {
    let mut options = Options::default();
    options.pages.enabled = false;
    let api = server(&options);
    let browser = Browser::new(&api.router);
    for path in ["/ui/", "/ui/login", "/"] {
        assert_eq!(browser.get(path).await.status, 401, "{path}");
    }
    assert_eq!(PEOPLE.len(), 3);
}
