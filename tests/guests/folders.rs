//! Folders that the owner granted, and the ways out of them that do not lead out.

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

/// A folder `open` with a file, beside a secret.
pub(crate) struct House {
    lab: Lab,
    dir: TempDir,
}

impl House {
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

    /// A caller with all that can be granted.
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

/// The guest's folders, the first of them in use.
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
    let house = House::new();
    let script = || Script::default().step("dirs", &[]);
    for tier in Tier::ALL {
        assert_eq!(answers(&house.call(tier, &[], script()).await), [""], "{tier}");
    }
    let rules = [house.rule("read", "open")];
    assert_eq!(answers(&house.call(Tier::Known, &rules, script()).await), [""], "below the tier");
    assert_eq!(answers(&house.call(Tier::Internal, &rules, script()).await), ["/open "]);
}

#[tokio::test]
async fn writing_is_for_the_tier_that_may_write() {
    let house = House::new();
    let rules = [house.rule("write", "open")];
    let script = || make(start(), "inner/new");
    let internal = house.call(Tier::Internal, &rules, script()).await;
    assert_eq!(answers(&internal)[1], FORBIDDEN);
    let privileged = house.call(Tier::Privileged, &rules, script().step("write", &["words"])).await;
    assert_eq!(answers(&privileged), ["/open ", "ok", "5"]);
    assert_eq!(fs::read_to_string(house.at("open/inner/new")).unwrap(), "words");
}

#[tokio::test]
async fn links_that_lead_out_are_not_followed() {
    let house = House::new();
    let link = |to: &Path, name: &str| symlink(to, house.at("open").join(name)).unwrap();
    link(&house.at("secret"), "absolute");
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
    let answers = house.read(look(script, "fine").step("read", &[])).await;
    for (path, answer) in paths.iter().zip(&answers[1..]) {
        assert_eq!(answer, FORBIDDEN, "{path}");
    }
    assert_eq!(answers[9..], ["ok", "=hello"], "a link that stays inside");
}

/// A hard link is the file itself: nothing tells that it has another name outside. The owner can.
#[tokio::test]
async fn a_hard_link_that_is_there_is_a_file_like_others() {
    let house = House::new();
    fs::hard_link(house.at("secret"), house.at("open/hard")).unwrap();
    let answers = house.read(look(start(), "hard").step("read", &[])).await;
    assert_eq!(answers[1..], ["ok", "=the secret"]);
}

#[tokio::test]
async fn a_link_in_place_of_a_granted_folder_is_not_followed() {
    let house = House::new();
    fs::create_dir(house.at("private")).unwrap();
    fs::rename(house.at("open/inner"), house.at("open/was")).unwrap();
    symlink("../private", house.at("open/inner")).unwrap();
    let rules = [house.rule("read", "open/inner"), house.rule("read", "open")];
    let script = || Script::default().step("dirs", &[]);
    assert_eq!(
        answers(&house.call(Tier::Internal, &rules, script()).await),
        ["/open "],
        "the other one is there"
    );
    // The same by a link further up.
    symlink(house.at("open"), house.at("alias")).unwrap();
    let rules = [house.rule("read", "alias/was")];
    assert_eq!(answers(&house.call(Tier::Internal, &rules, script()).await), [""]);
}

#[tokio::test]
async fn what_is_no_folder_is_left_out() {
    let house = House::new();
    let script = || Script::default().step("dirs", &[]);
    let rules = [house.rule("read", "nowhere"), house.rule("read", "secret"), house.rule("read", "open")];
    assert_eq!(answers(&house.call(Tier::Internal, &rules, script()).await), ["/open "]);
}

#[tokio::test]
async fn folders_of_one_name_get_numbers() {
    let house = House::new();
    fs::create_dir_all(house.at("other/open")).unwrap();
    let rules = [house.rule("read", "open"), house.rule("read", "other/open")];
    let outcome = house.call(Tier::Internal, &rules, Script::default().step("dirs", &[])).await;
    assert_eq!(answers(&outcome), ["/open /open-2 "]);
}

/// While the guest opens it again and again, a folder on the way turns into a link to the outside and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_race_with_a_link_is_never_won() {
    let house = House::new();
    fs::create_dir(house.at("outside")).unwrap();
    fs::write(house.at("outside/note"), "the secret").unwrap();
    fs::create_dir(house.at("open/way")).unwrap();
    fs::write(house.at("open/way/note"), "harmless").unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let (way, aside, done) = (house.at("open/way"), house.at("open/aside"), Arc::clone(&over));
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
        // A file that does not open leaves the one before in place: nothing but the harmless one is ever read.
        let script =
            (0..100).fold(look(start(), "note"), |script, _| look(script, "way/note").step("read", &[]));
        let outcome = house.call(Tier::Internal, &[house.rule("read", "open")], script).await;
        let answers = answers(&outcome);
        assert!(!answers.iter().any(|answer| answer.contains("secret")), "{answers:?}");
        opened += answers.iter().filter(|answer| *answer == "=harmless").count();
    }
    over.store(true, Ordering::Relaxed);
    assert!(flips.join().unwrap() > 20, "the folder did change");
    assert!(opened > 0, "the guest did read");
}

#[tokio::test]
async fn open_files_are_bounded() {
    let house = House::new();
    let rules = [house.rule("read", "open")];
    let script = |files| start().step_with("open_all", &["note"], &[files]);
    assert_eq!(answers(&house.call(Tier::Internal, &rules, script(100)).await), ["/open ", "100"]);
    let outcome = house.call(Tier::Internal, &rules, script(200)).await;
    assert!(matches!(outcome.result, Err(Stopped::Trap(_))), "{:?}", outcome.result);
    house.lab.expect_service().await;
}

/// Opening a named pipe waits for its other end: the call does not, and others are served meanwhile.
#[tokio::test]
async fn a_file_that_never_answers_does_not_hold_the_call() {
    let house = House::new();
    let pipe = house.at("open/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let digest = house.lab.sandbox.load(look(start(), "pipe").files().into()).await.unwrap();
    let terms = granted(&[house.rule("read", "open")]);
    let ask =
        Ask { terms, timeout: Some(Duration::from_millis(100)), ..Ask::new(digest, Tier::Internal, "null") };
    let call = house.lab.sandbox.run(ask.permit(), HostContext::default());
    let (outcome, ()) = tokio::join!(call, house.lab.expect_service());
    assert_eq!(outcome.unwrap().result, Err(Stopped::Deadline));
    // Lets the waiting thread go, so that the test can end.
    fs::OpenOptions::new().write(true).open(pipe).unwrap();
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let house = House::new();
    let script = start().step_with("open", &["inner"], &[DIRECTORY, READ]).step_with(
        "open",
        &["note"],
        &[DIRECTORY, READ],
    );
    let answers = house.read(look(script, "none")).await;
    assert_eq!(answers[1..], ["ok", "error 24", ABSENT]);
}
