//! Building the program: before it is measured; and how long that takes, from nothing and again after one edit. The latter takes
//! many minutes, so it runs only when asked for by name.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Effort;
use crate::service::scratch;
use crate::table::{Figure, Row, Table};

/// Puts the program as users build it in the place of the one that Cargo made for the benches, which has the features that tests
/// ask of its dependencies. A debug build of the benches only tries them out, on a debug build of the program.
pub fn release() {
    if cfg!(debug_assertions) {
        return eprintln!("a debug build: these figures mean nothing");
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--quiet"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(build.stdin(Stdio::null()).status().unwrap().success());
}

pub fn run(_: Effort, table: &mut Table) {
    let target = scratch();
    table.add(Row::new("build: everything, release", timed(target.path(), &["--release"])));
    touch("src/cli/reconcile.rs");
    table.add(Row::new(
        "build: again after an edit of the program, release",
        timed(target.path(), &["--release"]),
    ));
    touch("src/diff/mod.rs");
    table.add(Row::new(
        "build: again after an edit of the library, release",
        timed(target.path(), &["--release"]),
    ));
    table.add(Row::new("build: everything, dist", timed(target.path(), &["--profile", "dist"])));
    let size = fs::metadata(target.path().join("dist/librato-apply")).unwrap().len();
    table.add(Row::new("build: size of the program, dist", Figure::Bytes(size)).goal(Figure::megabytes(15)));
    table.add(Row::new("build: everything, debug", timed(target.path(), &[])));
    touch("src/diff/mod.rs");
    table.add(
        Row::new("build: again after an edit of the library, debug", timed(target.path(), &[]))
            .goal(Figure::millis(20_000.0)),
    );
}

fn timed(target: &Path, flags: &[&str]) -> Figure {
    let begun = Instant::now();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "--quiet"]).args(flags).arg("--target-dir").arg(target);
    build.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    assert!(build.status().unwrap().success());
    Figure::Time(begun.elapsed())
}

/// What Cargo takes for an edit.
fn touch(path: &str) {
    let file = fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
}
