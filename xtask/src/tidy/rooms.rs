//! Each heavy dependency lives behind one crate, and arrows between crates point one way.

use toml::{Table, Value};

use super::{Finding, lines};
use crate::source::{Source, code};

/// A crate (with everything named `<crate>-…`) and the only folders that may name it.
const ROOMS: [(&str, &[&str]); 5] = [
    ("wasmtime", &["host/sandbox/"]),
    ("iroh", &["host/net/"]),
    ("openmls", &["host/channel/", "host/store/"]),
    ("rusqlite", &["host/store/"]),
    ("reqwest", &["host/model/"]),
];

/// From what everything stands on to what nothing stands on; a crate may depend on lower layers only.
const LAYERS: [&[&str]; 7] = [
    &["coworker-leak", "coworker-schema"],
    &["coworker-policy"],
    &["coworker-plan"],
    &[
        "coworker-channel",
        "coworker-kit",
        "coworker-model",
        "coworker-net",
        "coworker-sandbox",
        "coworker-store",
    ],
    &["coworker-agent"],
    &["coworker-bridges", "coworker-dashboard"],
    &["coworker-cli", "xtask"],
];

/// What guests are made with; the host never depends on it.
const GUEST: &str = "coworker-skill";

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let manifests = sources.iter().filter(|source| source.is_manifest()).flat_map(manifest);
    manifests.chain(sources.iter().filter(|source| source.is("rs")).flat_map(paths)).collect()
}

/// The room rule for `name`, if it is broken by `path`.
fn outside_its_room(name: &str, path: &str) -> Option<String> {
    let name = name.replace('_', "-");
    let belongs =
        |heavy: &str| name.strip_prefix(heavy).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let (heavy, rooms) = ROOMS.iter().find(|(heavy, _)| belongs(heavy))?;
    let outside = !rooms.iter().any(|room| path.starts_with(room));
    outside.then(|| format!("only {} may name {heavy}", rooms.join(" and ")))
}

fn manifest(source: &Source) -> Vec<Finding> {
    let table: Table = match source.text.parse() {
        Ok(table) => table,
        Err(error) => return vec![Finding::new(source, 1, format!("not TOML: {error}"))],
    };
    let package =
        table.get("package").and_then(|p| p.get("name")).and_then(Value::as_str).unwrap_or_default();
    let broken = |dependency: String| {
        let why = outside_its_room(&dependency, &source.path)
            .or_else(|| against_the_arrows(package, &dependency))?;
        let line = lines(&source.text).find(|(_, line)| line.trim_start().starts_with(&dependency));
        Some(Finding::new(source, line.map_or(1, |(line, _)| line), why))
    };
    dependencies(&table).into_iter().filter_map(broken).collect()
}

/// All that a manifest names in a table of dependencies, at the top or for a target.
fn dependencies(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            names.extend(inner.keys().cloned());
        } else if key == "target" {
            names.extend(inner.values().filter_map(Value::as_table).flat_map(dependencies));
        }
    }
    names
}

fn against_the_arrows(package: &str, dependency: &str) -> Option<String> {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    if !dependency.starts_with("coworker-") {
        return None;
    }
    let Some(from) = layer(package) else {
        let guest = dependency == GUEST;
        return (!guest).then(|| format!("`{package}` has no layer in xtask/src/tidy/rooms.rs"));
    };
    match layer(dependency) {
        Some(to) if to < from => None,
        _ => Some(format!("arrows point one way: {package} may not depend on {dependency}")),
    }
}

fn paths(source: &Source) -> Vec<Finding> {
    let code = code(&source.text);
    let mut findings = Vec::new();
    for (line, text) in lines(&code) {
        let why = heads(text).find_map(|name| outside_its_room(name, &source.path));
        findings.extend(why.map(|why| Finding::new(source, line, why)));
    }
    findings
}

