//! Who holds the data file: second servers by whatever name, what is mounted, removed, replaced or planted.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, USER, check, client, fresh};

const PROGRAM: &str = env!("CARGO_BIN_EXE_librato-apply");

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Starts a server that must refuse to start, and returns what it says.
fn refused(data: &Path) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data"]).arg(data);
    let output = command.env("LIBRATO_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    text(&output)
}

/// Runs shell commands in a mount namespace of their own, `$1` and so on being `arguments`, `$0` the program. `None` where
/// this user may not mount, which is said.
fn with_mounts(script: &str, arguments: &[&Path]) -> Option<Output> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script, PROGRAM]).args(arguments);
    let able = Command::new("unshare").args(["--mount", "mount", "--bind", "/", "/mnt"]).output();
    if able.is_ok_and(|output| output.status.success()) {
        return Some(command.env("LIBRATO_TOKEN", TOKEN).output().unwrap());
    }
    assert!(std::env::var_os("CONFORMANCE").is_none_or(|wish| wish != "required"), "mounting needs root");
    eprintln!("SKIPPED: mounting needs root");
    None
}

async fn create_alert(server: &Server, name: &str) -> reqwest::Result<reqwest::Response> {
    let request = client().post(server.url("/v1/alerts")).basic_auth(USER, Some(TOKEN));
    request.json(&json!({ "name": name })).send().await
}

#[test]
fn the_lock_is_on_the_file_and_not_on_a_name() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    let holder = format!("in use by another server (process {})", server.id());
    assert!(refused(&data).contains(&holder));
    let link = dir.path().join("link.db");
    symlink(&data, &link).unwrap();
    assert!(refused(&link).contains(&holder));
    std::fs::remove_file(dir.path().join("a.db-lock")).unwrap();
    assert!(refused(&data).contains("in use by another server"));
    let (sound, said) = check(&data);
    assert!(!sound && said.contains("in use by another server"), "{said}");
    drop(server);
    assert!(check(&data).0);
}

#[test]
fn a_file_mounted_by_itself_is_refused_with_the_way_out() {
    let (dir, data) = fresh();
    drop(Server::start(&data, &["-q"]));
    let place = dir.path().join("container");
    std::fs::create_dir(&place).unwrap();
    let mounted = place.join("a b.db");
    std::fs::write(&mounted, "").unwrap();
    let serve = "mount --bind \"$1\" \"$2\"; exec \"$0\" serve --listen 127.0.0.1:0 --user u --data \"$2\"";
    let Some(output) = with_mounts(serve, &[&data, &mounted]) else { return };
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("mounted by itself") && said.contains("mount the directory"), "{said}");
    assert!(!place.join("a b.db-lock").exists() && !place.join("a b.db-wal").exists());
}

#[tokio::test]
async fn a_file_that_is_removed_or_replaced_ends_the_service() {
    for (replaced, reason) in [(false, "was removed or renamed"), (true, "another file took the place of")] {
        let (dir, data) = fresh();
        let other = dir.path().join("other.db");
        Server::start(&other, &["-q"]).stop();
        let mut server = Server::start(&data, &["-q"]);
        assert_eq!(create_alert(&server, "kept").await.unwrap().status(), 201);
        std::fs::rename(&data, dir.path().join("away.db")).unwrap();
        if replaced {
            std::fs::rename(&other, &data).unwrap();
        }
        // Whichever comes first, the write or the look of the server: nothing is acknowledged.
        if let Ok(answer) = create_alert(&server, "lost").await {
            assert_eq!(answer.status(), 503);
            let body: Value = answer.json().await.unwrap();
            let said = body["errors"]["system"][0].as_str().unwrap();
            assert!(said.contains("data file"), "{said}");
        }
        assert_eq!(server.wait().code(), Some(1));
        assert!(server.log().contains(reason), "{}", server.log());
        // What was acknowledged went with the file, and nothing of it lies beside the other one.
        let log = std::fs::metadata(dir.path().join("a.db-wal"));
        assert!(log.is_ok_and(|log| log.len() == 0), "the log was not emptied");
        let (sound, said) = check(&dir.path().join("away.db"));
        assert!(sound && (said.contains("  1 alerts") || said.contains("  2 alerts")), "{said}");
        if replaced {
            let (sound, said) = check(&data);
            assert!(sound && said.contains("  0 alerts"), "{said}");
        }
    }
}

/// Two files that belong together take the place of the two that are served.
#[test]
fn the_log_of_a_file_that_took_the_place_is_left_alone() {
    let (dir, data) = fresh();
    let mut server = Server::start(&data, &["-q"]);
    let other = dir.path().join("other.db");
    let mut killed = Server::start(&other, &["-q"]);
    killed.kill();
    for end in ["-wal", ""] {
        let [from, to] = ["other.db", "a.db"].map(|name| dir.path().join(format!("{name}{end}")));
        std::fs::rename(from, to).unwrap();
    }
    let log = std::fs::read(dir.path().join("a.db-wal")).unwrap();
    assert_eq!(server.wait().code(), Some(1));
    assert!(!log.is_empty());
    assert!(
        std::fs::read(dir.path().join("a.db-wal")).unwrap() == log,
        "the log of the other file was changed"
    );
}

#[test]
fn planted_lock_files_are_not_written_into() {
    let (dir, data) = fresh();
    let (victim, lock) = (dir.path().join("victim"), dir.path().join("a.db-lock"));
    std::fs::write(&victim, "precious").unwrap();
    symlink(&victim, &lock).unwrap();
    assert!(refused(&data).contains("symbolic link"));
    std::fs::remove_file(&lock).unwrap();
    std::fs::hard_link(&victim, &lock).unwrap();
    assert!(refused(&data).contains("not a lock file"));
    std::fs::remove_file(&lock).unwrap();
    assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
    assert!(refused(&data).contains("not a lock file"));
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!data.exists(), "a refused start leaves no file");
}

#[test]
fn only_regular_files_are_served() {
    let (dir, _) = fresh();
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for odd in [pipe.as_path(), dir.path(), Path::new("/dev/null")] {
        assert!(refused(odd).contains("not a regular file"), "{}", odd.display());
    }
}

#[test]
fn files_that_others_could_read_are_closed_to_them() {
    let (dir, data) = fresh();
    Server::start(&data, &["-q"]).kill();
    let files = ["a.db", "a.db-wal"].map(|name| dir.path().join(name));
    for file in &files {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let server = Server::start(&data, &[]);
    for file in &files {
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    assert!(server.log().contains("others could read") && server.log().contains("its mode is 600 now"));
}
