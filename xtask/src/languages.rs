//! Builds skills in other languages with the tools of those languages, and runs them in the real sandbox.
//!
//! Tools come from registries by name and version, into `target/languages/tools`.

mod build;
mod tools;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::ci::{cargo, run, step};
use tools::Tools;

/// A language, or a way to use it, with a folder in `tests/languages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// The `skill` world in C, compiled by zig
    C,
    /// A plain component in C with its own types
    Plain,
    Python,
    /// TypeScript on `QuickJS`
    Javascript,
    Go,
    /// Rust with all of its standard library over WASI; needs rustup's target
    Rust,
    /// The same TypeScript on Mozilla's engine; fetches 350 MB of tools
    Starlingmonkey,
}

impl Language {
    /// Languages that build quickly enough to test them every time.
    const QUICK: [Self; 5] = [Self::C, Self::Plain, Self::Python, Self::Javascript, Self::Go];

    /// The name of its folder, its component and its test.
    fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Plain => "plain",
            Self::Python => "python",
            Self::Javascript => "javascript",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Starlingmonkey => "starlingmonkey",
        }
    }

    fn build(self, workshop: &Workshop) -> Result<()> {
        match self {
            Self::C => build::c(workshop, "c", "skill"),
            Self::Plain => build::c(workshop, "plain", "shop"),
            Self::Python => build::python(workshop),
            Self::Javascript => build::javascript(workshop),
            Self::Go => build::go(workshop),
            Self::Rust => build::rust(workshop),
            Self::Starlingmonkey => build::starlingmonkey(workshop),
        }
    }
}

/// Builds and tests the components of the named languages, or of all quick ones. Skips none.
///
/// # Errors
/// If a tool cannot be fetched, or a component cannot be built or fails its test.
pub(crate) fn languages(root: &Path, named: &[Language]) -> Result<()> {
    let languages = if named.is_empty() { &Language::QUICK } else { named };
    let workshop = Workshop::open(root)?;
    for language in languages {
        step(language.name(), || language.build(&workshop))?;
    }
    println!("\n== through the sandbox");
    // With other features than those of the whole workspace, cargo would compile everything again.
    let test = ["test", "--quiet", "--workspace", "--test", "languages", "--"];
    let names = languages.iter().map(|language| language.name());
    run(cargo(test).arg(workshop.built()).args(names))
}

/// The folders that components are built in.
struct Workshop {
    root: PathBuf,
    tools: Tools,
}

impl Workshop {
    fn open(root: &Path) -> Result<Self> {
        let tools = Tools::new(root.join("target/languages/tools"));
        let workshop = Self { root: root.to_owned(), tools };
        std::fs::create_dir_all(workshop.built()).context("cannot create target/languages")?;
        Ok(workshop)
    }

    fn built(&self) -> PathBuf {
        self.root.join("target/languages/built")
    }

    fn component(&self, language: &str) -> PathBuf {
        self.built().join(language).with_extension("wasm")
    }

    fn sources(&self, language: &str) -> PathBuf {
        self.root.join("tests/languages").join(language)
    }

    fn wit(&self) -> PathBuf {
        self.root.join("wit")
    }

    /// Copies the sources of a language, so that its tools may write into them.
    fn copy(&self, language: &str) -> Result<PathBuf> {
        let to = self.root.join("target/languages/work").join(language);
        if to.exists() {
            std::fs::remove_dir_all(&to)?;
        }
        copy(&self.sources(language), &to)?;
        Ok(to)
    }
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    ensure!(from.is_dir(), "{} is not a folder", from.display());
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to)?;
        } else {
            std::fs::copy(&path, &to).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}
