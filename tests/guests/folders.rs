//! Granted folders, and attempts to get out of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coworker_policy::{Capability, ComponentTerms, Grant, Granted, Grants, Limits, Tier};
use coworker_sandbox::{HostContext, Outcome, Stopped};
use tempfile::TempDir;

use crate::harness::{Ask, Lab};
use crate::script::{Script, answers};

const READ: usize = 1;
const WRITE: usize = 2;
const CREATE: usize = 1;
const DIRECTORY: usize = 2;

const ABSENT: &str = "error 20";
const FORBIDDEN: &str = "error 31";

/// A folder `open` with a file in it, next to a file `secret`.
pub(crate) struct Tree {
    lab: Lab,
    dir: TempDir,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir_all(dir.path().join("open/inner")).unwrap();
        fs::write(dir.path().join("open/note"), "hello").unwrap();
        fs::write(dir.path().join("secret"), "the secret").unwrap();
        Self { lab: Lab::new(), dir }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn rule(&self, mode: &str, path: &str) -> String {
        format!("{mode} {}", self.at(path).display())
    }

    pub(crate) async fn call(&self, tier: Tier, rules: &[String], script: Script) -> Outcome {
        let digest = self.lab.sandbox.load(script.files().into()).await.unwrap();
        let ask = Ask { terms: granted(rules), ..Ask::new(digest, tier, "null") };
        self.lab.run(ask.permit()).await
    }

    /// Runs the script as a PRIVILEGED caller that may read `open`.
    async fn read(&self, script: Script) -> Vec<String> {
        answers(&self.call(Tier::Privileged, &[self.rule("read", "open")], script).await)
    }
}

fn granted(rules: &[String]) -> Arc<ComponentTerms> {
    let grants = match rules {
        [] => Vec::new(),
        rules => vec![Grant::new(Capability::Files, rules, None).unwrap()],
    };
    Arc::new(ComponentTerms::new(Granted::new(grants, Grants::default()), Tier::ALL.map(Limits::of)))
}

/// A script that lists the guest's folders and uses the first.
pub(crate) fn start() -> Script {
    Script::default().step("dirs", &[]).raw("(call $use (i32.const 0))\n")
}

pub(crate) fn look(script: Script, path: &str) -> Script {
    script.step_with("open", &[path], &[0, READ])
}

pub(crate) fn make(script: Script, path: &str) -> Script {
    script.step_with("open", &[path], &[CREATE, READ | WRITE])
}

#[tokio::test]
async fn without_a_grant_there_is_no_folder() {
    let tree = Tree::new();
    let script = || Script::default().step("dirs", &[]);
    for tier in Tier::ALL {
        assert_eq!(answers(&tree.call(tier, &[], script()).await), [""], "{tier}");
    }
    let rules = [tree.rule("read", "open")];
    assert_eq!(
        answers(&tree.call(Tier::Known, &rules, script()).await),
        [""],
        "the caller is below the tier of the grant"
    );
    assert_eq!(answers(&tree.call(Tier::Internal, &rules, script()).await), ["/open "]);
}

#[tokio::test]
async fn only_a_tier_that_may_write_writes() {
    let tree = Tree::new();
    let rules = [tree.rule("write", "open")];
    let script = || make(start(), "inner/new");
    let internal = tree.call(Tier::Internal, &rules, script()).await;
    assert_eq!(answers(&internal)[1], FORBIDDEN);
    let privileged = tree.call(Tier::Privileged, &rules, script().step("write", &["words"])).await;
    assert_eq!(answers(&privileged), ["/open ", "ok", "5"]);
    assert_eq!(fs::read_to_string(tree.at("open/inner/new")).unwrap(), "words");
}

#[tokio::test]
async fn links_that_lead_out_are_not_followed() {
    let tree = Tree::new();
    let link = |to: &Path, name: &str| symlink(to, tree.at("open").join(name)).unwrap();
    link(&tree.at("secret"), "absolute");
    link(Path::new("../secret"), "relative");
    link(Path::new("/"), "root");
    link(Path::new("/proc/self"), "proc");
    link(Path::new("relative"), "twice");
    link(Path::new(".."), "inner/up");
    link(Path::new("note"), "fine");
    let paths = [
        "absolute",
        "relative",
        "root/etc/passwd",
        "proc/environ",
        "proc/root/etc/passwd",
        "proc/fd/3",
        "twice",
        "inner/up/../secret",
    ];
    let script = paths.iter().fold(start(), |script, path| look(script, path));
    let answers = tree.read(look(script, "fine").step("read", &[])).await;
    for (path, answer) in paths.iter().zip(&answers[1..]) {
        assert_eq!(answer, FORBIDDEN, "{path}");
    }
    assert_eq!(answers[9..], ["ok", "=hello"], "a link within the folder is followed");
}

/// A hard link is the file itself, so the host cannot tell that the file has another name outside.
#[tokio::test]
async fn an_existing_hard_link_is_an_ordinary_file() {
    let tree = Tree::new();
    fs::hard_link(tree.at("secret"), tree.at("open/hard")).unwrap();
    let answers = tree.read(look(start(), "hard").step("read", &[])).await;
    assert_eq!(answers[1..], ["ok", "=the secret"]);
}

