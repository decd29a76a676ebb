use std::time::Duration;

use coworker_api::ops::{ModelInfo, ModelLook, ModelTest, ModelTested};
use coworker_model::{Message, ModelError, ModelFault, Options, Role};
use coworker_policy::ErrorCode;
use tokio::time::Instant;

use super::Run;
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;
use crate::model::{KeyFrom, Model, Setup};

impl Run for ModelLook {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<ModelInfo, OpError> {
        Ok(agent.model.setup().into())
    }
}

impl Run for ModelTest {
    async fn run_observed(self, agent: &Agent, _: &CallObserver) -> Result<ModelTested, OpError> {
        let (model, began) = (agent.model.setup().wanted()?, Instant::now());
        let question = [Message::new(Role::User, "Answer with one word: ready")];
        let options = Options { max_tokens: Some(64), ..Options::default() };
        let answer = model.complete(&question, options).await.map_err(|error| mended(&error, model))?;
        Ok(ModelTested {
            model: model.endpoint().model().to_owned(),
            latency_ms: ms(began.elapsed()),
            input_tokens: answer.usage.input,
            output_tokens: answer.usage.output,
            estimated: answer.usage.estimated,
            cost: model.prices().map(|prices| dollars(prices.cost(&answer.usage))),
        })
    }
}

impl From<&Setup> for ModelInfo {
    fn from(setup: &Setup) -> Self {
        match setup {
            Setup::Absent => Self::default(),
            Setup::Unready(error) => Self { problem: Some(error.told()), ..Self::default() },
            Setup::Ready(model) => Self {
                model: Some(model.endpoint().model().to_owned()),
                base_url: Some(model.endpoint().base_url().to_string()),
                key: (*model.key() != KeyFrom::Nowhere).then(|| model.key().to_string()),
                price_in: model.prices().map(|prices| prices.input.into()),
                price_out: model.prices().map(|prices| prices.output.into()),
                problem: None,
            },
        }
    }
}

/// The provider's words are for the owner, and this is the owner.
fn mended(error: &ModelError, model: &Model) -> OpError {
    let fix = match error.fault {
        ModelFault::Unauthorised => match model.key() {
            KeyFrom::Environment(name) => format!("set {name} to a key that the provider takes"),
            KeyFrom::File | KeyFrom::Nowhere => {
                "write the provider's key with the command `llm set-key`".to_owned()
            }
        },
        ModelFault::NoCredit => "see your account at the provider".to_owned(),
        ModelFault::RateLimited { .. } | ModelFault::Overloaded => "try again later".to_owned(),
        _ => format!("see that {} is right, and `model` too", model.endpoint().base_url()),
    };
    let code = match error.fault {
        ModelFault::Unreachable
        | ModelFault::TimedOut
        | ModelFault::Cut
        | ModelFault::Overloaded
        | ModelFault::RateLimited { .. } => ErrorCode::PeerUnreachable,
        _ => ErrorCode::Usage,
    };
    OpError { code, ..OpError::fault(error) }.hint(fix)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Of micro-dollars.
#[expect(clippy::cast_precision_loss, reason = "for people")]
fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}
