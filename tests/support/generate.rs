//! Files as somebody might write them, and files as that somebody might change them.
//! All of them are valid: what is wrong with files is proved elsewhere.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::rules::{Rules, rules};

type Object = Map<String, Value>;

/// Files, what became of them later, and the same later files for a service on which nothing exists yet.
#[derive(Debug, Clone)]
pub struct Files {
    pub first: String,
    pub second: String,
    pub second_from_nothing: String,
    /// What the later files say of what is theirs.
    pub rules: Rules,
}

/// What the later files say of an object of the first.
#[derive(Debug, Clone)]
enum Edit {
    Same,
    /// No longer mentioned.
    Silent,
    /// Only these fields.
    Partly(Object),
    /// Defined anew.
    Anew(Object),
    Absent,
    /// Another name, and only these fields; where there are names that cannot change, as `Partly`.
    Renamed(Object),
}

/// An object in both.
#[derive(Debug, Clone)]
struct Slot {
    first: Option<Object>,
    edit: Edit,
}

/// The last one may change its type, so no condition speaks of it: what is not mentioned of an alert stays, and would no
/// longer fit.
const METRICS: [&str; 4] = ["web.m0", "Web.M1", "db:m-2", "db.m_3"];
const COMPOSITES: [&str; 2] = ["web.sum", "Web.Ratio"];
const STREAMS: [&str; 3] = ["deploys", "Web.deploys", "db-changes"];
const SERVICES: [&str; 4] = ["ops", "Ops mail", "pager é", "hook"];
const ALERTS: [&str; 4] = ["web.slow", "Web.Down", "db:full", "db.gone"];
const FOREIGN_SERVICE: &str = "foreign-mail";

/// Pairs of files.
pub fn files() -> impl Strategy<Value = Files> {
    let slots = |full: BoxedStrategy<Object>, part: BoxedStrategy<Object>, count: usize| {
        vec(slot(full, part), count).boxed()
    };
    let own = (
        (
            slots(metric(&json!(["gauge"])), metric_parts(), METRICS.len() - 1),
            slot(metric(&json!(["gauge", "counter"])), metric_parts()),
        ),
        slots(composite(), composite_parts(), COMPOSITES.len()),
        slots(annotation(), annotation(), STREAMS.len()),
        vec(service_slot(), SERVICES.len()),
        slots(alert(), alert_parts(), ALERTS.len()),
    );
    let shared = (btree_set("[a-c]", 0..3), btree_set("[a-c]", 0..3), 0..3u8, any::<bool>(), any::<bool>());
    (own, shared, rules()).prop_map(|(own, shared, rules)| {
        let ((mut metrics, turning), composites, streams, services, alerts) = own;
        metrics.push(turning);
        let (fleet, later_fleet, threshold, swap, defaults) = shared;
        let alerts = if swap { swapped(alerts) } else { alerts };
        let kinds = [
            ("metrics", &METRICS[..], metrics),
            ("composites", &COMPOSITES[..], composites),
            ("annotations", &STREAMS[..], streams),
            ("services", &SERVICES[..], services),
            ("alerts", &ALERTS[..], alerts),
        ];
        let mut sides = [Object::new(), Object::new(), Object::new()];
        for (kind, names, slots) in &kinds {
            for (side, file) in sides.iter_mut().enumerate() {
                file.insert((*kind).into(), section(kind, names, slots, side).into());
            }
        }
        if swap {
            let second = sides[1]["alerts"].as_object_mut().unwrap();
            second[ALERTS[0]]["renamed_from"] = ALERTS[1].into();
            second[ALERTS[1]]["renamed_from"] = ALERTS[0].into();
        }
        let [first, second, second_from_nothing] = std::array::from_fn(|side| {
            let mut file = std::mem::take(&mut sides[side]);
            let fleet = if side == 0 { &fleet } else { &later_fleet };
            let fleet: Vec<String> = fleet.iter().cloned().collect();
            dress_up(&mut file, &fleet, threshold + u8::from(side > 0), defaults);
            settle_references(&mut file);
            if side > 0 {
                rules.lay_on(&mut file);
            }
            Value::Object(file).to_string()
        });
        Files { first, second, second_from_nothing, rules }
    })
}

