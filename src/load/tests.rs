//! Discovery and sections, over real directories.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::diag::{render, to_json};

/// Writes the files into a new directory.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn load_all(inputs: &[PathBuf]) -> Loaded {
    load(inputs, &mut std::io::empty())
}

/// The documents by the last part of their names, and the codes of the report with the files they are about.
fn summary(loaded: &Loaded, dir: &Path) -> (Vec<String>, Vec<String>) {
    let prefix = format!("{}/", dir.display());
    let name = |file| loaded.files.name(file).replace(&prefix, "");
    let documents = loaded.documents.iter().map(|d| name(d.file)).collect();
    let codes = loaded.report.iter().map(|d| match &d.primary {
        Some(label) => format!("{} {}", d.code, name(label.place.file())),
        None => d.code.to_owned(),
    });
    (documents, codes.collect())
}

#[test]
fn finds_what_is_ours_in_order() {
    let dir = tree(&[
        ("b.yml", "alerts: {}"),
        ("a/z.yaml", "spaces:"),
        ("a.yaml", "metrics: {}"),
        ("a.json", "{"),
        (".hidden.yaml", "alerts: ["),
        (".librato-apply/backups/x.yaml", "alerts: ["),
        ("prod.vars.yaml", "region: eu"),
        ("prod.vars.yml", "region: eu"),
        ("ci.yaml", "on: push\njobs: {}"),
        ("cfn.yaml", "Resources: {a: !Ref b}"),
        ("k8s.yaml", "kind: A\n---\nkind: B"),
        ("play.yaml", "- hosts: all"),
        ("empty.yaml", "# later"),
    ]);
    let loaded = load_all(&[dir.path().to_owned()]);
    let (documents, codes) = summary(&loaded, dir.path());
    assert_eq!(documents, ["a.yaml", "a/z.yaml", "b.yml"]);
    let skipped = ["cfn.yaml", "ci.yaml", "empty.yaml", "k8s.yaml", "play.yaml"];
    assert_eq!(codes, skipped.map(|name| format!("skipped-file {name}")));
    assert!(!loaded.report.has_errors());
    assert_eq!(loaded.roots, [Root::Directory(dir.path().canonicalize().unwrap())]);
    let nested = &loaded.documents[1];
    assert_eq!(nested.dir, dir.path().join("a"));
    assert_eq!(nested.value["spaces"], json!(null));
}

#[test]
fn a_slip_of_the_pen_is_not_skipped() {
    let dir = tree(&[("a.yaml", "alert:\n  x: {}"), ("b.yaml", "metric: {}\nother: 1")]);
    let loaded = load_all(&[dir.path().to_owned()]);
    let (_, codes) = summary(&loaded, dir.path());
    assert_eq!(codes, ["unknown-section a.yaml", "unknown-section b.yaml"]);
    assert_eq!(loaded.report.iter().next().unwrap().help, ["did you mean `alerts`?"]);
}

#[test]
fn a_named_file_must_be_ours() {
    let dir = tree(&[
        ("a.yaml", "on: push"),
        ("b.yaml", "alerts: {}\nx-free: 1\nalrets: {}"),
        ("c.yaml", ""),
        ("d.yaml", "- 1"),
        ("e.yaml", "just text"),
        ("f.yaml", "{}"),
    ]);
    let names = ["a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml", "f.yaml"];
    let loaded = load_all(&names.map(|name| dir.path().join(name)));
    let (_, codes) = summary(&loaded, dir.path());
    let expected = [
        "unknown-section a.yaml",
        "unknown-section b.yaml",
        "skipped-file c.yaml",
        "not-a-mapping d.yaml",
        "not-a-mapping e.yaml",
        "skipped-file f.yaml",
    ];
    assert_eq!(codes, expected);
    assert_eq!(loaded.documents[1].value.keys().collect::<Vec<_>>(), ["alerts"]);
}

#[test]
fn what_is_reached_twice_is_read_once() {
    let dir = tree(&[("a.yaml", "alerts: {}")]);
    let file = dir.path().join("a.yaml");
    let loaded = load(&[dir.path().into(), file, "-".into(), "-".into()], &mut "metrics: {}".as_bytes());
    assert_eq!(loaded.documents.len(), 2);
    let stdin = &loaded.documents[1];
    assert_eq!((loaded.files.name(stdin.file), &stdin.path), ("<stdin>", &None));
    assert_eq!(loaded.roots.len(), 3);
    assert_eq!(loaded.roots[2], Root::Stdin);
}

