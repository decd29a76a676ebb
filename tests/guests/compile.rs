//! Attacks on the compiler: components that are too expensive, and workers that fail.

use std::error::Error as _;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use coworker_policy::Digest;
use coworker_sandbox::{BadComponent, Compiler, Worker};
use tempfile::TempDir;

use crate::harness::{Lab, component_of, guest, sandbox_with};

const KEY: [u8; 32] = [1; 32];

/// A component with one function of this body.
pub(crate) fn lone(body: &str) -> Vec<u8> {
    let module = format!(r#"(module (func (export "f") {body}))"#);
    component_of("package test:lone; world lone { export f: func(); }", "test:lone/lone", &module)
}

/// Nested components, each of which instantiates the previous one twice.
pub(crate) fn doubled(times: u32, innermost: &str) -> Vec<u8> {
    let mut wat = format!(
        r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "f" (func $f))
        (component $c0 {innermost})"#
    );
    for n in 1..=times {
        let inner = n - 1;
        write!(
            wat,
            "(component $c{n} (alias outer 1 $c{inner} (component $c))
                (instance (instantiate $c)) (instance (instantiate $c)))"
        )
        .unwrap();
    }
    write!(wat, "(instance (instantiate $c{times})))").unwrap();
    wat::parse_str(wat).unwrap()
}

async fn refused(wasm: Vec<u8>) -> (String, u64) {
    match Lab::new().sandbox.load(wasm.into()).await.unwrap_err() {
        BadComponent::TooMuch { what, count, .. } => (what.to_owned(), count),
        other => panic!("{other}: {:?}", other.source()),
    }
}

#[tokio::test]
async fn nested_components_are_counted_once_per_instance() {
    assert_eq!(refused(doubled(12, "")).await.0, "instances of nested components");
    let module = "(core module $m) (core instance (instantiate $m))";
    assert_eq!(
        refused(doubled(5, module)).await,
        ("instances of core modules, nested ones included".to_owned(), 32)
    );
    // A smaller number of the same components compiles.
    Lab::new().sandbox.load(doubled(3, module).into()).await.unwrap();
    // The size of an imported component is unknown.
    let passed = wat::parse_str(
        r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (export "f" (func $f))
        (component $c (import "c" (component $p)) (instance (instantiate $p)))
        (component $d)
        (instance (instantiate $c (with "c" (component $d)))))"#,
    );
    assert_eq!(refused(passed.unwrap()).await.0, "components that are imported, exported or passed on");
}

/// A worker that runs this shell command instead.
fn worker(line: &str, deadline: Duration) -> Compiler {
    let args = vec!["-c".to_owned(), line.to_owned()];
    Compiler::Child(Worker { program: "/bin/sh".into(), args, deadline })
}

async fn compiled_by(line: &str, deadline: Duration) -> BadComponent {
    let dir = TempDir::new().unwrap();
    let sandbox = sandbox_with(&dir, KEY, worker(line, deadline));
    let wasm = guest!("echo");
    let digest = Digest::of(&wasm);
    let error = sandbox.load(wasm.into()).await.unwrap_err();
    assert!(!sandbox.is_loaded(digest));
    let mut kept = fs::read_dir(dir.path().join("compiled")).unwrap().map(|file| file.unwrap().path());
    assert!(!kept.any(|path| path.extension().is_some_and(|extension| extension == "cwasm")));
    error
}

#[tokio::test]
async fn a_worker_that_fails_leaves_nothing() {
    let timeout = Duration::from_secs(30);
    for line in ["kill -KILL $$", "exit 0", "exit 1", "echo hello", "exec head -c 1000 /dev/zero"] {
        let error = compiled_by(line, timeout).await;
        assert!(matches!(error, BadComponent::Compiler(_)), "{line}: {error}");
    }
    for (line, what) in [("kill -XCPU $$", "processor"), ("kill -ABRT $$", "memory")] {
        let error = compiled_by(line, timeout).await;
        assert!(
            matches!(&error, BadComponent::TooExpensive { what: said } if said.contains(what)),
            "{error}"
        );
    }
    let error = compiled_by("exec sleep 60", Duration::from_millis(50)).await;
    assert!(matches!(&error, BadComponent::TooExpensive { what } if what == "50ms of time"), "{error}");
}

#[tokio::test]
async fn a_worker_gets_no_environment_and_no_folder() {
    // The worker kills itself by XCPU only if it sees no environment and no working directory.
    let line = r#"test -z "$HOME$USER$CARGO_MANIFEST_DIR" && test "$PWD" = / && kill -XCPU $$"#;
    let error = compiled_by(line, Duration::from_secs(30)).await;
    assert!(matches!(error, BadComponent::TooExpensive { .. }), "{error}");
}

#[tokio::test]
async fn a_slow_compiler_does_not_delay_calls() {
    let dir = TempDir::new().unwrap();
    let echo = guest!("echo");
    sandbox_with(&dir, KEY, Compiler::InProcess).load(echo.clone().into()).await.unwrap();
    let slow = worker("exec sleep 60", Duration::from_secs(2));
    let lab = Lab { sandbox: sandbox_with(&dir, KEY, slow), dir: TempDir::new().unwrap() };
    lab.sandbox.load(echo.into()).await.unwrap();

    let sandbox = lab.sandbox.clone();
    let load = tokio::spawn(async move { sandbox.load(guest!("who").into()).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    lab.expect_service().await;
    assert!(!load.is_finished());
    assert!(matches!(load.await.unwrap(), Err(BadComponent::TooExpensive { .. })));
    lab.expect_service().await;
}
