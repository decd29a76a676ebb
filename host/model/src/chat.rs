/// Messages of one question.
pub const MAX_MESSAGES: usize = 1024;
/// Bytes of all text that one question holds.
pub const MAX_TEXT: usize = 8 << 20;

/// Whose words a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions.
    System,
    /// What they are about: data, whoever wrote it.
    User,
    /// What the model said before.
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

/// How to answer. By `default` as the model does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// From 0, always the same, to 2.
    pub temperature: Option<f32>,
    /// Tokens of the answer.
    pub max_tokens: Option<u32>,
    /// The answer shall be one JSON object. Most models want to be told so in a message, too; whether it
    /// is one is for the reader to check.
    pub json: bool,
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub messages: &'a [Message],
    pub options: Options,
}

impl Ask<'_> {
    /// Bytes of all text.
    pub fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len()).sum()
    }

    /// Tokens of the question, as well as they can be told without the model.
    pub fn tokens(&self) -> u64 {
        /// What stands around a message.
        const FRAME: u64 = 4;
        let tokens = self.messages.iter().map(|message| FRAME + tokens(&message.content));
        tokens.sum()
    }
}

/// The model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// A stranger's words: 4 MiB at most.
    pub text: String,
    pub finish: Finish,
    pub usage: Usage,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is whole.
    Stop,
    /// It was as long as it may be.
    Length,
    /// The provider withheld the rest.
    Filtered,
}

/// What one question used, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    /// The provider did not tell.
    pub estimated: bool,
}

/// Three bytes are a token in English and more than one in few languages.
pub(crate) fn tokens(text: &str) -> u64 {
    u64::try_from(text.len().div_ceil(3)).unwrap_or(u64::MAX)
}