/// The first names of the paths in a line: `iroh` of `iroh::Endpoint` and of `use iroh;`.
fn heads(line: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let paths = line.match_indices("::").filter_map(move |(at, _)| {
        let before = &line[..at];
        let name = before.trim_end_matches(is_word);
        // `a::name::` is within a path; `::name::` begins one.
        let within = name.strip_suffix("::").is_some_and(|outer| outer.ends_with(is_word));
        (!within).then(|| &before[name.len()..])
    });
    let whole = line.trim().strip_prefix("use ").map(|path| path.trim_end_matches(';'));
    paths.chain(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    const ONLY_SANDBOX: &str = "only host/sandbox/ may name wasmtime";

    fn found(path: &str, text: &str) -> Vec<String> {
        said(check, &[source(path, text)])
    }

    fn cargo_toml(folder: &str, dependencies: &str) -> Vec<String> {
        let name = folder.rsplit('/').next().unwrap();
        let text = format!("[package]\nname = \"coworker-{name}\"\n{dependencies}\n");
        found(&format!("{folder}/Cargo.toml"), &text)
    }

    #[test]
    fn a_heavy_crate_in_the_wrong_manifest_is_found() {
        let expected = [format!("host/agent/Cargo.toml:4: {ONLY_SANDBOX}")];
        assert_eq!(cargo_toml("host/agent", "[dependencies]\nwasmtime.workspace = true"), expected);
        assert_eq!(cargo_toml("host/agent", "[dev-dependencies]\nwasmtime-wasi = \"48\""), expected);
        let expected = [format!("host/agent/Cargo.toml:4: {ONLY_SANDBOX}")];
        assert_eq!(
            cargo_toml("host/agent", "[target.'cfg(unix)'.dependencies]\nwasmtime = \"48\""),
            expected
        );
        assert!(cargo_toml("host/sandbox", "[dependencies]\nwasmtime.workspace = true").is_empty());
        assert!(cargo_toml("host/store", "[dependencies]\nopenmls_traits.workspace = true").is_empty());
        assert!(cargo_toml("host/agent", "[dependencies]\nwasmtimer = \"1\"").is_empty());
    }

    #[test]
    fn a_heavy_crate_in_the_wrong_source_is_found() {
        let expected = [format!("host/agent/src/a.rs:2: {ONLY_SANDBOX}")];
        for line in [
            "use wasmtime::Engine;",
            "use wasmtime;",
            "let e = wasmtime::Engine::default();",
            "fn f(e: &wasmtime_wasi::p2::X)",
            "let e = ::wasmtime::Engine::default();",
        ] {
            assert_eq!(found("host/agent/src/a.rs", &format!("\n{line}\n")), expected, "{line}");
            assert!(found("host/sandbox/src/a.rs", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_word_that_is_no_path_is_no_finding() {
        for line in [
            "// wasmtime::Engine",
            "let iroh = 1;",
            "\"wasmtime::Engine\"",
            "net::iroh::X",
            "use crate::iroh;",
        ] {
            assert!(found("host/agent/src/a.rs", line).is_empty(), "{line}");
        }
    }

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_found() {
        for (folder, dependency) in [
            ("host/policy", "coworker-store"),
            ("host/plan", "coworker-channel"),
            ("host/store", "coworker-channel"),
            ("host/net", "coworker-agent"),
            ("host/agent", "coworker-cli"),
            ("host/agent", "coworker-skill"),
        ] {
            let found = cargo_toml(folder, &format!("[dependencies]\n{dependency}.workspace = true"));
            let name = folder.replace("host/", "coworker-");
            let why = format!("arrows point one way: {name} may not depend on {dependency}");
            assert_eq!(found, [format!("{folder}/Cargo.toml:4: {why}")]);
        }
        assert!(cargo_toml("host/cli", "[dependencies]\ncoworker-agent.workspace = true").is_empty());
        assert!(
            cargo_toml("example-skills/about", "[dependencies]\ncoworker-skill.workspace = true").is_empty()
        );
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        let found = cargo_toml("host/new", "[dependencies]\ncoworker-policy.workspace = true");
        assert_eq!(found, ["host/new/Cargo.toml:4: `coworker-new` has no layer in xtask/src/tidy/rooms.rs"]);
    }
}
