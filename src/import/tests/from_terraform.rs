//! Configurations and plans beside what becomes of them.

use serde_json::{Value, json};

use super::{run, terraform};

#[track_caller]
fn tf(text: &str, objects: &Value, findings: &[&str]) {
    assert_eq!(
        run(terraform, &[("a.tf", text)]),
        (objects.clone(), findings.iter().map(|f| (*f).to_owned()).collect())
    );
}

#[test]
fn what_providers_invent_is_dropped() {
    tf(
        r##"resource "librato_metric" "a" {
              name = "a"
              type = "gauge"
              description = ""
              period = 0
              attributes {
                color = ""
                display_max = "0"
                display_stacked = false
              }
            }
            resource "appoptics_metric" "b" {
              name = "b"
              type = "gauge"
              composite = "s(\"a\", \"*\")"
              attributes {
                display_max = 0
                display_min = "-1.50"
              }
            }
            resource "librato_alert" "c" {
              name = "c"
              rearm_seconds = 0
              condition {
                type = "absent"
                metric_name = "a"
                source = ""
                threshold = 5
                duration = "600"
                summary_function = ""
                detect_reset = false
              }
            }"##,
        &json!({
            "a": {"type": "gauge", "attributes": {"display_max": 0}},
            "b": {"composite": "s(\"a\", \"*\")", "attributes": {"display_min": -1.5}},
            "c": {"conditions": [{"type": "absent", "metric_name": "a", "duration": 600}]},
        }),
        &[],
    );
}

#[test]
fn a_list_that_lacks_an_item_is_not_written() {
    tf(
        r#"resource "librato_service" "s" {
             title = "s"
             type = "mail"
             settings = var.settings
           }
           resource "librato_alert" "a" {
             name = "a"
             services = [librato_service.s.id, "77"]
             condition {
               type = "above"
               metric_name = "m"
               threshold = var.limit
             }
             condition {
               type = "below"
               metric_name = "m"
               threshold = 5
             }
           }"#,
        &json!({"a": {}, "s": {"type": "mail"}}),
        &["needs-evaluation a.tf:4", "left-out a.tf:6", "unknown-service a.tf:8", "needs-evaluation a.tf:12"],
    );
}

#[test]
fn secrets_need_only_their_names() {
    tf(
        r#"resource "librato_service" "s" {
             title = "s"
             type = "slack"
             settings = jsonencode({ url = "https://x/${var.token}" })
           }
           resource "librato_service" "t" {
             title = "t"
             type = "mail"
             settings = jsonencode({ addresses = var.people })
           }"#,
        &json!({"s": {"type": "slack", "settings": {"url": "secret://elsewhere"}}, "t": {"type": "mail"}}),
        &["needs-evaluation a.tf:9"],
    );
}

#[test]
fn what_would_not_be_valid_is_left_out() {
    tf(
        r#"resource "librato_alert" "a" {
             name = "a/b"
           }
           resource "librato_alert" "b" {
             name = "b"
             condition {
               type = "over"
               metric_name = "m"
             }
           }
           resource "librato_alert" "c" {
             name = "c"
             condition {
               type = "above"
               metric_name = "m"
               duration = 30
             }
           }
           resource "librato_space" "d" {
             name = "d"
           }
           resource "librato_space" "e" {
             name = "d"
             colour = "red"
           }
           resource "librato_dashboard" "f" {}"#,
        // A word that only we do not know is kept.
        &json!({"b": {"conditions": [{"type": "over", "metric_name": "m", "threshold": 0.0}]}, "d": {}, "d (2)": {}}),
        &[
            "invalid-name a.tf:1",
            "invalid-duration a.tf:16",
            "repeated-name a.tf:22",
            "unknown-field a.tf:24",
            "unknown-resource a.tf:26",
        ],
    );
}

#[test]
fn charts_are_sent_as_the_provider_sends_them() {
    tf(
        r#"resource "librato_space" "s" {
             count = 2
             name = "s${count.index}"
           }
           resource "librato_space_chart" "a" {
             space_id = librato_space.s.1.id
             name = "a"
             type = "line"
             min = 0
             max = 10
             related_space = "${element(librato_space.s.*.id, 0)}"
             stream {
               metric = "m"
               units_long = "seconds"
               min = 0
             }
           }
           resource "librato_space_chart" "b" {
             space_id = 12
             name = "b"
             type = "line"
           }"#,
        &json!({
            "s0": {}, "s1": {},
            "s1/a": {"type": "line", "max": 10.0, "related_space": "s0", "streams": [{"metric": "m", "min": 0.0}]},
        }),
        &["never-sent a.tf:9", "never-sent a.tf:14", "unknown-space a.tf:19"],
    );
}

