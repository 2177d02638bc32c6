//! One run of a program and what it used, as the operating system counted it.
//!
//! The peak memory of a child counts from before it became another program, so it is at least that of its parent. What is
//! measured is therefore started by a fresh copy of this program that holds nothing.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// The argument by which the copy knows what it is.
pub const MODE: &str = "--watch";

/// What one run used.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    pub wall: Duration,
    /// Of all threads, in the program and in the system for it.
    pub cpu: Duration,
    /// Bytes resident at most.
    pub peak: u64,
}

/// The median of each figure over so many runs, after one that does not count.
pub fn median(runs: usize, command: impl Fn() -> Command) -> Used {
    if runs > 1 {
        once(&command());
    }
    let all: Vec<Used> = (0..runs).map(|_| once(&command())).collect();
    Used {
        wall: middle(all.iter().map(|used| used.wall)),
        cpu: middle(all.iter().map(|used| used.cpu)),
        peak: middle(all.iter().map(|used| used.peak)),
    }
}

/// The median.
pub fn middle<T: Ord>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort();
    let half = values.len() / 2;
    values.swap_remove(half)
}

/// Runs it, which must end with 0; its output is thrown away.
pub fn once(command: &Command) -> Used {
    let mut watcher = Command::new(std::env::current_exe().unwrap());
    watcher.arg(MODE).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => watcher.env(name, value),
            None => watcher.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        watcher.current_dir(directory);
    }
    let done = watcher.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {}\n{said}", done.status);
    let said = String::from_utf8_lossy(&done.stdout);
    let [wall, cpu, peak] =
        said.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<u64>>()[..]
    else {
        panic!("not three figures: {said}")
    };
    Used { wall: Duration::from_nanos(wall), cpu: Duration::from_nanos(cpu), peak }
}

/// Runs the program that the arguments name and prints nanoseconds, nanoseconds and bytes.
pub fn watch(arguments: &[String]) {
    let (program, arguments) = arguments.split_first().unwrap();
    let begun = Instant::now();
    let child = Command::new(program).args(arguments).stdout(Stdio::null()).spawn().unwrap();
    let done = child.wait4().unwrap();
    let wall = begun.elapsed();
    if !done.status.success() {
        std::process::exit(done.status.code().unwrap_or(1));
    }
    let cpu = done.rusage.utime + done.rusage.stime;
    println!("{} {} {}", wall.as_nanos(), cpu.as_nanos(), done.rusage.maxrss);
}
