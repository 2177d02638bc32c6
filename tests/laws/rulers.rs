//! Laws of rulers, on a stand-in: an apply that is broken at any request, in any way, and run again, ends where an unbroken one does, and
//! what belongs to others is byte for byte as it was; how many requests large runs take.
#![allow(clippy::print_stdout)] // how many cases there were

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use librato_apply::apply::{Observer, Options};
use librato_apply::diff::scope::{Globs, Scope};
use librato_apply::plan::{self, Done, Limits, Outcome, Plan, Step};
use librato_apply::prometheus::{Given, Settings};
use librato_apply::remote::fetch::{Actual, FetchPlan};
use librato_apply::remote::{Auth, Client, Config, Endpoint, RetryPolicy, ruler as wire};
use librato_apply::target::ruler::RulerTarget;
use librato_apply::target::{Compared, Target};
use librato_apply::{diag, diff, render};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::breaks::{Break, Broken, until_complete, work_off};
use crate::support::ruler::{Flavour, Kept, Ruler};
use crate::support::world::Input;

const NAMESPACE: &str = "librato-apply.shop";

fn files(settings: &str, objects: &str) -> String {
    format!(
        "settings:\n  prune: {{ alerts: ['*.*'], composites: ['*.*'], services: ['*'] }}\n  prometheus: {{ owner: shop, {settings} }}\nmetrics: {{ m: {{ type: gauge, period: 60s }} }}\n{objects}"
    )
}

/// With routes and receivers, beside those of others.
fn routed(files: &str, services: &str) -> String {
    let owned = files.replace("owner: shop,", "owner: shop, alertmanager: { own: subtree },");
    owned.replace("services: []", "services: [ops]") + "services:\n" + services
}

const OPS: &str = "  ops: { type: slack, settings: { url: 'https://hooks.example.org/${secret.X}' } }\n";

const THEIRS: &str = "# theirs\nroute:\n  receiver: base\n  routes:\n    # by night\n    - { matchers: ['a=\"b\"'], receiver: base }\nreceivers:\n\
    - name: base # of all\n";

fn alert(name: &str, threshold: u32) -> String {
    format!(
        "  {name}: {{ conditions: [{{ type: above, metric_name: m, threshold: {threshold} }}], services: [] }}\n"
    )
}

fn before() -> String {
    let alerts: String =
        ["a.one", "a.two", "a.old", "b.one", "b.two", "c.gone", "d.same", "x.left", "y.right"]
            .map(|name| alert(name, 1))
            .concat();
    files("", &format!("composites: {{ a.sum: {{ composite: 'sum(s(\"m\", \"*\"))' }} }}\nalerts:\n{alerts}"))
}

/// Changed, moved, renamed, new and gone; `x.left` and `y.right` change places.
fn after() -> String {
    let alerts: String = [
        ("a.one", 2),
        ("a.two", 1),
        ("b.one", 1),
        ("d.same", 1),
        ("e.new", 1),
        ("x.left", 1),
        ("y.right", 1),
    ]
    .map(|(name, threshold)| alert(name, threshold))
    .concat();
    let renamed = alert("f.new", 1).replace("{ conditions", "{ renamed_from: a.old, conditions");
    let groups = "groups: [{ match: 'a.two', group: b }, { match: 'x.left', group: y }, { match: 'y.right', group: x }]";
    files(
        groups,
        &format!(
            "composites: {{ a.sum: {{ composite: 'max(s(\"m\", \"*\"))' }} }}\nalerts:\n{alerts}{renamed}"
        ),
    )
}

fn target(addr: SocketAddr, flavour: Flavour, given: &Input, timeout: Duration) -> RulerTarget {
    let endpoint = Endpoint::bare(&format!("http://{addr}"), true).unwrap();
    let config = Config::new(endpoint, "", SecretString::from(""));
    let tenant = Some("anonymous".to_owned());
    let config = Config { retry: RetryPolicy::quick(), timeout, auth: Auth::None, tenant, ..config };
    let flavour = if flavour == Flavour::Mimir { wire::Flavour::Mimir } else { wire::Flavour::Cortex };
    let settings = Settings::read(&given.desired.settings.prometheus, &Given::default()).unwrap();
    RulerTarget::new(wire::Ruler::new(Client::new(config).unwrap(), flavour), settings)
}

async fn planned(target: &RulerTarget, given: &Input) -> Result<(Plan, Actual), String> {
    let globs = |scopes| Globs::compile(scopes).unwrap();
    let scope = Scope { prune: globs(&given.desired.settings.prune), ..Scope::default() };
    let wanted = FetchPlan::of(&given.desired, &scope.prune);
    let mut actual = target.read(&wanted).await.map_err(|error| error.to_string())?;
    let mut report = diag::Report::default();
    let asked = target.ask(&given.desired, &given.files, &mut actual, &mut report);
    let view = scope.view(&asked, &actual.state);
    let mut diff = diff::diff(&asked, &actual.state, &view);
    let compared = Compared { desired: &asked, files: &given.files, actual: &actual, view: &view };
    let writing = target.complete(&compared, &mut diff, &mut report);
    let input = plan::Input {
        target: "the ruler".into(),
        desired: &asked,
        actual: &actual.state,
        duplicates: &actual.duplicates,
        diff,
        limits: &Limits::lifted(),
        files: &given.files,
    };
    let plan = Plan { writing, ..plan::build(input, &mut report) };
    assert!(!report.has_errors(), "{}", diag::render(&report, &given.files, false));
    Ok((plan, actual))
}

