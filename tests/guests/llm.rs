//! The language model: grants, budgets, limits and answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coworker_policy::gate::CheckedPart;
use coworker_policy::{Capability, Refusal, Tier};
use coworker_sandbox::{
    CompletionFuture, Denied, HostContext, Model, ModelAnswer, ModelFailure, ModelFinish, ModelRequest,
    ModelRole, ModelText, Stopped, StreamSender,
};
use serde_json::{Value, json};

use crate::asking_call::{Asking, Waits, told};

const THINK: &[u8] = include_bytes!("built/think.wasm");

/// A scripted model.
#[derive(Default)]
struct Scripted {
    /// Its answers in turn, then always `ok` for 10 tokens.
    answers: Mutex<VecDeque<Result<ModelAnswer, ModelFailure>>>,
    /// Text that it sends before each answer.
    says: Vec<&'static str>,
    asked: Mutex<Vec<ModelRequest>>,
    /// If set, it never answers.
    waits: Option<Waits>,
}

fn answer(text: &str, input_tokens: u64, output_tokens: u64) -> ModelAnswer {
    ModelAnswer { text: text.to_owned(), finish: ModelFinish::Stop, input_tokens, output_tokens }
}

impl Scripted {
    fn answering(answers: impl IntoIterator<Item = Result<ModelAnswer, ModelFailure>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    fn waiting() -> Arc<Self> {
        Arc::new(Self { waits: Some(Waits::default()), ..Self::default() })
    }

    fn asked(&self) -> Vec<ModelRequest> {
        self.asked.lock().unwrap().clone()
    }
}

impl Model for Scripted {
    fn complete(&self, ask: ModelRequest, told: Option<ModelText>) -> CompletionFuture<'_> {
        self.asked.lock().unwrap().push(ask);
        let next = self.answers.lock().unwrap().pop_front();
        Box::pin(async move {
            if let Some(told) = told {
                for text in &self.says {
                    told.send((*text).to_owned()).await;
                }
            }
            match &self.waits {
                Some(waits) => waits.forever().await,
                None => next.unwrap_or_else(|| Ok(answer("ok", 6, 4))),
            }
        })
    }
}

/// A call by an INTERNAL caller that may ask the model.
fn asking(model: &Arc<Scripted>) -> Asking {
    let context = HostContext { model: Arc::clone(model) as Arc<dyn Model>, ..HostContext::default() };
    Asking::new(THINK, "think", context, Tier::Internal).grant(Capability::Llm, &[])
}

fn question(content: &str) -> Value {
    json!({ "messages": [{ "content": content }] })
}

fn one(question: Value) -> Value {
    json!({ "questions": Value::Array(vec![question]) })
}

#[tokio::test]
async fn without_a_grant_the_model_is_denied_and_the_denial_is_noted() {
    let model = Scripted::answering([]);
    let asking = Asking { granted: Vec::new(), ..asking(&model) };
    let outcome = asking.run(&one(question("hello"))).await;
    assert_eq!(told(&outcome)[0].error(), ("denied", "this call may not use the language model"));
    assert_eq!(outcome.denied, [Denied { capability: Capability::Llm, what: String::new() }]);
    assert!(model.asked().is_empty());
}

#[tokio::test]
async fn without_a_configured_model_the_guest_gets_unavailable() {
    let asking = Asking { context: HostContext::default(), ..asking(&Scripted::answering([])) };
    let told = asking.told(&one(question("hello"))).await;
    assert_eq!(told[0].error(), ("unavailable", "no language model is set up here"));
}

