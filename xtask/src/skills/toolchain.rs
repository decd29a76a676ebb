//! A compiler for `wasm32-unknown-unknown`: rustup's if it has the target, otherwise Debian's `rustc-web`
//! with a standard library built once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::sources;

pub(super) const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_STD_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std";
const STD_SCRIPT: &str = "xtask/build-wasm-std.sh";
/// Apart from the host's: another compiler, other flags.
const TARGET_DIR: &str = "target/skills";

pub(super) struct Toolchain {
    version: String,
    debian: Option<Debian>,
}

struct Debian {
    sysroot: PathBuf,
}

impl Toolchain {
    pub(super) fn find(root: &Path) -> Result<Self> {
        let sysroot = ask(Path::new("rustc"), &["--print", "sysroot"])?;
        if has_target(Path::new(&sysroot)) {
            return Ok(Self { version: ask(Path::new("rustc"), &["-V"])?, debian: None });
        }
        ensure!(
            Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_STD_SOURCES).exists(),
            "no compiler here builds for {TARGET}; mend: `rustup target add {TARGET}`, or on Debian \
             `apt-get install -y --no-install-recommends rustc-web rust-web-src`"
        );
        let version = ask(Path::new(DEBIAN_RUSTC), &["-V"])?;
        let sysroot = debian_sysroot(root, &version)?;
        Ok(Self { version, debian: Some(Debian { sysroot }) })
    }

    /// As `rustc -V` says it.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The core module of one package of the workspace.
    pub(super) fn compile(&self, root: &Path, package: &str) -> Result<Vec<u8>> {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(root)
            .args(["rustc", "--locked", "--quiet", "--lib", "--crate-type", "cdylib", "--profile", "skill"])
            .args(["--target", TARGET, "--target-dir", TARGET_DIR, "--package", package])
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(root)?);
        if self.debian.is_some() {
            cargo.env("RUSTC", DEBIAN_RUSTC);
        }
        ensure!(cargo.status().context("cargo does not start")?.success(), "{package} does not compile");
        let name = package.replace('-', "_");
        let path = root.join(TARGET_DIR).join(TARGET).join("skill").join(name).with_extension("wasm");
        let core = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let home = home()?;
        let told =
            core.windows(home.as_os_str().len()).any(|part| part == home.as_os_str().as_encoded_bytes());
        ensure!(!told, "{package}: the module tells the path of your home directory");
        Ok(core)
    }

    /// Panic messages carry paths of sources: the component must not tell whose machine built it.
    fn flags(&self, root: &Path) -> Result<OsString> {
        let home = home()?;
        let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let mut flags = OsString::from("-Dwarnings");
        // Of several that fit, rustc takes the last.
        for (from, to) in [(home.as_path(), "/home"), (cargo.as_path(), "/cargo"), (root, "/coworker")] {
            flags.push("\u{1f}--remap-path-prefix=");
            flags.push(from);
            flags.push(format!("={to}"));
        }
        if let Some(debian) = &self.debian {
            flags.push("\u{1f}--sysroot\u{1f}");
            flags.push(&debian.sysroot);
        }
        Ok(flags)
    }
}

/// Builds the standard library for this compiler, and with the script as it is, if that was not done yet.
fn debian_sysroot(root: &Path, version: &str) -> Result<PathBuf> {
    let name: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let script = sources::digest_at(root, STD_SCRIPT)?;
    let build = script.trim_start_matches("sha256:").get(..8).unwrap_or_default();
    let sysroot = root.join("target/skills-std").join(format!("{name}-{build}"));
    if sysroot.join("VERSION").exists() {
        return Ok(sysroot);
    }
    eprintln!("building the standard library for {TARGET}, once (a minute or two)");
    let status = Command::new("bash")
        .arg(root.join(STD_SCRIPT))
        .args([DEBIAN_RUSTC, TARGET])
        .arg(&sysroot)
        .status()
        .context("bash does not start")?;
    if !status.success() {
        bail!("{STD_SCRIPT} fails");
    }
    Ok(sysroot)
}

fn home() -> Result<PathBuf> {
    std::env::home_dir().filter(|home| home.components().count() > 1).context("no home directory")
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

fn ask(rustc: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(rustc)
        .args(args)
        .output()
        .with_context(|| format!("{} does not start", rustc.display()))?;
    ensure!(output.status.success(), "{} {} fails", rustc.display(), args.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
