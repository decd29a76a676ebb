//! Each heavy dependency is behind one crate, arrows between crates point one way, and every crate has the lints.
//!
//! Manifests are enough: code cannot name a crate that its manifest does not name.

use toml::{Table, Value};

use super::{Finding, lines};
use crate::source::Source;

/// A crate, with every crate named `<crate>-…`, and the only folders whose manifests may name it.
pub(super) const HEAVY: [(&str, &[&str]); 5] = [
    ("wasmtime", &["host/sandbox/"]),
    ("iroh", &["host/net/"]),
    ("openmls", &["host/channel/", "host/store/"]),
    ("rusqlite", &["host/store/"]),
    ("reqwest", &["host/model/"]),
];

/// From the layer that all others stand on to the highest. A crate may depend on lower layers only.
const LAYERS: [&[&str]; 9] = [
    &["coworker-schema"],
    &["coworker-leak"],
    &["coworker-policy"],
    &["coworker-plan"],
    &["coworker-api"],
    &[
        "coworker-channel",
        "coworker-kit",
        "coworker-model",
        "coworker-net",
        "coworker-sandbox",
        "coworker-store",
    ],
    &["coworker-state"],
    &["coworker-agent"],
    &["coworker-cli", "xtask"],
];

/// The SDK of guests. The host never depends on it.
const GUEST: &str = "coworker-skill";

/// Built by its users' own tools, outside of the workspace.
const OUTSIDE: &str = "tests/languages/";

pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let manifests = sources.iter().filter(|source| source.is_manifest());
    manifests.filter(|source| !source.path.starts_with(OUTSIDE)).flat_map(manifest).collect()
}

/// The rule that keeps `name` in its crates, if `path` breaks it.
fn outside_its_crate(name: &str, path: &str) -> Option<String> {
    let name = name.replace('_', "-");
    let belongs =
        |heavy: &str| name.strip_prefix(heavy).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    let (heavy, folders) = HEAVY.iter().find(|(heavy, _)| belongs(heavy))?;
    let outside = !folders.iter().any(|folder| path.starts_with(folder));
    outside.then(|| format!("only {} may depend on {heavy}", folders.join(" and ")))
}

fn manifest(source: &Source) -> Vec<Finding> {
    // Cargo has told of a manifest that is not TOML before this program ran.
    let Ok(table) = source.text.parse::<Table>() else { return Vec::new() };
    let package =
        table.get("package").and_then(|p| p.get("name")).and_then(Value::as_str).unwrap_or_default();
    let broken = |(key, dependency): (String, String)| {
        let why = outside_its_crate(&dependency, &source.path)
            .or_else(|| against_the_arrows(package, &dependency))?;
        let line = lines(&source.text).find(|(_, line)| line.trim_start().starts_with(&key));
        Some(Finding::new(source, line.map_or(1, |(line, _)| line), why))
    };
    let mut findings: Vec<Finding> = dependencies(&table).into_iter().filter_map(broken).collect();
    let lints = table.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if lints != Some(true) {
        findings.push(Finding::new(source, 1, "`[lints] workspace = true` is missing"));
    }
    findings
}

/// The keys of all tables of dependencies, at the top or for a target, each with the crate that it means.
fn dependencies(table: &Table) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            found.extend(inner.iter().map(|(key, value)| {
                let renamed = value.get("package").and_then(Value::as_str);
                (key.clone(), renamed.unwrap_or(key).to_owned())
            }));
        } else if key == "target" {
            found.extend(inner.values().filter_map(Value::as_table).flat_map(dependencies));
        }
    }
    found
}

