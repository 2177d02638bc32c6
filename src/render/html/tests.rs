//! What must hold of every page: nothing runs, nothing is loaded, nothing steers, and it is never too long.

use serde_json::json;

use super::*;
use crate::plan::{Evidence, Figures, Finding, Looked};

const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "</pre></main></body></html><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "javascript:alert(1)",
    "\u{202e}gnp.exe\u{0007}",
];

fn sketch(bytes: usize) -> Sketch {
    Sketch { caption: HOSTILE[0].to_owned(), svg: format!("<svg>{}</svg>\n", "x".repeat(bytes)) }
}

/// A plan of nothing but names and evidence of alerts that use what changes.
fn plan(names: &[String], sketches: &[Sketch]) -> Plan {
    let mut plan = Plan { target: HOSTILE[2].to_owned(), ..Plan::default() };
    let mut found =
        Evidence { looked: Looked { start: 0, end: 21_600, ..Looked::default() }, ..Evidence::default() };
    for name in names {
        plan.indirect.push(crate::plan::Indirect { alert: name.clone(), impact: Impact::default() });
        let figures = Figures { fired: 1, notified: 3, pages: true, ..Figures::default() };
        let finding = Finding {
            before: Some(figures.clone()),
            after: Some(figures),
            notes: vec![name.clone()],
            sketches: sketches.to_vec(),
            ..Finding::default()
        };
        found.of.insert(Address::new(Collection::Alerts, name.as_str()), finding);
        plan.refusals.push(Refusal {
            code: "noisy-alerts".into(),
            message: name.clone(),
            names: vec![name.clone()],
            lift: Some(name.clone()),
        });
    }
    plan.evidence = Some(found);
    plan
}

#[test]
fn hostile_names_are_text() {
    let names = HOSTILE.map(str::to_owned);
    let diagnostics: Vec<Value> = names
        .iter()
        .map(|name| json!({"severity": "error", "message": name, "file": name, "line": 1, "column": 2, "help": [name]}))
        .collect();
    for page in [html(&plan(&names, &[sketch(3)]), &diagnostics), html_without_plan(HOSTILE[1], &diagnostics)]
    {
        for forbidden in
            ["<script", "<img", "<svg onload", "</style><style>", "\u{202e}", "\u{7}", " onerror=alert(1)>"]
        {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
        assert_eq!(page.matches("</body>").count(), 1);
        let opened =
            |tag: &str| page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        for tag in ["section", "ul", "li", "figure", "pre", "bdi", "code", "table"] {
            assert_eq!(opened(tag), page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}

#[test]
fn the_charset_comes_first_and_refusals_before_what_it_means() {
    let page = html(&plan(&["a".to_owned()], &[sketch(3)]), &[]);
    assert!(page.find("<meta charset=\"utf-8\">").unwrap() < 100);
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("no {words} in {page}"));
    assert!(place("Refused: this plan") < place("What it means to the people on call"));
    assert!(place("fired 1 → 1") < place("<svg>"));
    assert_eq!(page, html(&plan(&["a".to_owned()], &[sketch(3)]), &[]));
    assert!(!page.contains("http"), "{page}");
}

#[test]
fn pages_are_bounded_and_say_what_they_leave_out() {
    let names: Vec<String> = (0..70).map(|n| format!("alert.{n}")).collect();
    let page = html(&plan(&names, &[sketch(100)]), &[]);
    assert_eq!(page.matches("<svg>").count(), PICTURES);
    assert!(page.contains("10 pictures left out"));
    let page = html(&plan(&names, &[sketch(100_000)]), &[]);
    assert!(page.len() <= LONGEST && page.contains("pictures left out") && page.contains("alert.69"));
    let long = "x".repeat(1_000_000);
    let page = html(&plan(&[long.clone(), long], &[]), &[]);
    assert!(page.len() <= LONGEST && page.ends_with("</html>\n") && page.contains("left out"));
}
