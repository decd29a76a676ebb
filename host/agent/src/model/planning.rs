//! Questions to the model for a plan: on the owner's account, outside of every skill's budget.

use std::time::Duration;

use coworker_api::ops::ModelUse;
use coworker_model::{ChatRequest, Completion, Message, ModelError, ModelFault, Options, Role};
use coworker_plan::{ChatMessage, ChatRole};
use coworker_policy::RequestId;
use tokio::time::{Instant, timeout};

use super::chosen::Model;
use super::language_model::LanguageModel;
use super::model_use::used_of_row;
use super::record::{record, used, worst};
use crate::base::error::OpError;
use crate::state::audit;

/// For one answer: the owner waits at the terminal.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Tokens of one answer. The longest plan that can be carried out has about as many.
const LONGEST: u32 = 4096;

/// The reason why a question brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Without a row in the audit log no further question is asked.
    #[error("the question to the model could not be written to the audit log")]
    Unrecorded,
}

impl LanguageModel {
    /// Asks one question of a planner. The use is in the audit log when this returns.
    pub(crate) async fn ask_for_plan(
        &self,
        model: &Model,
        plan: RequestId,
        messages: Vec<ChatMessage>,
    ) -> (ModelUse, Result<String, NoAnswer>) {
        let messages: Vec<Message> = messages.into_iter().map(message).collect();
        let options = Options { temperature: None, max_tokens: Some(LONGEST), json: true };
        let (ask, began) = (ChatRequest { messages: &messages, options }, Instant::now());
        let answered = timeout(TIMEOUT, model.endpoint().complete(&ask)).await;
        let answered: Result<Completion, ModelError> =
            answered.unwrap_or_else(|_| Err(ModelFault::TimedOut.into()));
        let counted = used(model, worst(model, &ask), &answered);
        let detail = record(model, None, &answered, counted, began.elapsed());
        let used = used_of_row(&detail);
        let kept = self.state.run(move |tx| audit::plan_asked(tx, plan, &detail)).await;
        if let Err(error) = kept {
            tracing::error!(
                "cannot write the question to the model to the audit log: {}",
                OpError::fault(&error).message
            );
            return (used, Err(NoAnswer::Unrecorded));
        }
        if let Err(error) = &answered {
            tracing::warn!("the language model gave no plan: {}", OpError::fault(error).message);
        }
        (used, answered.map(|completion| completion.text).map_err(NoAnswer::from))
    }
}

fn message(message: ChatMessage) -> Message {
    let role = match message.role {
        ChatRole::System => Role::System,
        ChatRole::User => Role::User,
        ChatRole::Assistant => Role::Assistant,
    };
    Message { role, content: message.content }
}
