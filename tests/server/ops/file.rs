//! Who holds the data file: second servers by whatever name, what is mounted, removed, replaced or planted.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, USER, check, client, fresh};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_librato-apply");

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Starts a server that must refuse to start, and returns what it says.
pub fn refused(data: &Path) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data"]).arg(data);
    let output = command.env("LIBRATO_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    text(&output)
}

/// Runs shell commands in a mount namespace of their own, `$1` and so on being `arguments`, `$0` the program. `None` where
/// this user may not mount, which is said.
pub fn with_mounts(script: &str, arguments: &[&Path]) -> Option<Output> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-ec", script, PROGRAM]).args(arguments);
    let able = Command::new("unshare").args(["--mount", "mount", "--bind", "/", "/mnt"]).output();
    if able.is_ok_and(|output| output.status.success()) {
        return Some(command.env("LIBRATO_TOKEN", TOKEN).output().unwrap());
    }
    assert!(
        std::env::var_os("CONFORMANCE").is_none_or(|declared| declared != "required"),
        "mounting needs root"
    );
    let _ = writeln!(std::io::stderr(), "SKIPPED: mounting needs root");
    None
}

pub async fn create_alert(server: &Server, name: &str) -> reqwest::Result<reqwest::Response> {
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
        assert!(sound && (said.contains("  1 alert,") || said.contains("  2 alerts,")), "{said}");
        if replaced {
            let (sound, said) = check(&data);
            assert!(sound && said.contains("  0 alerts,"), "{said}");
        }
    }
}

/// The newest of the data is in the log, which has a name of its own: whatever takes it is noticed, and nothing is lost.
#[tokio::test]
async fn a_log_that_is_removed_or_replaced_ends_the_service() {
    for replaced in [false, true] {
        let (dir, data) = fresh();
        let mut server = Server::start(&data, &["-q"]);
        assert_eq!(create_alert(&server, "kept").await.unwrap().status(), 201);
        let log = dir.path().join("a.db-wal");
        std::fs::remove_file(&log).unwrap();
        if replaced {
            std::fs::write(&log, "something else").unwrap();
        }
        if let Ok(answer) = create_alert(&server, "lost").await {
            assert_eq!(answer.status(), 503);
        }
        assert_eq!(server.wait().code(), Some(1));
        assert!(
            server.log().contains("-wal, a part of the data, was removed or replaced"),
            "{}",
            server.log()
        );
        let (sound, said) = check(&data);
        assert!(sound && (said.contains("  1 alert,") || said.contains("  2 alerts,")), "{said}");
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

/// A shell script that makes the directory `$1` unwritable and goes on with `then`.
fn read_only(then: &str) -> String {
    format!("mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; {then}")
}

#[tokio::test]
async fn a_file_on_a_medium_that_cannot_be_written_is_read() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    assert_eq!(create_alert(&server, "disk.full").await.unwrap().status(), 201);
    server.stop();
    std::fs::remove_file(dir.path().join("a.db-lock")).unwrap();
    let check = read_only("exec \"$0\" serve check \"$1/a.db\"");
    let get = read_only("exec \"$0\" get alerts --endpoint \"embedded:$1/a.db\"");
    let backup = read_only("exec \"$0\" serve backup \"$1/a.db\" \"$2\"");
    let serve = read_only("exec \"$0\" serve --user u --listen 127.0.0.1:0 --data \"$1/a.db\"");
    let copy = tempfile::tempdir().unwrap();
    let target = copy.path().join("copy.db");
    for (script, code, said) in [
        (&check, 0, "a.db: sound"),
        (&get, 0, "disk.full"),
        (&backup, 0, "copy.db: sound"),
        (&serve, 1, "Read-only file system"),
    ] {
        let Some(output) = with_mounts(script, &[dir.path(), &target]) else { return };
        assert_eq!(output.status.code(), Some(code), "{script}: {}", text(&output));
        assert!(text(&output).contains(said), "{script}: {}", text(&output));
    }
    // A kill leaves a log, without which the file is not all there is.
    Server::start(&data, &["-q"]).kill();
    for script in [&check, &get] {
        let Some(output) = with_mounts(script, &[dir.path(), &target]) else { return };
        assert_eq!(output.status.code(), Some(1), "{script}: {}", text(&output));
        assert!(text(&output).contains("copy both to a directory that can be written"), "{}", text(&output));
    }
}

#[test]
fn an_older_file_on_a_medium_that_cannot_be_written_is_checked_but_not_served() {
    let (dir, data) = fresh();
    std::fs::copy("tests/files/schema-4.db", &data).unwrap();
    let check = read_only("exec \"$0\" serve check \"$1/a.db\"");
    let Some(output) = with_mounts(&check, &[dir.path()]) else { return };
    assert!(output.status.success() && text(&output).contains("sound (schema 4)"), "{}", text(&output));
    let get = read_only("exec \"$0\" get alerts --endpoint \"embedded:$1/a.db\"");
    let Some(output) = with_mounts(&get, &[dir.path()]) else { return };
    assert!(text(&output).contains("written by an older version (schema 4"), "{}", text(&output));
}

#[test]
fn where_the_disk_is_full_nothing_is_left_that_is_empty() {
    let (dir, data) = fresh();
    Server::start(&data, &["-q"]).stop();
    let definitions =
        "alerts: { shop.slow: { conditions: [{ type: above, metric_name: m, threshold: 5 }] } }";
    std::fs::write(dir.path().join("a.yaml"), definitions).unwrap();
    let script = "cd \"$1\"; mkdir full; mount -t tmpfs -o size=64k tmpfs full
        head -c 100000 /dev/zero > full/ballast 2>&- || true
        \"$0\" plan a.yaml --endpoint embedded:a.db --out full/plan.json && exit 7
        \"$0\" init full && exit 7
        \"$0\" export --endpoint embedded:a.db --out full && exit 7
        \"$0\" serve backup a.db full/copy.db && exit 7
        \"$0\" serve --user u --listen 127.0.0.1:0 --data full/new.db && exit 7
        ls -A full";
    let Some(output) = with_mounts(script, &[dir.path()]) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("the disk is full"), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().last(), Some("ballast"), "{}", text(&output));
}

