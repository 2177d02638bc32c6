//! The disk of PostgreSQL's log is full: nothing is acknowledged that is not stored, and once there is room it goes on. Needs a file system of its
//! own, which only root may have.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::time::sleep;

use super::writers::Writers;
use super::{Cluster, store};

/// A small file system in memory.
struct Disk(PathBuf);

impl Disk {
    fn mount() -> Option<Disk> {
        let (path, owner) = store::directory();
        let disk = Disk(path);
        let (user, group) = owner?;
        let options = format!("size=32m,mode=700,uid={user},gid={group}");
        let mut mount = Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&disk.0).status();
        done.is_ok_and(|status| status.success()).then_some(disk)
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves no byte of it.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ =
            Command::new("umount").arg("--lazy").arg(&self.0).stderr(std::process::Stdio::null()).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_refuses_and_goes_on_when_there_is_room() {
    if store::is_postgres() && store::wanted_programs().is_none() {
        return;
    }
    let Some(disk) = store::is_postgres().then(Disk::mount) else { return };
    let Some(disk) = disk else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: a full disk; only root may mount one");
        return;
    };
    let place = format!("--waldir={}", disk.path().join("wal").display());
    let init = [&*place, "--wal-segsize=1"];
    let options = ["-c", "min_wal_size=2MB", "-c", "max_wal_size=8MB"];
    let Some(postgres) = store::durable_with(&init, &options) else { return };
    let address = postgres.create("monitoring");
    let mut cluster = Cluster::over(postgres, address, 2, &["--no-alerts"]);
    let writers = Writers::start(cluster.hosts());
    writers.go_on(30).await;
    disk.fill();
    let mut tries = 0..200;
    let stopped = loop {
        let before = writers.acknowledged();
        sleep(Duration::from_secs(1)).await;
        if writers.acknowledged() == before {
            break before;
        }
        tries.next().expect("it writes on a disk that is full");
    };
    sleep(Duration::from_secs(3)).await;
    assert_eq!(writers.acknowledged(), stopped);
    disk.make_room();
    cluster.postgres.kill();
    cluster.postgres.start_again();
    writers.go_on(20).await;
    writers.settle("full log", &cluster.nodes[0]).await;
}
