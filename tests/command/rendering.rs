//! `render prometheus` where it asks, or writes what nobody else may read: evidence of a Prometheus, secrets inside, and Markdown.

use std::os::unix::fs::PermissionsExt as _;

use crate::cli::{Cli, project};
use crate::ruler::{Flavour, Past, Ruler};

const SHOP: &str = "\
settings: { prometheus: { owner: shop } }
metrics: { shop.ms: { type: gauge, period: 60s } }
services:
  hook: { type: webhook, settings: { url: 'https://hooks.example.org/${secret.HOOK}' } }
  talk: { type: hipchat, settings: { auth_token: '${secret.HOOK}', room_id: '1', from: me, notify: '1' } }
composites: { shop.twice: { composite: 'scale(s(\"shop.ms\", \"*\"), {factor: \"2\"})' } }
alerts:
  shop.slow:
    conditions: [{ type: above, metric_name: shop.ms, threshold: 800, duration: 5m }]
    services: [hook]
  shop.twofold: { conditions: [{ type: above, metric_name: shop.twice, threshold: 5 }], services: [hook] }
  shop.gone: { conditions: [{ type: above, metric_name: shop.none, threshold: 5 }], services: [hook] }
";

const SECRET: &str = "canary-of-the-rendering";

#[test]
fn evidence_is_asked_of_the_prometheus_that_is_named_and_is_no_part_of_the_files() {
    let (ruler, dir) = (Ruler::start(Flavour::Mimir), project(&[("shop.yaml", SHOP)]));
    ruler.remembers("count(last_over_time(shop_ms", Past::Found(vec![("web-1", 604_800, 0)]));
    ruler.remembers("> 800", Past::Found(vec![("web-1", 7_200, 3_600), ("web-2", 600, 0)]));
    ruler.remembers("* 2", Past::Refused("too much was asked"));
    let url = format!("http://{}/prometheus", ruler.addr);
    let render = ["render", "prometheus", "shop.yaml", "--evidence", &url];
    let asked = || {
        let cli = Cli::new(dir.path()).env("PROMETHEUS_TENANT", "blue").env("PROMETHEUS_USER", "me");
        cli.env("PROMETHEUS_TOKEN", SECRET)
    };
    let ran = asked().run(&[&render[..], &["--out", "out"]].concat()).exits(4);
    let ran = ran.prints(&[
        "In the last 7 days:",
        "shop.slow: would have fired 2 times in 2 streams, for 72m in all",
        "shop.gone: would not have fired (there are no samples of `shop_none`)",
    ]);
    let ran = ran.prints(&["shop.twofold: not known", "too much was asked"]);
    assert!(!ran.all().contains(SECRET) && ruler.credentials().iter().all(|said| said.starts_with("Basic ")));
    assert!(ruler.queries().iter().all(|query| !query.contains("librato:")));
    let report = std::fs::read_to_string(dir.path().join("out/fidelity.json")).unwrap();
    assert!(!report.contains("would have"), "what was is no part of what is committed: {report}");
    asked().run(&[&render[..], &["--out", "out", "--check"]].concat()).exits(4);
    let json = asked().run(&[&render[..], &["--format", "json"]].concat()).exits(4).json();
    let slow = json["evidence"].as_array().unwrap().iter().find(|one| one["alert"] == "shop.slow").unwrap();
    assert_eq!((slow["times"].as_u64(), slow["seconds"].as_u64()), (Some(2), Some(72 * 60)));

    // Who says who they are is not heard by others.
    let far = ["render", "prometheus", "shop.yaml", "--evidence", "http://prometheus.example.org"];
    let ran = asked().run(&far).exits(64).says(&["--evidence: http:// to another machine"]);
    assert!(!ran.all().contains(SECRET));
    let odd = ["render", "prometheus", "shop.yaml", "--evidence", "prometheus"];
    Cli::new(dir.path()).run(&odd).exits(64).says(&["--evidence: not a URL"]);
}

#[test]
fn secrets_are_written_only_where_that_is_wanted_and_only_for_the_owner() {
    let dir = project(&[("shop.yaml", SHOP)]);
    let render = ["render", "prometheus", "shop.yaml", "--out", "out"];
    let read = || std::fs::read_to_string(dir.path().join("out/alertmanager.yml")).unwrap();
    let mode = |file: &str| {
        std::fs::metadata(dir.path().join("out").join(file)).unwrap().permissions().mode() & 0o777
    };
    // Without, nothing has to be set.
    Cli::new(dir.path()).run(&render).exits(4).prints(&["hook.url  (`url` of hook)"]);
    assert!(read().contains("url_file: /etc/alertmanager/secrets/hook.url"));
    let inline = [&render[..], &["--inline-secrets"]].concat();
    Cli::new(dir.path()).run(&inline).exits(1).says(&["HOOK"]);
    let ran = Cli::new(dir.path()).env("HOOK", SECRET).run(&inline).exits(4);
    assert!(!ran.all().contains(SECRET), "{}", ran.all());
    assert!(read().contains(&format!("url: https://hooks.example.org/{SECRET}")), "{}", read());
    assert_eq!(mode("alertmanager.yml"), 0o600);
    for entry in walkdir::WalkDir::new(dir.path().join("out")) {
        let path = entry.unwrap().into_path();
        if path.is_file() && !path.ends_with("alertmanager.yml") {
            assert!(!std::fs::read_to_string(&path).unwrap().contains(SECRET), "{}", path.display());
        }
    }
    Cli::new(dir.path()).env("HOOK", SECRET).run(&[&inline[..], &["--check"]].concat()).exits(4);
    let ran = Cli::new(dir.path())
        .env("HOOK", "canary-of-another-day")
        .run(&[&inline[..], &["--check"]].concat())
        .exits(2);
    assert!(!ran.all().contains(SECRET) && !ran.all().contains("canary"), "{}", ran.all());
}

#[test]
fn a_comment_on_a_pull_request_is_a_table_of_what_does_not_mean_the_same() {
    let dir = project(&[("shop.yaml", SHOP)]);
    let ran =
        Cli::new(dir.path()).run(&["render", "prometheus", "shop.yaml", "--format", "markdown"]).exits(4);
    let ran = ran.prints(&[
        "**Prometheus**: ",
        "refused",
        "| | Object | Why | Way out |",
        "| refused | service talk | `dead-service`: ",
    ]);
    assert!(ran.stdout.contains("| approximate | alert shop.gone | `not-mapped`: "), "{}", ran.stdout);
    let rows: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.iter().all(|row| row.replace("\\|", "").matches('|').count() == 5), "{rows:#?}");
}
