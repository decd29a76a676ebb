//! One call of a guest that asks the model or other agents, with its grants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coworker_policy::{Capability, ComponentTerms, Grant, Granted, Grants, Limits, Tier};
use coworker_sandbox::{HostContext, Outcome, Stopped};
use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Ask, Lab, card};

/// A call that may wait for `timeout` and holds `granted`.
pub(crate) struct Asking {
    pub(crate) lab: Lab,
    pub(crate) wasm: &'static [u8],
    pub(crate) skill: &'static str,
    pub(crate) context: HostContext,
    pub(crate) tier: Tier,
    pub(crate) timeout: Duration,
    pub(crate) limits: Limits,
    pub(crate) granted: Vec<Grant>,
}

impl Asking {
    pub(crate) fn new(wasm: &'static [u8], skill: &'static str, context: HostContext, tier: Tier) -> Self {
        let (timeout, limits) = (Duration::from_secs(20), Limits::of(tier));
        Self { lab: Lab::new(), wasm, skill, context, tier, timeout, limits, granted: Vec::new() }
    }

    /// Grants the capability with rules, or as a whole if there are none.
    pub(crate) fn grant(mut self, capability: Capability, to: &[String]) -> Self {
        self.granted.push(Grant::new(capability, to, Some(Tier::Untrusted)).unwrap());
        self
    }

    pub(crate) async fn run(&self, input: &Value) -> Outcome {
        let component = self.lab.sandbox.load(self.wasm.into()).await.unwrap();
        let input = input.to_string();
        let mut ask = Ask::new(component, self.tier, &input);
        let granted = Granted::new(self.granted.clone(), Grants::default());
        ask.terms = Arc::new(ComponentTerms::new(granted, [self.limits; 4]));
        ask.timeout = Some(self.timeout);
        ask.card = card(self.skill);
        self.lab.sandbox.run(ask.permit(), self.context.clone()).await.unwrap()
    }

    /// The guest's reply to each of its questions.
    pub(crate) async fn told(&self, input: &Value) -> Vec<Reply> {
        told(&self.run(input).await)
    }

    /// Cancels the call once it waits, and returns its result.
    pub(crate) async fn cancelled(&self, waits: &AtomicBool, input: &Value) -> Result<String, Stopped> {
        let stop = self.context.stop.clone();
        let cancel = async {
            while !waits.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
        };
        tokio::join!(self.run(input), cancel).0.result
    }
}

/// The reply of the guests `think` and `pass` to one question.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reply {
    pub(crate) text: Option<String>,
    pub(crate) output: Option<Value>,
    pub(crate) tokens: u64,
    pub(crate) error: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) why: String,
}

impl Reply {
    pub(crate) fn error(&self) -> (&str, &str) {
        (self.error.as_deref().unwrap_or("no error"), &self.why)
    }
}

pub(crate) fn told(outcome: &Outcome) -> Vec<Reply> {
    let answer = outcome.result.as_ref().unwrap_or_else(|stopped| panic!("{stopped}"));
    serde_json::from_str(answer).unwrap()
}

/// Records that a caller waits here, and that it was dropped.
#[derive(Default)]
pub(crate) struct Waits {
    pub(crate) began: AtomicBool,
    pub(crate) gone: AtomicBool,
}

impl Waits {
    /// Never returns.
    pub(crate) async fn forever<T>(&self) -> T {
        struct Gone<'a>(&'a AtomicBool);
        impl Drop for Gone<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let _gone = Gone(&self.gone);
        self.began.store(true, Ordering::SeqCst);
        std::future::pending().await
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.began.load(Ordering::SeqCst)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }
}