struct Silent;

impl Observer for Silent {
    fn ended(&self, _: &Step, _: &Done) {}
}

/// One run of the program; the text of its plan, and the outcome.
async fn applied(
    target: &RulerTarget,
    given: &Input,
    parallelism: usize,
) -> Result<(String, Outcome), String> {
    let (plan, actual) = planned(target, given).await?;
    assert!(plan.refusals.is_empty(), "{}", render::text(&plan, false, None));
    let options = Options { parallelism, retry: RetryPolicy::quick() };
    let outcome = target.write(&plan, actual, &options, &Silent).await;
    Ok((render::text(&plan, false, None), outcome))
}

/// A rule without the name that it once had: whether that is still known depends on when the old one went.
fn settled(rule: &Value) -> String {
    let mut rule = rule.clone();
    if let Some(text) = rule["annotations"]["librato_definition"].as_str() {
        let mut definition: Value = serde_json::from_str(text).unwrap();
        definition.as_object_mut().unwrap().remove("renamed_from");
        rule["annotations"]["librato_definition"] = definition.to_string().into();
    }
    rule.to_string()
}

/// Rules by group, in no order.
fn sorted(groups: &BTreeMap<String, Value>) -> BTreeMap<String, Vec<String>> {
    let rules = |group: &Value| {
        let mut rules: Vec<String> = group["rules"].as_array().unwrap().iter().map(settled).collect();
        rules.sort();
        rules
    };
    groups.iter().map(|(name, group)| (name.clone(), rules(group))).collect()
}

