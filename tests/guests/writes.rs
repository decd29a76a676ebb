//! Writes to a read-only folder: the guest gets an error, and the owner the missing grant.

use std::fs;

use coworker_policy::{Capability, Tier};
use coworker_sandbox::Denied;

use crate::folders::{Tree, look, make, start};
use crate::script::{Script, answers};

const WRITE: usize = 2;
const TRUNCATE: usize = 8;
const DIRECTORY: usize = 2;
const READ: usize = 1;

fn missing(tree: &Tree, folder: &str) -> Vec<Denied> {
    vec![Denied { capability: Capability::Files, what: tree.rule("write", folder) }]
}

#[tokio::test]
async fn every_way_to_write_is_noted_with_the_missing_grant() {
    let tree = Tree::new();
    fs::create_dir(tree.at("open/empty")).unwrap();
    let ways = [
        make(start(), "new"),
        start().step_with("open", &["note"], &[0, WRITE]),
        start().step_with("open", &["note"], &[TRUNCATE, READ]),
        look(start(), "note").step("write", &["words"]),
        look(start(), "note").step("empty", &[]),
        look(start(), "note").step("append", &[]),
        start().step("mkdir", &["new"]),
        start().step("symlink", &["note", "new"]),
        start().step("link", &["note", "new"]),
        start().step("rename", &["note", "new"]),
        start().step("unlink", &["note"]),
        // A write in a folder below it.
        start().step_with("open", &["inner"], &[DIRECTORY, READ]).step("enter", &[]).step("mkdir", &["new"]),
    ];
    // Read grants for tiers that may write, and a write grant for a tier that may only read.
    let cases = [
        (Tier::Privileged, "read", "open"),
        (Tier::Internal, "read", "open"),
        (Tier::Internal, "write", "open"),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let (tier, mode, folder) = cases[number % cases.len()];
        let outcome = tree.call(tier, &[tree.rule(mode, folder)], way).await;
        let answer = answers(&outcome).pop().unwrap();
        assert_eq!((answer.as_str(), &outcome.denied), ("error 31", &missing(&tree, folder)), "way {number}");
    }
    assert_eq!(fs::read_to_string(tree.at("open/note")).unwrap(), "hello");
    assert_eq!(fs::read_dir(tree.at("open")).unwrap().count(), 3, "nothing new");
}

#[tokio::test]
async fn a_write_that_no_grant_would_allow_is_not_noted() {
    let tree = Tree::new();
    let tries = || look(start(), "../secret").step("unlink", &["../secret"]).step("unlink", &["nowhere"]);
    let rules = [tree.rule("write", "open")];
    let outcome = tree.call(Tier::Privileged, &rules, tries()).await;
    assert_eq!(answers(&outcome)[1..], ["error 31", "error 31", "error 20"]);
    assert_eq!(outcome.denied, [], "the folder may be written, and no grant allows the way out");
    let outcome = tree.call(Tier::Internal, &[tree.rule("read", "open")], look(start(), "../secret")).await;
    assert_eq!((answers(&outcome).pop().unwrap().as_str(), outcome.denied.len()), ("error 31", 0));
}

/// The number of a closed file is reused for the next one, even in another folder.
#[tokio::test]
async fn each_folder_is_held_to_its_own_grant() {
    let tree = Tree::new();
    fs::create_dir(tree.at("other")).unwrap();
    let rules = [tree.rule("read", "open"), tree.rule("write", "other")];
    let second = "(call $use (i32.const 1))\n";
    let script = look(start(), "note").step("close", &[]).raw(second);
    let script =
        make(script, "new").step("write", &["words"]).step("mkdir", &["below"]).step("unlink", &["none"]);
    let outcome = tree.call(Tier::Privileged, &rules, script).await;
    assert_eq!(answers(&outcome), ["/open /other ", "ok", "ok", "5", "ok", "error 20"]);
    assert_eq!(outcome.denied, []);
    let back = Script::default().step("dirs", &[]).raw(second).step("mkdir", &["more"]);
    let outcome = tree
        .call(Tier::Privileged, &rules, back.raw("(call $use (i32.const 0))\n").step("mkdir", &["x"]))
        .await;
    assert_eq!(outcome.denied, missing(&tree, "open"));
}