#[test]
fn modules_are_entered_and_the_rest_of_the_world_is_not() {
    let root = r#"module "m" {
          source = "./m"
          for_each = { a = 1, b = 2 }
          name = each.key
          limit = each.value
        }
        module "r" {
          source = "example/registry/x"
        }
        module "gone" {
          source = "./gone"
        }
        resource "librato_space" "s" {
          name = module.m["b"].shown
        }"#;
    let inner = r#"variable "name" {}
        variable "limit" { default = 7 }
        variable "more" { default = "x" }
        resource "librato_space" "s" {
          name = "${var.name}-${var.limit}-${var.more}"
        }
        output "shown" { value = "shown ${librato_space.s.name}" }"#;
    let (objects, findings) = run(terraform, &[("a.tf", root), ("m/b.tf", inner)]);
    assert_eq!(objects, json!({"a-1-x": {}, "b-2-x": {}, "shown b-2-x": {}}));
    assert_eq!(findings, ["module-not-read a.tf:7", "needs-evaluation a.tf:10"]);
}

#[test]
fn what_can_be_worked_out_is() {
    tf(
        r#"locals {
             teams = [{ name = "a", mail = "a@x.org" }, { name = "b", mail = "b@x.org" }]
             odd = [for n in ["x", "y"] : upper(n) if n != "x"]
           }
           resource "librato_service" "s" {
             for_each = { for team in local.teams : team.name => team.mail }
             title = each.key
             type = "mail"
             settings = jsonencode({ addresses = each.value })
           }
           resource "librato_space" "s" {
             count = 1 + 1 == 2 && !false ? length(local.odd) : 0
             name = "s"
           }
           resource "librato_space" "u" {
             count = length(uuid())
             name = "u"
           }
           resource "librato_space" "t" {
             name = join("-", concat(local.odd, [for k, v in { q = 1 } : "${k}${-v * 2}"]))
           }"#,
        &json!({
            "a": {"type": "mail", "settings": {"addresses": "a@x.org"}},
            "b": {"type": "mail", "settings": {"addresses": "b@x.org"}},
            "s": {},
            "Y-q-2": {},
        }),
        &["needs-evaluation a.tf:15"],
    );
}

#[test]
fn plans_do_not_know_everything() {
    let plan = json!({
        "format_version": "1.1",
        "planned_values": {"root_module": {"resources": [
            {"address": "librato_alert.a", "mode": "managed", "type": "librato_alert", "name": "a",
             "values": {"name": "a", "active": true, "condition": []}},
            {"address": "data.librato_alert.b", "mode": "data", "type": "librato_alert", "name": "b", "values": {}},
        ]}},
        "resource_changes": [{"address": "librato_alert.a", "change": {"after_unknown": {"id": true, "services": [true]}}}],
    });
    let text = serde_json::to_string_pretty(&plan).unwrap();
    let (objects, findings) = run(terraform, &[("plan.json", &text)]);
    assert_eq!(objects, json!({"a": {"conditions": [], "active": true}}));
    assert_eq!(findings, ["needs-evaluation plan.json:7"]);
}

#[test]
fn references_lead_to_what_they_meant_or_are_reported() {
    tf(
        r#"resource "librato_space" "one" {
             name = "s"
           }
           resource "librato_space" "two" {
             name = "s"
           }
           resource "librato_space_chart" "c" {
             space_id = librato_space.two.id
             name = "c"
             type = "line"
             stream {
               metric = librato_metric.sum.name
             }
             stream {
               metric = "m"
             }
           }
           resource "librato_metric" "sum" {
             name = "sum"
             type = "composite"
             composite = "s(\"twice\", \"*\")"
           }
           resource "librato_metric" "twice" {
             name = "twice"
             type = "composite"
             composite = "no_such_thing("
           }
           resource "librato_service" "odd" {
             title = "odd"
             type = "mail"
             settings = "{}"
           }
           resource "librato_alert" "a" {
             name = "a"
             services = [for s in [librato_service.odd] : s.id]
             condition {
               type = "above"
               metric_name = "twice"
             }
           }"#,
        &json!({"a": {}, "s": {}, "s (2)": {}, "s (2)/c": {"type": "line"}}),
        &[
            "repeated-name a.tf:4",
            "left-out-reference a.tf:12",
            "left-out-reference a.tf:21",
            "invalid-composite a.tf:26",
            "missing-setting a.tf:31",
            "unknown-service a.tf:35",
            "left-out-reference a.tf:38",
        ],
    );
}

