//! Reads the SKILL.md files of published packages as `coworker wrap` does, and checks that no line of their
//! instructions becomes public. They are fetched by hand, never in CI and never committed: docs/skills.md has the
//! results, and `skills-sdk/kit/tests/skill_md/shapes.rs` the shapes that they have.

mod fetch;
mod look;

use std::path::Path;

use anyhow::{Result, bail, ensure};

use fetch::Package;
use look::Count;

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

/// Fetches the packages that are missing and reads all of them. `warnings` shows every warning.
///
/// # Errors
/// If a card contains a line of a body, a host refuses a card, or a package has no SKILL.md.
pub(crate) fn corpus(root: &Path, warnings: bool) -> Result<()> {
    let cache = root.join("target/corpus");
    let mut total = Count::default();
    for package in PACKAGES {
        let folder = match package.fetch(&cache) {
            Ok(folder) => folder,
            Err(error) => {
                println!("skipped: {}: {error:#}", package.name());
                continue;
            }
        };
        let count = look::read(&folder)?;
        println!("{:<45} {count}", package.name());
        ensure!(count.files > 0, "{} has no SKILL.md", package.name());
        total.add(count);
    }
    println!("{:<45} {total}", "total");
    total.warnings.iter().filter(|_| warnings).for_each(|warning| println!("  {warning}"));
    total.refused.iter().for_each(|refused| println!("  refused: {refused}"));
    if total.public.is_empty() {
        return Ok(());
    }
    bail!("lines of instructions are public:\n  {}", total.public.join("\n  "))
}
