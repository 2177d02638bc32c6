//! Two PostgreSQL under Patroni, with an etcd: what runs on one "machine" ends together, and its ways to the other and to etcd can be cut, while
//! clients still reach it. Patroni is configured as `examples/cluster/patroni.yml` shows, but for names, addresses and memory.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::link::{End, Link};
use super::store;
use crate::server::client;

/// How long a member may take to come up, or back.
const PATIENCE: Duration = Duration::from_secs(90);

type Owner = Option<(u32, u32)>;

pub struct Patroni {
    dir: PathBuf,
    owner: Owner,
    members: Vec<Member>,
    etcd: Child,
}

struct Member {
    name: &'static str,
    config: PathBuf,
    data: PathBuf,
    /// Where clients reach PostgreSQL and Patroni.
    sql: u16,
    api: u16,
    /// Where etcd is for it, and where the other one reaches both.
    ways: [Link; 3],
    process: Option<Child>,
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Where a program of Debian is.
fn program(name: &str) -> Option<PathBuf> {
    let found = ["/usr/bin", "/usr/local/bin"].map(|place| Path::new(place).join(name));
    found.into_iter().find(|path| path.exists())
}

/// A program that ends when the thread does that starts it, whatever becomes of that; of somebody else than root.
fn kept(program: &Path, owner: Owner, log: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]);
    if let Some((user, group)) = owner {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    let log = File::options().create(true).append(true).open(log).unwrap();
    command.arg(program).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command
}

