//! The process that compiles components, as the program that starts it sees it.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const ABOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../example-skills/built/about.wasm");
/// Where the answer's verdict is, and where what it is about begins.
const VERDICT: usize = 16;
const HEADER: usize = 25;

fn start() -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
    command.arg("__compile").env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn compile(wasm: &[u8]) -> Vec<u8> {
    let mut child = start();
    child.stdin.take().unwrap().write_all(wasm).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let length = u64::from_le_bytes(output.stdout[VERDICT + 1..HEADER].try_into().unwrap());
    assert_eq!(length, (output.stdout.len() - HEADER) as u64);
    output.stdout
}

#[test]
fn it_compiles_or_says_why_not_and_needs_nothing_around_it() {
    let compiled = compile(&fs::read(ABOUT).unwrap());
    assert_eq!((compiled[VERDICT], &compiled[HEADER..HEADER + 4]), (0, &b"\x7fELF"[..]));
    let rejected = compile(b"name: quote");
    assert_eq!(rejected[VERDICT], 1);
    assert!(!String::from_utf8_lossy(&rejected[HEADER..]).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn it_is_bounded_before_it_reads() {
    let mut child = start();
    let limits = format!("/proc/{}/limits", child.id());
    let limit = |name: &str| {
        let limits = fs::read_to_string(&limits).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    // The last one that it sets.
    while limit("Max address space") != ["2147483648", "2147483648"] {
        assert!(child.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(limit("Max cpu time"), ["60", "61"]);
    assert_eq!(limit("Max file size"), ["0", "0"]);
    assert_eq!(limit("Max core file size"), ["0", "0"]);
    assert_eq!(limit("Max open files"), ["16", "16"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
