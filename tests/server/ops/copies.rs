//! What becomes of copies: made, refused, marked, restored, adopted, and fetched over HTTP.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use super::file::{PROGRAM, create_alert, text};
use super::raw::{connect, head};
use crate::server::{Server, TOKEN, USER, check, client, fresh};

/// Runs a command beside `serve`: its exit code and what it said.
fn run(command: &str, arguments: &[&Path], more: &[&str]) -> (i32, String) {
    let output = Command::new(PROGRAM).args(["serve", command]).args(arguments).args(more).output().unwrap();
    (output.status.code().unwrap(), text(&output))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn metric(server: &Server, name: &str) -> String {
    let answer = client().get(server.url("/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let page = answer.text().await.unwrap();
    page.lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_else(|| panic!("no {name} in {page}"))
        .to_owned()
}

#[tokio::test]
async fn a_copy_is_marked_until_it_is_adopted() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    assert_eq!(create_alert(&server, "kept").await.unwrap().status(), 201);
    assert_eq!(metric(&server, "librato_apply_unadopted_copy ").await, "0");
    let copy = dir.path().join("copy.db");
    let (code, said) = run("backup", &[&data, &copy], &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with(&format!("Copied {} to {}: ", data.display(), copy.display())), "{said}");
    assert!(said.contains("copy.db: sound") && said.contains("  1 alert,"), "{said}");
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.stop();

    let [marked, adopted] = ["marked.db", "adopted.db"].map(|name| dir.path().join(name));
    let (code, said) = run("restore", &[&copy, &marked], &[]);
    assert!(code == 0 && said.contains("is a copy") && said.contains("serve adopt"), "{said}");
    let (code, said) = run("restore", &[&copy, &adopted], &["--adopt"]);
    assert!(code == 0 && !said.contains("is a copy"), "{said}");
    for (file, value) in [(&marked, "1"), (&adopted, "0")] {
        let server = Server::start(file, &[]);
        assert_eq!(metric(&server, "librato_apply_unadopted_copy ").await, value);
        assert_eq!(server.log().contains("is a copy of 20"), value == "1", "{}", server.log());
        let alerts =
            client().get(server.url("/v1/alerts")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
        assert!(alerts.text().await.unwrap().contains("\"kept\""));
        assert!(run("adopt", &[file], &[]).1.contains("in use by another server"));
        server.stop();
    }
    assert!(run("adopt", &[&marked], &[]).1.contains("no longer marked as a copy"));
    assert!(run("adopt", &[&marked], &[]).1.contains("not marked as a copy"));
    let server = Server::start(&marked, &[]);
    assert_eq!(metric(&server, "librato_apply_unadopted_copy ").await, "0");
    assert!(!server.log().contains("is a copy"), "{}", server.log());
}

/// Restored or adopted by root for a service, whose directory it is, a file must belong to that service, and so must its lock. Where the tests
/// are not run by root, everything belongs to one user, and stays theirs.
#[tokio::test]
async fn what_root_restores_belongs_to_the_owner_of_the_directory() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    assert_eq!(create_alert(&server, "kept").await.unwrap().status(), 201);
    let (copy, theirs) = (dir.path().join("copy.db"), dir.path().join("theirs"));
    assert_eq!(run("backup", &[&data, &copy], &[]).0, 0);
    server.stop();
    std::fs::create_dir(&theirs).unwrap();
    let is_root = std::fs::metadata(&theirs).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&theirs, Some(65_532), Some(65_532)).unwrap();
    }
    let (owner, restored) = (std::fs::metadata(&theirs).unwrap().uid(), theirs.join("restored.db"));
    assert!(!is_root || owner == 65_532);
    let (code, said) = run("restore", &[&copy, &restored], &[]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = run("adopt", &[&restored], &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(names(&theirs), ["restored.db", "restored.db-lock"]);
    for name in names(&theirs) {
        let found = std::fs::metadata(theirs.join(&name)).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o777), (owner, 0o600), "{name}");
    }
    // A backup belongs to whom makes it: it holds secrets, and is not to be served.
    let again = theirs.join("backup.db");
    assert_eq!(run("backup", &[&restored, &again], &[]).0, 0);
    assert_eq!(std::fs::metadata(&again).unwrap().uid() == 0, is_root);
}

/// They take no lock of their own, so nothing else tells that a server has them open.
#[tokio::test]
async fn no_copy_takes_the_name_of_a_part_of_a_data_file() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    assert_eq!(create_alert(&server, "kept").await.unwrap().status(), 201);
    for end in ["-wal", "-shm", "-lock", "-reserve", "-journal"] {
        let part = dir.path().join(format!("a.db{end}"));
        let (code, said) = run("backup", &[&data, &part], &["--overwrite"]);
        assert!(code == 1 && said.contains("a part of a data file"), "{end}: {code} {said}");
    }
    server.stop();
    let (sound, said) = check(&data);
    assert!(sound && said.contains("  1 alert,"), "{said}");
}

