//! The owner's language model, as the sandbox sees it.

use std::pin::Pin;

use tokio::sync::mpsc;

/// The owner's language model for one call. The implementation keeps the owner's daily budget. The guest sees
/// the answers and nothing else of the model.
pub trait Model: Send + Sync {
    /// Asks the model and returns the whole answer. With `text`, also sends the text there as it arrives.
    ///
    /// Dropping the future cancels the request.
    fn complete(&self, request: ModelRequest, text: Option<ModelText>) -> CompletionFuture<'_>;
}

pub type CompletionFuture<'a> = Pin<Box<dyn Future<Output = Result<ModelAnswer, ModelFailure>> + Send + 'a>>;

/// One request of a guest, checked against its call's limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// 1 to 64, with at most 1 MiB of text together. Written by the guest.
    pub messages: Vec<ModelMessage>,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// Most tokens of the answer, at least 1.
    pub max_tokens: u32,
    /// Asks for one JSON value.
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
    /// As the provider reports them, or an estimate.
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

/// Why there is no answer. The guest gets these texts; the provider's own message goes to the owner's log only.
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
    /// Whether the request was never sent, so that it used no tokens.
    pub fn is_before_sending(self) -> bool {
        matches!(self, Self::NotConfigured | Self::OverBudget)
    }
}

/// Sends the text of an answer to the guest's call while it arrives.
#[derive(Clone, Debug)]
pub struct ModelText(mpsc::Sender<String>);

impl ModelText {
    /// Messages that the channel holds.
    const CAPACITY: usize = 64;

    pub fn channel() -> (Self, mpsc::Receiver<String>) {
        let (sender, receiver) = mpsc::channel(Self::CAPACITY);
        (Self(sender), receiver)
    }

    /// Waits while the channel is full. Drops the text if the receiver is gone.
    pub async fn send(&self, text: String) {
        let _ = self.0.send(text).await;
    }
}

pub(crate) struct NoModel;

impl Model for NoModel {
    fn complete(&self, _: ModelRequest, _: Option<ModelText>) -> CompletionFuture<'_> {
        Box::pin(async { Err(ModelFailure::NotConfigured) })
    }
}