fn seed(ruler: &Ruler) {
    ruler.put("theirs", json!({"name": "a", "interval": "60s", "rules": [{"alert": "a.one", "expr": "up == 0", "for": "180s"}]}));
    ruler.put(
        "librato-apply.other",
        json!({"name": "b", "rules": [{"record": "librato:a_sum", "expr": "1"}]}),
    );
    // Somebody's own rule in our namespace, which no pattern covers.
    ruler.put(NAMESPACE, json!({"name": "a", "interval": "1m", "rules": [{"alert": "Own", "expr": "up == 0", "labels": {"x": "y"}}]}));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn every_break_is_mended_and_what_belongs_to_others_stays_as_it_is() {
    for flavour in [Flavour::Cortex, Flavour::Mimir] {
        runtime().block_on(matrix(flavour));
    }
}

async fn matrix(flavour: Flavour) {
    let ruler = Ruler::start(flavour);
    seed(&ruler);
    ruler.set_alertmanager(THEIRS);
    let first = Input::read(&routed(
        &before(),
        &format!("{OPS}  old: {{ type: webhook, settings: {{ url: 'https://a.example.org' }} }}\n"),
    ));
    let new = OPS.replace("/$", "/new/$")
        + "  dev: { type: pagerduty, settings: { service_key: '${secret.X}', event_type: trigger, description: d } }\n";
    let given = Input::read(&routed(&after(), &new));
    let direct = |given: &Input| target(ruler.addr, flavour, given, Duration::from_secs(20));
    let (text, outcome) = applied(&direct(&first), &first, 1).await.unwrap();
    assert!(outcome.is_complete(), "{text}\n{outcome:?}");
    let start = ruler.keep();
    let foreign = ruler.foreign(NAMESPACE);
    ruler.requests();
    let (text, outcome) = applied(&direct(&given), &given, 1).await.unwrap();
    assert!(outcome.is_complete(), "{text}\n{outcome:?}");
    let requests = ruler.requests().len();
    let wanted = sorted(&ruler.namespace(NAMESPACE));
    let configured = ruler.alertmanager().unwrap();
    let ours = |line: &&str| line.contains("librato");
    let others: Vec<&str> = THEIRS.lines().collect();
    let kept: Vec<&str> = configured.lines().filter(|line| others.contains(line)).collect();
    assert_eq!(kept, others);
    assert!(configured.lines().filter(ours).count() > 8, "{configured}");
    assert!(wanted["a"].iter().any(|rule| rule.contains("\"Own\"")), "{wanted:?}");
    assert_eq!(ruler.foreign(NAMESPACE), foreign);
    let (plan, _) = planned(&direct(&given), &given).await.unwrap();
    assert!(plan.is_empty(), "{}", render::text(&plan, false, None));

    let all = Break::everywhere(requests);
    let cases: Vec<(Break, usize)> = all.step_by(if flavour == Flavour::Mimir { 5 } else { 1 }).collect();
    let next = AtomicUsize::new(0);
    let worker = || async {
        // One after the other on a ruler of its own.
        let ruler = Ruler::start(flavour);
        let ended = async |how, index| {
            ruler.restore(&start);
            case(&ruler, flavour, &given, (how, index)).await?;
            let foreign_now = ruler.foreign(NAMESPACE);
            match (foreign_now == foreign, sorted(&ruler.namespace(NAMESPACE)) == wanted) {
                (true, true) if ruler.alertmanager().as_deref() != Some(&configured) => {
                    Err(format!("another configuration: {:?}", ruler.alertmanager()))
                }
                (true, true) => Ok(()),
                (false, _) => Err("what belongs to others was touched".to_owned()),
                (_, false) => Err(format!("other rules than wanted: {:#?}", ruler.namespace(NAMESPACE))),
            }
        };
        work_off(&cases, &next, ended).await
    };
    let failures = futures_util::future::join_all([(); 6].map(|()| worker())).await.concat();
    println!("{flavour:?}: {} cases on {requests} requests", cases.len());
    let shown = failures.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n\n");
    assert!(failures.is_empty(), "{} failed, such as\n{shown}", failures.len());
}

/// Runs broken once and then again until all is done.
async fn case(
    ruler: &Ruler,
    flavour: Flavour,
    given: &Input,
    (how, at): (Break, usize),
) -> Result<(), String> {
    let broken = Broken::at(ruler.addr, how, at).await;
    let hasty = target(broken.addr(), flavour, given, how.patience());
    let parallelism = if at.is_multiple_of(2) { 1 } else { 8 };
    let first = async { applied(&hasty, given, parallelism).await.map(|(_, outcome)| outcome.is_complete()) };
    let complete = broken.run(first).await;
    let patient = target(ruler.addr, flavour, given, Duration::from_secs(20));
    let again = async || Ok(applied(&patient, given, 8).await?.1.is_complete());
    until_complete(complete, again).await?;
    let (plan, _) = planned(&patient, given).await?;
    if plan.is_empty() {
        return Ok(());
    }
    Err(format!("the plan is not empty:\n{}", render::text(&plan, false, None)))
}

#[test]
fn a_thousand_alerts_in_fifty_groups_take_one_request_to_plan_and_two_for_each_group_to_write() {
    let alerts: String = (0..1000).map(|n| alert(&format!("g{:02}.alert{:02}", n / 20, n % 20), 5)).collect();
    let given = Input::read(&files("", &format!("alerts:\n{alerts}")));
    let ruler = Ruler::start(Flavour::Mimir);
    runtime().block_on(async {
        let target = target(ruler.addr, Flavour::Mimir, &given, Duration::from_secs(20));
        planned(&target, &given).await.unwrap();
        assert_eq!(ruler.requests().len(), 1);
        let (_, outcome) = applied(&target, &given, 8).await.unwrap();
        assert!(outcome.is_complete());
        let requests = ruler.requests().len();
        assert!(requests <= 102, "{requests}");
        assert_eq!(ruler.namespace(NAMESPACE).len(), 50);
        assert!(planned(&target, &given).await.unwrap().0.is_empty());
    });
}

#[test]
fn groups_that_would_be_too_large_are_cut_and_stay_as_they_are_cut() {
    let alerts: String = (0..45).map(|n| alert(&format!("g.part{}.alert{n:02}", n % 2), 5)).collect();
    let given = Input::read(&files("", &format!("alerts:\n{alerts}")));
    let ruler = Ruler::start(Flavour::Mimir);
    runtime().block_on(async {
        let target = target(ruler.addr, Flavour::Mimir, &given, Duration::from_secs(20));
        let (text, outcome) = applied(&target, &given, 8).await.unwrap();
        assert!(outcome.is_complete(), "{text}\n{outcome:?}");
        let kept: Vec<String> = ruler.namespace(NAMESPACE).into_keys().collect();
        assert_eq!(kept, ["g.part0.1", "g.part0.2", "g.part1.1", "g.part1.2"]);
        let (plan, _) = planned(&target, &given).await.unwrap();
        assert!(plan.is_empty(), "{}", render::text(&plan, false, None));
    });
}

#[test]
fn groups_that_somebody_else_writes_meanwhile_are_left_alone() {
    let (ruler, first, given) =
        (Ruler::start(Flavour::Cortex), Input::read(&before()), Input::read(&after()));
    runtime().block_on(async {
        let target = |given: &Input| target(ruler.addr, Flavour::Cortex, given, Duration::from_secs(20));
        applied(&target(&first), &first, 8).await.unwrap();
        let (plan, actual) = planned(&target(&given), &given).await.unwrap();
        ruler.edit(NAMESPACE, "a", |group| group["rules"][0]["expr"] = json!("vector(7)"));
        let kept: Kept = ruler.keep();
        let options = Options { parallelism: 8, retry: RetryPolicy::quick() };
        let outcome = target(&given).write(&plan, actual, &options, &Silent).await;
        assert!(outcome.refused.as_ref().is_some_and(|why| why.contains("group \"a\"")), "{outcome:?}");
        assert_eq!(outcome.counts().0, 0);
        assert_eq!(ruler.keep(), kept, "nothing was written at all");
    });
}