#[test]
fn a_start_that_is_refused_leaves_no_file() {
    let (dir, data) = fresh();
    let server = Server::start(&data, &["-q"]);
    let other = dir.path().join("other.db");
    let output = Command::new(PROGRAM)
        .args(["serve", "--user", USER, "--listen", &server.host, "--data"])
        .arg(&other)
        .env("LIBRATO_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("cannot listen on") && said.contains("another port: --listen"), "{said}");
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("a.db")), "{left:?}");
}

/// Runs a server under limits on open files, as `ulimit` takes them.
fn under(limits: &str, data: &Path) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{limits}; exec \"$0\" serve --user u --listen 127.0.0.1:0 --data \"$1\"");
    command.args(["-ec", &script, PROGRAM]).arg(data).env("LIBRATO_TOKEN", TOKEN);
    command
}

#[test]
fn too_few_open_files_are_said_at_the_start() {
    let (_dir, data) = fresh();
    let output = under("ulimit -n 24", &data).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("only 24 files may be open at once"), "{}", text(&output));
    assert!(!data.exists());
}

/// What the server has open of its own is less than what it sets aside, so each connection finds its place.
#[cfg(target_os = "linux")]
#[test]
fn the_limit_on_open_files_is_raised_and_kept() {
    let (_dir, data) = fresh();
    let server = Server::spawn(under("ulimit -Sn 64", &data));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("1072"), "{line}");
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    assert!(open <= 40, "{open} files are open without any connection");
    drop(server);
    let server = Server::spawn(under("ulimit -n 70", &data));
    assert!(server.log().contains("22 connections are served and not 1024"), "{}", server.log());
}
