//! `coworker:skill/llm`: the owner's language model, within this call's budget of questions and tokens.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::Capability;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::coworker::skill::llm::{
    Completion, Finish, Host, LlmError, Message, Options, Role, add_to_linker,
};
use crate::guest::Guest;
use crate::model::{
    Model, ModelAnswer, ModelAsk, ModelFailure, ModelFinish, ModelMessage, ModelRole, ModelText,
};

/// Messages of one question, and bytes of their text together.
const MESSAGES: usize = 64;
const TEXT: usize = 1024 * 1024;
/// Bytes that pass for a token where nobody counts. English has more, other scripts and code fewer.
const BYTES_PER_TOKEN: u64 = 3;
/// Tokens that a message costs beside its text.
const PER_MESSAGE: u64 = 4;
/// Tokens of an answer to a guest that did not say.
const ANSWER: u32 = 4096;
/// What a model says comes word by word; the caller hears it in larger pieces.
const PART_EVERY: Duration = Duration::from_millis(100);

const DENIED: &str = "this call may not use the language model";
const NO_CALLS: &str = "this call may not ask the language model again";
const NO_TOKENS: &str = "this call has too few tokens left for these messages and their answer";
const NO_MESSAGES: &str = "a question has 1 to 64 messages";
const TOO_LONG: &str = "the messages have more than 1 MiB of text";
const TEMPERATURE: &str = "a temperature is 0 to 2";
const NO_ANSWER: &str = "max-tokens must be at least 1";

/// What one call may still ask.
pub(crate) struct LlmState {
    model: Arc<dyn Model>,
    calls: u64,
    tokens: u64,
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl LlmState {
    pub(crate) fn new(model: Arc<dyn Model>, calls: u64, tokens: u64) -> Self {
        Self { model, calls, tokens }
    }

    /// Takes a question, the tokens of its messages and the longest answer out of the budget.
    fn reserve(&mut self, messages: &[Message], options: &Options) -> Result<Reserved, LlmError> {
        let input = check(messages, options)?;
        let over = |text: &str| LlmError::OverBudget(text.to_owned());
        self.calls = self.calls.checked_sub(1).ok_or_else(|| over(NO_CALLS))?;
        let left = self.tokens.checked_sub(input).filter(|left| *left > 0).ok_or_else(|| over(NO_TOKENS))?;
        let answer = match options.max_tokens {
            Some(wanted) if u64::from(wanted) > left => return Err(over(NO_TOKENS)),
            Some(wanted) => wanted,
            None => u32::try_from(left).unwrap_or(u32::MAX).min(ANSWER),
        };
        self.tokens = left - u64::from(answer);
        Ok(Reserved { answer, tokens: input + u64::from(answer) })
    }

    /// Puts back what was not used. What broke off on the way may have been used, so that it stays taken.
    fn settle(&mut self, reserved: &Reserved, ended: &Result<ModelAnswer, ModelFailure>) {
        let used = match ended {
            Ok(answer) => answer.input_tokens.saturating_add(answer.output_tokens),
            Err(failure) if failure.is_before_sending() => 0,
            Err(_) => reserved.tokens,
        };
        self.tokens = self.tokens.saturating_add(reserved.tokens).saturating_sub(used);
    }
}

struct Reserved {
    /// Of the answer at most.
    answer: u32,
    tokens: u64,
}

impl Host for Guest {
    /// A part of the answer that may not leave ends the call, as in `call.emit`.
    async fn complete(
        &mut self,
        messages: Vec<Message>,
        options: Options,
    ) -> wasmtime::Result<Result<Completion, LlmError>> {
        if !self.enter(Capability::Llm).await {
            self.deny(Capability::Llm, "");
            return Ok(Err(LlmError::Denied(DENIED.to_owned())));
        }
        let reserved = match self.llm.reserve(&messages, &options) {
            Ok(reserved) => reserved,
            Err(error) => return Ok(Err(error)),
        };
        let emit = options.emit;
        let ask = ModelAsk {
            messages: messages.into_iter().map(ModelMessage::from).collect(),
            temperature: options.temperature,
            max_tokens: reserved.answer,
            json: options.json,
        };
        let ended = self.ask(ask, emit).await?;
        self.llm.settle(&reserved, &ended);
        Ok(ended.map(Completion::from).map_err(LlmError::from))
    }
}

impl Guest {
    async fn ask(
        &mut self,
        ask: ModelAsk,
        emit: bool,
    ) -> wasmtime::Result<Result<ModelAnswer, ModelFailure>> {
        let model = Arc::clone(&self.llm.model);
        if !emit {
            return Ok(model.complete(ask, None).await);
        }
        let (text, mut heard) = ModelText::channel();
        let mut answering = model.complete(ask, Some(text));
        let mut told = Told::default();
        let ended = loop {
            tokio::select! {
                biased;
                () = told.hear(&mut heard) => self.emit_told(&mut told).await?,
                ended = &mut answering => break ended,
            }
        };
        // What was said last may still wait.
        while let Ok(text) = heard.try_recv() {
            told.text.push_str(&text);
        }
        self.emit_told(&mut told).await?;
        Ok(ended)
    }

