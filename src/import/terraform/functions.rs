//! The functions whose results need nothing from outside: conversions, the JSON of settings, texts, numbers and lists.
//! Every other function is unknown, by its name.

mod arguments;
mod lists;
mod numbers;
mod texts;

use std::collections::BTreeMap;

pub(super) use self::arguments::text;
use super::super::node::{Node, Val, number, truth};

/// What a function makes of its arguments.
pub(super) fn call(name: &str, arguments: &[Node]) -> Val {
    let open = |node: &Node| match &node.value {
        Val::Unknown { why, .. } => Some(why.clone()),
        _ => None,
    };
    // The JSON of a map is known by its names, even where a value is not.
    if name != "jsonencode"
        && let Some(why) = arguments.iter().find_map(open)
    {
        return Val::unknown(why);
    }
    let known = converted(name, arguments)
        .or_else(|| texts::call(name, arguments))
        .or_else(|| numbers::call(name, arguments))
        .or_else(|| lists::call(name, arguments));
    known.unwrap_or_else(|| Val::unknown(format!("the function `{name}`")))
}

fn converted(name: &str, arguments: &[Node]) -> Option<Val> {
    let [Node { value, .. }] = arguments else { return None };
    match (name, value) {
        ("jsonencode", _) => Some(Val::Json(Box::new(arguments.first()?.clone()))),
        ("tomap", Val::Map(_)) | ("tolist", Val::List(_)) => Some(value.clone()),
        // A set has each item once, and Terraform goes through it in order.
        ("toset", Val::List(items)) => {
            let mut set = BTreeMap::new();
            for item in items {
                set.entry(text(&item.value)?).or_insert(item);
            }
            Some(Val::List(set.into_iter().map(|(key, item)| Node::text(key, item.place.clone())).collect()))
        }
        ("tostring" | "tonumber" | "tobool", value) => scalar(name.trim_start_matches("to"), value),
        _ => None,
    }
}

/// A scalar as one of another type: `string`, `number` or `bool`.
pub(super) fn scalar(wanted: &str, value: &Val) -> Option<Val> {
    match wanted {
        "number" => text(value)?.parse().ok().and_then(number).map(Val::Number),
        "bool" => truth(value).map(Val::Bool),
        "string" => text(value).map(Val::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{run, terraform};

    /// What an expression is worth, as the name of a space.
    fn worth(expression: &str) -> String {
        let text = format!("resource \"librato_space\" \"s\" {{\n name = \"=${{{expression}}}\"\n}}\n");
        let (objects, findings) = run(terraform, &[("a.tf", &text)]);
        objects.as_object().unwrap().keys().next().cloned().unwrap_or_else(|| findings.join(" "))
    }

    #[test]
    fn functions_of_old_configurations_are_worked_out() {
        for (expression, value) in [
            (r#"replace("a.b.c", ".", "-")"#, "=a-b-c"),
            (r#"element(["a", "b", "c"], 4)"#, "=b"),
            (r#"element(split("/", "net/app/x"), 1)"#, "=app"),
            (r#"format("%s-%03d %.1f %v%% %q", "web", 7, 2.25, true, "x")"#, "=web-007 2.2 true% \"x\""),
            (r#"format("[%5s|%-5s]", "a", "b")"#, "=[    a|b    ]"),
            (r#"lookup({ a = 1 }, "b", "none")"#, "=none"),
            (r#"lookup(map("a", "x", "b", "y"), "b")"#, "=y"),
            ("max(1, 5, \"7\")", "=7"),
            ("min(3, -2.5)", "=-2.5"),
            ("ceil(1.2) + floor(-1.2) + abs(-3)", "=3"),
            (r#"parseint("ff", 16)"#, "=255"),
            ("sum([1, 2.5])", "=3.5"),
            ("pow(2, 10) % 1000", "=24"),
            (r#"title("hello big world")"#, "=Hello Big World"),
            (r#"substr("hello", 1, 3)"#, "=ell"),
            (r#"substr("hello", -2, -1)"#, "=lo"),
            (r#"trimprefix(trimsuffix("a.b.c", ".c"), "a.")"#, "=b"),
            (r#"join(",", sort(distinct(compact(["b", "", "a", "b"]))))"#, "=a,b"),
            (r#"join(",", reverse(slice(["a", "b", "c", "d"], 1, 3)))"#, "=c,b"),
            (r#"join(",", flatten([["a"], [["b"]], "c"]))"#, "=a,b,c"),
            (r#"join(",", range(1, 7, 2))"#, "=1,3,5"),
            (r#"contains(["a"], "a") ? index(["x", "y"], "y") : 9"#, "=1"),
            (r#"coalesce("", "x")"#, "=x"),
            (r#"zipmap(["a", "b"], [1, 2])["b"]"#, "=2"),
            (r#"1 == 1 && "1" ? "on" : "off""#, "=on"),
        ] {
            assert_eq!(worth(expression), value, "{expression}");
        }
    }

    #[test]
    fn what_is_not_worked_out_is_reported() {
        for expression in [
            r#"replace("a1", "/[0-9]/", "x")"#,
            "timestamp()",
            "element([], 0)",
            r#"format("%x", 255)"#,
            r#"format("%s")"#,
            r#"parseint("zz", 16)"#,
            r#"lookup({ a = 1 }, "b")"#,
            "range(1000000000)",
            r#"file("/etc/hostname")"#,
        ] {
            assert_eq!(worth(expression), "no-name a.tf:2", "{expression}");
        }
    }
}
