//! Runs one attack while an honest guest is served, and describes its outcome in one line.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coworker_policy::{Capability, Card, ComponentTerms, Digest, Grant, Granted, Grants, Limits, Tier};
use coworker_sandbox::{DescribeError, HostContext, Outcome, Sandbox};
use tokio::time::timeout;

use crate::harness::{Ask, Lab, card, guest};

const STRIKES: usize = 2;
/// Far longer than an honest call takes during any attack, even on a busy machine.
const SERVED: Duration = Duration::from_secs(5);

type Strike = Pin<Box<dyn Future<Output = String> + Send>>;

/// An attack on a sandbox that can be repeated.
pub(super) struct Attack {
    pub(super) sandbox: Sandbox,
    pub(super) strike: Box<dyn Fn(Sandbox) -> Strike>,
    /// Checks after the attacks. Owns the resources that they need.
    pub(super) after: Box<dyn FnOnce()>,
}

impl Attack {
    pub(super) fn on<F>(lab: Lab, strike: impl Fn(Sandbox) -> F + 'static) -> Self
    where
        F: Future<Output = String> + Send + 'static,
    {
        let sandbox = lab.sandbox.clone();
        Self {
            sandbox,
            strike: Box::new(move |sandbox| Box::pin(strike(sandbox))),
            after: Box::new(|| drop(lab)),
        }
    }

    pub(super) fn then(self, more: impl FnOnce() + 'static) -> Self {
        let after = self.after;
        let after = Box::new(|| {
            after();
            more();
        });
        Self { after, ..self }
    }
}

pub(super) async fn hold(attack: impl Into<Attack>, ending: &str) {
    let Attack { sandbox, strike, after } = attack.into();
    let honest = sandbox.load(guest!("echo").into()).await.unwrap();
    let over = Arc::new(AtomicUsize::new(0));
    let spawn = || {
        let (over, strike) = (Arc::clone(&over), strike(sandbox.clone()));
        tokio::spawn(async move {
            let ending = strike.await;
            over.fetch_add(1, Ordering::SeqCst);
            ending
        })
    };
    let first = spawn();
    let served = tokio::spawn(serve(sandbox.clone(), honest, Arc::clone(&over)));
    let second = spawn();
    for strike in [first, second] {
        let told = strike.await.unwrap();
        let expected = ending.strip_suffix('…').map_or(told == ending, |start| told.starts_with(start));
        assert!(expected, "unexpected outcome: {told}");
    }
    assert!(served.await.unwrap() < STRIKES, "the honest guest had to wait until the attacks were over");
    serve(sandbox, honest, over).await;
    after();
}

/// Returns the number of attacks that were over when the honest guest was answered.
async fn serve(sandbox: Sandbox, honest: Digest, over: Arc<AtomicUsize>) -> usize {
    let call = sandbox.run(Ask::new(honest, Tier::Known, "[1]").permit(), HostContext::default());
    let outcome = timeout(SERVED, call).await.unwrap().unwrap();
    assert_eq!(outcome.result.as_deref(), Ok("[1]"));
    over.load(Ordering::SeqCst)
}

/// A call of a guest. By default the caller is KNOWN and nothing is granted.
pub(super) struct Call {
    lab: Lab,
    wasm: Vec<u8>,
    skill: &'static str,
    input: &'static str,
    tier: Tier,
    timeout: Duration,
    limits: fn(&mut Limits),
    grants: Vec<Grant>,
    context: HostContext,
}

pub(super) fn call(wasm: Vec<u8>) -> Call {
    Call {
        lab: Lab::new(),
        wasm,
        skill: "guest",
        input: "null",
        tier: Tier::Known,
        timeout: Duration::from_mins(1),
        limits: |_| (),
        grants: Vec::new(),
        context: HostContext::default(),
    }
}

impl Call {
    pub(super) fn of(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    pub(super) fn skill(self, skill: &'static str, input: &'static str) -> Self {
        Self { skill, input, ..self }
    }

    /// Sets a deadline, with enough fuel that the deadline comes first.
    pub(super) fn for_ms(self, timeout: u64) -> Self {
        Self { timeout: Duration::from_millis(timeout), tier: Tier::Privileged, ..self }
    }

    pub(super) fn within(self, limits: fn(&mut Limits)) -> Self {
        Self { limits, ..self }
    }

    pub(super) fn granted(mut self, capability: Capability, rules: &[String]) -> Self {
        self.grants.push(Grant::new(capability, rules, None).unwrap());
        self
    }

    pub(super) fn context(self, context: HostContext) -> Self {
        Self { context, ..self }
    }
}

impl From<Call> for Attack {
    fn from(call: Call) -> Self {
        let Call { lab, wasm, skill, input, tier, timeout, limits, grants, context } = call;
        let mut limited = Limits::of(tier);
        limits(&mut limited);
        let terms = Arc::new(ComponentTerms::new(Granted::new(grants, Grants::default()), [limited; 4]));
        let wasm: Arc<[u8]> = wasm.into();
        Self::on(lab, move |sandbox| {
            let (wasm, context, terms) = (Arc::clone(&wasm), context.clone(), Arc::clone(&terms));
            async move {
                let component = sandbox.load(wasm).await.unwrap();
                let ask = Ask {
                    card: card(skill),
                    timeout: Some(timeout),
                    terms,
                    ..Ask::new(component, tier, input)
                };
                let permit = ask.permit();
                let output = permit.output_terms();
                told(&sandbox.run(permit, context).await.unwrap(), |text| {
                    output.check(text).map(drop).map_err(|refusal| refusal.public().code().to_string())
                })
            }
        })
    }
}

/// Adds a file as a skill and asks it for its cards.
pub(super) fn add(wasm: Vec<u8>) -> Attack {
    let wasm: Arc<[u8]> = wasm.into();
    Attack::on(Lab::new(), move |sandbox| added(sandbox, Arc::clone(&wasm)))
}

pub(super) async fn added(sandbox: Sandbox, wasm: Arc<[u8]>) -> String {
    let component = match coworker_sandbox::componentize(&wasm).map(|it| Arc::from(it.as_ref())) {
        Ok(component) => sandbox.load(component).await,
        Err(error) => Err(error),
    };
    let component = match component {
        Ok(component) => component,
        Err(error) => return chain(&error),
    };
    match sandbox.describe(component).await {
        Err(DescribeError::Stopped(stopped)) => format!("BAD_COMPONENT: {stopped}"),
        Err(error) => panic!("{error}"),
        Ok(described) => match described.into_iter().map(Card::try_from).collect::<Result<Vec<_>, _>>() {
            Ok(cards) => format!("{} cards", cards.len()),
            Err(error) => chain(&error),
        },
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The answer, or the error code with the owner's text of the error, and then the denials.
pub(super) fn told(outcome: &Outcome, check: impl Fn(&str) -> Result<(), String>) -> String {
    let mut told = match &outcome.result {
        Ok(text) => match check(text) {
            Ok(()) => brief(text),
            Err(code) => format!("{code}: {}", text.chars().take(20).collect::<String>()),
        },
        Err(stopped) => format!("{}: {stopped}", stopped.code()),
    };
    for denied in &outcome.denied {
        write!(told, "; denied {} {}", denied.capability, denied.what).unwrap();
    }
    told
}

/// A list of texts in one line with repetitions counted. Any other answer is returned unchanged.
fn brief(text: &str) -> String {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(parts) => counted(&parts),
        Err(_) => text.to_owned(),
    }
}

pub(super) fn counted(parts: &[String]) -> String {
    let runs = parts.chunk_by(|a, b| a == b).map(|run| match run.len() {
        1 => run[0].clone(),
        n => format!("{} ×{n}", run[0]),
    });
    runs.collect::<Vec<_>>().join(", ")
}
