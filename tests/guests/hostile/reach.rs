//! Guests that reach for files, the state of others and the machine itself.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use coworker_policy::gate::Pseudonym;
use coworker_policy::{Capability, Tier};
use coworker_sandbox::HostContext;

use super::attack::{Attack, Call, call};
use super::hostile;
use super::work::wasi;
use crate::folders::{Tree, look, make, start};
use crate::script::Script;
use crate::state::{FIRST, MemoryStore, open};

const CRASH: &str = "SKILL_FAILED: the skill crashed: …";
const OTHER: Pseudonym = Pseudonym([8; 16]);

hostile! {
    fn a_folder_that_was_not_granted = call(Script::default().step("dirs", &[]).files()).of(Tier::Privileged) => "";
    fn paths_that_climb = tour("read", &["../secret", "inner/../../secret", "./../secret",
        "inner/../../open/../secret", "..", "../"]) => "/open , error 31 ×6";
    fn paths_from_the_root = tour("write", &["/", "/etc/passwd", "//etc/passwd", "/open/note", "SECRET"])
        => "/open , error 31 ×5";
    fn paths_of_the_kernel = tour("read", &["/proc/self/environ", "/proc/self/root/etc/passwd", "/proc/self/fd/3",
        "/dev/mem", "/sys/kernel"]) => "/open , error 31 ×5";
    fn links_that_lead_out = tour("read", &["absolute", "relative", "root/etc/passwd", "proc/environ",
        "proc/root/etc/passwd", "proc/fd/3", "twice", "inner/up/../secret"]) => "/open , error 31 ×8";
    fn links_of_its_own = housed("write", |tree| start()
        .step("symlink", &[tree.at("secret").to_str().unwrap(), "mine"])
        .step_with("open", &["relative"], &[0, 1]).step_with("open", &["relative"], &[1, 2]))
        => "/open , error 31 ×3";
    fn hard_links_of_its_own = housed("write", |_| start().step("link", &["../secret", "hard"])
        .step("link", &["relative", "../hard"]).step("link", &["note", "../hard"])) => "/open , error 31 ×3";
    fn moves_across_the_border = housed("write", |_| start().step("rename", &["../secret", "stolen"])
        .step("rename", &["note", "../planted"]).step("unlink", &["../secret"]).step("symlink", &["note", "../planted"]))
        => "/open , error 31 ×4";
    fn writes_where_it_may_read = housed("read", |_| make(start(), "new").step_with("open", &["note"], &[0, 2])
        .step_with("open", &["note"], &[8, 1]).step("unlink", &["note"]).step("symlink", &["note", "link"])
        .step("link", &["note", "hard"]).step("rename", &["note", "moved"]))
        => "/open , error 31 ×7; denied files write …";
    fn a_flood_of_open_files = housed("read", |_| start().step_with("open_all", &["note"], &[200])) => CRASH;
    fn a_file_name_that_is_not_valid = housed("read", |_| look(look(start(), r"note\00.txt"), &"x".repeat(5000)))
        => "/open , error 12 ×2";
    fn an_error_that_tells_of_the_host = housed("read", |_| look(start(), "note").step("tell_error", &[]))
        => "/open , ok, the operation failed";
    fn another_callers_state = kept(open("caller").step("get", &["k"]).raw(FIRST)
        .step("open", &["caller:08080808080808080808080808080808"]).step("open", &["caller:*"])
        .step("open", &["skill"]).step("get", &["k"])) => "ok, none, 0, no-such-store ×2, ok, none";
    fn another_components_state = kept(["", "default", "SKILL", "skill ", "../skill", "other", "sha256:00"].iter()
        .fold(Script::default(), |script, name| script.step("open", &[name]))) => "no-such-store ×7";
    fn state_that_was_not_granted = kept(open("skill").step("open", &["caller"])).of(Tier::Untrusted)
        => "access-denied ×2; denied state ";
    fn a_bucket_that_was_never_opened = kept(open("caller").raw("(global.set $bucket (i32.const 7))").step("get", &["k"]))
        => CRASH;
    fn a_flood_of_keys = kept(open("caller").step_with("fill", &[], &[5000, 0, 0])).of(Tier::Known)
        .within(|max| max.state_bytes = 69 * 100 + 68) => "ok, 100 the state is full";
    fn a_key_of_a_kilobyte = kept(open("caller").step("set", &[&"k".repeat(1024), "v"]).step("get", &[&"k".repeat(1024)]))
        => "ok, a key has 1 to 256 bytes ×2";
    fn a_value_of_a_megabyte = kept(open("caller").raw(
        "(call $set (i32.const 600) (i32.const 1) (i32.const 0x100000) (i32.const 1048576))\n"))
        => "ok, a value has at most 65536 bytes";
    fn the_environment_and_the_arguments = call(environment()) => "100000";
    fn a_socket_of_its_own = call(socket()) => "11";
    fn a_name_look_up_of_its_own = call(look_up()) => "1";
}

