//! `kill -9`, again and again, of either side: every request that was taken has one effect and one answer.
//!
//! The effect is a row in the state of a skill that counts: each request counts under a name of its own, so one
//! that had its effect twice would be answered with 2, now or when it is counted once more at the end.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coworker_agent::ops::{Call, Called};
use coworker_agent::{Home, Session};
use coworker_policy::ErrorCode;
use serde_json::json;
use tokio::task::JoinSet;

use crate::guest::tally;
use crate::stage::{Agent, Serve, Stage, eventually};

const CALLS: usize = 1_000;
const KILLS: usize = 20;
const AT_ONCE: usize = 16;
/// Seconds for one call, kills included.
const PATIENCE: f64 = 60.0;
/// Requests that are counted once more when all is over.
const SAMPLE: usize = 60;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What became of one request.
struct Asked {
    name: String,
    /// None if who asked was killed before it heard.
    answer: Option<Called>,
}

/// bob's calls, through his socket and without a process for each. Who has no answer because bob's process was
/// killed asks anew, in another name.
#[derive(Clone)]
struct Driver {
    bob: Home,
    next: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
}

impl Driver {
    async fn drive(self) -> Vec<Asked> {
        let mut all = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= CALLS {
                return all;
            }
            for attempt in 0.. {
                let name = format!("{number}.{attempt}");
                let answer = self.ask(&name).await;
                let done = answer.is_some();
                all.push(Asked { name, answer });
                if done {
                    break;
                }
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// None if bob's process was killed before it had an answer.
    async fn ask(&self, name: &str) -> Option<Called> {
        while UnixStream::connect(self.bob.socket()).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let input = json!(name).to_string();
        let call =
            Call { peer: "ada".into(), skill: "guest".into(), input, version: None, timeout: PATIENCE };
        match Session::Serving(self.bob.clone()).run(call).await {
            Ok(called) => Some(called),
            Err(error) if error.code == ErrorCode::InUse => None,
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// A generator of the test's own: every run kills in the same order, at moments of its own.
fn roll(state: &mut u64, sides: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % sides
}

struct Pair {
    ada: Agent,
    bob: Agent,
    serving: [Serve; 2],
    _stage: Stage,
}

impl Pair {
    fn new() -> Self {
        let stage = Stage::new();
        let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
        let guest = stage.path().join("guest.wasm");
        std::fs::write(&guest, tally()).unwrap();
        ada.does(&["skill", "add", &guest.to_string_lossy(), "--yes"]);
        ada.does(&["skill", "expose", "guest", "--from", "known"]);
        let serving = [ada.serve(), bob.serve()];
        bob.connects(&ada);
        ada.does(&["trust", "set", "bob", "internal"]);
        Self { ada, bob, serving, _stage: stage }
    }

    fn kill(&mut self, which: usize) {
        let agent = [&self.ada, &self.bob][which];
        self.serving[which].die();
        self.serving[which] = agent.serve();
    }

    /// How often each of bob's requests ended well, by its id.
    fn ended(&self) -> BTreeMap<String, usize> {
        let limit = (10 * CALLS).to_string();
        let log = self.ada.does(&["audit", "log", "--skill", "guest", "--limit", &limit]);
        let mut ended = BTreeMap::new();
        for entry in log["entries"].as_array().unwrap() {
            if entry["event"] == "call" && entry["detail"]["outcome"] == "ok" {
                *ended.entry(entry["task"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        ended
    }
}

#[test]
fn every_request_has_one_effect_and_one_answer_whoever_is_killed() {
    let mut pair = Pair::new();
    let driver =
        Driver { bob: Home::new(pair.bob.data().to_owned()), next: Arc::default(), answered: Arc::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        callers.spawn_on(driver.clone().drive(), runtime.handle());
    }
    let mut dice = SEED;
    for kill in 1..=KILLS {
        let due = kill * CALLS / (KILLS + 1);
        let begun = || (driver.answered.load(Ordering::SeqCst) >= due).then_some(());
        eventually(Duration::from_mins(1), begun).expect("the calls go on");
        std::thread::sleep(Duration::from_millis(roll(&mut dice, 60)));
        pair.kill(usize::try_from(roll(&mut dice, 2)).unwrap());
    }
    let asked: Vec<Asked> = runtime.block_on(callers.join_all()).into_iter().flatten().collect();
    check(&pair, &asked, |name| {
        let again = runtime.block_on(driver.ask(name)).unwrap();
        again.output.as_u64().unwrap()
    });
}

/// `again` counts a request's name once more.
fn check(pair: &Pair, asked: &[Asked], again: impl Fn(&str) -> u64) {
    let (answered, unheard): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| asked.answer.is_some());
    assert_eq!(answered.len(), CALLS);
    assert!(unheard.len() <= KILLS * AT_ONCE, "{} answers were not heard", unheard.len());
    let ended = pair.ended();
    for Asked { name, answer } in &answered {
        let called = answer.as_ref().unwrap();
        assert_eq!(called.output, json!(1), "{name} had its effect before");
        assert_eq!(ended.get(&called.id.to_string()), Some(&1), "{name}");
    }
    assert!(ended.values().all(|times| *times == 1), "a request ended twice");
    // What nobody heard of was taken or not; what was taken had its effect once.
    let taken = ended.len() - answered.len();
    let effects: Vec<_> = unheard.iter().map(|asked| again(&asked.name)).collect();
    assert!(effects.iter().all(|count| (1..=2).contains(count)), "{effects:?}");
    assert_eq!(
        effects.iter().filter(|count| **count == 2).count(),
        taken,
        "an effect without an end, or an end without"
    );
    for asked in answered.iter().step_by(CALLS / SAMPLE) {
        assert_eq!(again(&asked.name), 2, "{} had one effect until now", asked.name);
    }
}