impl Patroni {
    /// A primary and its synchronous standby; nothing where the programs are missing.
    pub async fn start() -> Option<Patroni> {
        if !store::is_postgres() {
            return None;
        }
        let programs = store::wanted_programs()?;
        let (Some(patroni), Some(etcd)) = (program("patroni"), program("etcd")) else {
            store::skip("there are no Patroni and etcd here (packages patroni and etcd-server)");
            return None;
        };
        let (dir, owner) = store::directory();
        let [clients, peers] = [free(), free()].map(|port| format!("http://127.0.0.1:{port}"));
        let mut etcd = kept(&etcd, owner, &dir.join("etcd.log"));
        etcd.args(["--name", "one", "--data-dir"])
            .arg(dir.join("etcd"))
            .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
            .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("one={peers}")]);
        let etcd = etcd.spawn().unwrap();
        let port = clients.rsplit_once(':').unwrap().1.parse().unwrap();
        let mut all = Patroni { dir, owner, members: Vec::new(), etcd };
        for name in ["a", "b"] {
            all.members.push(Member::new(name, &all.dir, port, &programs).await);
            // The first one is to make the data.
            all.begin(all.members.len() - 1, &patroni);
            all.until("the primary", |members| members.contains(&Some(Role::Primary))).await;
        }
        all.whole().await;
        Some(all)
    }

    fn begin(&mut self, member: usize, patroni: &Path) {
        let member = &mut self.members[member];
        let log = self.dir.join(format!("{}.log", member.name));
        let process = kept(patroni, self.owner, &log).arg(&member.config).spawn();
        member.process = Some(process.unwrap());
    }

    /// Of a new database. Blocks.
    pub fn create(&self, database: &str, primary: usize) -> String {
        self.sql(primary, "postgres", &format!("CREATE DATABASE {database}"));
        let hosts: Vec<String> =
            self.members.iter().map(|member| format!("127.0.0.1:{}", member.sql)).collect();
        format!("postgres://postgres@{}/{database}", hosts.join(","))
    }

    /// Runs SQL as an administrator. What it prints.
    pub fn sql(&self, member: usize, database: &str, sql: &str) -> String {
        let port = self.members[member].sql.to_string();
        let mut psql = Command::new("psql");
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--host=127.0.0.1",
            "--port",
            &port,
        ])
        .args(["--username=postgres", "--command", sql, database]);
        let done = psql.output().unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Ends all processes of PostgreSQL of a member.
    pub fn kill_postgres(&self, member: usize) {
        store::kill(&self.members[member].data);
    }

    /// The same, and its Patroni before.
    pub fn kill_machine(&mut self, member: usize) {
        if let Some(mut process) = self.members[member].process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        self.kill_postgres(member);
    }

    pub fn start_machine(&mut self, member: usize) {
        self.begin(member, &program("patroni").unwrap());
    }

    /// Cuts a member off from etcd and from the other one. Clients still reach it.
    pub fn cut_off(&self, member: usize) {
        self.members[member].ways.iter().for_each(Link::cut);
    }

    pub fn connect(&self, member: usize) {
        self.members[member].ways.iter().for_each(Link::mend);
    }

    /// Has the other one lead, in good order.
    pub async fn switch_over(&self, primary: usize) {
        let names = [self.members[primary].name, self.members[1 - primary].name];
        let body = json!({"leader": names[0], "candidate": names[1]});
        let request = client().post(self.url(primary, "switchover")).json(&body).send();
        let answer = request.await.unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }

    /// Changes what all members go by.
    pub async fn configure(&self, member: usize, change: &Value) {
        let answer = client().patch(self.url(member, "config")).json(change).send().await.unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }

    fn url(&self, member: usize, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.members[member].api)
    }

    /// Waits until one leads and the other is its synchronous standby. Which one leads.
    pub async fn whole(&self) -> usize {
        let is_whole = |members: &[Option<Role>]| {
            members.contains(&Some(Role::Primary)) && members.contains(&Some(Role::Standby))
        };
        let members = self.until("a primary with its standby", is_whole).await;
        members.iter().position(|role| *role == Some(Role::Primary)).unwrap()
    }

    /// Waits until this one leads.
    pub async fn leads(&self, member: usize) {
        self.until("the new primary", |members| members[member] == Some(Role::Primary)).await;
    }

    async fn until(&self, what: &str, holds: impl Fn(&[Option<Role>]) -> bool) -> Vec<Option<Role>> {
        let begun = Instant::now();
        loop {
            let mut roles = Vec::new();
            for member in 0..self.members.len() {
                roles.push(self.role(member).await);
            }
            if holds(&roles) {
                return roles;
            }
            let logs = self.members.iter().map(|member| self.dir.join(format!("{}.log", member.name)));
            let logs: Vec<String> = logs.map(|log| std::fs::read_to_string(log).unwrap()).collect();
            assert!(begun.elapsed() < PATIENCE, "no {what}: {roles:?}\n{}", logs.join("\n\n"));
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn role(&self, member: usize) -> Option<Role> {
        let is = async |path: &str| {
            let answer = client().get(self.url(member, path)).timeout(Duration::from_secs(2)).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        };
        if is("primary").await {
            Some(Role::Primary)
        } else {
            is("synchronous").await.then_some(Role::Standby)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Primary,
    /// One that confirms commits.
    Standby,
}

impl Member {
    async fn new(name: &'static str, dir: &Path, etcd: u16, programs: &Path) -> Member {
        let (sql, api) = (free(), free());
        let way = |port| Link::to(End::Port(port), Duration::ZERO);
        let ways = [way(etcd).await, way(sql).await, way(api).await];
        let (config, data) = (dir.join(format!("{name}.json")), dir.join(name));
        let member = Member { name, config, data, sql, api, ways, process: None };
        std::fs::write(&member.config, member.settings(dir, programs).to_string()).unwrap();
        member
    }

    /// The example's, with what is ours.
    fn settings(&self, dir: &Path, programs: &Path) -> Value {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster/patroni.yml");
        let mut settings: Value = serde_yaml::from_str(&std::fs::read_to_string(example).unwrap()).unwrap();
        let here = |port: u16| format!("127.0.0.1:{port}");
        let [etcd, sql, api] = &self.ways;
        settings["name"] = self.name.into();
        settings["restapi"] = json!({"listen": here(self.api), "connect_address": here(api.port)});
        // Not told where else it is, or it would be reached past the way that can be cut.
        settings["etcd3"] = json!({"hosts": [here(etcd.port)], "use_proxies": true});
        let shared = &mut settings["bootstrap"]["dcs"];
        // There are only two.
        shared["synchronous_mode_strict"] = false.into();
        shared["postgresql"]["parameters"]["shared_buffers"] = "64MB".into();
        let own = &mut settings["postgresql"];
        own["listen"] = here(self.sql).into();
        own["connect_address"] = here(sql.port).into();
        own["data_dir"] = self.data.display().to_string().into();
        own["bin_dir"] = programs.display().to_string().into();
        own["pgpass"] = dir.join(format!("{}.pgpass", self.name)).display().to_string().into();
        own["parameters"] = json!({"unix_socket_directories": dir});
        own["pg_hba"] = json!([
            "local all all trust",
            "host all all 127.0.0.1/32 trust",
            "host replication all 127.0.0.1/32 trust"
        ]);
        settings
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        for member in 0..self.members.len() {
            self.kill_machine(member);
        }
        let _ = self.etcd.kill();
        let _ = self.etcd.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
