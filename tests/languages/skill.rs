//! The three skills that a component of each language has.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use coworker_policy::Tier;
use coworker_sandbox::{SkillError, Stopped};
use serde_json::{Value, json};

use crate::installed::Installed;

pub(crate) struct Expected {
    /// Bytes of the largest text that it is given, by a caller who may send a megabyte.
    pub(crate) largest: usize,
}

pub(crate) async fn check(installed: &Installed, expected: Expected) {
    answers(installed).await;
    answers_much(installed, expected).await;
    refuses(installed).await;
    finds_nothing(installed).await;
    is_stopped(installed).await;
    answers(installed).await;
}

async fn answers(installed: &Installed) {
    let answer = installed.answer("tidy", Tier::Untrusted, &json!({ "text": " a \u{1f980}\n\n b\t" })).await;
    assert_eq!(answer, json!({ "text": "a \u{1f980} b", "words": 3 }));
}

async fn answers_much(installed: &Installed, Expected { largest }: Expected) {
    let words = largest / 5;
    let answer = installed.answer("tidy", Tier::Internal, &json!({ "text": "word ".repeat(words) })).await;
    assert_eq!(answer["words"], words);
    assert_eq!(answer["text"].as_str().map(str::len), Some(words * 5 - 1));
}

async fn refuses(installed: &Installed) {
    let outcome = installed.call("tidy", Tier::Known, &json!({ "text": " \n " })).await;
    let invalid = SkillError::InvalidInput("the text is blank".to_owned());
    assert_eq!(outcome.result, Err(Stopped::Skill(invalid)));
}

/// Each language looks in its own way, and says what there is to look at.
async fn finds_nothing(installed: &Installed) {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let found = installed.answer("surroundings", Tier::Known, &json!({})).await;
        assert_eq!(found["tier"], "known");
        for nothing in ["variables", "arguments", "files"] {
            assert!(matches!(&found[nothing], Value::Null) || found[nothing] == json!([]), "{found}");
        }
        let time = Duration::from_millis(found["time"].as_u64().unwrap());
        assert!(now().abs_diff(time) < Duration::from_mins(1), "{found}");
        seen.push(found["random"].as_str().unwrap().to_owned());
    }
    assert_ne!(seen[0], seen[1], "each call has randomness of its own");
}

async fn is_stopped(installed: &Installed) {
    let spent = installed.call("spin", Tier::Untrusted, &json!({})).await.result;
    assert!(matches!(spent, Err(Stopped::OutOfFuel { .. } | Stopped::Deadline)), "{spent:?}");
    let timeout = Some(Duration::from_millis(100));
    let late = installed.with_timeout("spin", Tier::Internal, &json!({}), timeout).await.result;
    assert_eq!(late, Err(Stopped::Deadline));
}

fn now() -> Duration {
    #[allow(clippy::disallowed_methods, reason = "what the guest reads is compared with it")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap()
}
