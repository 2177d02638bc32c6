//! Files and what became of them: every kind, every action, and the ways in which names change hands.

use serde_json::{Map, Value, json};

/// How many objects there are beside the special ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    /// Some sixty changes.
    Full,
}

/// The files as they are and as they are to be.
pub fn change_set(size: Size) -> (String, String) {
    let (mut before, mut after) = (Sections::default(), Sections::default());
    let more = if size == Size::Full { 3 } else { 1 };
    services(&mut before, &mut after, more);
    metrics(&mut before, &mut after, more);
    annotations(&mut before, &mut after, more);
    alerts(&mut before, &mut after, more);
    renamed_alerts(&mut before, &mut after, size);
    (before.text(), after.text())
}

/// Services that change their types, alone, with their titles, and with each other's; alerts of ours and of nobody's.
pub fn retyped() -> (String, String) {
    let (mut before, mut after) = (Sections::default(), Sections::default());
    let mail = |who: &str| json!({"type": "mail", "settings": {"addresses": format!("{who}@example.org")}});
    for files in [&mut before, &mut after] {
        files.add("services", "staying", slack("staying"));
        files.add("metrics", "m.staying", json!({"type": "gauge"}));
    }
    for title in ["one", "two"] {
        before.add("services", title, slack(title));
        after.add("services", title, mail(title));
    }
    before.add("services", "unused", mail("unused"));
    after.add("services", "unused", slack("unused"));
    before.add("services", "old name", mail("old"));
    after.add("services", "new name", renamed(slack("new"), "old name"));
    before.add("services", "left", slack("left"));
    after.add("services", "left", renamed(mail("left"), "right"));
    before.add("services", "right", slack("right"));
    after.add("services", "right", renamed(mail("right"), "left"));

    let alert = |n: u64, services: &[&str]| alert("m.staying", n, services);
    before.add("alerts", "al.both", alert(1, &["one", "two", "staying"]));
    after.add("alerts", "al.both", alert(1, &["one", "two", "staying"]));
    before.add("alerts", "al.changing", alert(2, &["one", "staying"]));
    after.add("alerts", "al.changing", alert(3, &["one", "two", "new name"]));
    before.add("alerts", "al.sides", alert(4, &["left", "old name"]));
    after.add("alerts", "al.sides", json!({"description": "sides"}));
    after.add("alerts", "al.new", alert(5, &["two", "left"]));
    // Nobody declares these any more.
    before.add("alerts", "their.all", alert(6, &["one", "two", "old name", "left", "right", "staying"]));
    before.add("alerts", "their.other", alert(7, &["staying"]));
    (before.text(), after.text())
}

/// Spaces and charts that come, change, move with their space, swap, lead to each other, and go.
pub fn spaces() -> (String, String) {
    let (mut before, mut after) = (Sections::default(), Sections::default());
    let chart = |name: &str, metric: &str| {
        json!({"name": name, "type": "stacked", "streams": [
        {"metric": metric, "source": "web*"}, {"composite": format!("sum(s(\"{metric}\",\"%\"))"), "name": name}]})
    };
    let related = |mut chart: Value, space: &str| {
        chart["related_space"] = space.into();
        chart
    };
    let charts = |charts: &[Value]| json!({ "charts": charts });
    for files in [&mut before, &mut after] {
        files.add("metrics", "m.staying", json!({"type": "gauge"}));
    }
    after.add("metrics", "m.new", json!({"type": "gauge"}));
    let new =
        [chart("Zulu", "m.new"), related(chart("Alpha", "m.staying"), "Renamed"), chart("Mike", "m.new")];
    after.add("spaces", "New", charts(&new));
    before.add("spaces", "Going", charts(&[chart("A", "m.staying"), chart("B", "m.staying")]));
    after.add("spaces", "Going", absent());
    let (old, changed) = (chart("Changing", "m.staying"), chart("Changing", "m.new"));
    before.add(
        "spaces",
        "Staying",
        charts(&[related(old, "Old"), chart("Going", "m.new"), chart("Was", "m.staying")]),
    );
    let gone = json!({"name": "Going", "ensure": "absent"});
    let renamed_chart = renamed(chart("Is", "m.staying"), "Was");
    let added = chart("Added", "m.new");
    after.add("spaces", "Staying", charts(&[related(changed, "New"), gone, renamed_chart, added]));
    before.add("spaces", "Old", charts(&[chart("Same", "m.staying"), chart("Other", "m.staying")]));
    let moved = [chart("Same", "m.staying"), chart("Other", "m.new"), chart("More", "m.new")];
    after.add("spaces", "Renamed", renamed(charts(&moved), "Old"));
    for (name, from) in [("left", "right"), ("right", "left")] {
        before.add(
            "spaces",
            name,
            charts(&[chart(&format!("of {name}"), "m.staying"), chart("both", "m.staying")]),
        );
        let its = [chart(&format!("of {from}"), "m.staying"), related(chart("both", "m.staying"), name)];
        after.add("spaces", name, renamed(charts(&its), from));
    }
    (before.text(), after.text())
}

#[derive(Default)]
struct Sections(Map<String, Value>);

impl Sections {
    fn add(&mut self, section: &str, name: &str, object: Value) {
        let section = self.0.entry(section).or_insert_with(|| json!({}));
        section[name] = object;
    }

    fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}

fn absent() -> Value {
    json!({"ensure": "absent"})
}

fn slack(path: &str) -> Value {
    json!({"type": "slack", "settings": {"url": format!("https://hooks.example.org/{path}/${{secret.X}}")}})
}

fn renamed(mut object: Value, from: &str) -> Value {
    object["renamed_from"] = from.into();
    object
}

