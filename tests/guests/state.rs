//! The state of components: reads, writes, quotas, and the state of others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use coworker_policy::gate::Pseudonym;
use coworker_policy::{Capability, ComponentTerms, Grant, Granted, Grants, Limits, Tier};
use coworker_sandbox::{
    Bucket, HostContext, Outcome, StateRead, StateReadError, StateSize, StateStore, StateWrite, Stopped,
};

use crate::harness::{Ask, Lab, PSEUDONYM};
use crate::script::{Script, answers};

const OTHER: Pseudonym = Pseudonym([8; 16]);
/// The module's code for the step that asks for the first page.
pub(crate) const FIRST: &str = "(call $list (i32.const 0) (i64.const 0))\n";

type Kept = BTreeMap<(String, String), Vec<u8>>;

/// One component's state, committed by hand.
#[derive(Default)]
pub(crate) struct MemoryStore {
    kept: Mutex<Kept>,
    broken: bool,
}

impl MemoryStore {
    /// A store with these buckets, keys and values.
    pub(crate) fn of(rows: &[(&str, &str, &str)]) -> Self {
        let row =
            |&(bucket, key, value): &(&str, &str, &str)| ((bucket.to_owned(), key.to_owned()), value.into());
        Self { kept: Mutex::new(rows.iter().map(row).collect()), broken: false }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    fn commit(&self, outcome: &Outcome) {
        for StateWrite { bucket, key, value } in outcome.state.clone() {
            let at = (bucket.to_string(), key);
            match value {
                Some(value) => drop(self.kept().insert(at, value)),
                None => drop(self.kept().remove(&at)),
            }
        }
    }

    fn read<T: Send + 'static>(&self, bucket: Bucket, f: impl Fn(&str, &Kept) -> T) -> StateRead<'_, T> {
        let answer = f(&bucket.to_string(), &self.kept());
        Box::pin(
            async move { if self.broken { Err(StateReadError("/private/path".into())) } else { Ok(answer) } },
        )
    }
}

impl StateStore for MemoryStore {
    fn value<'a>(&'a self, bucket: Bucket, key: &'a str) -> StateRead<'a, Option<Vec<u8>>> {
        self.read(bucket, |bucket, kept| kept.get(&(bucket.to_owned(), key.to_owned())).cloned())
    }

    fn keys<'a>(
        &'a self,
        bucket: Bucket,
        after: Option<&'a str>,
        limit: usize,
    ) -> StateRead<'a, Vec<String>> {
        self.read(bucket, |bucket, kept| {
            let keys =
                kept.keys().filter(|(b, key)| b == bucket && after.is_none_or(|after| key.as_str() > after));
            keys.map(|(_, key)| key.clone()).take(limit).collect()
        })
    }

    fn size(&self, bucket: Bucket) -> StateRead<'_, StateSize> {
        self.read(bucket, |bucket, kept| {
            let rows = || kept.iter().filter(|((b, _), _)| b == bucket);
            let bytes = rows().map(|((_, key), value)| (key.len() + value.len()) as u64).sum();
            StateSize { keys: rows().count() as u64, bytes }
        })
    }
}

/// A component with its state, called by several callers.
struct StateLab {
    lab: Lab,
    store: Arc<MemoryStore>,
    config: Arc<BTreeMap<String, String>>,
    terms: Arc<ComponentTerms>,
}

impl StateLab {
    fn new() -> Self {
        Self { lab: Lab::new(), store: Arc::default(), config: Arc::default(), terms: Arc::default() }
    }

    fn with_quota(state_bytes: usize) -> Self {
        let limits = Tier::ALL.map(|tier| Limits { state_bytes, ..Limits::of(tier) });
        Self { terms: Arc::new(ComponentTerms::new(Granted::default(), limits)), ..Self::new() }
    }

