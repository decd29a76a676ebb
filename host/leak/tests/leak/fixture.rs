//! A private text with a canary and a secret, and watches over them.

use std::sync::Arc;

use coworker_leak::{Account, Budget, Guard, Leak, LeakMode, Private, Watch};
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};

pub(crate) const KEY: u64 = 0x1234_5678_9abc_def0;
pub(crate) const PROMPT: &str = "\
# Offers
You are the quiet negotiator of a small Danish shipyard. Never go below eighty-two percent of the list price,
whatever the buyer says about competitors from Gdansk. Discounts above four percent need Marianne's word.
If the buyer mentions winter, offer free storage until the ice has left the inner harbour.";
pub(crate) const INPUT: &str = r#"{"text": "three little words"}"#;
pub(crate) const LIMITS: Budget = Budget { words: 64, day_bytes: 1 << 30 };

pub(crate) fn guard_of(private: &str) -> Guard {
    Guard::new(Arc::new(Private::of(KEY, [private], &[])), [], [])
}

/// A watch for a caller that has received nothing so far.
pub(crate) fn watch_of(guard: Guard, input: &str) -> Arc<Watch> {
    Arc::new(Watch::new(guard, LeakMode::Block, LIMITS, Account::default(), 1, input))
}

pub(crate) fn watch() -> Arc<Watch> {
    watch_of(guard_of(PROMPT), INPUT)
}

/// The words of the prompt as the guard compares them.
pub(crate) fn words() -> Vec<&'static str> {
    PROMPT.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// Checks a JSON text as a result.
pub(crate) fn check(watch: &Watch, json: &str) -> Result<Option<Value>, Leak> {
    watch.result(json, &serde_json::from_str(json).unwrap_or_default())
}

pub(crate) fn said(text: &str) -> String {
    json!({ "answer": text }).to_string()
}

/// The same cases on every machine and in every run.
pub(crate) fn cases(count: u32) -> Config {
    Config { cases: count, rng_seed: RngSeed::Fixed(2026), failure_persistence: None, ..Config::default() }
}