fn services(before: &mut Sections, after: &mut Sections, more: usize) {
    let title = |word: &str, i: usize| format!("{word} {i}");
    for i in 0..more {
        after.add("services", &title("new", i), slack("new"));
        before.add("services", &title("changing", i), slack("a"));
        after.add("services", &title("changing", i), slack("b"));
        before.add("services", &title("old name", i), slack("name"));
        after.add("services", &title("new name", i), json!({"renamed_from": title("old name", i)}));
        before.add("services", &title("going", i), slack("going"));
        after.add("services", &title("going", i), absent());
    }
    for (title, from) in [("left", "right"), ("right", "left")] {
        before.add("services", title, slack(title));
        after.add("services", title, renamed(slack(from), from));
    }
    for files in [before, after] {
        files.add("services", "staying", slack("staying"));
        files.add("services", "foreign-mail", json!({"external": true}));
    }
}

fn metrics(before: &mut Sections, after: &mut Sections, more: usize) {
    let gauge =
        |name: &str| json!({"type": "gauge", "display_name": name, "attributes": {"color": "#AABBCC"}});
    let sum = |name: &str| json!({"composite": format!("sum(s(\"{name}\",\"*\"))")});
    for i in 0..more {
        after.add("metrics", &format!("m.new{i}"), gauge("new"));
        before.add("metrics", &format!("m.changing{i}"), gauge("one"));
        after.add("metrics", &format!("m.changing{i}"), gauge("two"));
        before.add("metrics", &format!("m.going{i}"), gauge("going"));
        after.add("metrics", &format!("m.going{i}"), absent());
        after.add("composites", &format!("c.new{i}"), sum(&format!("m.new{i}")));
        before.add("composites", &format!("c.changing{i}"), sum("m.changing0"));
        after.add("composites", &format!("c.changing{i}"), sum("m.new0"));
    }
    before.add("composites", "c.going", sum("m.going0"));
    after.add("composites", "c.going", absent());
    before.add("metrics", "m.turning", gauge("a gauge"));
    after.add("metrics", "m.turning", json!({"type": "counter", "display_name": "a counter"}));
    before.add("metrics", "m.combined", gauge("measured"));
    after.add("composites", "M.Combined", sum("m.new0"));
    before.add("composites", "m.measured", sum("foreign.Gauge"));
    after.add("metrics", "m.measured", gauge("measured now"));
    for files in [before, after] {
        files.add("metrics", "m.staying", gauge("staying"));
    }
}

fn annotations(before: &mut Sections, after: &mut Sections, more: usize) {
    after.add("annotations", "a.plain", json!({}));
    for i in 0..more {
        after.add("annotations", &format!("a.new{i}"), json!({"display_name": "new"}));
        before.add("annotations", &format!("a.changing{i}"), json!({"display_name": "one"}));
        after.add("annotations", &format!("a.changing{i}"), json!({"display_name": "two"}));
        before.add("annotations", &format!("a.going{i}"), json!({}));
        after.add("annotations", &format!("a.going{i}"), absent());
    }
}

fn alert(metric: &str, threshold: u64, services: &[&str]) -> Value {
    json!({"description": format!("{metric} over {threshold}"), "services": services,
        "attributes": {"runbook_url": format!("https://wiki.example.org/{threshold}")},
        "conditions": [{"type": "above", "metric_name": metric, "threshold": threshold, "duration": "5m"},
                       {"type": "absent", "metric_name": "m.staying", "duration": 600}]})
}

fn alerts(before: &mut Sections, after: &mut Sections, more: usize) {
    for i in 0..more {
        after.add("alerts", &format!("al.new{i}"), alert("m.new0", 1, &["new 0", "staying"]));
        before.add("alerts", &format!("al.changing{i}"), alert("m.changing0", 2, &["going 0", "old name 0"]));
        after.add(
            "alerts",
            &format!("al.changing{i}"),
            alert("m.new0", 3, &["new 0", "new name 0", "foreign-mail"]),
        );
        before.add("alerts", &format!("al.going{i}"), alert("m.going0", 4, &["going 0"]));
        after.add("alerts", &format!("al.going{i}"), absent());
        before.add("alerts", &format!("al.old{i}"), alert("m.turning", 5, &["left"]));
        after.add(
            "alerts",
            &format!("al.renamed{i}"),
            renamed(alert("m.turning", 6, &["left"]), &format!("al.old{i}")),
        );
    }
    after.add("alerts", "al.counting", alert("m.turning", 7, &[]));
    after.add("alerts", "al.combined", alert("m.combined", 7, &["new name 0"]));
}

/// Names that change hands, or their spelling. The service makes no difference between `Web.Old` and `web.old`.
fn renamed_alerts(before: &mut Sections, after: &mut Sections, size: Size) {
    let simple = |n: u64| alert("m.staying", n, &["staying"]);
    before.add("alerts", "Web.Old", simple(1));
    after.add("alerts", "web.old", simple(1));
    before.add("alerts", "web.other", simple(2));
    after.add("alerts", "web.another", renamed(simple(2), "web.other"));
    before.add("alerts", "Web.Gone", simple(3));
    after.add("alerts", "web.gone", simple(4));
    let mut circles = vec![vec!["swap.a", "swap.b"]];
    if size == Size::Full {
        circles.push(vec!["turn.a", "turn.b", "turn.c"]);
    }
    for circle in circles {
        for (i, name) in circle.iter().enumerate() {
            let from = (i + 1) % circle.len();
            before.add("alerts", name, simple(10 + i as u64));
            after.add("alerts", name, renamed(simple(10 + from as u64), circle[from]));
        }
    }
    for (n, (name, from)) in [("chain.b", "chain.a"), ("chain.c", "chain.b")].into_iter().enumerate() {
        before.add("alerts", from, simple(20 + n as u64));
        after.add("alerts", name, renamed(simple(20 + n as u64), from));
    }
}
