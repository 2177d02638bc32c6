//! Ruby files beside what becomes of them.

use serde_json::{Value, json};

use super::run;
use crate::diag::{Files, RouteIndex};
use crate::import::{Source, lbrt};

#[track_caller]
fn rb(text: &str, objects: &Value, findings: &[&str]) {
    assert_eq!(
        run(lbrt, &[("a.rb", text)]),
        (objects.clone(), findings.iter().map(|f| (*f).to_owned()).collect())
    );
}

#[test]
fn ruby_is_data_or_is_reported() {
    rb(
        r##"require 'other'
LIMIT = 5
template "t" do
  alert context.name do
  end
end
include_template "t", name: "x"
alert(:a) {
  description <<-EOS
    two
  lines
  EOS
  attributes runbook_url: %q(https://x), 'n' => 1_000
  active !false
  rearm_seconds 10 * 60
  condition do
    type 'above'; metric_name "m"
    source nil
    threshold \
      1e3
    summary_function :max
  end
}
alert "b" do
  if LIMIT > 3
    service 'mail', 'x'
  end
  active false if true
end
[1, 2].each do |n|
  alert "n#{n}" do
  end
end
alert "c#{1}" do
end
__END__
alert "d" do
"##,
        &json!({
            "a": {"description": "    two\n  lines\n", "attributes": {"runbook_url": "https://x", "n": "1000"},
                  "conditions": [{"type": "above", "metric_name": "m", "threshold": 1000.0, "summary_function": "max"}]},
            "b": {},
        }),
        &[
            "not-read a.rb:1",
            "needs-evaluation a.rb:2",
            "template a.rb:3",
            "needs-evaluation a.rb:7",
            "needs-evaluation a.rb:14",
            "needs-evaluation a.rb:15",
            "left-out a.rb:24",
            "needs-evaluation a.rb:25",
            "needs-evaluation a.rb:28",
            "needs-evaluation a.rb:30",
            "needs-evaluation a.rb:34",
        ],
    );
}

#[test]
fn settings_are_not_shown() {
    let text = "service 'slack', 'x' do\n  settings 'url' => 'canary', odd: FOO\n  canary 'canary'\nend\nKEY = 'canary'\n";
    let mut files = Files::default();
    let file = files.add_foreign("a.rb", text.to_owned(), |_| RouteIndex::default());
    let imported = lbrt(&[Source { file, dir: String::new(), name: "a.rb".into() }], &mut files);
    let shown = crate::diag::render(&imported.report, &files, false);
    assert!(shown.contains("a.rb:3:3") && shown.contains("a.rb:5:1"), "{shown}");
    assert!(!shown.contains("'canary'"), "{shown}");
}

#[test]
fn services_are_told_apart_by_type_and_title() {
    rb(
        r##"alert "a" do
  service "pagerduty", "ops"
  service "mail", "ops"
end
alert "b" do
  service "slack", "ops"
end
alert "c" do
  service "slack", "chat"
end
alert "d" do
  service "mail", "chat"
end
alert "e" do
  service "mail", "odd"
end
service "mail", "ops" do
  settings "addresses" => "a@x.org"
end
service "pagerduty", "ops" do
  settings "service_key" => "k", "event_type" => "trigger", "description" => "d"
end
service "mail", "odd" do
  settings "address" => "a@x.org"
end
service "mail", "ops (pagerduty)" do
  settings "addresses" => "b@x.org"
end
"##,
        &json!({
            "ops": {"type": "mail", "settings": {"addresses": "a@x.org"}},
            "ops (2)": {"type": "pagerduty", "settings": {"service_key": "k", "event_type": "trigger", "description": "d"}},
            "ops (pagerduty)": {"type": "mail", "settings": {"addresses": "b@x.org"}},
            "a": {"services": ["ops (2)", "ops"], "conditions": []},
            "b": {}, "c": {"services": ["chat"], "conditions": []}, "d": {}, "e": {},
        }),
        &[
            "left-out a.rb:5",
            "unknown-service a.rb:6",
            "left-out a.rb:11",
            "unknown-service a.rb:12",
            "left-out a.rb:14",
            "unknown-service a.rb:15",
            "repeated-name a.rb:20",
            "missing-setting a.rb:24",
        ],
    );
}

#[test]
fn nobody_is_notified_where_several_services_could_be_meant() {
    rb(
        r##"alert "a" do
  description "kept"
  service "mail", "ops"
end
service "mail", "ops" do
  settings "addresses" => "a@x.org"
end
service "mail", "ops" do
  settings "addresses" => "b@x.org"
end
alert "A" do
end
"##,
        &json!({
            "ops": {"type": "mail", "settings": {"addresses": "a@x.org"}},
            "ops (mail)": {"type": "mail", "settings": {"addresses": "b@x.org"}},
            "a": {"description": "kept"},
        }),
        &["left-out a.rb:1", "unknown-service a.rb:3", "repeated-name a.rb:8", "repeated-name a.rb:11"],
    );
}