    async fn call_as(&self, caller: Pseudonym, tier: Tier, script: Script) -> Outcome {
        let digest = self.lab.sandbox.load(script.state().into()).await.unwrap();
        let ask = Ask { terms: Arc::clone(&self.terms), caller, ..Ask::new(digest, tier, "null") };
        let context = HostContext {
            state: Arc::clone(&self.store) as Arc<dyn StateStore>,
            config: Arc::clone(&self.config),
            ..HostContext::default()
        };
        self.lab.sandbox.run(ask.permit(), context).await.unwrap()
    }

    /// A call by the usual caller. Its writes are committed.
    async fn call(&self, tier: Tier, script: Script) -> Vec<String> {
        let outcome = self.call_as(PSEUDONYM, tier, script).await;
        self.store.commit(&outcome);
        answers(&outcome)
    }
}

pub(crate) fn open(bucket: &str) -> Script {
    Script::default().step("open", &[bucket])
}

#[tokio::test]
async fn the_next_call_reads_the_committed_state() {
    let lab = StateLab::new();
    let first = open("caller")
        .step("get", &["k"])
        .step("set", &["k", "one"])
        .step("get", &["k"])
        .step("set", &["k", "two"])
        .step("set", &["gone", "x"])
        .step("delete", &["gone"])
        .step("exists", &["gone"])
        .step("delete", &["never"]);
    let answers = lab.call(Tier::Known, first).await;
    assert_eq!(answers, ["ok", "none", "ok", "=one", "ok", "ok", "ok", "no", "ok"]);
    assert_eq!(lab.store.kept().len(), 1);
    let second = open("caller").step("get", &["k"]).step("exists", &["k"]).step("delete", &["k"]);
    assert_eq!(lab.call(Tier::Known, second).await, ["ok", "=two", "yes", "ok"]);
    assert!(lab.store.kept().is_empty());
}

#[tokio::test]
async fn pending_writes_hold_each_key_once() {
    let lab = StateLab::new();
    let script = open("skill").step("set", &["a", "1"]).step("set", &["a", "2"]);
    let script = script.step("open", &["caller"]).step("set", &["a", "3"]);
    let outcome = lab.call_as(PSEUDONYM, Tier::Internal, script).await;
    let write = |bucket, value: &str| StateWrite { bucket, key: "a".into(), value: Some(value.into()) };
    assert_eq!(outcome.state, [write(Bucket::Skill, "2"), write(Bucket::Caller(PSEUDONYM), "3")]);
    assert!(outcome.denied.is_empty());
}

#[tokio::test]
async fn the_bucket_of_another_caller_is_out_of_reach() {
    let lab = StateLab::new();
    lab.call(Tier::Internal, open("caller").step("set", &["k", "private"])).await;
    let name = format!("caller:{PSEUDONYM}");
    let spy =
        open("caller").step("get", &["k"]).raw(FIRST).step("open", &[&name]).step("open", &["caller:*"]);
    let spy = spy.step("open", &["skill"]).step("get", &["k"]).step("get", &[&format!("{name}/k")]);
    let outcome = lab.call_as(OTHER, Tier::Privileged, spy).await;
    let expected = ["ok", "none", "0", "no-such-store", "no-such-store", "ok", "none", "none"];
    assert_eq!(answers(&outcome), expected);
}

#[tokio::test]
async fn a_tier_opens_only_its_buckets() {
    let lab = StateLab::new();
    for (tier, skill, caller, denied) in [
        (Tier::Untrusted, "access-denied", "access-denied", 1),
        (Tier::Known, "access-denied", "ok", 1),
        (Tier::Internal, "ok", "ok", 0),
    ] {
        let outcome = lab.call_as(PSEUDONYM, tier, open("skill").step("open", &["caller"])).await;
        assert_eq!(answers(&outcome), [skill, caller], "{tier}");
        assert_eq!(outcome.denied.len(), denied, "{tier}: noted once");
        assert!(outcome.denied.iter().all(|denied| denied.capability == Capability::State));
    }
}

