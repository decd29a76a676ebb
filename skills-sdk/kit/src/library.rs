//! Builds the standard library for Debian's `rustc-web`, which comes only with its sources (`rust-web-src`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::toolchain::{Machine, NoToolchain, Target};

const SCRIPT: &str = include_str!("build-wasm-std.sh");

/// Returns the library for this version of the compiler and of the script, and builds it the first time.
pub(crate) fn sysroot(
    machine: &Machine,
    version: &str,
    target: Target,
    say: impl FnOnce(&str),
) -> Result<PathBuf, NoToolchain> {
    let sysroot = machine.libraries.join(name(version));
    if sysroot.join("VERSION").exists() {
        return Ok(sysroot);
    }
    say(&format!("building the standard library for {target}, once (a minute or two)"));
    let keep = |source| NoToolchain::Keep { path: machine.libraries.clone(), source };
    fs::create_dir_all(&machine.libraries).map_err(keep)?;
    let work = tempfile::Builder::new().prefix(".part-").tempdir_in(&machine.libraries).map_err(keep)?;
    let made = work.path().join("sysroot");
    build(machine, target, &made)?;
    match fs::rename(&made, &sysroot) {
        // Another process has built the same library meanwhile.
        Err(_) if sysroot.join("VERSION").exists() => Ok(sysroot),
        moved => moved.map(|()| sysroot).map_err(keep),
    }
}

fn build(machine: &Machine, target: Target, sysroot: &Path) -> Result<(), NoToolchain> {
    let status = Command::new("bash")
        .args(["-c", SCRIPT, "build-wasm-std.sh"])
        .arg(&machine.debian_rustc)
        .arg(target.name())
        .arg(sysroot)
        .stdin(Stdio::null())
        // The calling command prints its answer to standard output.
        .stdout(Stdio::null())
        .status()
        .map_err(|source| NoToolchain::Start { program: "bash".into(), source })?;
    if status.success() { Ok(()) } else { Err(NoToolchain::Library(target)) }
}

fn name(version: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let version: String = version.chars().map(plain).collect();
    let script = HEXLOWER.encode(&Sha256::digest(SCRIPT));
    format!("{version}-{}", script.get(..8).unwrap_or_default())
}
