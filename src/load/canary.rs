//! Secrets that stand in the files must not be shown, whatever is wrong with the file and wherever a diagnostic points.

use super::yaml;
use crate::diag::{Code, Diagnostic, FileId, Files, Part, Place, Report, Route, render, to_json};

/// Stands for a secret in the texts below.
const CANARY: &str = "CANARY";

/// Texts that are YAML: what is secret is known.
const SOUND: &[&str] = &[
    "services:\n  ops:\n    type: slack\n    settings:\n      url: CANARY\n      room: \"CANARY\"\n      n: 'CANARY'\n    titel: x\n",
    "services: {ops: {type: slack, settings: {url: CANARY, a: [\"CANARY\", CANARY]}, typ: x}}\n",
    "{\"services\": {\"ops\": {\"settings\": {\"url\": \"CANARY\"}, \"typ\": 1}}}\n",
    "services:\n  ops:\n    settings: {url:CANARY, CANARY}\n",
    "services:\n  ops:\n    settings:\n      key: |\n        CANARY\n        é CANARY\n\n        CANARY: x\n      fold: >-\n        CANARY\n    typ: x\n",
    "services:\n  ops:\n    settings:\n      a: CANARY\n         CANARY\n      b: \"CANARY\n        CANARY\"\n",
    "x-url: &url CANARY\nx-all: &all\n  password: CANARY\nservices:\n  ops:\n    settings:\n      url: *url\n      <<: *all\n",
    "x-all: &all\n  settings: {url: CANARY}\n  type: x\nservices:\n  ops: *all\n  dev:\n    <<: [*all]\n",
    "x-b: &b {url: CANARY}\nservices:\n  ops:\n    settings: *b\n",
    "x-s: &s {ops: {settings: CANARY}}\nservices: *s\n",
    "defaults:\n  services:\n    settings:\n      url: CANARY\n",
    "services:\n  ops:\n    settings:\n      a: 1 # CANARY\n      # b: CANARY\n    # c: x\n",
    "services:\n  ops:\n    settings:\n      a: CANARY\n      a: CANARY\n",
    "services:\n  ops:\n    type: slack\n    url: CANARY\n",
    "services:\n  ops:\n    type: slack\n    Settings: {url: CANARY}\n    setings: {url: CANARY}\n",
    "service:\n  ops:\n    settings: {url: CANARY}\n    url: x\n",
    "services:\n  ops:\n    type: slack\nsettings:\n  url: CANARY\n",
    "services:\n  ops:\nsettings:\n      url: !!str CANARY\n      ? CANARY\n",
    "a: 1\n---\nservices: {ops: {settings: {url: CANARY}}}\n",
    "services:\n  ops:\n    settings:\n      url: !vault CANARY\n      n: 1e999\n",
    "services:\r\n  ops:\r\n    settings:\r\n      url: CANARY\r\n",
    "services:\n  ops:\n    \"sett\\u0069ngs\":\n      url: CANARY\n",
    "services:\n  \"ops\u{3000}team\":\n    settings:\n      url: CANARY\n      \u{a0}b: CANARY\n  ops\u{a0}team:\n    settings: {url: CANARY}\n",
    "services: {ops: {type: pagerduty, settings: {event_type: go, service_key: CANARY, description: \"x\", url: 'CANARY'}}}\n",
    "services:\n  ops:\n    settings:\n      event_type: go\n      service_key: CANARY\n      description: \"x y\"\n      token: \"CANARY\"\n    type: pagerduty\n",
    "services:\n  ops:\n    type: mail\n    settings:\n      addresses: [ops@example.org, dev@example.org]\n      a: CANARY\n      b: {addresses: CANARY}\n",
    "services:\n  ops:\n    settings:\n    - CANARY\n    - - CANARY\n    - ? [CANARY]\n      : CANARY\n",
];

/// Texts that are not: nothing is known.
const BROKEN: &[&str] = &[
    "services:\n\tops:\n\t\tsettings:\n\t\t\turl: CANARY\n",
    "alerts:\n  a: \"open\nservices:\n  ops:\n    settings:\n      url: CANARY\n      b: 'CANARY'\n",
    "services:\n  ops:\n    settings:\n      url: CANARY\n      pw: \"CANARY\n      c: CANARY\nalerts: {}\n",
    "services:\n  ops:\n    settings:\n      url: CANARY\n     pw: CANARY\n    x: y\n",
    "services:\n  ops:\n    settings:\n  url: CANARY\n   pw: CANARY\n",
    "services:\n  ops: { type: slack, settings: { url: CANARY, \npw: CANARY\nalerts: [\n",
    "services:\n  ops:\n    settings:\n      key: |\n        CANARY\n        key: CANARY\n      CANARY\n     bad: [\n",
    "services:\n  ops:\n    settings:\n      key: >2-\n        CANARY: CANARY\n        canarx: CANARY\n bad: ]\n",
    "x-url: &url CANARY\nservices:\n  ops:\n    settings:\n      url: *urll\n",
    "services:\n  ops:\n    settings:\n      url: @CANARY\n      b: `CANARY`\n      c: %CANARY\n",
    "services:\n  ops:\n    settings:\n      url: CANARY: CANARY\n",
    "services:\n  ops:\n    settings:\n      - CANARY\n      -CANARY\n    typ: x: y\n",
    "services:\n  ops:\n    settings:\n      a: CANARY\n         CANARY\n         b: CANARY\n      x: \"\\q\"\n",
    "services: {ops: {settings: {CANARY, url:CANARY, \"CANARY\": \"CANARY\"\n",
    "services:\n  ops:\n    \"sett\\u0069ngs\":\n      url: CANARY\n\tx\n",
    "Services:\n  ops:\n    Settings:\n      url: CANARY\n\tx\n",
    "services:\n  ops:\n    settings:\n      url: 'CANARY\n        more: CANARY\n        and: CANARY'x\n      pw: CANARY\n",
    "services:\n  ops:\n    settings: # CANARY\n      # old: CANARY\n      a: [\n",
    "services:\n  ops:\n    type: slack\nsettings:\n  url: CANARY\n bad\n",
];

