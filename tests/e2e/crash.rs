//! `kill -9` in the middle of the work: it goes on, in the same MLS session, and every call has one effect.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::receipts::complete;
use crate::stage::{Agent, Stage, eventually};

const CALLS: usize = 200;
const AT_ONCE: usize = 20;

/// Enough work that calls are running whenever the process is killed.
fn input(number: usize) -> String {
    let sentences =
        (0..400).map(|n| format!("Word {n} of {number} is near lake {} and hill {}.", n % 97, n % 31));
    serde_json::json!({ "text": sentences.collect::<Vec<_>>().join(" "), "sentences": 1 }).to_string()
}

/// bob's calls, `AT_ONCE` at a time; `halfway` happens once a quarter of them is answered. While it holds the
/// gate no further call begins.
fn many_calls(bob: &Agent, halfway: impl FnOnce(&Mutex<()>)) -> Vec<Value> {
    let (next, answered, gate) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(()));
    let caller = || {
        let mut documents = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= CALLS {
                return documents;
            }
            drop(gate.lock().unwrap());
            documents.push(bob.run(&["call", "ada", "summarize", &input(number)]).document);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(caller)).collect();
        let begun = || (answered.load(Ordering::Relaxed) >= CALLS / 4).then_some(());
        eventually(Duration::from_secs(30), begun).unwrap();
        halfway(&gate);
        assert!(answered.load(Ordering::Relaxed) < CALLS, "the calls were over too early");
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

/// How often each of bob's calls ended, by its id; and the runs that a kill cut off.
fn ended(ada: &Agent) -> (BTreeMap<String, usize>, Vec<String>) {
    let log = ada.does(&["audit", "log", "--skill", "summarize", "--peer", "bob", "--limit", "2000"]);
    let (mut ended, mut cut) = (BTreeMap::new(), Vec::new());
    for entry in log["entries"].as_array().unwrap() {
        let task = entry["task"].as_str().unwrap().to_owned();
        match entry["event"].as_str().unwrap() {
            "call" => *ended.entry(task).or_default() += 1,
            "call_interrupted" => cut.push(task),
            other => panic!("{other}: {entry}"),
        }
    }
    (ended, cut)
}

#[test]
fn calls_survive_that_the_serving_process_is_killed() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("summarize", Some("known"));
    let serving = ada.serve();
    let _bob_serves = bob.serve();
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);
    let session = bob.session();
    assert_eq!(ada.session(), session);

    let mut again = None;
    let documents = many_calls(&bob, |_| {
        serving.kill_9();
        again = Some(ada.serve());
    });
    let failed: Vec<_> = documents.iter().filter(|document| document["ok"] != true).collect();
    assert!(failed.is_empty(), "{} calls failed, such as {}", failed.len(), failed[0]);

    let (ended, cut) = ended(&ada);
    assert_eq!((documents.len(), ended.len()), (CALLS, CALLS));
    for document in &documents {
        assert_eq!(ended.get(document["id"].as_str().unwrap()), Some(&1), "{document}");
    }
    let receipts = [complete(&ada, CALLS), complete(&bob, CALLS)].map(|kept| {
        assert_eq!(kept.len(), CALLS);
        let id = |receipt: &Value| receipt["id"].as_str().unwrap().to_owned();
        kept.iter().map(|receipt| (id(receipt), receipt["receipt"].clone())).collect::<BTreeMap<_, _>>()
    });
    assert_eq!(receipts[0], receipts[1]);
    assert!(receipts[0].keys().eq(ended.keys()), "one receipt for each call");
    ada.does(&["audit", "verify"]);
    // What ran when the process was killed ran again; its first run has an end of its own in the log.
    let concurrent = 4;
    assert!(cut.len() <= concurrent && cut.iter().all(|task| ended.contains_key(task)), "{cut:?}");
    assert_eq!((ada.session(), bob.session()), (session.clone(), session), "no new handshake");
}

#[test]
fn the_session_survives_that_the_calling_process_is_killed() {
    let stage = Stage::new();
    let (ada, bob) = (stage.agent("ada"), stage.agent("bob"));
    ada.installs("summarize", Some("known"));
    let _ada_serves = ada.serve();
    let serving = bob.serve();
    bob.connects(&ada);
    ada.does(&["trust", "set", "bob", "known"]);
    let session = bob.session();

    let mut again = None;
    let documents = many_calls(&bob, |gate| {
        // Else short commands and `serve` would compete for the agent.
        let _no_more = gate.lock().unwrap();
        serving.kill_9();
        again = Some(bob.serve());
    });
    // Who asked the killed process has no answer; who came later has one.
    let failed = documents.iter().filter(|document| document["ok"] != true);
    let codes: Vec<_> = failed.map(|document| document["error"]["code"].clone()).collect();
    assert!(codes.len() <= AT_ONCE && codes.iter().all(|code| code == "IN_USE"), "{codes:?}");
    let (ended, _) = ended(&ada);
    assert!(ended.values().all(|times| *times == 1), "{ended:?}");
    bob.does(&["call", "ada", "summarize", &input(0)]);
    // The killed process had asked, and its answers came to the next one.
    let receipts = [complete(&ada, ended.len() + 1), complete(&bob, ended.len() + 1)];
    assert_eq!(receipts.map(|kept| kept.len()), [ended.len() + 1; 2]);
    bob.does(&["audit", "verify"]);
    assert_eq!((ada.session(), bob.session()), (session.clone(), session), "no new handshake");
}
