//! A program over `host/api` stays small: that crate pulls in no heavy dependency, not even through another crate.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::Finding;
use super::crates::HEAVY;
use crate::ci::cargo;
use crate::source::Source;

const CRATE: &str = "coworker-api";
const MANIFEST: &str = "host/api/Cargo.toml";

/// Asks cargo, if the crate exists.
///
/// # Errors
/// If cargo does not start or cannot tell.
pub(super) fn check(sources: &[Source]) -> Result<Vec<Finding>> {
    let Some(manifest) = sources.iter().find(|source| source.path == MANIFEST) else { return Ok(Vec::new()) };
    let tree = ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let output = cargo(tree)
        .args(["--package", CRATE])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start `cargo tree`")?;
    ensure!(output.status.success(), "`cargo tree --package {CRATE}` ended with {}", output.status);
    Ok(heavy(&String::from_utf8_lossy(&output.stdout)).map(|name| finding(manifest, name)).collect())
}

fn finding(manifest: &Source, name: &str) -> Finding {
    let message = format!(
        "{CRATE} must not depend on {name}, directly or not; `cargo tree --package {CRATE} --invert {name}` shows why"
    );
    Finding::new(manifest, 1, message)
}

/// The heavy crates in the output of `cargo tree`: a line has a name, a space and a version.
fn heavy(tree: &str) -> impl Iterator<Item = &'static str> {
    let names = || tree.lines().filter_map(|line| line.split(' ').next());
    HEAVY.iter().map(|(heavy, _)| *heavy).filter(move |heavy| names().any(|name| name == *heavy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::source;

    #[test]
    fn heavy_crates_in_a_tree_are_found() {
        let tree =
            "coworker-api v0.1.0 (/x/host/api)\nserde v1.0.0\niroh-base v1.0.0\nrusqlite v0.37.0 (*)\n";
        assert_eq!(heavy(tree).collect::<Vec<_>>(), ["rusqlite"]);
        assert_eq!(heavy("serde v1.0.0\n").count(), 0);
    }

    #[test]
    fn nothing_is_asked_while_the_crate_does_not_exist() {
        assert!(check(&[source("host/policy/Cargo.toml", "")]).unwrap().is_empty());
    }
}
