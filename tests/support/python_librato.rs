//! python-librato 0.8.6 as its package index has it, unpacked into target/.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where it is, for PYTHONPATH; installed where it is not there yet. Moved into place when it is whole.
pub fn install() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target.join("python-librato-0.8.6");
    if home.is_dir() {
        return Ok(home);
    }
    let fresh = tempfile::tempdir_in(target).map_err(|error| error.to_string())?;
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python-librato-0.8.6.txt");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--retries",
        "2",
    ]);
    pip.args(["--root-user-action", "ignore", "--no-deps", "--require-hashes", "--requirement"]);
    let done = pip.arg(requirements).arg("--target").arg(fresh.path()).output();
    let done = done.map_err(|error| format!("python3 cannot be run: {error}"))?;
    if !done.status.success() {
        let reason = String::from_utf8_lossy(&done.stderr);
        return Err(format!("python-librato cannot be installed:\n{}", reason.trim_end()));
    }
    // Another test may have been quicker.
    match std::fs::rename(fresh.path(), &home) {
        Err(error) if !home.is_dir() => Err(error.to_string()),
        _ => Ok(home),
    }
}
