//! One call of the guest `fetch`, with its grants.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{Capability, ComponentTerms, Grant, Granted, Grants, Limits, Tier};
use coworker_sandbox::{HostContext, Network, Outcome, Sandbox};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Ask, Lab};
use crate::web::{Names, Web};

/// A call by an INTERNAL caller. By default `web.test` resolves to the test server on loopback.
pub(crate) struct WebCall {
    pub(crate) lab: Lab,
    pub(crate) web: Web,
    pub(crate) names: Arc<Names>,
    pub(crate) context: HostContext,
    pub(crate) tier: Tier,
    pub(crate) timeout: Option<Duration>,
    pub(crate) limits: Limits,
    rules: Vec<String>,
}

/// The guest's report of one request.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) bytes: usize,
    pub(crate) text: String,
    pub(crate) error: Option<String>,
}

impl WebCall {
    /// Grants `rules`; `PORT` in them is replaced by the server's port.
    pub(crate) async fn new(rules: &[&str]) -> Self {
        Self::to(Web::start().await, rules, Names::of(&[("web.test", &["127.0.0.1"])]))
    }

    pub(crate) async fn with_names(rules: &[&str], names: &[(&str, &[&str])]) -> Self {
        Self::to(Web::start().await, rules, Names::of(names))
    }

    /// Runs the call in another sandbox.
    pub(crate) fn on(mut self, sandbox: Sandbox) -> Self {
        self.lab.sandbox = sandbox;
        self
    }

    pub(crate) fn to(web: Web, rules: &[&str], names: Arc<Names>) -> Self {
        let rules = rules.iter().map(|rule| rule.replace("PORT", &web.port.to_string())).collect();
        let network = Network::system().resolving_with(names.clone());
        Self {
            lab: Lab::new(),
            web,
            names,
            context: HostContext { network, ..HostContext::default() },
            tier: Tier::Internal,
            timeout: Some(Duration::from_secs(20)),
            limits: Limits::of(Tier::Internal),
            rules,
        }
    }

    pub(crate) async fn run(&self, ask: Value) -> Outcome {
        let wasm = include_bytes!("built/fetch.wasm").to_vec();
        let component = self.lab.sandbox.load(wasm.into()).await.unwrap();
        let input = ask.to_string().replace("PORT", &self.web.port.to_string());
        let mut ask = Ask::new(component, self.tier, &input);
        ask.timeout = self.timeout;
        ask.terms = Arc::new(self.terms());
        ask.card = crate::harness::card("fetch");
        self.lab.sandbox.run(ask.permit(), self.context.clone()).await.unwrap()
    }

    /// Sends the requests one after another and returns the answer to each.
    pub(crate) async fn fetch(&self, requests: Value) -> (Vec<Answer>, Outcome) {
        let outcome = self.run(json!({ "requests": requests })).await;
        (answers(&outcome), outcome)
    }

    /// One GET of `http://AUTHORITY/PATH`.
    pub(crate) async fn get(&self, authority: &str, path: &str) -> (Answer, Outcome) {
        let (mut answers, outcome) = self.fetch(json!([{ "authority": authority, "path": path }])).await;
        (answers.pop().unwrap(), outcome)
    }

    fn terms(&self) -> ComponentTerms {
        let grant = |capability, to: &[String]| Grant::new(capability, to, None).unwrap();
        let (secrets, http): (Vec<_>, Vec<_>) =
            self.rules.iter().cloned().partition(|rule| rule.starts_with("secret "));
        let secrets: Vec<_> = secrets.iter().map(|rule| rule.replace("secret ", "")).collect();
        let mut grants = Vec::new();
        if !http.is_empty() {
            grants.push(grant(Capability::Http, &http));
        }
        if !secrets.is_empty() {
            grants.push(grant(Capability::Secrets, &secrets));
        }
        ComponentTerms::new(Granted::new(grants, Grants::default()), [self.limits; 4])
    }
}

pub(crate) fn answers(outcome: &Outcome) -> Vec<Answer> {
    serde_json::from_str(outcome.result.as_deref().unwrap()).unwrap()
}

/// The denials in the owner's notation.
pub(crate) fn denied(outcome: &Outcome) -> Vec<String> {
    outcome.denied.iter().map(|denied| format!("{} {}", denied.capability, denied.what)).collect()
}