    async fn emit_told(&mut self, told: &mut Told) -> wasmtime::Result<()> {
        let text = told.take();
        if text.is_empty() { Ok(()) } else { self.emit_part(text).await }
    }
}

/// What the model said and the caller did not hear yet.
#[derive(Default)]
struct Told {
    text: String,
    due: Option<Instant>,
}

impl Told {
    /// Returns when it is time for the caller to hear what was gathered. Nothing is lost of a dropped future.
    async fn hear(&mut self, heard: &mut Receiver<String>) {
        loop {
            let due = self.due.filter(|_| !self.text.is_empty());
            let time = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = time => return,
                Some(text) = heard.recv() => {
                    self.due.get_or_insert_with(Instant::now);
                    self.text.push_str(&text);
                }
                else => std::future::pending().await,
            }
        }
    }

    fn take(&mut self) -> String {
        self.due = Some(Instant::now() + PART_EVERY);
        std::mem::take(&mut self.text)
    }
}

/// The tokens of the messages, roughly.
fn check(messages: &[Message], options: &Options) -> Result<u64, LlmError> {
    let invalid = |text: &str| Err(LlmError::Invalid(text.to_owned()));
    let text: usize = messages.iter().map(|message| message.content.len()).sum();
    if messages.is_empty() || messages.len() > MESSAGES {
        return invalid(NO_MESSAGES);
    }
    if text > TEXT {
        return invalid(TOO_LONG);
    }
    if options.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        return invalid(TEMPERATURE);
    }
    if options.max_tokens == Some(0) {
        return invalid(NO_ANSWER);
    }
    Ok((text as u64).div_ceil(BYTES_PER_TOKEN) + messages.len() as u64 * PER_MESSAGE)
}

impl From<Message> for ModelMessage {
    fn from(message: Message) -> Self {
        let role = match message.role {
            Role::System => ModelRole::System,
            Role::User => ModelRole::User,
            Role::Assistant => ModelRole::Assistant,
        };
        Self { role, content: message.content }
    }
}

impl From<ModelAnswer> for Completion {
    fn from(answer: ModelAnswer) -> Self {
        let finish = match answer.finish {
            ModelFinish::Stop => Finish::Stop,
            ModelFinish::Length => Finish::Length,
            ModelFinish::Filtered => Finish::Filtered,
        };
        let ModelAnswer { text, input_tokens, output_tokens, .. } = answer;
        Self { text, finish, input_tokens, output_tokens }
    }
}

impl From<ModelFailure> for LlmError {
    fn from(failure: ModelFailure) -> Self {
        let text = failure.to_string();
        match failure {
            ModelFailure::OverBudget => Self::OverBudget(text),
            ModelFailure::NotConfigured | ModelFailure::Unavailable => Self::Unavailable(text),
            ModelFailure::Invalid => Self::Invalid(text),
            ModelFailure::BadAnswer | ModelFailure::Broken => Self::Other(text),
        }
    }
}
