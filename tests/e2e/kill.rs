//! `kill -9`, again and again, of either side: every request that was taken has one effect, one answer and one
//! receipt that both sides signed. Half of them are calls, half are requests that nobody waits for; some of
//! these are placed while the peer is dead.
//!
//! The effect is a row in the state of a skill that counts: each request counts under a name of its own, so one
//! that had its effect twice would be answered with 2, now or when it is counted once more at the end.
//!
//! `KILL_CALLS=20000 cargo nextest run -p coworker-cli kill` asks for more than the 1,000.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coworker_agent::Home;
use coworker_api::ops::{Call, ReceiptShow, TaskRequest, TaskResult};
use coworker_api::{AgentHandle, ApiError, Client, ConnectError, Operation};
use coworker_policy::ErrorCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::guest::tally;
use crate::receipts::complete;
use crate::stage::{Agent, Serve, Stage, eventually};

const CALLS: usize = 1_000;
/// One kill for so many.
const CALLS_PER_KILL: usize = 40;
/// Those who call, and as many who place requests.
const CALLERS: usize = 8;
/// Requests that one of them places before it asks for what came of them.
const BATCH: usize = 4;
/// Requests that are placed whenever the peer is dead.
const WHILE_DEAD: usize = 4;
/// Seconds for one call, kills included.
const TIMEOUT: f64 = 60.0;
/// Requests that are counted once more when all is over.
const SAMPLE: usize = 60;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What became of one request.
struct Asked {
    name: String,
    /// Its id and its output; None if bob was killed before whoever asked heard so much as its id.
    answer: Option<(String, Value)>,
}

/// What bob asks, through his socket and without a process for each. Who heard nothing because bob's process
/// was killed asks anew, in another name.
#[derive(Clone)]
struct Driver {
    bob: Home,
    calls: usize,
    next: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
}

