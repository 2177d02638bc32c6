//! Values of variables: their defaults, files of variables, single values, and which of them counts.

use serde_json::{Value, json};

use crate::diag::{Files, RouteIndex};
use crate::import::{Source, Variables, terraform};

const MAIN: &str = r#"variable "region" {
  default = "default"
}
variable "limit" {
  type = "string"
}
variable "teams" {
  type    = list(string)
  default = []
}
variable "on" {
  default = 1
}
resource "librato_space" "s" {
  count = "${var.on ? 1 : 0}"
  name  = "${var.region} ${var.limit}"
}
resource "librato_space" "teams" {
  for_each = toset(var.teams)
  name     = each.value
}
"#;

/// The names of the spaces, and the codes of the findings.
fn spaces(beside: &[(&str, &str)], named: &[(&str, &str)], set: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut files = Files::default();
    let mut source = |(name, text): &(&str, &str)| {
        let file = files.add_foreign(*name, (*text).to_owned(), |_| RouteIndex::default());
        Source { file, dir: String::new(), name: (*name).to_owned() }
    };
    let mut sources = vec![source(&("main.tf", MAIN))];
    sources.extend(beside.iter().map(&mut source));
    let named: Vec<Source> = named.iter().map(&mut source).collect();
    let set = set.iter().map(|text| {
        let name = text.split('=').next().unwrap().to_owned();
        (name, files.add_foreign("--var", (*text).to_owned(), |_| RouteIndex::default()))
    });
    let variables = Variables { set: set.collect(), files: named };
    let mut imported = terraform(&sources, &variables, &mut files);
    imported.report.sort(&files);
    let spaces = imported.objects.iter().map(|(address, _)| address.to_string()).collect();
    let found = imported.report.iter().map(|found| {
        let at = found.primary.as_ref().and_then(|label| files.locate(&label.place));
        format!("{} {}", found.code, at.map_or("-".to_owned(), |at| at.line.to_string()))
    });
    (spaces, found.collect())
}

#[test]
fn what_is_given_last_counts() {
    let common = ("terraform.tfvars", "limit = 1\nregion = \"common\",\n");
    let automatic = ("b.auto.tfvars", "region = \"b\"");
    let earlier = ("a.auto.tfvars.json", r#"{"region": "a", "limit": 2}"#);
    for (beside, named, set, name) in [
        (&[common][..], &[][..], &[][..], "common 1"),
        (&[automatic, common, earlier], &[], &[], "b 2"),
        (&[automatic, common], &[("prod.tfvars", "limit = \"3\"")], &[], "b 3"),
        (&[automatic, ("prod.tfvars", "limit = 3")], &[], &[], "b 3"),
        (&[automatic], &[("prod.tfvars", "limit = 3")], &["limit=[4]", "region=set"], "set [4]"),
    ] {
        assert_eq!(spaces(beside, named, set).0, [name]);
    }
}

#[test]
fn defaults_are_used_and_said() {
    let notes = ["default-value 1", "default-value 7", "default-value 11"];
    assert_eq!(
        spaces(&[], &[], &["limit=5"]),
        (vec!["default 5".to_owned()], notes.map(str::to_owned).to_vec())
    );
    let (names, found) = spaces(&[], &[], &["on=0", "teams=[\"a\", \"b\"]", "nobody=x"]);
    assert_eq!((names, found), (vec!["a".to_owned(), "b".to_owned()], vec!["unknown-variable -".to_owned()]));
    assert_eq!(spaces(&[], &[], &["teams=[]", "on=1", "region=x"]).1, ["no-name 16"]);
    assert_eq!(
        spaces(&[("terraform.tfvars", "limit = [")], &[], &["on=0", "teams=[]"]).1,
        ["invalid-variables -"]
    );
}

/// Values may be secrets.
#[test]
fn values_are_not_shown() {
    let text = "variable \"key\" {\n  default = \"canary\"\n}\nresource \"librato_space\" \"s\" {\n  name = \"s\"\n  odd = var.key\n}\n";
    let mut files = Files::default();
    let file = files.add_foreign("main.tf", text.to_owned(), |_| RouteIndex::default());
    let source = Source { file, dir: String::new(), name: "main.tf".into() };
    let imported = terraform(&[source], &Variables::default(), &mut files);
    let shown = crate::diag::render(&imported.report, &files, false);
    assert!(shown.contains("`var.key` has its default") && shown.contains("unknown-field"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    let objects: Vec<Value> =
        imported.objects.iter().map(|(_, object)| Value::Object(object.fields())).collect();
    assert_eq!(objects, [json!({})]);
}