/// Alerts of which the first two exist at first and are defined by the second files.
fn swapped(mut alerts: Vec<Slot>) -> Vec<Slot> {
    let any = json!({"conditions": [{"type": "absent", "metric_name": 9, "duration": 60}]});
    for alert in &mut alerts[..2] {
        alert.first.get_or_insert(any.as_object().unwrap().clone());
        alert.edit = match std::mem::replace(&mut alert.edit, Edit::Same) {
            Edit::Renamed(fields) => Edit::Partly(fields),
            Edit::Silent | Edit::Absent => Edit::Same,
            edit => edit,
        };
    }
    alerts
}

/// A section as it is at first (0), later (1), or later where nothing exists (2).
fn section(kind: &str, names: &[&str], slots: &[Slot], side: usize) -> Object {
    let mut section = Object::new();
    for (name, slot) in names.iter().zip(slots) {
        let first = slot.first.clone();
        let whole = |part: &Object| {
            let needs = ["type", "settings", "conditions", "composite"];
            let kept = first
                .clone()
                .unwrap_or_default()
                .into_iter()
                .filter(|(key, _)| needs.contains(&key.as_str()));
            let mut whole: Object = kept.filter(|_| side == 2).collect();
            whole.extend(part.clone());
            whole
        };
        let renames = matches!(kind, "services" | "alerts");
        let (name, object) = match (&slot.edit, &first) {
            (_, Some(first)) if side == 0 => ((*name).to_owned(), first.clone()),
            (Edit::Same, Some(first)) => ((*name).to_owned(), first.clone()),
            (Edit::Anew(object), _) if side > 0 => ((*name).to_owned(), object.clone()),
            (Edit::Absent, _) if side > 0 => {
                ((*name).to_owned(), Map::from_iter([("ensure".into(), "absent".into())]))
            }
            (Edit::Renamed(part), Some(_)) if renames => {
                let mut object = whole(part);
                object.insert("renamed_from".into(), (*name).into());
                (format!("{name}.new"), object)
            }
            (Edit::Partly(part) | Edit::Renamed(part), Some(_)) => ((*name).to_owned(), whole(part)),
            _ => continue,
        };
        section.insert(name, object.into());
    }
    section
}

/// Variables, a `for_each`, defaults, and uses of what others own.
fn dress_up(file: &mut Object, fleet: &[String], threshold: u8, defaults: bool) {
    file.insert("vars".into(), json!({"threshold": threshold, "fleet": fleet}));
    let fleet = json!({
        "for_each": "${var.fleet}",
        "description": "${each.key} of $${fleet} ${each.value}",
        "conditions": [{"type": "above", "metric_name": 9, "threshold": "${var.threshold}"}],
        "services": [9],
    });
    file["alerts"]["fleet.${each.key}"] = fleet;
    file["services"][FOREIGN_SERVICE] = json!({"external": true});
    file["metrics"]["foreign.counter"] = json!({"external": true});
    if defaults {
        file.insert(
            "defaults".into(),
            json!({"alerts": {"rearm_seconds": "20m"}, "metrics": {"attributes": {"display_min": 0}}}),
        );
    }
}

/// Alerts speak of metrics and services by number until here: what a file does not have, they do not use.
fn settle_references(file: &mut Object) {
    let present = |kind: &str, name: &str| {
        let object = file[kind].get(name);
        object.filter(|object| object.get("ensure").is_none()).is_some()
    };
    let metrics: Vec<String> = METRICS.iter().map(|name| name.to_uppercase()).collect();
    let metric = |i: usize| {
        let absent = METRICS
            .get(i)
            .is_some_and(|name| file["metrics"].get(*name).is_some() && !present("metrics", name));
        match i {
            0..3 if !absent => metrics[i].clone(),
            3 => "FOREIGN.counter".into(),
            _ => "foreign.Gauge".into(),
        }
    };
    let service = |i: usize| {
        let Some(name) = SERVICES.get(i) else { return Some(FOREIGN_SERVICE.to_owned()) };
        [(*name).to_owned(), format!("{name}.new")].into_iter().find(|name| present("services", name))
    };
    let mut alerts = file["alerts"].clone();
    for alert in alerts.as_object_mut().unwrap().values_mut() {
        for condition in alert.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
            let i = condition["metric_name"].as_u64().unwrap();
            condition["metric_name"] = metric(usize::try_from(i).unwrap()).into();
        }
        if let Some(services) = alert.get_mut("services") {
            let titles = services
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|i| service(usize::try_from(i.as_u64()?).ok()?));
            *services =
                titles.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().into();
        }
    }
    file["alerts"] = alerts;
}

