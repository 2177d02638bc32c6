//! What tests keep their data in: memory, or with `TEST_STORE=postgres` a database of its own for each, of a PostgreSQL that is
//! started once for a test program and ends with it. Where there is none the tests say so; with `POSTGRES=required` they fail.

#![allow(dead_code)] // Not every test that includes this uses all of it.

use std::cell::RefCell;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// A PostgreSQL in a directory of its own, reached through a socket in it.
pub struct Server {
    programs: PathBuf,
    dir: PathBuf,
    /// When its standard input is closed, which it is when the test program ends, the server ends and its directory goes.
    running: Child,
}

/// A database, which goes with the thread of the test that made it.
struct Database {
    server: &'static Server,
    name: String,
}

thread_local! {
    static MINE: RefCell<Vec<Database>> = const { RefCell::new(Vec::new()) };
}

/// Whether the tests are to run on PostgreSQL.
pub fn is_postgres() -> bool {
    std::env::var("TEST_STORE").is_ok_and(|store| store == "postgres")
}

/// The address of a new database where tests are to run on PostgreSQL, and can.
pub fn database(prepare: impl FnOnce(&str)) -> Option<String> {
    if is_postgres() { fresh(prepare) } else { None }
}

/// The address of a new database; the first one is handed to `prepare`, and the others are copies of it. Nothing where there is no
/// PostgreSQL.
pub fn fresh(prepare: impl FnOnce(&str)) -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    static PREPARED: OnceLock<()> = OnceLock::new();
    let server = server()?;
    PREPARED.get_or_init(|| {
        server.run("createdb", &["model"]);
        prepare(&server.address("model"));
    });
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.run("createdb", &["--template=model", &name]);
    // What tells it from others.
    server.sql(
        &name,
        "UPDATE librato_apply.file_properties SET value = md5(random()::text) WHERE key = 'tag_key'",
    );
    Some(server.adopt(name))
}

/// The address of a new database in which nothing is.
pub fn empty() -> Option<String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = server()?;
    let name = format!("empty_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.run("createdb", &[&name]);
    Some(server.adopt(name))
}

/// The server of this test program.
pub fn server() -> Option<&'static Server> {
    // Processes that are started hold the locks of files for a moment, which tests of those would take for another server.
    if !is_postgres() {
        return None;
    }
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            Some(Server::start(wanted_programs()?, &["-c", "fsync=off", "-c", "full_page_writes=off"]))
        })
        .as_ref()
}

/// A server of its own for a test, which keeps what it acknowledges; it ends with its value.
pub fn durable(options: &[&str]) -> Option<Server> {
    durable_with(&[], options)
}

/// The same, with options of `initdb` before.
pub fn durable_with(init: &[&str], options: &[&str]) -> Option<Server> {
    if !is_postgres() {
        return None;
    }
    Some(Server::start_with(wanted_programs()?, init, options))
}

/// Where the programs are; says so where there are none.
pub fn wanted_programs() -> Option<PathBuf> {
    let found = programs();
    if found.is_none() {
        skip("there are no programs of PostgreSQL here (package postgresql)");
    }
    found
}

/// Says why a test is not run; with `POSTGRES=required` it fails.
pub fn skip(why: &str) {
    assert!(std::env::var("POSTGRES").as_deref() != Ok("required"), "{why}");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}; tests are not run on it");
}

/// Where `initdb` and the others are: in the path, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    places.extend(versions.map(|version| version.path().join("bin")));
    let needed = ["initdb", "postgres", "psql", "createdb", "dropdb"];
    places.into_iter().find(|place| needed.iter().all(|program| place.join(program).exists()))
}

impl Server {
    /// Starts one with more options of `postgres`.
    pub fn start(programs: PathBuf, options: &[&str]) -> Server {
        Server::start_with(programs, &[], options)
    }

    /// The same, with more options of `initdb` before.
    fn start_with(programs: PathBuf, more: &[&str], options: &[&str]) -> Server {
        let (dir, owner) = directory();
        let mut init = as_user(&programs.join("initdb"), owner);
        init.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(more)
            .arg("--pgdata")
            .arg(dir.join("data"));
        run(init);
        Server::launch(programs, dir, owner, options)
    }

    /// One that follows this one, and is called `standby` where its confirmations are waited for.
    pub fn follow(&self) -> Server {
        let (dir, owner) = directory();
        let mut copy = as_user(&self.programs.join("pg_basebackup"), owner);
        copy.args([
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--username=postgres",
            "--host",
        ])
        .arg(&self.dir)
        .arg("--pgdata")
        .arg(dir.join("data"));
        run(copy);
        Server::launch(self.programs.clone(), dir, owner, &["-c", "cluster_name=standby"])
    }

