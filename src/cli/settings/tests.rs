//! What a file may hold, and how it is answered when it holds something else.

use std::path::Path;

use librato_apply::diag::render;

use super::Settings;
use super::file::read;
use super::table::named;

/// The problems of a file, as they are shown.
fn problems(text: &str) -> String {
    let read = read(Path::new("conf/serve.yaml"), text.to_owned());
    render(&read.report, &read.files, false)
}

/// What a file says of an option.
fn said(text: &str, key: &str) -> Vec<String> {
    let read = read(Path::new("conf/serve.yaml"), text.to_owned());
    assert!(read.report.is_empty(), "{}", render(&read.report, &read.files, false));
    read.said.get(key).map(|(texts, _)| texts.clone()).unwrap_or_default()
}

#[test]
fn a_file_says_what_flags_say() {
    let text = "listen: :80\nlimits: {max_body: 5, header_timeout: 30, read_timeout: 2m}\ntls:\n  cert: a.pem\n  key: /etc/b.pem\n\
        alerts: {enabled: false}\nnotify:\n  allow: [10.0.0.0/8, chat.example.org]\n  base: {pagerduty: 'https://e.example.org'}\nsmtp:\n";
    for (key, expected) in [
        ("listen", &[":80"][..]),
        ("limits.max_body", &["5"]),
        ("limits.header_timeout", &["30"]),
        ("limits.read_timeout", &["2m"]),
        ("tls.cert", &["conf/a.pem"]),
        ("tls.key", &["/etc/b.pem"]),
        ("alerts.enabled", &["false"]),
        ("notify.allow", &["10.0.0.0/8", "chat.example.org"]),
        ("notify.base", &["pagerduty=https://e.example.org"]),
        ("smtp.url", &[]),
    ] {
        let found = said(text, key);
        assert_eq!(found, expected, "{key}");
        let taken = found.iter().all(|one| (named(key).unwrap().set)(&mut Settings::default(), one).is_ok());
        assert!(taken, "{key}");
    }
    assert_eq!(said("", "listen"), [""; 0]);
}

#[test]
fn the_example_of_the_page_is_a_file() {
    let page = std::fs::read_to_string("docs/serve.md").unwrap();
    let example = page.split("```yaml serve.yaml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(said(example, "limits.rate_limit"), ["100000"]);
}

#[test]
fn what_nobody_knows_is_an_error_with_its_place_and_what_may_be_meant() {
    for (text, place, help) in [
        ("lisen: :80\n", "serve.yaml:1:1", "did you mean `listen`?"),
        ("data: a\nlimits:\n  max_bdy: 5\n", "serve.yaml:3:3", "did you mean `limits.max_body`?"),
        ("max-body: 5\n", "serve.yaml:1:1", "did you mean `limits.max_body`?"),
        ("trusted-proxy: 10.0.0.1\n", "serve.yaml:1:1", "did you mean `trusted_proxies`?"),
        ("heartbeat: {adress: x}\n", "serve.yaml:1:13", "the keys here are url, url_file"),
        ("store:\n  data: x.db\n", "serve.yaml:2:3", "`serve` has no option `store.data`"),
        (
            "store:\n  data: x.db\n",
            "serve.yaml:2:3",
            "`data` stands at the top of the file, outside of `store`",
        ),
    ] {
        let shown = problems(text);
        assert!(shown.contains(place) && shown.contains(help) && shown.contains("unknown-field"), "{shown}");
    }
}

#[test]
fn what_has_another_form_is_an_error_with_its_place() {
    for (text, place, help) in [
        ("listen: [a]\n", "serve.yaml:1:9", "write HOST:PORT"),
        ("listen:\n", "serve.yaml:1:1", "write HOST:PORT"),
        ("user: [a]\n", "serve.yaml:1:7", "write a text"),
        ("limits: 5\n", "serve.yaml:1:9", "write a mapping"),
        ("limits: {max_body: [5]}\n", "serve.yaml:1:20", "write a size, such as 20GB"),
        ("limits: {max_in_flight: [5]}\n", "serve.yaml:1:25", "write a number"),
        ("alerts: {enabled: \"no\"}\n", "serve.yaml:1:19", "write true or false"),
        ("- listen\n", "serve.yaml:1:1", "write a mapping"),
        ("listen: a\nlisten: b\n", "serve.yaml:2:1", ""),
        ("listen: 'a\n", "serve.yaml:", ""),
    ] {
        let shown = problems(text);
        assert!(shown.contains(place) && shown.contains(help) && shown.contains("error"), "{text}: {shown}");
    }
}

#[test]
fn a_secret_in_the_file_is_not_shown_with_a_problem() {
    for text in [
        "heartbeat: {url: [https://beat.example.org/canary]}\n",
        "smtp: {password: {a: canary}}\n",
        "token: [canary]\n",
        "tokn: canary\n",
        "heartbeat: {uri: https://beat.example.org/canary}\n",
        "smtp: {url: [smtp://u:canary@mail], from: 5}\n",
        "heartbeat: https://beat.example.org/canary\n",
        "token: 'canary\n",
    ] {
        let shown = problems(text);
        assert!(!shown.is_empty() && !shown.contains("canary"), "{text}: {shown}");
    }
}
