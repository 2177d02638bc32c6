//! States as Terraform keeps them beside what becomes of them.

use serde_json::{Value, json};

use super::{run, terraform};
use crate::diag::{Files, RouteIndex};
use crate::import::Source;

fn read(document: &Value) -> (Value, Vec<String>) {
    run(terraform, &[("terraform.tfstate", &serde_json::to_string_pretty(document).unwrap())])
}

fn version_3() -> Value {
    json!({"version": 3, "terraform_version": "0.11.14", "serial": 4, "modules": [
        {"path": ["root"], "outputs": {"token": {"sensitive": true, "type": "string", "value": "canary"}}, "resources": {
            "librato_alert.slow": {"type": "librato_alert", "primary": {"id": "12", "attributes": {
                "id": "12", "name": "web.slow", "active": "false", "rearm_seconds": "600", "description": "",
                "attributes.#": "1", "attributes.0.runbook_url": "https://wiki.example.org/slow",
                "services.#": "2", "services.77": "5", "services.3000": "6", "condition.#": "2",
                "condition.900.type": "above", "condition.900.metric_name": "web.ms", "condition.900.source": "",
                "condition.900.threshold": "10.5", "condition.900.duration": "600", "condition.900.detect_reset": "false",
                "condition.900.summary_function": "",
                "condition.1000.type": "absent", "condition.1000.metric_name": "web.up", "condition.1000.source": "*",
                "condition.1000.threshold": "0", "condition.1000.duration": "300", "condition.1000.detect_reset": "false",
                "condition.1000.summary_function": ""}}},
            "data.aws_ami.x": {"type": "aws_ami", "primary": {"id": "a", "attributes": {"id": "a"}}},
            "aws_instance.y": {"type": "aws_instance", "primary": {"id": "b", "attributes": {"password": "canary"}}},
        }},
        {"path": ["root", "on_call"], "resources": {
            "librato_service.pager.0": {"type": "librato_service", "primary": {"id": "5", "attributes": {
                "id": "5", "title": "pager", "type": "pagerduty",
                "settings": "{\"service_key\":\"canary\",\"event_type\":\"trigger\",\"description\":\"d\"}"}}},
            "librato_service.chat.1": {"type": "librato_service", "primary": {"id": "6", "attributes": {
                "id": "6", "title": "chat", "type": "slack", "settings.%": "1", "settings.url": "https://canary"}}},
            "librato_space_chart.c": {"type": "librato_space_chart", "primary": {"id": "8", "attributes": {
                "id": "8", "name": "c", "space_id": "7", "type": "line", "max": "NaN", "min": "NaN", "label": "",
                "related_space": "", "stream.#": "1", "stream.31.metric": "web.ms", "stream.31.source": "*",
                "stream.31.composite": "", "stream.31.group_function": "average", "stream.31.max": "0", "stream.31.min": "0",
                "stream.31.period": "0"}}},
            "librato_space.s": {"type": "librato_space", "deposed": [{"id": "1", "attributes": {"name": "old"}}],
                "primary": {"id": "7", "attributes": {"id": "7", "name": "s"}}},
        }},
    ]})
}

#[test]
fn states_of_version_3_are_read() {
    let (objects, findings) = read(&version_3());
    assert_eq!(findings, [""; 0]);
    assert_eq!(
        objects,
        json!({
            "chat": {"type": "slack", "settings": {"url": "https://canary"}},
            "pager": {"type": "pagerduty", "settings": {"description": "d", "event_type": "trigger", "service_key": "canary"}},
            "web.slow": {
                "active": false, "rearm_seconds": 600, "services": ["chat", "pager"],
                "attributes": {"runbook_url": "https://wiki.example.org/slow"},
                "conditions": [
                    {"type": "absent", "metric_name": "web.up", "source": "*", "duration": 300},
                    {"type": "above", "metric_name": "web.ms", "threshold": 10.5, "duration": 600},
                ],
            },
            "s": {},
            "s/c": {"type": "line", "streams": [{"metric": "web.ms", "source": "*", "group_function": "average"}]},
        })
    );
}

#[test]
fn states_of_version_4_are_read() {
    let service = |index: Value, id: &str, title: &str| {
        json!({"index_key": index, "attributes": {"id": id, "title": title, "type": "mail",
               "settings": "{\"addresses\":\"a@example.org\"}"}})
    };
    let document = json!({"version": 4, "terraform_version": "1.5.7", "resources": [
        {"mode": "managed", "type": "appoptics_alert", "name": "slow", "instances": [{"attributes": {
            "id": "12", "name": "web.slow", "active": true, "attributes": {}, "rearm_seconds": 600, "services": ["6"],
            "condition": [{"type": "above", "metric_name": "web.ms", "threshold": 10, "duration": 600,
                           "summary_function": "", "tag": [{"name": "host", "grouped": true, "values": ["a"]}]}]}}]},
        {"module": "module.on_call", "mode": "managed", "type": "appoptics_service", "name": "s", "instances": [
            service(json!("a"), "5", "a"), service(json!("b"), "6", "b"),
            {"deposed": "0f", "attributes": {"id": "4", "title": "old"}}]},
        {"mode": "managed", "type": "librato_metric", "name": "m", "instances": [{"attributes_flat": {
            "id": "web.ms", "name": "web.ms", "type": "gauge", "attributes.#": "1", "attributes.0.color": "#52D74C"}}]},
        {"mode": "data", "type": "librato_metric", "name": "d", "instances": [{"attributes": {"name": "d"}}]},
    ]});
    let (objects, findings) = read(&document);
    assert_eq!(findings, [""; 0]);
    assert_eq!(
        objects,
        json!({
            "web.ms": {"type": "gauge", "attributes": {"color": "#52D74C"}},
            "a": {"type": "mail", "settings": {"addresses": "a@example.org"}},
            "b": {"type": "mail", "settings": {"addresses": "a@example.org"}},
            "web.slow": {
                "active": true, "rearm_seconds": 600, "services": ["b"],
                "conditions": [{"type": "above", "metric_name": "web.ms", "threshold": 10.0, "duration": 600,
                                "tags": [{"name": "host", "grouped": true, "values": ["a"]}]}],
            },
        })
    );
}

#[test]
fn what_a_state_holds_is_not_shown() {
    let mut document = version_3();
    document["modules"][0]["resources"]["librato_alert.slow"]["primary"]["attributes"]["condition.900.threshold"] =
        "canary".into();
    document["modules"][1]["resources"]["librato_service.chat.1"]["primary"]["attributes"]["colour"] =
        "canary".into();
    let mut files = Files::default();
    let text = serde_json::to_string(&document).unwrap();
    let file =
        files.add_foreign("terraform.tfstate", text, crate::load::yaml::index as fn(&str) -> RouteIndex);
    let source = Source { file, dir: String::new(), name: "terraform.tfstate".into() };
    let imported = terraform(&[source], &mut files);
    let shown = crate::diag::render(&imported.report, &files, false);
    assert!(shown.contains("threshold") && shown.contains("colour"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