    /// Starts one over data that are there.
    fn launch(programs: PathBuf, dir: PathBuf, owner: Option<(u32, u32)>, options: &[&str]) -> Server {
        // Told to end by its standard input, since nothing of a test program is sure to run when it ends. A line has it start again.
        let script = r#"trap '' INT TERM HUP; "$@" & server=$!; while read -r _; do wait $server; "$@" & server=$!; done
            kill -INT $server; wait $server; rm -rf "$DIR""#;
        let mut shell = as_user(Path::new("/bin/sh"), owner);
        shell
            .args(["-c", script, "sh"])
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(dir.join("data"))
            .args(["-c", "listen_addresses=", "-c", "max_connections=400", "-c", "shared_buffers=64MB"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", dir.display()))
            .args(options)
            .env("DIR", &dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("log")).unwrap());
        let mut server = Server { programs, running: shell.spawn().unwrap(), dir };
        server.started();
        server
    }

    fn started(&mut self) {
        // One that was killed replays its log, and syncs every file before.
        let mut tries = 0..6000;
        while UnixStream::connect(self.socket()).is_err() || !self.answers() {
            tries.next().unwrap_or_else(|| panic!("PostgreSQL does not start: {}", self.log()));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it and all its processes at once, as when its machine loses power.
    pub fn kill(&self) {
        kill(&self.dir.join("data"));
    }

    /// The directory in which its socket is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.dir.join(".s.PGSQL.5432")
    }

    /// Keeps its standby from whatever comes from now on.
    pub fn holds_back(&self) {
        let senders = self.sql("postgres", "SELECT pid FROM pg_stat_replication");
        assert!(!senders.is_empty(), "there is no standby");
        assert!(Command::new("kill").arg("-STOP").args(senders.lines()).status().unwrap().success());
    }

    /// Starts it once more after it was killed.
    pub fn start_again(&mut self) {
        writeln!(self.running.stdin.as_mut().unwrap()).unwrap();
        self.started();
    }

    /// A new database in which nothing is; it goes with the server. Its address.
    pub fn create(&self, name: &str) -> String {
        self.run("createdb", &[name]);
        self.address(name)
    }

    /// Has a database go with the thread at hand. Its address.
    fn adopt(&'static self, name: String) -> String {
        let address = self.address(&name);
        MINE.with_borrow_mut(|mine| mine.push(Database { server: self, name }));
        address
    }

    /// Of a database of it.
    pub fn address(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.host())
    }

    /// Of a database of it, or of the one that takes its place.
    pub fn address_or(&self, other: &Server, database: &str) -> String {
        format!("postgres://postgres@{},{}/{database}", self.host(), other.host())
    }

    fn host(&self) -> String {
        url::form_urlencoded::byte_serialize(self.dir.display().to_string().as_bytes()).collect()
    }

    /// Runs SQL in a database, as an administrator. What it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let quiet = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"];
        self.run("psql", &[&quiet[..], &["--command", sql, database]].concat())
    }

    /// Takes a connection for so long, if there is one left.
    pub fn hold(&self, database: &str, seconds: u32) -> Child {
        let sleep = format!("SELECT pg_sleep({seconds})");
        let mut psql = self.command("psql", &["--no-psqlrc", "--command", &sleep, database]);
        psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Begins a transaction with this, and stays in it.
    pub fn session(&self, database: &str, sql: &str) -> Session {
        let mut psql = self.command("psql", &["--no-psqlrc", "--quiet", database]);
        psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut psql = psql.spawn().unwrap();
        writeln!(psql.stdin.as_mut().unwrap(), "BEGIN; {sql};").unwrap();
        Session(psql)
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        run(self.command(program, args))
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(args).env("PGHOST", &self.dir).env("PGUSER", "postgres");
        command
    }

    fn answers(&self) -> bool {
        self.command("psql", &["--command", "SELECT 1", "postgres"])
            .output()
            .is_ok_and(|done| done.status.success())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_else(|error| error.to_string())
    }
}

/// An administrator in the midst of a transaction, which is taken back when this goes.
pub struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.running.stdin.take());
        let _ = self.running.wait();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Others are being made from the model at the same time; what is left goes with the server.
        let _ = self.server.command("dropdb", &["--force", "--if-exists", &self.name]).output();
    }
}

/// Ends the PostgreSQL over these data and all its processes at once. One that has ended by itself is no matter.
pub fn kill(data: &Path) {
    let Ok(id) = std::fs::read_to_string(data.join("postmaster.pid")) else { return };
    let id = id.lines().next().unwrap().to_owned();
    // One that it starts meanwhile would live on, and nothing could be started again beside that.
    let _ = Command::new("kill").args(["-STOP", &id]).stderr(Stdio::null()).status();
    let children = Command::new("ps").args(["--no-headers", "-o", "pid", "--ppid", &id]).output().unwrap();
    let children = String::from_utf8_lossy(&children.stdout).into_owned();
    let all: Vec<&str> = std::iter::once(&*id).chain(children.split_whitespace()).collect();
    // The same of those processes of it.
    let _ = Command::new("kill").arg("-9").args(&all).stderr(Stdio::null()).status();
    while all.iter().any(|id| is_running(id)) {
        thread::sleep(Duration::from_millis(2));
    }
}

/// Whether a process is there and has not ended.
fn is_running(id: &str) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn run(mut command: Command) -> String {
    let done = command.output().unwrap();
    if !done.status.success() {
        let _ = std::io::stderr().write_all(&done.stderr);
        panic!("{command:?} failed");
    }
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// A new directory, and whom it is given to.
pub fn directory() -> (PathBuf, Option<(u32, u32)>) {
    // Where everybody may go, and in few letters: the path of a socket has a limit.
    let dir = tempfile::tempdir_in("/tmp").unwrap().keep();
    let owner = owner(&dir);
    (dir, owner)
}

/// PostgreSQL does not run as root: whom the directory is given to in that case.
fn owner(dir: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let nobody = (65_534, 65_534);
    let is_root = std::fs::metadata(dir).unwrap().uid() == 0;
    is_root.then(|| {
        std::os::unix::fs::chown(dir, Some(nobody.0), Some(nobody.1)).unwrap();
        nobody
    })
}

fn as_user(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}