#[cfg(unix)]
#[test]
fn follows_links_without_going_in_circles() {
    use std::os::unix::fs::symlink;
    let dir = tree(&[("real/a.yaml", "alerts: {}")]);
    symlink(dir.path(), dir.path().join("real/up")).unwrap();
    symlink("real/a.yaml", dir.path().join("link.yaml")).unwrap();
    symlink("nowhere.txt", dir.path().join("dangling.txt")).unwrap();
    let loaded = load_all(&[dir.path().to_owned()]);
    assert_eq!(summary(&loaded, dir.path()), (vec!["link.yaml".to_owned()], vec![]));
    symlink("nowhere.yaml", dir.path().join("dangling.yaml")).unwrap();
    assert!(load_all(&[dir.path().to_owned()]).report.has_errors());
}

#[test]
fn says_why_nothing_was_read() {
    let dir = tree(&[("empty/readme.md", ""), ("big.yaml", "")]);
    fs::File::create(dir.path().join("big.yaml")).unwrap().set_len(MAX_FILE_SIZE + 1).unwrap();
    fs::write(dir.path().join("latin.yaml"), b"alerts:\n  caf\xe9: {}").unwrap();
    fs::write(dir.path().join("wide.yaml"), b"\xff\xfea\0:\0").unwrap();
    fs::write(dir.path().join("wide2.yaml"), b"a\0:\0").unwrap();
    fs::write(dir.path().join("marked.yaml"), b"\xef\xbb\xbfalerts:").unwrap();
    let names = ["missing.yaml", "empty", "big.yaml", "latin.yaml", "wide.yaml", "wide2.yaml", "marked.yaml"];
    let loaded = load_all(&names.map(|name| dir.path().join(name)));
    let codes: Vec<_> = loaded.report.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["not-found", "nothing-to-read", "file-too-large", "not-utf8", "not-utf8", "not-utf8"]);
    assert_eq!(loaded.documents.len(), 1, "a byte order mark is no error");
    let json = to_json(&loaded.report, &loaded.files);
    assert_eq!((&json[3]["line"], &json[3]["column"]), (&json!(2), &json!(6)));
}

#[test]
fn all_problems_of_all_files_are_reported() {
    let text = "alerts:\n  a: 1\n  a: 2\n  b: 3\n  b: 4\nmetrcs: {}\n";
    let dir = tree(&[("a.yaml", text), ("b.yaml", "alerts: [")]);
    let loaded = load_all(&[dir.path().to_owned()]);
    let (_, codes) = summary(&loaded, dir.path());
    let expected =
        ["repeated-key a.yaml", "repeated-key a.yaml", "unknown-section a.yaml", "yaml-syntax b.yaml"];
    assert_eq!(codes, expected);
    assert_eq!(loaded.documents[0].value["alerts"], json!({"a": 1, "b": 3}), "what is readable goes on");
}

#[test]
fn variables_are_one_mapping() {
    let dir = tree(&[("a.vars.yaml", "b: 1\na: x"), ("b.vars.yaml", ""), ("c.vars.yaml", "- 1")]);
    let mut files = Files::default();
    let mut read = |name: &str| read_variables(&dir.path().join(name), &mut files);
    assert_eq!(
        read("a.vars.yaml").unwrap_or_else(|d| panic!("{}", d.message)).value.keys().collect::<Vec<_>>(),
        ["b", "a"]
    );
    assert!(read("b.vars.yaml").is_ok_and(|v| v.value.is_empty()));
    assert!(read("c.vars.yaml").is_err_and(|d| d.code == "not-a-mapping"));
    assert!(read("d.vars.yaml").is_err_and(|d| d.code == "not-found"));
}

#[test]
fn a_report_reads_well() {
    let mut stdin = "alerts:\n  web.slow:\n    description: a\n  web.slow: {}\nmetrcs: {}\n".as_bytes();
    let mut loaded = load(&["-".into()], &mut stdin);
    loaded.report.sort(&loaded.files);
    let expected = "\
error[repeated-key]: a key is written twice in the same mapping
 --> <stdin>:4:3
  |
2 |   web.slow:
  |   -------- first written here
3 |     description: a
4 |   web.slow: {}
  |   ^^^^^^^^ written again here

error[unknown-section]: there is no section `metrcs`
 --> <stdin>:5:1
  |
5 | metrcs: {}
  | ^^^^^^ not a section
  |
  = help: did you mean `metrics`?

";
    assert_eq!(render(&loaded.report, &loaded.files, false), expected);
}
