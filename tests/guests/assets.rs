//! Files packed with a component: only the component reads them, and unpacking them writes nowhere else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use coworker_policy::{Capability, ComponentTerms, Granted, Grants, Limits, Tier};
use coworker_sandbox::{AssetsError, BadComponent, PackError, assets, manifest, pack};
use tempfile::TempDir;

use crate::harness::{Ask, Lab, guest, sandbox};
use crate::script::{Script, answers};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn reader() -> Vec<u8> {
    let script = Script::default().step("dirs", &[]).raw("(call $use (i32.const 0))\n");
    let script = script.step_with("open", &["prompts/offer.txt"], &[0, 1]).step("read", &[]);
    let script = script.step_with("open", &["new"], &[1, 3]).step("unlink", &["prompts/offer.txt"]);
    script.step_with("open", &["../../x"], &[0, 1]).files()
}

/// Appends a custom section to a component.
pub(crate) fn with_section(name: &str, data: &[u8]) -> Vec<u8> {
    let mut wasm = guest!("echo");
    let section: Vec<u8> = [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat();
    let size = section.len();
    wasm.push(0);
    // Five bytes hold any size.
    wasm.extend((0..5).map(|n| u8::try_from(size >> (7 * n) & 0x7f).unwrap() | if n < 4 { 0x80 } else { 0 }));
    wasm.extend(section);
    wasm
}

/// The raw bytes of one entry of a tar archive, also of one that the tar crate would refuse to write.
pub(crate) fn entry(path: &str, kind: u8, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar  \0");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut entry = header.to_vec();
    entry.extend_from_slice(data);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn refused(archive: &[u8]) -> AssetsError {
    match assets(&with_section("coworker:assets", archive)) {
        Err(BadComponent::Assets(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn packed_files_are_read_back() {
    let dir = folder(&[("prompts/offer.txt", "Dear"), ("table.csv", "a;b"), ("empty", "")]);
    let packed = pack(&guest!("echo"), Some("name = \"echo\""), dir.path()).unwrap();
    assert_eq!(manifest(&packed), Some(b"name = \"echo\"".as_slice()));
    let found = assets(&packed).unwrap().unwrap();
    let expected: [(&str, &[u8]); 3] =
        [("empty", b""), ("prompts/offer.txt", b"Dear"), ("table.csv", b"a;b")];
    assert!(found.iter().eq(expected), "{found:?}");
    assert_eq!(
        pack(&guest!("echo"), Some("name = \"echo\""), dir.path()).unwrap(),
        packed,
        "packing is not reproducible"
    );
    assert!(matches!(pack(&packed, None, dir.path()), Err(PackError::Packed)));
    coworker_sandbox::inspect(&packed).unwrap();
}

#[test]
fn a_component_without_assets_has_none() {
    let plain = pack(&guest!("echo"), None, Path::new("/nowhere")).unwrap();
    assert_eq!(plain, guest!("echo"));
    assert!(assets(&plain).unwrap().is_none() && manifest(&plain).is_none());
    assert!(matches!(pack(b"\0asm\x01\0\0\0", None, Path::new("/nowhere")), Err(PackError::NotAComponent)));
    assert!(matches!(pack(b"text", None, Path::new("/nowhere")), Err(PackError::NotAComponent)));
}

#[cfg(unix)]
#[test]
fn links_are_not_packed() {
    let dir = folder(&[("a", "x")]);
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("b")).unwrap();
    assert!(matches!(pack(&guest!("echo"), None, dir.path()), Err(PackError::Odd { .. })));
}

#[test]
fn paths_out_of_the_folder_are_refused() {
    for path in ["../x", "/etc/x", "a/../../x", "./a", "a//b", "a/", "..", "a\\b", "C:x", "a\nb", ""] {
        let error = refused(&entry(path, b'0', "", b"x"));
        assert!(matches!(error, AssetsError::Path { .. }), "{path:?}: {error:?}");
    }
    let deep = format!("{}x", "d/".repeat(17));
    assert!(matches!(refused(&entry(&deep, b'0', "", b"x")), AssetsError::Path { .. }));
    let twice = [entry("a", b'0', "", b"x"), entry("a", b'0', "", b"y")].concat();
    assert!(matches!(refused(&twice), AssetsError::Path { .. }));
}

#[test]
fn an_entry_that_is_not_a_regular_file_is_refused() {
    // A hard link, a link, devices, a folder, a pipe.
    for kind in *b"123456" {
        let error = refused(&entry("a", kind, "/etc/passwd", b""));
        assert!(matches!(error, AssetsError::NotAFile { .. }), "{kind}: {error:?}");
    }
}

#[test]
fn archives_are_bounded() {
    let many: Vec<u8> = (0..1001).flat_map(|n| entry(&format!("f{n}"), b'0', "", b"")).collect();
    assert!(matches!(refused(&many), AssetsError::TooMany { .. }));
    assert!(matches!(refused(&vec![0; 16 * 1024 * 1024 + 1]), AssetsError::TooLarge { .. }));
    let whole = entry("a", b'0', "", &[1; 2000]);
    assert!(matches!(refused(&whole[..1000]), AssetsError::Damaged(_)), "shorter than its header says");
    assert!(matches!(refused(&[7; 700]), AssetsError::Damaged(_)));
}

#[test]
fn two_sections_of_one_name_are_refused() {
    let mut wasm = with_section("coworker:assets", &[]);
    let single = guest!("echo").len();
    let section = wasm[single..].to_vec();
    assert!(assets(&wasm).unwrap().is_some());
    wasm.extend_from_slice(&section);
    assert!(matches!(assets(&wasm), Err(BadComponent::Assets(AssetsError::Twice(_)))));
    let mut wasm = with_section("coworker:skill.toml", b"a = 1");
    let section = wasm[single..].to_vec();
    assert_eq!(manifest(&wasm), Some(b"a = 1".as_slice()));
    wasm.extend_from_slice(&section);
    assert_eq!(manifest(&wasm), None);
}

#[tokio::test]
async fn a_guest_reads_its_assets_and_no_more() {
    let lab = Lab::new();
    let dir = folder(&[("prompts/offer.txt", "Dear")]);
    let packed = pack(&reader(), None, dir.path()).unwrap();
    let outcome = lab.call(packed, Tier::Untrusted, "null").await;
    assert_eq!(answers(&outcome), ["/assets ", "ok", "=Dear", "error 31", "error 31", "error 31"]);
    assert_eq!(outcome.denied, [], "no grant allows writing to assets");
}

/// Runs the steps of `reader` while the component describes itself.
async fn described(lab: &Lab, wasm: Vec<u8>) -> Vec<String> {
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    let skills = lab.sandbox.describe(digest).await.unwrap();
    serde_json::from_str(&skills[0].description).unwrap()
}

#[tokio::test]
async fn a_component_reads_its_assets_to_describe_itself_and_no_more() {
    let lab = Lab::new();
    let dir = folder(&[("contract.json", "{}"), ("prompts/offer.txt", "Dear")]);
    let steps = |path: &str| {
        let script = Script::default().step("dirs", &[]).raw("(call $use (i32.const 0))\n");
        let script = script.step_with("open", &[path], &[0, 1]).step("read", &[]);
        let script = script.step_with("open", &["new"], &[1, 3]).step("unlink", &["prompts/offer.txt"]);
        script.step_with("open", &["../../x"], &[0, 1]).step_with("open", &["/etc/passwd"], &[0, 1])
    };
    let packed = pack(&steps("contract.json").describing(), None, dir.path()).unwrap();
    let expected = ["/assets ", "ok", "={}", "error 31", "error 31", "error 31", "error 31"];
    for _ in 0..2 {
        assert_eq!(described(&lab, packed.clone()).await, expected, "each description must be the same");
    }
    let other = pack(&steps("contract.json").describing(), None, folder(&[("contract.json", "[]")]).path());
    assert_eq!(described(&lab, other.unwrap()).await[2], "=[]", "each component must read its own assets");
    assert_eq!(described(&lab, packed).await[2], "={}");
    let none = Script::default().step("dirs", &[]).describing();
    assert_eq!(described(&lab, none).await, [""], "without packed files there is no folder");
}

#[tokio::test]
async fn assets_need_the_import_and_the_owner_may_deny_them() {
    let lab = Lab::new();
    let dir = folder(&[("a", "x")]);
    let wasm = pack(&Script::default().step("dirs", &[]).files(), None, dir.path()).unwrap();
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    let imports: Grants = [Capability::Call].into_iter().collect();
    let ask = Ask { imports, ..Ask::new(digest, Tier::Privileged, "null") };
    assert_eq!(answers(&lab.run(ask.permit()).await), [""]);
    let denied: Grants = [Capability::Assets].into_iter().collect();
    let terms = ComponentTerms::new(Granted::new(Vec::new(), denied), Tier::ALL.map(Limits::of));
    let ask = Ask { terms: Arc::new(terms), ..Ask::new(digest, Tier::Privileged, "null") };
    assert_eq!(answers(&lab.run(ask.permit()).await), [""]);
}

#[tokio::test]
async fn unpacked_assets_are_deleted_on_unload_and_after_a_crash() {
    let lab = Lab::new();
    let dir = folder(&[("a", "x")]);
    let wasm = pack(&guest!("echo"), None, dir.path()).unwrap();
    let cache = lab.dir.path().join("compiled");
    let unpacked = || {
        let names = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("assets-")).count()
    };
    let digest = lab.sandbox.load(wasm.into()).await.unwrap();
    assert_eq!(unpacked(), 1);
    lab.sandbox.unload(digest);
    assert_eq!(unpacked(), 0);
    fs::create_dir_all(cache.join("assets-left/behind")).unwrap();
    drop(sandbox(&lab.dir, [1; 32]));
    assert_eq!(unpacked(), 0);
}

#[tokio::test]
async fn a_component_with_hostile_assets_is_not_loaded() {
    let lab = Lab::new();
    let wasm = with_section("coworker:assets", &entry("../escaped", b'0', "", b"x"));
    assert!(matches!(lab.sandbox.load(wasm.into()).await, Err(BadComponent::Assets(_))));
    // A file where a folder should be is noticed only when it is unpacked.
    let clash = [entry("a", b'0', "", b"x"), entry("a/b", b'0', "", b"y")].concat();
    let wasm = with_section("coworker:assets", &clash);
    assert!(matches!(lab.sandbox.load(wasm.into()).await, Err(BadComponent::Assets(AssetsError::Unpack(_)))));
    assert!(!lab.dir.path().join("escaped").exists());
}
