//! A real mail server: Debian's Postfix takes what `serve` sends about an incident and puts it into the mailboxes of those who are told.
//! It runs unpacked, over a directory of its own, and ends with the test.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::conformance::unpacked;
use crate::server::{Server, TOKEN, USER, client, fresh};

/// Users that every Debian has. Postfix asks for two of its own, and one who owns the mailboxes.
const OWNER: (&str, u32) = ("games", 5);
const DELIVERER: u32 = 65_534;

/// Directories of its queue.
const QUEUE: [&str; 13] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
    "public", "saved", "trace",
];

/// Its parts, as the package has them, without those that send mail on or take it from this machine.
const PARTS: &str = "cleanup unix n - n - 0 cleanup
qmgr unix n - n - 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n - 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

/// Postfix with the mailboxes ops@example.org and night@example.org.
struct Postfix {
    master: Child,
    directory: tempfile::TempDir,
    port: u16,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // All that it started is in the group that it leads.
        let group = format!("-{}", self.master.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}

/// What it needs of its package, where it can be had and run.
fn home() -> Result<PathBuf, String> {
    if !is_root() {
        return Err("postfix is only run by root".to_owned());
    }
    let home = unpacked("postfix-3.7", "postfix")?;
    let mut command = Command::new(home.join("usr/sbin/postconf"));
    let asked = command.env("LD_LIBRARY_PATH", libraries(&home)).args(["-d", "mail_version"]).output();
    let asked = asked.map_err(|error| format!("postfix cannot be run: {error}"))?;
    match asked.status.success() {
        true => Ok(home),
        false => Err(format!("postfix cannot be run: {}", String::from_utf8_lossy(&asked.stderr).trim_end())),
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0)
}

fn libraries(home: &Path) -> PathBuf {
    home.join("usr/lib/postfix")
}

impl Postfix {
    fn start(home: &Path) -> Postfix {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        // Its parts are other users than the one who runs this.
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let own = |name: &str, user: u32| {
            std::fs::create_dir_all(at(name)).unwrap();
            chown(at(name), Some(user), None).unwrap();
        };
        QUEUE.iter().for_each(|name| own(&format!("queue/{name}"), OWNER.1));
        own("queue/pid", 0);
        own("data", OWNER.1);
        own("mail", DELIVERER);
        std::fs::create_dir(at("conf")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (here, home_of, owner) = (directory.path().display(), home.display(), OWNER.0);
        let settings = format!(
            "compatibility_level = 3.6
queue_directory = {here}/queue
data_directory = {here}/data
command_directory = {home_of}/usr/sbin
daemon_directory = {home_of}/usr/lib/postfix/sbin
shlib_directory = {home_of}/usr/lib/postfix
meta_directory = {home_of}/etc/postfix
import_environment = MAIL_CONFIG LD_LIBRARY_PATH LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME
mail_owner = {owner}
setgid_group = mail
default_privs = daemon
myhostname = mx.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
in_flow_delay = 0
alias_maps =
alias_database =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {here}/mail
virtual_mailbox_maps = inline:{{ops@example.org=ops/, night@example.org=night/}}
virtual_uid_maps = static:{DELIVERER}
virtual_gid_maps = static:{DELIVERER}
maillog_file = {here}/log
maillog_file_prefixes = {here}
"
        );
        std::fs::write(at("conf/main.cf"), settings).unwrap();
        let parts = format!("127.0.0.1:{port} inet n - n - - smtpd\n{PARTS}");
        std::fs::write(at("conf/master.cf"), parts).unwrap();
        let master = Command::new(home.join("usr/lib/postfix/sbin/master"))
            .arg("-c")
            .arg(at("conf"))
            .arg("-d")
            .env("LD_LIBRARY_PATH", libraries(home))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut postfix = Postfix { master, directory, port };
        postfix.wait_for("a connection", |port| TcpStream::connect(("127.0.0.1", port)).ok());
        postfix
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_else(|error| error.to_string())
    }

    fn wait_for<T>(&mut self, what: &str, look: impl Fn(u16) -> Option<T>) -> T {
        for _ in 0..1_200 {
            if let Some(found) = look(self.port) {
                return found;
            }
            assert_eq!(self.master.try_wait().unwrap(), None, "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no {what}: {}", self.log());
    }

    /// The mails of a mailbox, the oldest first, once there are so many.
    fn mails(&mut self, user: &str, count: usize) -> Vec<String> {
        let mailbox = self.directory.path().join("mail").join(user).join("new");
        self.wait_for(&format!("{count} mails for {user}"), |_| {
            let files = std::fs::read_dir(&mailbox).ok()?.map(|entry| entry.unwrap().path());
            let mut files: Vec<(std::time::SystemTime, PathBuf)> =
                files.map(|file| (file.metadata().unwrap().modified().unwrap(), file)).collect();
            files.sort();
            let read = |(_, file): &(_, PathBuf)| std::fs::read_to_string(file).unwrap();
            (files.len() >= count).then(|| files.iter().map(read).collect())
        })
    }
}

/// The values of a header.
fn header<'m>(mail: &'m str, name: &str) -> Vec<&'m str> {
    let head = mail.lines().take_while(|line| !line.is_empty());
    let of = |line: &'m str| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    };
    head.filter_map(of).collect()
}

async fn send(server: &Server, path: &str, body: Value) -> Value {
    let request = client().post(server.url(path)).basic_auth(USER, Some(TOKEN)).json(&body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    // Measurements are taken without a word.
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null)
}

async fn has(server: &Server, path: &str, words: &str) {
    for _ in 0..1_200 {
        let request = client().get(server.url(path)).basic_auth(USER, Some(TOKEN));
        if request.send().await.unwrap().text().await.unwrap().contains(words) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {words:?} at {path}: {}", server.log());
}

/// What the alert watches lies beside the HTML, which shows it, with words for who does not see it.
fn picture(mail: &str) {
    for part in
        ["multipart/alternative", "multipart/related", "text/html", "Content-ID: <picture>", "cid:picture"]
    {
        assert!(mail.contains(part), "no {part}: {mail}");
    }
    let (_, part) = mail.split_once("Content-Type: image/png").expect("a picture");
    let (_, body) = part.split_once("\n\n").expect("its body");
    let lines = body.lines().take_while(|line| !line.is_empty() && !line.starts_with("--"));
    let base64: String = lines.map(str::trim).collect();
    assert!(
        base64.starts_with("iVBORw0KGgo") && base64.len() > 5_000,
        "{} characters of base64",
        base64.len()
    );
    assert!(mail.contains("greatest"), "{mail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_a_thread_in_the_mailbox_of_everybody_who_is_told() {
    let home = match home() {
        Ok(home) => home,
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "postfix SKIPPED: {reason}");
            return;
        }
    };
    let mut postfix = Postfix::start(&home);
    let (_dir, data) = fresh();
    let relay = format!("smtp://127.0.0.1:{}", postfix.port);
    let server = Server::start(
        &data,
        &["--alert-settle", "1", "--smtp", &relay, "--public-url", "https://alerts.example.org"],
    );
    let mut services = Vec::new();
    for (title, addresses) in [("ops", "ops@example.org"), ("night", "nobody@example.org, night@example.org")]
    {
        let service = json!({ "type": "mail", "title": title, "settings": { "addresses": addresses } });
        services.push(send(&server, "/v1/services", service).await["id"].clone());
    }
    // Some of the past, for there to be something to draw.
    let now = jiff::Timestamp::now().as_second();
    let gauge =
        |back: i64| json!({ "name": "db.ms", "value": 1, "source": "db1", "measure_time": now - 60 * back });
    send(&server, "/v1/metrics", json!({ "gauges": (0..5).map(gauge).collect::<Vec<_>>() })).await;
    let conditions = json!([{ "type": "above", "metric_name": "db.ms", "threshold": 10 }]);
    let alert = json!({ "name": "db.slow", "services": services, "conditions": conditions });
    send(&server, "/v1/alerts", alert).await;
    has(&server, "/metrics", "alerts_evaluated 1\n").await;

    send(&server, "/v1/metrics", json!({ "gauges": [{ "name": "db.ms", "value": 11, "source": "db1" }] }))
        .await;
    let first = postfix.mails("ops", 1).remove(0);
    assert_eq!(header(&first, "subject"), ["[Librato] Alert db.slow has triggered!"], "{first}");
    assert_eq!(header(&first, "to"), ["ops@example.org"]);
    assert_eq!(header(&first, "from"), ["librato-apply@alerts.example.org"]);
    assert_eq!((header(&first, "references").len(), header(&first, "in-reply-to").len()), (0, 0), "{first}");
    assert!(first.contains("by mx.example.org (Postfix)") && first.contains("db1"), "{first}");
    picture(&first);
    let id = header(&first, "message-id");
    assert!(id.len() == 1 && id[0].ends_with("@alerts.example.org>"), "{id:?}");
    // Nobody has the first of these addresses, which keeps nothing from the second.
    let other = postfix.mails("night", 1).remove(0);
    assert_eq!(header(&other, "to"), ["night@example.org"]);
    assert_ne!(header(&other, "message-id"), id, "each address has a mail of its own");
    has(&server, "/v1/deliveries", "550 5.1.1").await;

    send(&server, "/v1/metrics", json!({ "gauges": [{ "name": "db.ms", "value": 1, "source": "db1" }] }))
        .await;
    let both = postfix.mails("ops", 2);
    let clear = &both[1];
    assert_eq!((both.len(), header(clear, "subject")), (2, vec!["[Librato] Alert db.slow has cleared."]));
    assert_eq!((header(clear, "references"), header(clear, "in-reply-to")), (id.clone(), id), "{clear}");
    server.stop();
}