/// Two roots, or two accounts, use the same addresses and counts.
#[test]
fn addresses_and_ids_mean_something_within_one_root_or_state_only() {
    let root = |count: u32, who: &str| {
        format!(
            "resource \"librato_service\" \"s\" {{\n count = {count}\n title = \"{who}${{count.index}}\"\n type = \"mail\"\n \
             settings = \"{{\\\"addresses\\\": \\\"{who}@x.org\\\"}}\"\n}}\n\
             resource \"librato_alert\" \"a\" {{\n name = \"{who}\"\n services = librato_service.s.*.id\n}}\n"
        )
    };
    let (a, b) = (root(1, "a"), root(2, "b"));
    let (objects, findings) = run(terraform, &[("a/m.tf", &a), ("b/m.tf", &b)]);
    assert_eq!(objects["a"]["services"], json!(["a0"]));
    assert_eq!(objects["b"]["services"], json!(["b0", "b1"]));
    assert_eq!(findings, [""; 0]);

    let state = |who: &str| {
        let resource = |of: &str, fields: Value| json!({"address": format!("{of}.x"), "mode": "managed", "type": of, "values": fields});
        let settings = json!({"addresses": "a@x.org"}).to_string();
        json!({"format_version": "1.0", "values": {"root_module": {"resources": [
            resource("librato_service", json!({"id": "7", "title": who, "type": "mail", "settings": settings})),
            resource("librato_alert", json!({"name": who, "services": ["7"]})),
        ]}}})
        .to_string()
    };
    let (objects, _) = run(terraform, &[("a.json", &state("a")), ("b.json", &state("b"))]);
    assert_eq!((&objects["a"]["services"], &objects["b"]["services"]), (&json!(["a"]), &json!(["b"])));

    // A service in a state of its own is found there, which is said.
    let alone = state("b").replace("\"id\":\"7\"", "\"id\":\"8\"");
    let (objects, findings) = run(terraform, &[("a.json", &state("a")), ("b.json", &alone)]);
    assert_eq!(objects["b"]["services"], json!(["a"]));
    assert_eq!(findings, ["found-elsewhere b.json:1"]);
}

#[test]
fn old_configurations_are_read() {
    tf(
        r#"resource "librato_service" "s" {
             count = 2,
             title = "${format("team-%02d", count.index + 1)}",
             type = "mail",
             settings = "{\"addresses\": \"a@x.org\"}",
           }
           resource "librato_alert" "a" {
             name = "a",
             active = 0,
             services = ["${element(librato_service.s.*.id, 1)}"],
             condition { type = "above", metric_name = "m", threshold = 5 }
           }
           resource "librato_alert" "b" {
             name = "b"
             active = "1"
             services = [for s in librato_service.s : s.id if s.title != "team-02"]
           }
           resource "librato_alert" "c" {
             name = "c"
             active = False
             services = ["${librato_service.s.*.id}"]
             condition {
               type = "above"
               metric_name = "m"
               tag { name = "az", values = ["${librato_service.s.*.title}", "x"] }
             }
           }
           resource "librato_alert" "C" {
             name = "C"
           }"#,
        &json!({
            "team-01": {"type": "mail", "settings": {"addresses": "a@x.org"}},
            "team-02": {"type": "mail", "settings": {"addresses": "a@x.org"}},
            "a": {"active": false, "services": ["team-02"],
                  "conditions": [{"type": "above", "metric_name": "m", "threshold": 5.0}]},
            "b": {"active": true, "services": ["team-01"], "conditions": []},
            "c": {"active": false, "services": ["team-01", "team-02"], "conditions": [
                {"type": "above", "metric_name": "m", "threshold": 0.0,
                 "tags": [{"name": "az", "values": ["team-01", "team-02", "x"]}]}]},
        }),
        // The service makes no difference between `c` and `C`.
        &["repeated-name a.tf:28"],
    );
}

#[test]
fn files_about_other_things_are_passed_over() {
    let ours = "resource \"librato_space\" \"s\" {\n name = \"s\"\n}\n";
    let theirs = "resource \"aws_instance\" \"x\" {\n  what = is [ this\n";
    let broken = format!("{ours}{theirs}");
    let (objects, findings) = run(terraform, &[("a.tf", ours), ("b.tf", theirs), ("c.tf", &broken)]);
    assert_eq!((objects, findings), (json!({"s": {}}), vec!["invalid-hcl c.tf:5".to_owned()]));
}