fn slot(full: BoxedStrategy<Object>, part: BoxedStrategy<Object>) -> impl Strategy<Value = Slot> {
    let edit = prop_oneof![
        2 => Just(Edit::Same),
        2 => Just(Edit::Silent),
        4 => part.clone().prop_map(Edit::Partly),
        3 => full.clone().prop_map(Edit::Anew),
        1 => Just(Edit::Absent),
        2 => part.prop_map(Edit::Renamed),
    ];
    (option::weighted(0.8, full), edit).prop_map(|(first, edit)| Slot { first, edit })
}

/// Settings must fit the type, so an edit keeps to that of the first.
fn service_slot() -> impl Strategy<Value = Slot> {
    (option::weighted(0.8, 0..4usize), 0..3u8, 0..3u8, 0..4usize, 0..10u8).prop_map(
        |(first, was, is, other, edit)| {
            let settings_only = |kind: usize| {
                Map::from_iter([("settings".to_owned(), service(kind, is)["settings"].clone())])
            };
            let edit = match (edit, first) {
                (0 | 1, _) => Edit::Same,
                (2, _) => Edit::Silent,
                (3 | 4, Some(kind)) => Edit::Partly(settings_only(kind)),
                (5, Some(_)) => Edit::Partly(Object::new()),
                (6, Some(kind)) => Edit::Renamed(settings_only(kind)),
                (7, Some(_)) => Edit::Renamed(Object::new()),
                (8, _) => Edit::Absent,
                _ => Edit::Anew(service(other, is)),
            };
            Slot { first: first.map(|kind| service(kind, was)), edit }
        },
    )
}

fn service(kind: usize, variant: u8) -> Object {
    let (service_type, settings) = match kind {
        0 => ("slack", json!({"url": format!("https://hooks.example.org/${{secret.HOOK}}/{variant}")})),
        1 => ("mail", json!({"addresses": format!("a{variant}@example.org,b@example.org")})),
        2 => ("pagerduty", json!({"service_key": "k", "event_type": "trigger", "description": variant})),
        _ => ("webhook", json!({"url": "https://example.org/hook", "extra": variant == 1})),
    };
    json!({"type": service_type, "settings": settings}).as_object().unwrap().clone()
}

