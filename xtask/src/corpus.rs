//! Real SKILL.md files, as published packages have them: each is read as `coworker wrap` would, and nothing
//! of its instructions may stand in what peers would see. They are fetched, and never committed.

mod fetch;
mod look;

use std::path::Path;

use anyhow::{Result, bail, ensure};

use fetch::Package;
use look::Count;

/// Files that say something. Others withdraw their packages when they like.
const ENOUGH: usize = 500;

const PACKAGES: [Package; 14] = [
    Package::Npm("ecc-universal@2.0.0"),
    Package::Npm("oh-my-codex-cli@1.5.0"),
    Package::Npm("cc-sdd@3.0.2"),
    Package::Npm("@framers/agentos-skills@0.10.1"),
    Package::Npm("shopify-cc-kit@2.0.3"),
    Package::Npm("@nextsparkjs/ai-workflow@0.1.0-beta.127"),
    Package::Npm("ai-labs-claude-skills@2.0.1"),
    Package::Npm("agent-flutter@0.1.33"),
    Package::Npm("blueprint-os@1.3.1"),
    Package::Npm("claude-cli-advanced-starter-pack@2.11.7"),
    Package::Npm("agents-config@1.1.2"),
    Package::Pypi("adclaw==1.0.33"),
    Package::Pypi("mythril-agent-skills==0.3.1"),
    Package::Pypi("claude-skills==0.0.1"),
];

/// Fetches what is not there yet, and reads all of it; shows every warning, if asked.
///
/// # Errors
/// When a line of a body is in a card, a card is one that no host takes, and in CI when so many packages cannot be had
/// that little is left to look at.
pub(crate) fn corpus(root: &Path, warnings: bool) -> Result<()> {
    let shelf = root.join("target/corpus");
    let mut total = Count::default();
    for package in PACKAGES {
        let folder = match package.fetch(&shelf) {
            Ok(folder) => folder,
            Err(error) => {
                println!("skipped: {}: {error:#}", package.name());
                continue;
            }
        };
        let count = look::into(&folder)?;
        println!("{:<45} {count}", package.name());
        ensure!(count.files > 0, "{} has no SKILL.md any more", package.name());
        total.add(count);
    }
    println!("{:<45} {total}", "together");
    let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    ensure!(!in_ci || total.files >= ENOUGH, "only {} files could be had; {ENOUGH} are enough", total.files);
    total.warnings.iter().filter(|_| warnings).for_each(|told| println!("  {told}"));
    total.refused.iter().for_each(|refused| println!("  refused: {refused}"));
    if total.public.is_empty() {
        return Ok(());
    }
    bail!("a line of the instructions is public:\n  {}", total.public.join("\n  "))
}