#[test]
fn copies_are_refused_where_they_would_do_harm() {
    let (dir, data) = fresh();
    Server::start(&data, &["-q"]).stop();
    let path = |name: &str| dir.path().join(name);
    let (copy, other) = (path("copy.db"), path("other.db"));
    assert_eq!(run("backup", &[&data, &copy], &[]).0, 0);
    let before = std::fs::read(&copy).unwrap();
    let refused = |command: &str, from: &Path, to: &Path, more: &[&str], reason: &str| {
        let (code, said) = run(command, &[from, to], more);
        assert!(code == 1 && said.contains(reason), "{command} {} {}: {said}", from.display(), to.display());
    };
    refused("backup", &data, &copy, &[], "give --overwrite");
    refused("backup", &data, &data, &["--overwrite"], "exists");
    refused("restore", &copy, &data, &[], "rename it first");
    refused("backup", &path("none.db"), &other, &[], "there is no file");
    // A copy that was broken off is not given on.
    std::fs::write(path("short.db"), &before[..before.len() / 2]).unwrap();
    let (half, whole) = (before.len() / 2, before.len());
    let cut = format!("short.db is cut short: it has {half} of {whole} bytes");
    refused("restore", &path("short.db"), &other, &[], &cut);
    refused("backup", &path("short.db"), &other, &[], "copy it again or restore a backup");
    assert_eq!(run("adopt", &[&path("none.db")], &[]).0, 1);
    refused("backup", &data, &path("no/such/dir.db"), &[], "No such file");
    std::fs::write(path("other.db-wal"), "the end of a file that is gone").unwrap();
    refused("restore", &copy, &other, &[], "other.db-wal belongs to a file that was there before");
    std::fs::remove_file(path("other.db-wal")).unwrap();
    std::fs::write(path("text"), "something else, long enough to look at ".repeat(50)).unwrap();
    refused("restore", &path("text"), &other, &[], "not a data file");
    let mut damaged = before.clone();
    let last = damaged.len() - 4096;
    damaged[last..].fill(0x5a);
    std::fs::write(path("damaged.db"), damaged).unwrap();
    refused("restore", &path("damaged.db"), &other, &[], "damaged");
    let server = Server::start(&data, &["-q"]);
    // Its log is not empty; where it is, its lock tells.
    refused("backup", &copy, &data, &["--overwrite"], "a.db");
    drop(server);
    assert_eq!(std::fs::read(&copy).unwrap(), before);
    assert!(names(dir.path()).iter().all(|name| !name.contains("other") && !name.contains("partial")));
    assert_eq!(run("backup", &[&data, &copy], &["--overwrite"]).0, 0);
    assert!(check(&copy).0);
}

/// As the program of the previous version may still serve it.
#[test]
fn a_file_of_an_older_schema_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.db");
    let (code, said) = run("backup", &[Path::new("tests/files/schema-4.db"), &copy], &[]);
    assert!(code == 0 && said.contains("copy.db: sound"), "{said}");
    assert_eq!(names(dir.path()), ["copy.db"]);
}

#[test]
fn what_a_killed_copy_left_is_removed_by_the_next() {
    let (dir, data) = fresh();
    Server::start(&data, &["-q"]).stop();
    let [left, copy] = [".librato-apply-abc.partial", "copy.db"].map(|name| dir.path().join(name));
    std::fs::write(&left, "half").unwrap();
    std::fs::write(dir.path().join(".librato-apply-notes"), "mine").unwrap();
    assert_eq!(run("backup", &[&data, &copy], &[]).0, 0);
    assert!(!left.exists() && dir.path().join(".librato-apply-notes").exists());
}

#[tokio::test]
async fn a_backup_over_http_is_a_copy_and_one_at_a_time() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    create_alert(&server, "kept").await.unwrap();
    // More than the system holds for a client that does not read.
    for n in 0..500 {
        let event = serde_json::json!({"title": "t", "description": "x".repeat(60_000), "start_time": 1_700_000_000 + n});
        let request =
            client().post(server.url("/v1/annotations/large")).basic_auth(USER, Some(TOKEN)).json(&event);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    let get = || client().get(server.url("/v1/backup")).basic_auth(USER, Some(TOKEN)).send();
    let answer = get().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/vnd.sqlite3");
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.starts_with("attachment; filename=\"librato-") && name.ends_with(".db\""), "{name}");
    let copy = dir.path().join("copy.db");
    std::fs::write(&copy, answer.bytes().await.unwrap()).unwrap();
    let (sound, report) = check(&copy);
    assert!(sound && report.contains("  1 alert,"), "{report}");
    assert_eq!(
        client().head(server.url("/v1/backup")).basic_auth(USER, Some(TOKEN)).send().await.unwrap().status(),
        405
    );

    let mut slow = connect(&server);
    slow.write_all(head("GET", "/v1/backup", "").as_bytes()).unwrap();
    slow.read_exact(&mut [0; 1000]).unwrap();
    let answer = get().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"10".parse().unwrap()));
    let before = names(dir.path());
    assert!(before.iter().all(|name| !name.contains("partial")), "{before:?}");
    drop(slow);
    let mut tries = 0..1000;
    while get().await.unwrap().status() != 200 {
        tries.next().expect("the turn ends with the connection");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(names(dir.path()), before);
}
