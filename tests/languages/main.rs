//! Components that other languages' tools make, through the real sandbox: `cargo xtask languages` builds them
//! and runs this program with their names.

#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails by panicking")]
#![allow(clippy::print_stdout, reason = "what a test program says")]

#[allow(dead_code, unused_macros, unused_imports, reason = "written for the hostile guests too")]
#[path = "../guests/harness.rs"]
mod harness;
mod installed;
mod plain;
mod skill;

use std::path::{Path, PathBuf};

use installed::Installed;
use skill::Expected;

/// What a language's skill is like; all others are alike.
fn expected(language: &str) -> Expected {
    let usual = Expected { largest: 1_000_000 };
    match language {
        // It takes 18,000 units of fuel for each byte, and its heap needs too much memory for a megabyte.
        "starlingmonkey" => Expected { largest: 400_000 },
        "c" | "go" | "javascript" | "python" | "rust" => usual,
        other => panic!("there is no language `{other}`"),
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let folder = match args.next() {
        Some(arg) if arg == installed::COMPILE => return coworker_sandbox::compile_worker().unwrap(),
        Some(arg) => PathBuf::from(arg),
        None => {
            panic!("the folder of components, then names of languages; `cargo xtask languages` knows them")
        }
    };
    let languages: Vec<String> = args.collect();
    assert!(!languages.is_empty(), "no language is named");
    for language in &languages {
        check(&folder, language).await;
    }
    println!("test result: ok. {} passed; 0 failed", languages.len());
}

async fn check(folder: &Path, language: &str) {
    println!("test {language}");
    let installed = Installed::read(&folder.join(language).with_extension("wasm"), language).await;
    match language {
        "plain" => plain::check(&installed).await,
        language => skill::check(&installed, expected(language)).await,
    }
}
