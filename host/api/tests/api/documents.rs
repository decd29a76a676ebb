//! `docs/api.md` lists every operation, and `docs/api.schema.json` has the schemas of all of them.

use std::fmt::Write as _;
use std::path::PathBuf;

use coworker_api::{operations, schemas};

const BEGIN: &str = "<!-- begin: operations -->\n";
const END: &str = "<!-- end: operations -->";

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Compares a generated text with the one in the repository; writes it where `UPDATE_DOCS` is set.
fn assert_written(name: &str, current: &str, generated: &str) {
    if std::env::vars_os().any(|(key, _)| key == "UPDATE_DOCS") {
        std::fs::write(page(name), generated).unwrap();
        return;
    }
    let hint = format!(
        "docs/{name} differs: UPDATE_DOCS=1 cargo nextest run -p coworker-api documents, then read the diff"
    );
    assert!(current == generated, "{hint}");
}

#[test]
fn the_page_lists_every_operation() {
    let current = std::fs::read_to_string(page("api.md")).unwrap();
    let (before, rest) = current.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let mut table = String::from("| area | operation | effect |\n|---|---|---|\n");
    for operation in operations() {
        let effect = format!("{} {}", operation.summary, operation.notes);
        let effect = effect.trim().replace('|', "\\|");
        writeln!(table, "| {} | `{}` | {effect} |", operation.area, operation.name).unwrap();
    }
    assert_written("api.md", &current, &format!("{before}{BEGIN}\n{table}\n{END}{after}"));
}

#[test]
fn the_schemas_are_the_written_ones() {
    let current = std::fs::read_to_string(page("api.schema.json")).unwrap_or_default();
    let generated = serde_json::to_string_pretty(&schemas()).unwrap() + "\n";
    assert_written("api.schema.json", &current, &generated);
}

#[test]
fn every_operation_says_what_it_does() {
    for operation in operations() {
        assert!(operation.summary.len() > 10, "{}", operation.name);
    }
}