#[tokio::test]
async fn a_request_reaches_the_model_unchanged() {
    let model = Scripted::answering([Ok(answer("Bonjour", 21, 3))]);
    let told = asking(&model)
        .told(&json!({ "questions": [{
            "messages": [
                { "role": "system", "content": "Translate." },
                { "content": "Hello" },
                { "role": "assistant", "content": "…" },
            ],
            "temperature": 0.5, "max_tokens": 99, "json": true,
        }, question("and")] }))
        .await;
    assert_eq!((told[0].text.as_deref(), told[0].tokens), (Some("Bonjour"), 24));
    let asked = model.asked();
    let said: Vec<_> = asked[0].messages.iter().map(|said| (said.role, said.content.as_str())).collect();
    let expected =
        [(ModelRole::System, "Translate."), (ModelRole::User, "Hello"), (ModelRole::Assistant, "…")];
    assert_eq!(said, expected);
    assert_eq!((asked[0].temperature, asked[0].max_tokens, asked[0].json), (Some(0.5), 99, true));
    assert_eq!((asked[1].temperature, asked[1].max_tokens, asked[1].json), (None, 4096, false));
}

#[tokio::test]
async fn a_flood_of_model_requests_ends_at_the_budget() {
    let model = Scripted::answering([]);
    let asking = asking(&model);
    let flood = json!({ "messages": [{ "content": "again" }], "max_tokens": 1, "times": 5000 });
    let told = asking.told(&one(flood)).await;
    assert_eq!(told[0].error(), ("over-budget", "this call may not ask the language model again"));
    assert_eq!(model.asked().len() as u64, asking.limits.llm_calls);
    asking.lab.expect_service().await;
}

#[tokio::test]
async fn tokens_are_reserved_before_a_request_and_unused_ones_returned() {
    let over = "this call has too few tokens left for these messages and their answer";
    let fails = [ModelFailure::OverBudget, ModelFailure::Unavailable].map(Err);
    let model = Scripted::answering([Ok(answer("x", 100, 100))].into_iter().chain(fails));
    let mut asking = asking(&model);
    asking.limits.llm_tokens = 1000;
    // The message takes four tokens and one for its text.
    let ask = |max: u32| json!({ "messages": [{ "content": "abc" }], "max_tokens": max });
    let told = asking
        .told(&json!({ "questions": [
            ask(996),
            ask(995), // of 1000, of which 200 are used
            ask(796),
            ask(795), // of 800, and nothing is sent
            ask(795), // of 800; it breaks off, so all of it counts as used
            ask(1),
        ] }))
        .await;
    let ends: Vec<_> = told.iter().map(|told| told.error().1).collect();
    let today = "the language model's budget for today has no room for this";
    let away = "the language model does not answer now";
    assert_eq!(ends, [over, "", over, today, away, over]);
    assert_eq!(model.asked().iter().map(|ask| ask.max_tokens).collect::<Vec<_>>(), [995, 795, 795]);
}

#[tokio::test]
async fn messages_that_are_too_many_or_too_long_are_not_sent() {
    let model = Scripted::answering([]);
    let mut asking = asking(&model);
    (asking.limits.llm_tokens, asking.limits.llm_calls) = (10_000_000, 100);
    let long = |times: usize| json!({ "messages": [{ "content": "x".repeat(1024), "times": times }] });
    let many = |n: usize| json!({ "messages": vec![json!({ "content": "x" }); n] });
    let with = |key: &str, value: Value| {
        let mut question = question("x");
        question[key] = value;
        question
    };
    let told = asking
        .told(&json!({ "questions": [
            long(1024), many(64),
            long(1025), many(65), many(0),
            with("temperature", json!(2.1)), with("temperature", json!(-0.1)), with("max_tokens", json!(0)),
        ] }))
        .await;
    let ends: Vec<_> = told.iter().map(|told| told.error.as_deref()).collect();
    assert_eq!(ends[..2], [None; 2], "{told:?}");
    assert!(ends[2..].iter().all(|error| *error == Some("invalid")), "{told:?}");
    assert_eq!(model.asked().len(), 2, "an invalid request is not sent");

    let far = asking.run(&one(long(60 * 1024))).await;
    assert!(
        matches!(far.result, Err(Stopped::Transfer { .. } | Stopped::OutOfMemory { .. })),
        "{:?}",
        far.result
    );
    asking.lab.expect_service().await;
}