#[tokio::test]
async fn a_capability_that_the_owner_denied_is_refused() {
    let grants = vec![Grant::new(Capability::State, &[], Some(Tier::Untrusted)).unwrap()];
    let denied: Grants = [Capability::State, Capability::Config].into_iter().collect();
    let terms = ComponentTerms::new(Granted::new(grants, denied), Tier::ALL.map(Limits::of));
    let config = Arc::new(BTreeMap::from([("k".to_owned(), "v".to_owned())]));
    let lab = StateLab { terms: Arc::new(terms), config, ..StateLab::new() };
    let script = open("skill").step("open", &["caller"]).step("config", &["k"]).step("config_count", &[]);
    let outcome = lab.call_as(PSEUDONYM, Tier::Privileged, script).await;
    assert_eq!(answers(&outcome), ["access-denied", "access-denied", "access denied", "access denied"]);
    assert_eq!(outcome.denied.len(), 2);
}

#[tokio::test]
async fn a_call_that_fails_writes_no_state() {
    let lab = StateLab::new();
    let write = || open("caller").step("set", &["k", "v"]);
    let failed = lab.call_as(PSEUDONYM, Tier::Known, write().raw("(global.set $failed (i32.const 1))")).await;
    let trapped = lab.call_as(PSEUDONYM, Tier::Known, write().raw("(unreachable)")).await;
    let spun = lab.call_as(PSEUDONYM, Tier::Untrusted, write().raw("(loop $l (br $l))")).await;
    assert!(matches!(failed.result, Err(Stopped::Skill(_))), "{:?}", failed.result);
    assert!(matches!(trapped.result, Err(Stopped::Trap(_))), "{:?}", trapped.result);
    assert!(spun.result.is_err(), "{:?}", spun.result);
    for outcome in [failed, trapped, spun] {
        assert_eq!(outcome.state, []);
    }
}

#[tokio::test]
async fn keys_and_values_have_a_size_limit() {
    let lab = StateLab::new();
    let (longest, longer) = ("k".repeat(256), "k".repeat(257));
    let set = |script: Script, size| {
        script.raw(&format!(
            "(call $set (i32.const 600) (i32.const 1) (i32.const 0x100000) (i32.const {size}))\n"
        ))
    };
    let script = open("caller").step("set", &[&longest, "v"]).step("set", &[&longer, "v"]);
    let script = script.step("get", &[&longer]).step("set", &["", "v"]);
    let script = set(set(script, 65536), 65537);
    let answers = lab.call(Tier::Known, script).await;
    assert_eq!(answers[..2], ["ok", "ok"]);
    assert_eq!(answers[2..5], ["a key has 1 to 256 bytes"; 3]);
    assert_eq!(answers[5..], ["ok", "a value has at most 65536 bytes"]);
}

#[tokio::test]
async fn a_flood_of_keys_ends_at_the_quota() {
    // 69 bytes per key without a value.
    let lab = StateLab::with_quota(69 * 100 + 68);
    let flood = || open("caller").step_with("fill", &[], &[5000, 0, 0]);
    assert_eq!(lab.call(Tier::Known, flood()).await, ["ok", "100 the state is full"]);
    assert_eq!(lab.store.kept().len(), 100);
    // Existing entries can be rewritten and made smaller. Nothing can grow until something is deleted.
    let full = flood().step("set", &["aaaaa", "larger"]).step("set", &["new", ""]);
    let full = full.step("delete", &["aaaab"]).step("set", &["new", ""]).step("set", &["newer", ""]);
    let answers = lab.call(Tier::Known, full).await;
    assert_eq!(answers[1..4], ["100 the state is full", "ok", "the state is full"]);
    assert_eq!(answers[4..], ["ok", "ok", "the state is full"]);
}

#[tokio::test]
async fn each_caller_has_a_separate_quota() {
    let lab = StateLab::with_quota(1000);
    let flood = || open("caller").step_with("fill", &[], &[5000, 30, 0]);
    assert_eq!(lab.call(Tier::Known, flood()).await, ["ok", "10 the state is full"]);
    let other = lab.call_as(OTHER, Tier::Known, flood()).await;
    assert_eq!(answers(&other), ["ok", "10 the state is full"]);
}