#[tokio::test]
async fn a_link_in_place_of_a_granted_folder_is_not_followed() {
    let tree = Tree::new();
    fs::create_dir(tree.at("private")).unwrap();
    fs::rename(tree.at("open/inner"), tree.at("open/was")).unwrap();
    symlink("../private", tree.at("open/inner")).unwrap();
    let rules = [tree.rule("read", "open/inner"), tree.rule("read", "open")];
    let script = || Script::default().step("dirs", &[]);
    assert_eq!(
        answers(&tree.call(Tier::Internal, &rules, script()).await),
        ["/open "],
        "only the replaced folder is left out"
    );
    // A link further up the path has the same effect.
    symlink(tree.at("open"), tree.at("alias")).unwrap();
    let rules = [tree.rule("read", "alias/was")];
    assert_eq!(answers(&tree.call(Tier::Internal, &rules, script()).await), [""]);
}

#[tokio::test]
async fn a_grant_that_is_not_a_folder_is_left_out() {
    let tree = Tree::new();
    let script = || Script::default().step("dirs", &[]);
    let rules = [tree.rule("read", "nowhere"), tree.rule("read", "secret"), tree.rule("read", "open")];
    assert_eq!(answers(&tree.call(Tier::Internal, &rules, script()).await), ["/open "]);
}

#[tokio::test]
async fn folders_of_the_same_name_are_numbered() {
    let tree = Tree::new();
    fs::create_dir_all(tree.at("other/open")).unwrap();
    let rules = [tree.rule("read", "open"), tree.rule("read", "other/open")];
    let outcome = tree.call(Tier::Internal, &rules, Script::default().step("dirs", &[])).await;
    assert_eq!(answers(&outcome), ["/open /open-2 "]);
}

/// A folder on the path is replaced by a link to the outside and back, while the guest keeps opening the path.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_race_with_a_link_is_never_won() {
    let tree = Tree::new();
    fs::create_dir(tree.at("outside")).unwrap();
    fs::write(tree.at("outside/note"), "the secret").unwrap();
    fs::create_dir(tree.at("open/way")).unwrap();
    fs::write(tree.at("open/way/note"), "harmless").unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (way, aside, done) = (tree.at("open/way"), tree.at("open/aside"), Arc::clone(&over));
    let flips = std::thread::spawn(move || {
        let mut flips = 0;
        while !done.load(Ordering::Relaxed) {
            fs::rename(&way, &aside).unwrap();
            symlink("../outside", &way).unwrap();
            fs::remove_file(&way).unwrap();
            fs::rename(&aside, &way).unwrap();
            flips += 1;
        }
        flips
    });
    let mut opened = 0;
    for _ in 0..20 {
        // If a file does not open, the previous one stays open, so only the harmless file is ever read.
        let script =
            (0..100).fold(look(start(), "note"), |script, _| look(script, "way/note").step("read", &[]));
        let outcome = tree.call(Tier::Internal, &[tree.rule("read", "open")], script).await;
        let answers = answers(&outcome);
        assert!(!answers.iter().any(|answer| answer.contains("secret")), "{answers:?}");
        opened += answers.iter().filter(|answer| *answer == "=harmless").count();
    }
    over.store(true, Ordering::Relaxed);
    assert!(flips.join().unwrap() > 20, "the folder was not replaced often enough");
    assert!(opened > 0, "the guest never read the file");
}

#[tokio::test]
async fn open_files_are_limited() {
    let tree = Tree::new();
    let rules = [tree.rule("read", "open")];
    let script = |files| start().step_with("open_all", &["note"], &[files]);
    assert_eq!(answers(&tree.call(Tier::Internal, &rules, script(100)).await), ["/open ", "100"]);
    let outcome = tree.call(Tier::Internal, &rules, script(200)).await;
    assert!(matches!(outcome.result, Err(Stopped::Trap(_))), "{:?}", outcome.result);
    tree.lab.expect_service().await;
}

/// Opening a named pipe blocks until its other end opens. The call still ends at its deadline, and others run.
#[tokio::test]
async fn a_file_that_never_answers_does_not_hold_the_call() {
    let tree = Tree::new();
    let pipe = tree.at("open/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let digest = tree.lab.sandbox.load(look(start(), "pipe").files().into()).await.unwrap();
    let terms = granted(&[tree.rule("read", "open")]);
    let ask =
        Ask { terms, timeout: Some(Duration::from_millis(100)), ..Ask::new(digest, Tier::Internal, "null") };
    let call = tree.lab.sandbox.run(ask.permit(), HostContext::default());
    let (outcome, ()) = tokio::join!(call, tree.lab.expect_service());
    assert_eq!(outcome.unwrap().result, Err(Stopped::Deadline));
    // Unblocks the waiting thread, so that the test can end.
    fs::OpenOptions::new().write(true).open(pipe).unwrap();
}

#[tokio::test]
async fn a_folder_does_not_open_as_a_file() {
    let tree = Tree::new();
    let script = start().step_with("open", &["inner"], &[DIRECTORY, READ]).step_with(
        "open",
        &["note"],
        &[DIRECTORY, READ],
    );
    let answers = tree.read(look(script, "none")).await;
    assert_eq!(answers[1..], ["ok", "error 24", ABSENT]);
}