fn against_the_arrows(package: &str, dependency: &str) -> Option<String> {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    if !dependency.starts_with("coworker-") {
        return None;
    }
    let Some(from) = layer(package) else {
        let guest = dependency == GUEST;
        return (!guest).then(|| format!("`{package}` has no layer in xtask/src/tidy/crates.rs"));
    };
    match layer(dependency) {
        Some(to) if to < from => None,
        _ => Some(format!("arrows point one way: {package} must not depend on {dependency}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tests::{said, source};

    const ONLY_SANDBOX: &str = "only host/sandbox/ may depend on wasmtime";
    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn cargo_toml(folder: &str, dependencies: &str) -> Vec<String> {
        let name = folder.rsplit('/').next().unwrap();
        let text = format!("[package]\nname = \"coworker-{name}\"\n{dependencies}\n{LINTS}");
        said(check, &[source(&format!("{folder}/Cargo.toml"), &text)])
    }

    #[test]
    fn a_heavy_crate_in_the_wrong_manifest_is_found() {
        let expected = [format!("host/agent/Cargo.toml:4: {ONLY_SANDBOX}")];
        for dependencies in [
            "[dependencies]\nwasmtime.workspace = true",
            "[dependencies]\nwasmtime_wasi = \"48\"",
            "[dependencies]\nengine = { package = \"wasmtime\", version = \"48\" }",
            "[dev-dependencies]\nwasmtime-wasi = \"48\"",
            "[target.'cfg(unix)'.dependencies]\nwasmtime = \"48\"",
        ] {
            assert_eq!(cargo_toml("host/agent", dependencies), expected, "{dependencies}");
        }
        assert!(cargo_toml("host/sandbox", "[dependencies]\nwasmtime.workspace = true").is_empty());
        assert!(cargo_toml("host/store", "[dependencies]\nopenmls_traits.workspace = true").is_empty());
        assert!(cargo_toml("host/agent", "[dependencies]\nwasmtimer = \"1\"").is_empty());
    }

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_found() {
        for (folder, dependency) in [
            ("host/policy", "coworker-store"),
            ("host/schema", "coworker-policy"),
            ("host/leak", "coworker-policy"),
            ("host/policy", "coworker-plan"),
            ("host/plan", "coworker-channel"),
            ("host/api", "coworker-store"),
            ("host/store", "coworker-channel"),
            ("host/net", "coworker-agent"),
            ("host/state", "coworker-agent"),
            ("host/agent", "coworker-cli"),
            ("host/agent", "coworker-skill"),
        ] {
            let found = cargo_toml(folder, &format!("[dependencies]\n{dependency}.workspace = true"));
            let name = folder.replace("host/", "coworker-");
            let why = format!("arrows point one way: {name} must not depend on {dependency}");
            assert_eq!(found, [format!("{folder}/Cargo.toml:4: {why}")]);
        }
    }

    #[test]
    fn an_arrow_that_points_down_is_allowed() {
        for (folder, dependency) in [
            ("host/policy", "coworker-schema"),
            ("host/policy", "coworker-leak"),
            ("host/api", "coworker-plan"),
            ("host/api", "coworker-leak"),
            ("host/state", "coworker-api"),
            ("host/state", "coworker-store"),
            ("host/agent", "coworker-state"),
            ("host/cli", "coworker-agent"),
            ("example-skills/about", "coworker-skill"),
        ] {
            let found = cargo_toml(folder, &format!("[dependencies]\n{dependency}.workspace = true"));
            assert!(found.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        let found = cargo_toml("host/new", "[dependencies]\ncoworker-policy.workspace = true");
        assert_eq!(found, ["host/new/Cargo.toml:4: `coworker-new` has no layer in xtask/src/tidy/crates.rs"]);
    }

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_found() {
        let expected = "host/x/Cargo.toml:1: `[lints] workspace = true` is missing";
        for text in ["[package]\nname = \"x\"\n", "[lints.rust]\nunsafe_code = \"allow\"\n"] {
            assert_eq!(said(check, &[source("host/x/Cargo.toml", text)]), [expected]);
        }
        assert!(check(&[source("host/x/Cargo.toml", LINTS)]).is_empty());
        assert!(check(&[source("tests/languages/rust/Cargo.toml", "")]).is_empty());
    }
}
