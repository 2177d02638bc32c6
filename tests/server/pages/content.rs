//! What each role sees, and that nothing anybody wrote is more than text.

use librato_apply::serve::Options;
use serde_json::json;

use super::browser::{Browser, server};
use crate::harness::{Api, TOKEN, USER, epoch};

/// Pages, whether a viewer sees them, and what stands there.
const PAGES: [(&str, bool, &str); 31] = [
    ("/ui/", true, "Checkout"),
    ("/ui/spaces/Checkout", true, "How fast?"),
    ("/ui/spaces/id/1", true, "shop.latency"),
    ("/ui/spaces/id/1/1", true, "librato-apply query shop.latency"),
    ("/ui/metrics/shop.latency?from=-2h", true, "Greatest"),
    ("/ui/metrics/shop.latency?from=-3d&to=-2d", true, "The newest measurement is from"),
    ("/ui/metrics/shop.latency?csv=1", true, "\"source: web-1\",120"),
    ("/ui/events?from=-1h&refresh=60", true, "release 7"),
    ("/ui/metrics", true, "shop.latency"),
    ("/ui/metrics?name=latency", true, "shop.latency"),
    ("/ui/metrics/shop.latency", true, "web-1"),
    ("/ui/events", true, "release 7"),
    ("/ui/events?stream=deploys&from=-1h&to=now", true, "release 7"),
    ("/ui/help", true, "When you were woken"),
    ("/ui/alerts", false, "shop.slow"),
    ("/ui/alerts/shop.slow", false, "shop.latency on web-* above 800 for 5 m"),
    ("/ui/alerts/shop.slow?refresh=off", false, "Silenced until"),
    ("/ui/services", false, "on call"),
    ("/ui/services/1", false, "slack"),
    ("/ui/silences", false, "moving house"),
    ("/ui/health", false, "Who changed what"),
    ("/ui/changes", false, "shop.slow"),
    ("/ui/changes?kind=silence&user=ops", false, "No change is known"),
    ("/ui/explore", true, "Write the name of a metric"),
    ("/ui/explore?q=shop.latency&from=-1h", true, "Where it comes from"),
    ("/ui/explore?q=sum(s(%22shop.latency%22,%22*%22))", true, "query 'sum("),
    ("/ui/explore?q=sum(", true, "The composite cannot be read"),
    ("/ui/spaces/Checkout?as=json&of=0", true, "\"name\":\"shop.latency\""),
    ("/ui/spaces/Checkout?as=table&of=0", true, "Back to the picture"),
    ("/ui/alerts/shop.slow?as=csv&of=0&from=-1h", false, "\"web-1\""),
    ("/ui/nothing", true, "There is nothing here"),
];