impl Driver {
    async fn call_all(self) -> Vec<Asked> {
        let mut all = Vec::new();
        while let Some(number) = self.number() {
            for attempt in 0.. {
                let name = format!("{number}.{attempt}");
                let answer = self.call(&name).await;
                let done = answer.is_some();
                all.push(Asked { name, answer });
                if done {
                    break;
                }
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
        all
    }

    async fn request_all(self) -> Vec<Asked> {
        let (mut all, mut batch) = (Vec::new(), Vec::new());
        loop {
            while batch.len() < BATCH
                && let Some(number) = self.number()
            {
                batch.push(self.place(number, &mut all).await);
            }
            if batch.is_empty() {
                return all;
            }
            for placed in batch.drain(..) {
                all.push(self.fetch(placed).await);
                self.answered.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn number(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        (number < self.calls).then_some(number)
    }

    /// The name and the id of a request that bob has taken. `unheard` gets those of which nobody knows.
    async fn place(&self, number: usize, unheard: &mut Vec<Asked>) -> (String, String) {
        let mut attempt = 0;
        loop {
            let name = format!("{number}.{attempt}");
            let input = json!(name).to_string();
            let (peer, skill, expires) = ("ada".into(), "guest".into(), Duration::from_hours(1));
            match self.ask(TaskRequest { peer, skill, input, version: None, expires }).await {
                Ok(placed) => return (name, placed.id.to_string()),
                Err(error) if error.code == ErrorCode::InUse => unheard.push(Asked { name, answer: None }),
                Err(error) => panic!("{name}: {error}"),
            }
            attempt += 1;
        }
    }

    /// What was taken is answered, however often bob is killed until then.
    async fn fetch(&self, (name, id): (String, String)) -> Asked {
        loop {
            match self.ask(TaskResult { id: id.clone(), wait: true, timeout: Some(TIMEOUT) }).await {
                Ok(result) => return Asked { name, answer: Some((id, result.output)) },
                Err(error) if error.code == ErrorCode::InUse => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }

    /// None if bob's process was killed before it had an answer.
    async fn call(&self, name: &str) -> Option<(String, Value)> {
        let input = json!(name).to_string();
        let (peer, skill) = ("ada".into(), "guest".into());
        match self.ask(Call { peer, skill, input, version: None, timeout: TIMEOUT }).await {
            Ok(called) => Some((called.id.to_string(), called.output)),
            Err(error) if error.code == ErrorCode::InUse => None,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, ApiError> {
        while UnixStream::connect(coworker_api::socket_path(self.bob.dir())).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        connected(&self.bob).await?.run(operation).await
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

    /// `meanwhile` happens while it is dead.
    fn kill(&mut self, which: usize, meanwhile: impl FnOnce()) {
        let agent = [&self.ada, &self.bob][which];
        self.serving[which].die();
        meanwhile();
        self.serving[which] = agent.serve();
    }

    /// Until neither side has work or mail that is open.
    fn settle(&self) {
        let open = |agent: &Agent| {
            let tasks = agent.does(&["tasks"])["tasks"].take();
            let mut states = tasks.as_array().unwrap().iter().map(|task| task["state"].as_str().unwrap());
            states.any(|state| ["waiting", "sent", "running", "answered"].contains(&state))
        };
        let settled = || (!open(&self.ada) && !open(&self.bob)).then_some(());
        eventually(Duration::from_mins(1), settled).expect("nothing is open for ever");
    }

    /// How often each of bob's requests ended well, by its id.
    fn ended(&self, most: usize) -> BTreeMap<String, usize> {
        let log = self.ada.does(&["audit", "log", "--skill", "guest", "--limit", &most.to_string()]);
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
    let calls = std::env::var_os("KILL_CALLS")
        .map_or(CALLS, |calls| calls.to_str().and_then(|calls| calls.parse().ok()).expect("a number"));
    let kills = calls / CALLS_PER_KILL;
    let mut pair = Pair::new();
    let bob = Home::new(pair.bob.data().to_owned());
    let driver = Driver { bob, calls, next: Arc::default(), answered: Arc::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn_on(driver.clone().call_all(), runtime.handle());
        callers.spawn_on(driver.clone().request_all(), runtime.handle());
    }
    let (mut dice, mut asked, mut placed) = (SEED, Vec::new(), Vec::new());
    for kill in 1..=kills {
        // What is placed here has its answer only at the end.
        let due = kill * calls / (kills + 1) - placed.len();
        let begun = || (driver.answered.load(Ordering::SeqCst) >= due).then_some(());
        eventually(Duration::from_mins(1), begun).expect("the calls go on");
        std::thread::sleep(Duration::from_millis(roll(&mut dice, 60)));
        match roll(&mut dice, 2) {
            0 => pair.kill(0, || {
                let numbers = (0..WHILE_DEAD).map_while(|_| driver.number());
                placed.extend(numbers.map(|number| runtime.block_on(driver.place(number, &mut asked))));
            }),
            _ => pair.kill(1, || {}),
        }
    }
    assert!(placed.len() > kills, "{} requests were placed while ada was dead", placed.len());
    asked.extend(placed.into_iter().map(|placed| runtime.block_on(driver.fetch(placed))));
    asked.extend(runtime.block_on(callers.join_all()).into_iter().flatten());
    pair.settle();
    let ended = pair.ended(10 * calls);
    check_receipts(&pair, &runtime, &ended);
    check_effects(&asked, &ended, calls, |name| {
        let (_, output) = runtime.block_on(driver.call(name)).unwrap();
        output.as_u64().unwrap()
    });
}

/// One for each request that ended, byte for byte the same on both sides, signed by both.
fn check_receipts(pair: &Pair, runtime: &tokio::runtime::Runtime, ended: &BTreeMap<String, usize>) {
    let ids: BTreeSet<&str> = ended.keys().map(String::as_str).collect();
    let [of_ada, of_bob] = [&pair.ada, &pair.bob].map(|agent| {
        let kept = complete(agent, ids.len());
        assert_eq!(kept.len(), ids.len(), "as many receipts as requests that ended");
        assert!(kept.iter().all(|receipt| receipt["receipt"]["caller_signed"] == true), "both signed");
        let home = Home::new(agent.data().to_owned());
        let envelope = |id: &str| {
            let show = ReceiptShow { id: id.to_owned(), peer: None };
            runtime.block_on(async { connected(&home).await?.run(show).await }).unwrap().envelope
        };
        let ids = kept.iter().map(|receipt| receipt["id"].as_str().unwrap().to_owned());
        ids.map(|id| (envelope(&id), id)).map(|(envelope, id)| (id, envelope)).collect::<BTreeMap<_, _>>()
    });
    assert!(of_ada.keys().map(String::as_str).eq(ids), "one receipt for each request that ended");
    assert!(of_ada == of_bob, "both sides keep the same");
}

/// `again` counts a request's name once more.
fn check_effects(
    asked: &[Asked],
    ended: &BTreeMap<String, usize>,
    calls: usize,
    again: impl Fn(&str) -> u64,
) {
    let (answered, unheard): (Vec<_>, Vec<_>) = asked.iter().partition(|asked| asked.answer.is_some());
    assert_eq!(answered.len(), calls);
    for Asked { name, answer } in &answered {
        let (id, output) = answer.as_ref().unwrap();
        assert_eq!(*output, json!(1), "{name} had its effect before");
        assert_eq!(ended.get(id), Some(&1), "{name}");
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
    for asked in answered.iter().step_by((calls / SAMPLE).max(1)) {
        assert_eq!(again(&asked.name), 2, "{} had one effect until now", asked.name);
    }
}

/// Connects to the running `serve` of `home`.
async fn connected(home: &Home) -> Result<AgentHandle, ApiError> {
    match Client::connect(home.dir(), "e2e").await {
        Ok(client) => Ok(AgentHandle::new(client)),
        Err(ConnectError::Refused(error)) => Err(error),
        Err(absent @ ConnectError::Absent) => Err(ApiError::new(ErrorCode::InUse, absent.to_string())),
    }
}
