/// Most messages of one request.
pub const MAX_MESSAGES: usize = 1024;
/// Most text of one request, in bytes over all messages.
pub const MAX_TEXT: usize = 8 << 20;

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions.
    System,
    /// The data that the instructions apply to. Untrusted, whichever side wrote it.
    User,
    /// An earlier answer of the model.
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// How the model should answer. The default leaves every choice to the model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// 0 (deterministic) to 2.
    pub temperature: Option<f32>,
    /// Most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// Asks for one JSON object. Most models also need a message that says so, and the caller has to check
    /// that the answer is one.
    pub json: bool,
}

/// One conversation for the model to answer.
#[derive(Clone, Copy, Debug)]
pub struct ChatRequest<'a> {
    pub messages: &'a [Message],
    pub options: Options,
}

impl ChatRequest<'_> {
    /// Bytes of all text.
    pub fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len()).sum()
    }

    /// Estimates the tokens of the request without the model's tokenizer.
    pub fn tokens(&self) -> u64 {
        /// Tokens around each message.
        const FRAME: u64 = 4;
        let tokens = self.messages.iter().map(|message| FRAME + tokens(&message.content));
        tokens.sum()
    }
}

/// The model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Untrusted; at most 4 MiB.
    pub text: String,
    pub finish: Finish,
    pub usage: Usage,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is complete.
    Stop,
    /// It reached `max_tokens`.
    Length,
    /// The provider withheld the rest.
    Filtered,
}

/// Tokens that one request used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    /// The provider did not report its count.
    pub estimated: bool,
}

/// Estimates tokens as a third of the bytes, which is too high for English and too low for few languages.
pub(crate) fn tokens(text: &str) -> u64 {
    u64::try_from(text.len().div_ceil(3)).unwrap_or(u64::MAX)
}