/// Diagnostics about every line, every pair of lines, and what parsing says.
fn everything(text: &str) -> (Report, Files, FileId) {
    let mut files = Files::default();
    let file = files.add("t.yaml", text.to_owned(), yaml::index);
    let mut report = Report::default();
    let mut starts = vec![0];
    starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let line = |i: usize| Place::Bytes { file, span: starts[i]..starts[i + 1] };
    for i in 0..starts.len() - 1 {
        for j in 0..starts.len() - 1 {
            report
                .push(Diagnostic::error(Code::UnknownField, "here").at(line(i), "one").also(line(j), "two"));
        }
    }
    yaml::parse_all(text, file, &mut report);
    (report, files, file)
}

fn outputs(report: &Report, files: &Files) -> [String; 3] {
    [render(report, files, false), render(report, files, true), to_json(report, files).to_string()]
}

#[test]
fn secrets_are_not_shown() {
    for (texts, sound) in [(SOUND, true), (BROKEN, false)] {
        for text in texts {
            let (report, files, _) = everything(text);
            assert_eq!(yaml::index(text).top_keys().is_some(), sound, "{text}");
            for output in outputs(&report, &files) {
                assert!(!output.contains(CANARY), "{text}\n shows\n{output}");
            }
        }
    }
}

/// Every text, cut off or spoilt by one character at every place; each place tries its share of the characters.
#[test]
fn secrets_are_not_shown_while_typing() {
    // An anchor that is not used any more is no setting; all others must hold.
    for text in SOUND.iter().chain(BROKEN).filter(|text| !text.starts_with("x-")) {
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (before, after) = text.split_at(at);
            let spoil =
                ["\t", "\"", "'", "[", "{", "}", ":", "- ", "#", " ", "|", "&", "*", "!", "? ", "\u{1}"];
            let spoilt = spoil.iter().skip(at % 6).step_by(6).map(|s| format!("{before}{s}{after}"));
            for text in spoilt.chain([before.to_owned()]) {
                let (report, files) = all_lines(&text);
                let output = render(&report, &files, false);
                assert!(text.is_empty() || output.contains("1 |"), "{output}");
                assert!(!output.contains("ANAR"), "{text}\n shows\n{output}");
            }
        }
    }
}

/// One diagnostic about all lines, and what parsing says.
fn all_lines(text: &str) -> (Report, Files) {
    let mut files = Files::default();
    let file = files.add("t.yaml", text.to_owned(), yaml::index);
    let mut every = Diagnostic::error(Code::UnknownField, "here").at(Place::File(file), "");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        every = every.also(Place::Bytes { file, span: at..at + line.len() }, "");
        at += line.len();
    }
    let mut report = Report::default();
    report.push(every);
    yaml::parse_all(text, file, &mut report);
    (report, files)
}

#[test]
fn what_is_no_secret_is_shown() {
    let text = "settings:\n  endpoint: here\nservices:\n  ops:\n    type: slack\n    settings:\n      room: CANARY\nalerts:\n  a: {b: shown} # ***\n";
    let (report, files, _) = everything(text);
    let output = render(&report, &files, false);
    for shown in ["endpoint: here", "type: slack", "      room: ******\n", "a: {b: shown}"] {
        assert!(output.contains(shown), "{shown}");
    }
    let text = "services:\n  ops:\n    settings:\n      a: ${secret.A_1}\n      b: \"${var.b}\"\n      c: $CANARY\n      d: ${secret.A}CANARY\n      e: ${CANARY}\n      f: $${secret.CANARY}\n";
    let (report, files, _) = everything(text);
    let output = render(&report, &files, false);
    assert!(output.contains("a: ${secret.A_1}\n") && output.contains("b: \"${var.b}\"\n"), "{output}");
    assert!(!output.contains(CANARY) && !output.contains("secret.A}"), "{output}");
    let broken = "alerts:\n  a: \"shown\n  b: [\n";
    let (report, files, _) = everything(broken);
    assert!(render(&report, &files, false).contains("a: \"shown"), "no service, no secret");
}