/// A granted folder full of links that lead out of it.
fn tree() -> Tree {
    let tree = Tree::new();
    let link = |to: &Path, name: &str| symlink(to, tree.at("open").join(name)).unwrap();
    link(&tree.at("secret"), "absolute");
    link(Path::new("../secret"), "relative");
    link(Path::new("/"), "root");
    link(Path::new("/proc/self"), "proc");
    link(Path::new("relative"), "twice");
    link(Path::new(".."), "inner/up");
    tree
}

/// Runs the script as PRIVILEGED, which may do most. Nothing in or around the folder may have changed afterwards.
fn housed(mode: &str, script: impl Fn(&Tree) -> Script) -> Attack {
    let tree = tree();
    let rules = [tree.rule(mode, "open")];
    let call = call(script(&tree).files()).of(Tier::Privileged).granted(Capability::Files, &rules);
    let entries = |tree: &Tree| ["", "open"].map(|path| fs::read_dir(tree.at(path)).unwrap().count());
    let before = entries(&tree);
    Attack::from(call).then(move || {
        assert_eq!(entries(&tree), before);
        assert_eq!(fs::read_to_string(tree.at("secret")).unwrap(), "the secret");
        assert_eq!(fs::read_to_string(tree.at("open/note")).unwrap(), "hello");
    })
}

/// Opens each path. `SECRET` stands for the whole path of a file outside.
fn tour(mode: &str, paths: &[&str]) -> Attack {
    housed(mode, |tree| {
        let secret = tree.at("secret");
        let paths = paths.iter().map(|path| if *path == "SECRET" { secret.to_str().unwrap() } else { path });
        paths.fold(start(), look)
    })
}

/// A call of a component that holds state of another caller.
fn kept(script: Script) -> Call {
    let store = MemoryStore::of(&[(&format!("caller:{OTHER}"), "k", "private")]);
    let context = HostContext { state: Arc::new(store), ..HostContext::default() };
    call(script.state()).of(Tier::Privileged).context(context)
}

/// A guest that answers with digits.
fn digits(imports: &str, steps: &str) -> Vec<u8> {
    let fields = format!(
        "{imports} (global $out (mut i32) (i32.const 4096))
        (func $digit (param i32)
            (i32.store8 (global.get $out) (i32.add (local.get 0) (i32.const 48)))
            (global.set $out (i32.add (global.get $out) (i32.const 1))))"
    );
    let invoke = format!(
        "{steps} (i32.store (i32.const 20) (i32.const 4096))
        (i32.store (i32.const 24) (i32.sub (global.get $out) (i32.const 4096))) (i32.const 16)"
    );
    wasi(&fields, &invoke)
}

/// Answers with 1, the numbers of variables and arguments, whether a folder and input exist, and the input's length.
fn environment() -> Vec<u8> {
    digits(
        r#"(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
        (import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
        (import "wasi:cli/environment@0.2.0" "initial-cwd" (func $folder (param i32)))
        (import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
        (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))"#,
        "(call $digit (i32.const 1))
        (call $environment (i32.const 64)) (call $digit (i32.load (i32.const 68)))
        (call $arguments (i32.const 64)) (call $digit (i32.load (i32.const 68)))
        (call $folder (i32.const 64)) (call $digit (i32.load8_u (i32.const 64)))
        (i32.store (i32.const 72) (i32.const 0))
        (call $read (call $stdin) (i64.const 100) (i32.const 64))
        (call $digit (i32.sub (i32.load8_u (i32.const 64)) (i32.const 1)))
        (call $digit (i32.load (i32.const 72)))",
    )
}

/// Answers whether a socket is refused, and with the error.
fn socket() -> Vec<u8> {
    digits(
        r#"(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $make (param i32 i32)))"#,
        "(call $make (i32.const 0) (i32.const 64))
        (call $digit (i32.load8_u (i32.const 64))) (call $digit (i32.load8_u (i32.const 68)))",
    )
}

fn look_up() -> Vec<u8> {
    digits(
        r#"(import "wasi:sockets/ip-name-lookup@0.2.0" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))
        (import "wasi:sockets/instance-network@0.2.0" "instance-network" (func $network (result i32)))
        (data (i32.const 32) "localhost")"#,
        "(call $resolve (call $network) (i32.const 32) (i32.const 9) (i32.const 64))
        (call $digit (i32.load8_u (i32.const 64)))",
    )
}
