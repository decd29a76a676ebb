//! One digest of everything that determines a component: its own files, those of the SDK, the contract, the
//! build settings, and the exact dependencies with their features. It leaves out the rest of `Cargo.lock`, which
//! changes with every dependency of the host.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::TARGET;
use super::piece::Piece;

pub(super) fn digest(root: &Path, piece: Piece) -> Result<String> {
    let mut sum = Sha256::new();
    let own = piece.sources();
    let paths = [format!("{own}/Cargo.toml"), format!("{own}/src")];
    let shared = ["skills-sdk/rust/Cargo.toml", "skills-sdk/rust/src", "wit"].map(str::to_owned);
    for path in paths.iter().chain(&shared) {
        add(&mut sum, root, path)?;
    }
    sum.update(build_settings(root)?);
    sum.update(dependencies(root, piece)?);
    Ok(text(&sum.finalize()))
}

pub(super) fn digest_of(bytes: &[u8]) -> String {
    text(&Sha256::digest(bytes))
}

/// The digest of one folder or file, names included.
pub(super) fn digest_at(root: &Path, path: &str) -> Result<String> {
    let mut sum = Sha256::new();
    add(&mut sum, root, path)?;
    Ok(text(&sum.finalize()))
}

fn text(digest: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(digest))
}

fn add(sum: &mut Sha256, root: &Path, path: &str) -> Result<()> {
    let full = root.join(path);
    if full.is_dir() {
        let mut names = Vec::new();
        for entry in full.read_dir()? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        return names.iter().try_for_each(|name| add(sum, root, &format!("{path}/{name}")));
    }
    let content = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
    // The length keeps the end of one file apart from the start of the next.
    sum.update(format!("{path}\0{}\0", content.len()));
    sum.update(content);
    Ok(())
}

/// The profiles, the version and the edition in the workspace's manifest.
fn build_settings(root: &Path) -> Result<String> {
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let setting = |path: [&str; 2]| {
        let value = manifest.get(path[0]).and_then(|table| table.get(path[1]));
        value.map(ToString::to_string).with_context(|| format!("Cargo.toml has no [{}.{}]", path[0], path[1]))
    };
    let mut settings = setting(["profile", "skill"])? + &setting(["profile", "release"])?;
    let package = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
    for key in ["version", "edition"] {
        let value =
            package.and_then(|package| package.get(key)).context("Cargo.toml has no [workspace.package]")?;
        settings.extend(["\n", key, " = ", &value.to_string()]);
    }
    Ok(settings)
}

/// Every crate of a registry that the guest contains, as `name version features`, one per line.
fn dependencies(root: &Path, piece: Piece) -> Result<String> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args([
            "tree",
            "--locked",
            "--quiet",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p} {f}",
        ])
        .args(["--target", TARGET.name(), "--package", &piece.package()])
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`cargo tree` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let tree = String::from_utf8(output.stdout)?;
    // A line with a folder is a crate of the workspace, whose files are in the digest already.
    let mut lines: Vec<&str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.contains("(/")).collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_change_the_digest() {
        let sum = |files: &[(&str, &str)]| {
            let folder = std::env::temp_dir().join(format!("coworker-xtask-{}", std::process::id()));
            std::fs::create_dir_all(folder.join("src")).unwrap();
            for (name, text) in files {
                std::fs::write(folder.join("src").join(name), text).unwrap();
            }
            let digest = digest_at(&folder, "src").unwrap();
            std::fs::remove_dir_all(&folder).unwrap();
            digest
        };
        let first = sum(&[("a", "one"), ("b", "two")]);
        assert_eq!(first, sum(&[("b", "two"), ("a", "one")]));
        for other in
            [[("a", "one"), ("c", "two")], [("a", "onet"), ("b", "wo")], [("a", "two"), ("b", "one")]]
        {
            assert_ne!(first, sum(&other));
        }
    }

    #[test]
    fn the_hosts_dependencies_are_left_out() {
        let found = dependencies(&crate::source::root(), Piece::Example("about")).unwrap();
        assert!(found.lines().any(|line| line.starts_with("serde_json v1")), "{found}");
        assert!(
            !found.contains("coworker") && !found.contains("tokio") && !found.contains("wasmtime"),
            "{found}"
        );
    }
}