async fn filled() -> Api {
    let api = server(&Options::default());
    let time = epoch() - 60;
    let gauge =
        json!({"gauges": [{"name": "shop.latency", "source": "web-1", "value": 120, "measure_time": time}]});
    api.post("/v1/metrics", &gauge.to_string()).await.expect(200);
    api.post("/v1/annotations/deploys", &json!({"title": "release 7", "start_time": time}).to_string())
        .await
        .expect(201);
    let slack = json!({"type": "slack", "title": "on call", "settings": {"url": "https://hooks.slack.com/services/canary", "room": "ops"}});
    api.post("/v1/services", &slack.to_string()).await.expect(201);
    let condition = json!({"type": "above", "metric_name": "shop.latency", "source": "web-*", "threshold": 800, "duration": 300});
    let alert = json!({"name": "shop.slow", "version": 2, "conditions": [condition], "services": [1],
        "attributes": {"runbook_url": "https://wiki.example.org/slow"}});
    api.post("/v1/alerts", &alert.to_string()).await.expect(201);
    api.post("/v1/spaces", r#"{"name": "Checkout"}"#).await.expect(201);
    let chart =
        json!({"name": "How fast?", "type": "line", "streams": [{"metric": "shop.latency", "source": "*"}]});
    api.post("/v1/spaces/1/charts", &chart.to_string()).await.expect(201);
    api.post("/v1/silences", r#"{"alert": "shop.*", "why": "moving house", "duration": 3600}"#)
        .await
        .expect(201);
    api
}

#[tokio::test]
async fn every_role_on_every_page() {
    let api = filled().await;
    let admin = Browser::of(&api.router, USER, TOKEN).await;
    let operator = Browser::of(&api.router, "operator", "operator").await;
    let viewer = Browser::of(&api.router, "viewer", "viewer").await;
    for (path, for_viewers, words) in PAGES {
        let expected = if path == "/ui/nothing" { 404 } else { 200 };
        for browser in [&admin, &operator] {
            let page = browser.get(path).await;
            assert_eq!(page.status, expected, "{path}: {}", page.text);
            assert!(page.text.contains(words), "{path}: {}", page.text);
            assert!(!page.text.contains("canary"), "a setting stands on {path}");
        }
        let page = viewer.get(path).await;
        assert_eq!(page.status, if for_viewers { expected } else { 403 }, "{path}");
        assert_eq!(page.text.contains(words), for_viewers, "{path}: {}", page.text);
        let hidden = ["/ui/alerts\"", "/ui/services\"", "/ui/silences\"", "/ui/health\""];
        assert!(hidden.iter().all(|link| !page.text.contains(link)), "{path}: {}", page.text);
        assert_eq!(Browser::new(&api.router).get(path).await.status, 303, "{path}");
    }
    for (path, roles) in [
        ("/ui/silences/1/end", [false, true, true]),
        ("/ui/alerts/shop.slow/clear", [false, true, true]),
        ("/ui/services/9/test", [false, false, true]),
    ] {
        for (browser, may) in [&viewer, &operator, &admin].into_iter().zip(roles) {
            let status = browser.submit(path, &[]).await.status;
            assert_eq!(status != 403, may, "{path}: {status}");
        }
    }
    assert!(admin.get("/ui/services/1").await.good().contains("Send a test"));
    assert!(!operator.get("/ui/services/1").await.good().contains("Send a test"));
}

#[tokio::test]
async fn a_form_silences_an_alert_and_ends_the_silence() {
    let api = filled().await;
    let operator = Browser::of(&api.router, "operator", "operator").await;
    let form = [
        ("alert", "shop.slow"),
        ("stream", "web-1"),
        ("duration", "7200"),
        ("why", "known"),
        ("to", "/ui/alerts/shop.slow"),
    ];
    assert_eq!(operator.submit("/ui/silences", &form).await.to(), "/ui/alerts/shop.slow?said=silenced");
    assert!(operator.get("/ui/alerts/shop.slow?said=silenced").await.good().contains("Nobody is notified"));
    let listed = api.get("/v1/silences?status=active&sort=desc").await.body;
    let made = &listed["silences"][0];
    assert_eq!(
        (&made["stream"], &made["why"], &made["user"]),
        (&json!("web-1"), &json!("known"), &json!("operator"))
    );
    assert_eq!(operator.submit("/ui/silences/2/end", &[]).await.to(), "/ui/silences?said=ended");
    assert_eq!(api.get("/v1/silences?status=active").await.body["query"]["found"], 1);
    let refused = operator.submit("/ui/silences", &[("alert", "a"), ("duration", "x"), ("why", "")]).await;
    assert!(
        refused.status == 400 && refused.text.contains("duration") && refused.text.contains("why"),
        "{}",
        refused.text
    );
}

/// What was chosen stands in every link, and a page that is asked for again says so where scripts do not do it.
#[tokio::test]
async fn time_is_chosen_by_links_and_kept() {
    let api = filled().await;
    let viewer = Browser::of(&api.router, "viewer", "viewer").await;
    let page = viewer.get("/ui/metrics/shop.latency?from=-1h&refresh=60&said=ended").await;
    let text = page.good();
    for link in [
        "<noscript><meta http-equiv=\"refresh\" content=\"60\"></noscript>",
        "href=\"/ui/metrics/shop.latency?refresh=60&amp;from=-7d\"",
        "href=\"/ui/events?from=-1h\"",
        "href=\"/ui/metrics/shop.latency?from=-1h\"",
        "<input type=\"hidden\" name=\"refresh\" value=\"60\">",
    ] {
        assert!(text.contains(link), "{link}: {text}");
    }
    for refresh in ["", "0", "1", "x", "5;url=//evil.example", "99999"] {
        let page = viewer.get(&format!("/ui/events?refresh={refresh}")).await;
        assert!(page.status == 200 && !page.text.contains("http-equiv=\"refresh\""), "{refresh}");
    }
    for (query, words) in
        [("from=yesterday", "`from` is no time"), ("from=now&to=-1h", "ends before it begins")]
    {
        let page = viewer.get(&format!("/ui/metrics/shop.latency?{query}")).await;
        assert!(page.status == 400 && page.text.contains(words), "{}", page.text);
    }
}

/// Times stand in the zone of the address, else of the browser; where neither says one, in UTC.
#[tokio::test]
async fn times_are_shown_in_the_zone_of_whoever_looks() {
    let api = filled().await;
    let viewer = Browser::of(&api.router, "viewer", "viewer").await;
    let space = "/ui/spaces/Checkout?from=2026-01-31T12:00&to=2026-01-31T18:00";
    let page = viewer.get(space).await.good();
    let utc = "31 Jan 2026, 12:00:00 – 18:00:00 UTC";
    assert!(page.contains(utc) && page.contains("times in UTC"), "{page}");
    let page = viewer.get(&format!("{space}&tz=Nowhere/Atall")).await.good();
    assert!(page.contains(utc), "{page}");
    if jiff::tz::TimeZone::get("Asia/Tokyo").is_err() {
        return;
    }
    let page = viewer.get(&format!("{space}&tz=Asia/Tokyo")).await.good();
    for shown in [
        "31 Jan 2026, 12:00:00 – 18:00:00 JST",
        "data-start=\"1769828400\"",
        "times in Asia/Tokyo",
        "data-zone=\"Asia/Tokyo\"",
        ">15:00</text>",
        "tz=UTC\">in UTC</a>",
        "href=\"/ui/events?from=2026-01-31T12%3A00&amp;to=2026-01-31T18%3A00&amp;tz=Asia%2FTokyo\"",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

/// What was deployed last is one click away where charts show it.
#[tokio::test]
async fn charts_are_shown_since_the_last_deploy() {
    let api = filled().await;
    let viewer = Browser::of(&api.router, "viewer", "viewer").await;
    let last = epoch() - 120;
    let event = json!({"title": "release <8>", "start_time": last}).to_string();
    assert!(!viewer.get("/ui/spaces/Checkout").await.good().contains("since the last"));
    api.post("/v1/annotations/shop.deploys", &event).await.expect(201);
    let page = viewer.get("/ui/spaces/Checkout").await.good();
    let link = format!("href=\"/ui/spaces/Checkout?from={}\" title=\"release &lt;8&gt;, ", last - 1_800);
    assert!(page.contains(&link) && page.contains("since the last deploy"), "{page}");
    assert!(!viewer.get("/ui/spaces/Checkout?events=none").await.good().contains("since the last"));
}

/// What uses a metric is said to each role as far as it may see it.
#[tokio::test]
async fn a_metric_says_what_uses_it() {
    let api = filled().await;
    let composite = json!({"type": "composite", "composite": "sum(s(\"Shop.Latency\", \"*\"))"});
    api.put("/v1/metrics/shop.all", &composite.to_string()).await;
    let uses = api.get("/v1/metrics/shop.latency/uses").await.expect(200);
    let chart = json!({"id": 1, "name": "How fast?", "space": {"id": 1, "name": "Checkout"}});
    let expected = json!({"alerts": [{"id": 1, "name": "shop.slow"}], "charts": [chart], "composites": ["shop.all"], "left_out": 0});
    assert_eq!(uses, expected);
    assert_eq!(api.get("/v1/metrics/none/uses").await.status, 404);
    for (user, alerts) in [("operator", true), ("viewer", false)] {
        let page = Browser::of(&api.router, user, user).await.get("/ui/metrics/shop.latency").await.good();
        assert_eq!(page.contains("alert <a href=\"/ui/alerts/shop.slow\">"), alerts, "{page}");
        for link in ["/ui/spaces/id/1\"", "/ui/metrics/shop.all\""] {
            assert!(page.contains(link), "{link}: {page}");
        }
    }
}

/// What a page gives as YAML is a definition that finds nothing to change.
#[tokio::test]
async fn objects_are_shown_as_definitions() {
    let api = filled().await;
    let admin = Browser::of(&api.router, USER, TOKEN).await;
    for (path, words) in [
        ("/ui/alerts/shop.slow", "    conditions:\n      - type: above\n"),
        ("/ui/services/1", "url: ${secret.ON_CALL_URL}"),
        ("/ui/spaces/Checkout", "  Checkout:\n    charts:\n"),
        ("/ui/spaces/id/1/1", "name: How fast?"),
        ("/ui/metrics/shop.latency", "  shop.latency:\n    type: gauge"),
    ] {
        let page = admin.get(path).await.good();
        assert!(page.contains(words) && page.contains("<summary>As YAML</summary>"), "{path}: {page}");
    }
}

/// Names in every kind, as somebody would choose them who wants to harm whoever looks.
#[tokio::test]
async fn what_others_wrote_is_text() {
    let api = server(&Options::default());
    let hostile = "<img src=x onerror=alert(1)>\"'><svg/onload=alert(2)></script>\u{202e}txt";
    let link = "javascript:alert(3)";
    let time = epoch() - 60;
    api.post("/v1/spaces", &json!({"name": hostile}).to_string()).await.expect(201);
    let chart = json!({"name": hostile, "type": "line", "label": hostile, "streams": [{"metric": "m", "source": hostile, "name": hostile}, {"composite": "s(\"<b>\", \"*\")"}]});
    api.post("/v1/spaces/1/charts", &chart.to_string()).await.expect(201);
    api.put("/v1/metrics/m", &json!({"type": "gauge", "description": hostile, "display_name": hostile, "attributes": {"display_units_long": hostile}}).to_string()).await;
    let event = json!({"title": hostile, "description": hostile, "source": "s", "start_time": time, "links": [{"rel": "x", "href": link, "label": hostile}]});
    api.post("/v1/annotations/deploys", &event.to_string()).await;
    api.post(
        "/v1/services",
        &json!({"type": "mail", "title": hostile, "settings": {"addresses": "a@example.com"}}).to_string(),
    )
    .await
    .expect(201);
    let alert = json!({"name": "a", "version": 2, "description": hostile, "attributes": {"runbook_url": link}, "services": [1],
        "conditions": [{"type": "above", "metric_name": "m", "source": "<b>*", "threshold": 1}]});
    api.post("/v1/alerts", &alert.to_string()).await.expect(201);
    api.post("/v1/silences", &json!({"alert": hostile, "why": hostile, "duration": 60}).to_string())
        .await
        .expect(201);
    let browser = Browser::of(&api.router, USER, TOKEN).await;
    let mut seen = 0;
    for path in [
        "/ui/",
        "/ui/spaces/id/1",
        "/ui/spaces/id/1/1",
        "/ui/metrics",
        "/ui/metrics/m",
        "/ui/metrics/m?from=%22%3E%3Cimg%3E",
        "/ui/events?from=-1h&refresh=%3Cimg%3E&x=%22%3E%3Cimg%3E",
        "/ui/events",
        "/ui/alerts",
        "/ui/alerts/a",
        "/ui/services",
        "/ui/services/1",
        "/ui/silences",
        "/ui/changes",
        "/ui/?name=%22%3E%3Cimg%20src=x%3E",
        "/ui/metrics?name=%3Csvg%2Fonload%3Dx%3E",
        "/ui/events?from=%3Cimg%3E",
        "/ui/%3Cimg%20src=x%3E",
        "/ui/login?to=%22%3E%3Cimg%3E",
        "/ui/alerts/%3Cimg%3E",
        "/ui/spaces/%3Csvg%3E",
        "/ui/?theme=%22%3E%3Cimg%3E&said=%3Cimg%3E",
    ] {
        let text = without_our_script(&browser.get(path).await.text);
        for tag in
            ["<img", "<svg/", "<svg>", "<script", "<b>", "</script", "javascript:alert(3)\"", "\u{202e}"]
        {
            assert!(!text.contains(tag), "{tag} on {path}: {text}");
        }
        seen += usize::from(text.contains("&lt;img src=x onerror=alert(1)&gt;"));
    }
    assert!(seen >= 6, "the names are shown as they are: {seen}");
}

/// A page without the one script it has, which is a file.
fn without_our_script(page: &str) -> String {
    let Some((before, after)) = page.split_once("<script type=\"module\" src=\"/ui/assets/") else {
        return page.to_owned();
    };
    let (address, after) = after.split_once("\"></script>").unwrap();
    assert!(address.ends_with("/app.js") && address.len() == 16 + 7, "{address}");
    format!("{before}{after}")
}

#[tokio::test]
async fn charts_of_a_space_are_drawn() {
    let api = filled().await;
    let apart = json!({"name": "By source", "type": "stacked", "streams": [{"metric": "shop.latency", "source": "%", "group_function": "breakout"}]});
    api.post("/v1/spaces/1/charts", &apart.to_string()).await.expect(201);
    let number = json!({"name": "Now", "type": "bignumber", "streams": [{"metric": "shop.latency"}, {"metric": "nobody"}]});
    api.post("/v1/spaces/1/charts", &number.to_string()).await.expect(201);
    let operator = Browser::of(&api.router, "operator", "operator").await;
    let viewer = Browser::of(&api.router, "viewer", "viewer").await;
    let page = operator.get("/ui/spaces/Checkout").await.good();
    assert_eq!(page.matches(" role=\"img\"").count(), 3, "{page}");
    assert!(page.contains("limit above 800 for 5m") && page.contains("there is no metric nobody"), "{page}");
    let seen = viewer.get("/ui/spaces/Checkout").await.good();
    assert!(seen.contains("greatest 120") && !seen.contains("above 800"), "{seen}");
    let none = viewer.get("/ui/spaces/Checkout?source=db*&from=-1h&events=none").await.good();
    assert!(none.contains("shop.latency has no points of db* in this time"), "{none}");
    let alone = viewer.get("/ui/spaces/id/1/1").await.good();
    assert!(alone.contains(" role=\"img\""), "{alone}");
    for page in [page, seen, none, alone] {
        assert!(
            !page.contains(" style=") && !without_our_script(&page).contains("<script"),
            "pages have one style sheet and one script"
        );
    }
}

#[tokio::test]
async fn spaces_of_one_name_are_a_choice() {
    let api = server(&Options::default());
    for _ in 0..2 {
        api.post("/v1/spaces", r#"{"name": "Shop"}"#).await;
    }
    let browser = Browser::of(&api.router, "viewer", "viewer").await;
    let page = browser.get("/ui/spaces/Shop").await.good();
    let twice = api.get("/v1/spaces").await.body["query"]["total"] == 2;
    assert_eq!(page.contains("/ui/spaces/id/2"), twice);
}