/// An object with some of the fields.
pub fn some(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Object> {
    let field = |(name, value): (&'static str, BoxedStrategy<Value>)| {
        option::of(value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let fields: Vec<_> = fields.into_iter().map(field).collect();
    fields.prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

/// One of these.
pub fn of(values: &Value) -> BoxedStrategy<Value> {
    prop::sample::select(values.as_array().unwrap().clone()).boxed()
}

/// Both objects in one.
fn with(more: BoxedStrategy<Object>, object: BoxedStrategy<Object>) -> BoxedStrategy<Object> {
    (more, object)
        .prop_map(|(more, mut object)| {
            object.extend(more);
            object
        })
        .boxed()
}

fn always(name: &'static str, value: BoxedStrategy<Value>) -> BoxedStrategy<Object> {
    value.prop_map(move |value| Map::from_iter([(name.to_owned(), value)])).boxed()
}

fn display_fields() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let attributes = some(vec![
        ("color", of(&json!(["#AABBCC", "#aabbcc", "#000000", null]))),
        ("display_max", of(&json!([5, 5.5, "5", "1e3", 0, null]))),
        ("display_min", of(&json!([0, -1, null]))),
        ("display_units_long", of(&json!(["milliseconds", "", null]))),
        ("display_units_short", of(&json!(["ms", null]))),
        ("display_stacked", of(&json!([true, false, null]))),
        ("display_transform", of(&json!(["x/p*8", null]))),
        ("summarize_function", of(&json!(["average", "sum", null]))),
        ("aggregate", of(&json!([true, false, null]))),
        ("gap_detection", of(&json!([true, false, null]))),
    ]);
    vec![
        ("display_name", of(&json!(["Time", "Zeit ☃ \"x\"", "", null]))),
        ("description", of(&json!(["what\nit is", "", "# no comment", null]))),
        ("period", of(&json!([60, "5m", 1, null]))),
        ("source_lag", of(&json!([120, null]))),
        ("attributes", attributes.prop_map(Value::Object).boxed()),
    ]
}

fn metric_parts() -> BoxedStrategy<Object> {
    some(display_fields())
}

fn metric(types: &Value) -> BoxedStrategy<Object> {
    with(always("type", of(types)), metric_parts())
}

fn composite_text() -> BoxedStrategy<Value> {
    of(&json!([
        "sum(s(\"foreign.Gauge\",\"*\"))",
        "sum( s( \"foreign.Gauge\", \"*\" ) )",
        "divide([sum(s(\"foreign.Gauge\",\"web*\")), s(\"no.such\", \"%\", {function: \"sum\", period: \"60\"})])",
    ]))
}

fn composite_parts() -> BoxedStrategy<Object> {
    let mut fields = display_fields();
    fields.push(("composite", composite_text()));
    some(fields)
}

fn composite() -> BoxedStrategy<Object> {
    with(always("composite", composite_text()), composite_parts())
}

fn annotation() -> BoxedStrategy<Object> {
    some(vec![("display_name", of(&json!(["Deploys", "Auslieferungen é", "", null])))])
}

fn alert_parts() -> BoxedStrategy<Object> {
    let attributes = some(vec![
        ("runbook_url", of(&json!(["https://wiki.example.org/a", "https://wiki.example.org/b", null]))),
        ("team", of(&json!(["ops", {"deep": [1]}, null]))),
    ]);
    some(vec![
        ("description", of(&json!(["Customers wait", "", "two\nlines", null]))),
        ("conditions", vec(condition(), 0..4).prop_map(Value::from).boxed()),
        ("services", btree_set(0..6usize, 0..4).prop_map(|set| json!(set)).boxed()),
        ("attributes", attributes.prop_map(Value::Object).boxed()),
        ("active", of(&json!([true, false, null]))),
        ("rearm_seconds", of(&json!([600, "10m", "1h", 60, null]))),
        ("rearm_per_signal", of(&json!([true, false, null]))),
        ("md", of(&json!([true, false, null]))),
    ])
}

fn alert() -> BoxedStrategy<Object> {
    with(always("conditions", vec(condition(), 0..4).prop_map(Value::from).boxed()), alert_parts())
}

fn condition() -> BoxedStrategy<Value> {
    let stream = prop_oneof![
        some(vec![("source", of(&json!(["*", "web*", "WEB*", "%"])))]),
        always(
            "tags",
            of(
                &json!([[], [{"name": "Env", "values": ["prod", "A"]}], [{"name": "env", "values": ["a", "Prod"], "grouped": false}]])
            )
        ),
    ];
    let threshold = some(vec![
        ("duration", of(&json!([60, "5m", 3600]))),
        ("summary_function", of(&json!(["derivative"]))),
    ]);
    let threshold = with(always("threshold", of(&json!([5, 5.0, 5.5, -1, 0, 1e10]))), threshold);
    let threshold = with(always("type", of(&json!(["above", "below"]))), threshold);
    let absent = with(always("duration", of(&json!([60, "10m"]))), always("type", of(&json!(["absent"]))));
    let resets = (threshold, any::<bool>(), any::<bool>()).prop_map(|(mut condition, say, resets)| {
        if say && condition.contains_key("summary_function") {
            condition.insert("detect_reset".into(), resets.into());
        }
        condition
    });
    let test = prop_oneof![3 => resets.boxed(), 1 => absent];
    let metric = always("metric_name", (0..7usize).prop_map(|i| json!(i)).boxed());
    with(with(metric, stream.boxed()), test.boxed()).prop_map(Value::Object).boxed()
}