#[tokio::test]
async fn deleting_unknown_keys_keeps_nothing() {
    let lab = StateLab::new();
    let script = open("caller").step_with("fill", &[], &[20_000, 0, 1]);
    let outcome = lab.call_as(PSEUDONYM, Tier::Known, script).await;
    assert_eq!(answers(&outcome), ["ok", "20000"]);
    assert_eq!(outcome.state, []);
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let lab = StateLab::new();
    lab.call(Tier::Known, open("caller").step_with("fill", &[], &[600, 0, 0])).await;
    let page = |script: Script, cursor: u64| {
        script.raw(&format!("(call $list (i32.const 1) (i64.const {cursor}))\n"))
    };
    // The list includes pending writes: one key deleted, one before all others, one behind them.
    let script = open("caller").step("delete", &["aaaaa"]).step("set", &["A", ""]).step("set", &["z", ""]);
    let script = page(page(script.raw(FIRST), 1), 2);
    let answers = lab.call(Tier::Known, script).await;
    assert_eq!(answers[4..], ["256 A aaapp 1", "256 aabaa aabpp 2", "89 aacaa z"]);
    let odd = page(page(page(open("caller"), 0), 1), u64::MAX >> 1);
    assert_eq!(lab.call(Tier::Known, odd).await[1..], ["no such cursor"; 3]);
}

#[tokio::test]
async fn pending_writes_larger_than_a_page_are_all_listed() {
    let lab = StateLab::new();
    let next = "(call $list (i32.const 1) (i64.const 1))\n";
    let script = open("caller").step_with("fill", &[], &[300, 0, 0]).raw(FIRST).raw(next);
    let answers = lab.call(Tier::Known, script).await;
    assert_eq!(answers, ["ok", "300", "256 aaaaa aaapp 1", "44 aabaa aabcl"]);
}

#[tokio::test]
async fn a_store_that_fails_tells_the_guest_nothing() {
    let lab = StateLab {
        store: Arc::new(MemoryStore { broken: true, ..MemoryStore::default() }),
        ..StateLab::new()
    };
    let script = open("caller").step("get", &["k"]).step("set", &["k", "v"]).raw(FIRST);
    assert_eq!(lab.call(Tier::Known, script).await[1..], ["the state cannot be read now"; 3]);
}

#[tokio::test]
async fn config_is_what_the_owner_set() {
    let config = Arc::new(BTreeMap::from([("greeting".to_owned(), "Hallo".to_owned())]));
    let lab = StateLab { config, ..StateLab::new() };
    let script =
        Script::default().step("config", &["greeting"]).step("config", &["PATH"]).step("config_count", &[]);
    assert_eq!(lab.call(Tier::Untrusted, script).await, ["=Hallo", "none", "1"]);
}

#[tokio::test]
async fn a_secrets_name_in_the_config_is_its_placeholder() {
    let secret =
        Grant::new(Capability::Secrets, &["TOKEN https://api.example.com".to_owned()], None).unwrap();
    let http = Grant::new(Capability::Http, &["GET https://api.example.com/*".to_owned()], None).unwrap();
    let granted = Granted::new(vec![secret, http], Grants::default());
    let config = Arc::new(BTreeMap::from([("TOKEN".to_owned(), "not this".to_owned())]));
    let terms = Arc::new(ComponentTerms::new(granted, Tier::ALL.map(Limits::of)));
    let lab = StateLab { config, terms, ..StateLab::new() };
    let script = || Script::default().step("config", &["TOKEN"]).step("config_count", &[]);
    let answers = lab.call(Tier::Internal, script()).await;
    assert!(answers[0].starts_with("={{secret:TOKEN:"), "{answers:?}");
    assert_eq!(answers[1], "1");
}
