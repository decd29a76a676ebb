//! `coworker:skill/llm`: the owner's language model, within this call's budget of requests and tokens.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::Capability;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until};
use wasmtime::component::{HasData, Linker};

use super::call::CallState;
use crate::access::Access;
use crate::bindings::coworker::skill::llm::{
    Completion, Finish, Host, LlmError, Message, Options, Role, add_to_linker,
};
use crate::model::{
    Model, ModelAnswer, ModelFailure, ModelFinish, ModelMessage, ModelRequest, ModelRole, ModelText,
};

/// Most messages of one request, and most bytes of their text together.
const MESSAGES: usize = 64;
const TEXT: usize = 1024 * 1024;
/// Bytes per token in an estimate. English has more, other scripts and code have fewer.
const BYTES_PER_TOKEN: u64 = 3;
/// Tokens that a message costs besides its text.
const PER_MESSAGE: u64 = 4;
/// Most tokens of an answer if the guest sets no limit.
const ANSWER: u32 = 4096;
/// A model answers word by word; its words are gathered for this long and sent to the caller as one part.
const PART_EVERY: Duration = Duration::from_millis(100);

const DENIED: &str = "this call may not use the language model";
const NO_CALLS: &str = "this call may not ask the language model again";
const NO_TOKENS: &str = "this call has too few tokens left for these messages and their answer";
const NO_MESSAGES: &str = "a question has 1 to 64 messages";
const TOO_LONG: &str = "the messages have more than 1 MiB of text";
const TEMPERATURE: &str = "a temperature is 0 to 2";
const NO_ANSWER: &str = "max-tokens must be at least 1";

/// The model, and the requests and tokens that one call has left.
pub(crate) struct LlmState {
    model: Arc<dyn Model>,
    calls: u64,
    tokens: u64,
}

impl LlmState {
    pub(crate) fn new(model: Arc<dyn Model>, calls: u64, tokens: u64) -> Self {
        Self { model, calls, tokens }
    }

    /// Takes one request, the tokens of its messages and the longest answer out of the budget.
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

    /// Returns unused tokens to the budget. A request that broke off may have used them all, so none return.
    fn settle(&mut self, reserved: &Reserved, answer: &Result<ModelAnswer, ModelFailure>) {
        let used = match answer {
            Ok(answer) => answer.input_tokens.saturating_add(answer.output_tokens),
            Err(failure) if failure.is_before_sending() => 0,
            Err(_) => reserved.tokens,
        };
        self.tokens = self.tokens.saturating_add(reserved.tokens).saturating_sub(used);
    }
}

struct Reserved {
    /// Tokens reserved for the answer.
    answer: u32,
    /// Tokens reserved in all.
    tokens: u64,
}

/// The interface during one host call.
pub(crate) struct LlmHost<'a> {
    pub(crate) access: &'a Access,
    pub(crate) llm: &'a mut LlmState,
    pub(crate) call: &'a mut CallState,
}

struct HasLlm;

impl HasData for HasLlm {
    type Data<'a> = LlmHost<'a>;
}

pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> LlmHost<'_>,
) -> wasmtime::Result<()> {
    add_to_linker::<T, HasLlm>(linker, host)
}

impl Host for LlmHost<'_> {
    /// As in `call.emit`, a part of the answer that may not leave ends the call.
    async fn complete(
        &mut self,
        messages: Vec<Message>,
        options: Options,
    ) -> wasmtime::Result<Result<Completion, LlmError>> {
        if !self.access.enter(Capability::Llm).await {
            self.access.deny(Capability::Llm, "");
            return Ok(Err(LlmError::Denied(DENIED.to_owned())));
        }
        let reserved = match self.llm.reserve(&messages, &options) {
            Ok(reserved) => reserved,
            Err(error) => return Ok(Err(error)),
        };
        let emit = options.emit;
        let request = ModelRequest {
            messages: messages.into_iter().map(ModelMessage::from).collect(),
            temperature: options.temperature,
            max_tokens: reserved.answer,
            json: options.json,
        };
        let answer = self.request(request, emit).await?;
        self.llm.settle(&reserved, &answer);
        Ok(answer.map(Completion::from).map_err(LlmError::from))
    }
}

impl LlmHost<'_> {
    async fn request(
        &mut self,
        request: ModelRequest,
        emit: bool,
    ) -> wasmtime::Result<Result<ModelAnswer, ModelFailure>> {
        let model = Arc::clone(&self.llm.model);
        if !emit {
            return Ok(model.complete(request, None).await);
        }
        let (sender, mut received) = ModelText::channel();
        let mut answering = model.complete(request, Some(sender));
        let mut unsent = Unsent::default();
        let answer = loop {
            tokio::select! {
                biased;
                () = unsent.fill(&mut received) => self.emit(&mut unsent).await?,
                answer = &mut answering => break answer,
            }
        };
        // The last text may still be in the channel.
        while let Ok(text) = received.try_recv() {
            unsent.text.push_str(&text);
        }
        self.emit(&mut unsent).await?;
        Ok(answer)
    }

    async fn emit(&mut self, unsent: &mut Unsent) -> wasmtime::Result<()> {
        let text = unsent.take();
        if text.is_empty() { Ok(()) } else { self.call.emit_part(text).await }
    }
}

/// Text of the model that was not sent to the caller yet.
#[derive(Default)]
struct Unsent {
    text: String,
    due: Option<Instant>,
}

impl Unsent {
    /// Gathers text and returns when it is time to send it. Cancel-safe.
    async fn fill(&mut self, received: &mut Receiver<String>) {
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
                Some(text) = received.recv() => {
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

/// Checks a request and estimates the tokens of its messages.
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
