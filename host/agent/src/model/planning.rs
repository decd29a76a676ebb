//! What a plan is asked of the model for: on the owner's account, within no skill's budget.

use coworker_policy::RequestId;
use std::time::Duration;

use coworker_api::ops::ModelUse;
use coworker_model::{Ask, Completion, Message, ModelError, ModelFault, Options, Role};
use coworker_plan::{ChatMessage, ChatRole};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::Model;
use super::asked::{record, used, worst};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::state::audit;

/// For one answer: the owner sits and waits.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Tokens of one answer. The longest plan that can be carried out has about as many.
const LONGEST: u32 = 4096;

/// A question that brought no plan nearer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error(transparent)]
    Model(#[from] ModelError),
    /// What is asked for the owner is on the owner's record, or not asked on.
    #[error("what the model was asked could not be written down")]
    Unrecorded,
}

/// The use that a row of the audit log about a question states.
pub(crate) fn used_of_row(detail: &Value) -> ModelUse {
    ModelUse {
        questions: 1,
        tokens: detail["counted_tokens"].as_u64().unwrap_or_default(),
        cost_microusd: detail["cost_microusd"].as_u64(),
    }
}

/// Asks one question of a planner. What it used is in the audit log when this returns.
pub(crate) async fn ask_for_plan(
    agent: &Agent,
    model: &Model,
    plan: RequestId,
    messages: Vec<ChatMessage>,
) -> (ModelUse, Result<String, NoAnswer>) {
    let messages: Vec<Message> = messages.into_iter().map(message).collect();
    let options = Options { temperature: None, max_tokens: Some(LONGEST), json: true };
    let (ask, began) = (Ask { messages: &messages, options }, Instant::now());
    let answered = timeout(TIMEOUT, model.endpoint().complete(&ask)).await;
    let answered: Result<Completion, ModelError> =
        answered.unwrap_or_else(|_| Err(ModelFault::TimedOut.into()));
    let counted = used(model, worst(model, &ask), &answered);
    let detail = record(model, None, &answered, counted, began.elapsed());
    let used = used_of_row(&detail);
    let kept = agent.state.run(move |tx| audit::plan_asked(tx, plan, &detail)).await;
    if let Err(error) = kept {
        tracing::error!("cannot write down what the model was asked: {}", OpError::fault(&error).message);
        return (used, Err(NoAnswer::Unrecorded));
    }
    if let Err(error) = &answered {
        tracing::warn!("the language model gave no plan: {}", OpError::fault(error).message);
    }
    (used, answered.map(|completion| completion.text).map_err(NoAnswer::from))
}

fn message(message: ChatMessage) -> Message {
    let role = match message.role {
        ChatRole::System => Role::System,
        ChatRole::User => Role::User,
        ChatRole::Assistant => Role::Assistant,
    };
    Message { role, content: message.content }
}
