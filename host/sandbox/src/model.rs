//! The owner's language model, as the sandbox asks it.

use std::pin::Pin;

use tokio::sync::mpsc;

/// The owner's language model for one call, with whatever the owner allows of it on one day. The guest learns
/// of it nothing but answers.
///
/// Dropping what `complete` returns calls the question off.
pub trait Model: Send + Sync {
    /// With `told`, the answer's text goes there as it comes; the whole answer is returned in any case.
    fn complete(&self, ask: ModelAsk, told: Option<ModelText>) -> Completing<'_>;
}

pub type Completing<'a> = Pin<Box<dyn Future<Output = Result<ModelAnswer, ModelFailure>> + Send + 'a>>;

/// One question that a guest may ask: within its call's own limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelAsk {
    /// 1 to 64, with at most 1 MiB of text together. The guest's words.
    pub messages: Vec<ModelMessage>,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// Most tokens of the answer, at least 1.
    pub max_tokens: u32,
    /// The answer is to be one JSON value.
    pub json: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelMessage {
    pub role: ModelRole,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelRole {
    System,
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelAnswer {
    pub text: String,
    pub finish: ModelFinish,
    /// As the provider counts them, or an estimate.
    pub input_tokens: u64,
    pub output_tokens: u64,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelFinish {
    Stop,
    Length,
    Filtered,
}

/// Why there is no answer. The texts are all that a guest learns; the provider's words are for the owner's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFailure {
    #[error("no language model is set up here")]
    NotConfigured,
    #[error("the language model's budget for today has no room for this")]
    OverBudget,
    #[error("the language model does not answer now")]
    Unavailable,
    #[error("the language model takes no such messages; they may be too long for it")]
    Invalid,
    #[error("the language model's answer cannot be used")]
    BadAnswer,
    #[error("the language model cannot be asked")]
    Broken,
}

impl ModelFailure {
    /// Whether nothing was sent, so that nothing was used up.
    pub fn is_before_sending(self) -> bool {
        matches!(self, Self::NotConfigured | Self::OverBudget)
    }
}

/// Takes the text of an answer while it comes, on its way to the caller.
#[derive(Clone, Debug)]
pub struct ModelText(mpsc::Sender<String>);

impl ModelText {
    /// Pieces that wait to be taken.
    const WAITING: usize = 64;

    /// Both ends.
    pub fn channel() -> (Self, mpsc::Receiver<String>) {
        let (told, heard) = mpsc::channel(Self::WAITING);
        (Self(told), heard)
    }

    /// Waits while too much of it waits to be taken. Who listens no more hears nothing.
    pub async fn tell(&self, text: String) {
        let _ = self.0.send(text).await;
    }
}

pub(crate) struct NoModel;

impl Model for NoModel {
    fn complete(&self, _: ModelAsk, _: Option<ModelText>) -> Completing<'_> {
        Box::pin(async { Err(ModelFailure::NotConfigured) })
    }
}