#[test]
fn underlines_fit_the_stars() {
    let mut files = Files::default();
    let text = "services:\n  opé: {settings: {a: CANARYé}, typ: x}\n";
    let file = files.add("t.yaml", text.to_owned(), yaml::index);
    let mut report = Report::default();
    let service = Route::root().key("services").key("opé");
    let node = |route: Route, part| Place::Node { file, route, part };
    let setting = node(service.key("settings").key("a"), Part::Value);
    let typ = node(service.key("typ"), Part::Key);
    report.push(Diagnostic::error(Code::UnknownField, "bad").at(setting, "this").also(typ, "that"));
    let expected = "\
error[unknown-field]: bad
 --> t.yaml:2:23
  |
2 |   opé: {settings: {a: *******}, typ: x}
  |                       ^^^^^^^   --- that
  |                       |
  |                       this

";
    assert_eq!(render(&report, &files, false), expected);
}

#[test]
fn known_values_are_hidden_everywhere() {
    let mut files = Files::default();
    let text = "vars:\n  url: https://CANARY/\\x\n  pin: 42\n  port: 8042\nalerts: {}\n";
    let file = files.add("t.yaml", text.to_owned(), yaml::index);
    for secret in ["", "https://CANARY/\\x", "42", "CANARY\nCANARY LINE", "  "] {
        files.add_secret(secret);
    }
    let vars = Route::root().key("vars");
    let at = |key: &str| Place::Node { file, route: vars.key(key), part: Part::Value };
    let mut report = Report::default();
    let quoted = format!("{:?} and `42` of 8042", "https://CANARY/\\x");
    let d = Diagnostic::error(Code::UnknownField, quoted)
        .at(at("url"), "a https://CANARY/\\x b")
        .also(at("pin"), "42");
    report.push(d.also(at("port"), "CANARY LINE").help("not https://CANARY/\\x"));
    for output in outputs(&report, &files) {
        assert!(!output.contains(CANARY), "{output}");
        assert!(!output.contains("pin: 42") && !output.contains("`42`"), "{output}");
        assert!(output.contains("8042"), "{output}");
    }
}

#[test]
fn control_characters_do_nothing() {
    let mut files = Files::default();
    let text = "alerts:\n  a: \"\u{1b}[2J\u{9b}x\u{202e}\u{7f}\"\n";
    let file = files.add("\u{1b}t.yaml", text.to_owned(), yaml::index);
    let place = Place::Bytes { file, span: 8..text.len() };
    let mut report = Report::default();
    report.push(
        Diagnostic::note(Code::UnknownField, "a\u{1b}]0;b\u{7}\n::error::c")
            .at(place, "\u{1b}c\r")
            .help("\u{9b}d"),
    );
    for output in [render(&report, &files, false), to_json(&report, &files).to_string()] {
        let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
        assert!(output.chars().all(harmless), "{output:?}");
        assert!(!output.contains("\n::error"), "{output}");
    }
}

/// What is known to be harmless helps to see the mistake; the same word means nothing with another type or at another place.
#[test]
fn harmless_settings_are_shown_and_only_those() {
    for (text, shown, hidden) in [
        (
            "services:\n  a: {type: pagerduty, settings: {event_type: go, service_key: CANARY}}\n",
            "event_type: go",
            "",
        ),
        (
            "services:\n  a:\n    type: 'mail'\n    settings:\n      addresses: [a@x.org, \"b@x.org\"]\n",
            "[a@x.org, \"b@x.org\"]",
            "",
        ),
        ("services:\n  a: {type: slack, settings: {event_type: gone}}\n", "event_type: ****", "gone"),
        ("services:\n  a: {settings: {event_type: gone}}\n", "event_type: ****", "gone"),
        (
            "services:\n  a: {type: mail, type: pagerduty, settings: {event_type: gone}}\n",
            "event_type: ****",
            "gone",
        ),
        ("services:\n  a: {type: pagerduty, setings: {event_type: gone}}\n", "event_type: ****", "gone"),
        (
            "services:\n  a: {type: pagerduty, settings: {b: {event_type: gone}}}\n",
            "event_type: ****",
            "gone",
        ),
        (
            "services:\n  a: {type: pagerduty, settings: {description: \"x: gone\"}}\n",
            "description: *****",
            "gone",
        ),
        (
            "services:\n  a:\n    type: pagerduty\n    settings:\n      description: 'x\n        gone'\n",
            "description: **",
            "gone",
        ),
    ] {
        let (report, files) = all_lines(text);
        let output = render(&report, &files, false);
        assert!(
            output.contains(shown) && (hidden.is_empty() || !output.contains(hidden)),
            "{text}\n shows\n{output}"
        );
        assert!(!output.contains(CANARY), "{text}\n shows\n{output}");
    }
}