#[tokio::test]
async fn every_model_failure_has_a_fixed_text() {
    let failures = [
        (ModelFailure::NotConfigured, "unavailable"),
        (ModelFailure::Unavailable, "unavailable"),
        (ModelFailure::OverBudget, "over-budget"),
        (ModelFailure::Invalid, "invalid"),
        (ModelFailure::BadAnswer, "other"),
        (ModelFailure::Broken, "other"),
    ];
    let model = Scripted::answering(failures.iter().map(|(failure, _)| Err(*failure)));
    let questions: Vec<Value> = failures.iter().map(|_| question("x")).collect();
    let told = asking(&model).told(&json!({ "questions": questions })).await;
    for (told, (failure, name)) in told.iter().zip(failures) {
        assert_eq!(told.error(), (name, failure.to_string().as_str()));
    }
}

#[tokio::test]
async fn cancelling_a_call_cancels_its_model_request() {
    let model = Scripted::waiting();
    let waits = model.waits.as_ref().unwrap();
    let asking = asking(&model);
    let result = asking.cancelled(&waits.began, &one(question("think long"))).await;
    assert_eq!(result, Err(Stopped::Cancelled));
    assert!(waits.is_over());
    asking.lab.expect_service().await;
}

#[tokio::test]
async fn a_model_that_never_answers_ends_at_the_calls_deadline() {
    let model = Scripted::waiting();
    let asking = Asking { timeout: Duration::from_millis(150), ..asking(&model) };
    for emit in [false, true] {
        let mut ask = question("x");
        ask["emit"] = emit.into();
        assert_eq!(asking.run(&one(ask)).await.result, Err(Stopped::Deadline));
        assert!(model.waits.as_ref().unwrap().is_over());
    }
}

/// The result, and the parts that the caller receives while the guest asks with `emit`.
async fn heard(model: &Arc<Scripted>, ask: &Value, output: usize) -> (Result<String, Stopped>, Vec<String>) {
    let (sender, mut receiver) = StreamSender::channel();
    let mut asking = asking(model);
    asking.context.stream = sender;
    asking.limits.output_bytes = output;
    let listen = async {
        let mut parts = Vec::new();
        while let Some(told) = receiver.next().await {
            assert!(told.parts.iter().zip(parts.len()..).all(|(part, n)| part.index() == n as u64));
            parts.extend(told.parts.into_iter().map(CheckedPart::into_text));
        }
        parts
    };
    let run = async {
        let outcome = asking.run(ask).await;
        drop(asking);
        outcome.result
    };
    tokio::join!(run, listen)
}

#[tokio::test]
async fn emitted_model_text_reaches_the_caller_as_it_arrives() {
    let model = Arc::new(Scripted { says: vec!["Bon", "", "jour", ", ", "Ada"], ..Scripted::default() });
    let ask = json!({ "messages": [{ "content": "x" }], "emit": true });
    let (result, parts) = heard(&model, &one(ask), 1024).await;
    assert_eq!(parts.concat(), "Bonjour, Ada");
    assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
    assert!(result.is_ok());
    let (_, parts) = heard(&model, &one(question("x")), 1024).await;
    assert_eq!(parts, [""; 0], "without `emit` the caller gets no parts");
}

#[tokio::test]
async fn emitted_model_text_passes_the_gate_of_parts() {
    let says = vec!["0123456789"; 60];
    let model = Arc::new(Scripted { says, waits: Some(Waits::default()), ..Scripted::default() });
    let ask = json!({ "messages": [{ "content": "x" }], "emit": true });
    let (result, parts) = heard(&model, &one(ask), 200).await;
    let Err(Stopped::Emitted(Refusal::OutputTooLarge { max: 200, .. })) = result else {
        panic!("{result:?}")
    };
    assert!(parts.concat().len() <= 200, "{parts:?}");
    assert!(model.waits.as_ref().unwrap().is_over() || !model.waits.as_ref().unwrap().has_begun());
}
