use coworker_channel::{Message, PartOf};
use coworker_policy::{ErrorCode, PeerId, RequestId, VersionPin};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Operation;
use super::discover::{checked_timeout, unexpected};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

/// Largest input that is sent, in bytes: what no owner can raise for any caller (`policy.toml`, `input_kib`).
const MAX_INPUT: usize = 2 * 1024 * 1024;
/// Longest skill name that is sent, in bytes.
const MAX_NAME: usize = 256;

/// Calls a peer's skill and waits for its output.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    pub peer: String,
    pub skill: String,
    /// JSON text.
    pub input: String,
    /// Only if the skill has such a version.
    #[serde(default)]
    pub version: Option<VersionPin>,
    /// Seconds.
    pub timeout: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Called {
    pub id: RequestId,
    pub peer: PeerId,
    pub skill: String,
    pub output: Value,
    pub duration_ms: f64,
}

impl Operation for Call {
    type Answer = Called;

    async fn run(self, agent: &Agent) -> Result<Called, OpError> {
        self.run_for(agent, &CallObserver::default()).await
    }

    async fn run_for(self, agent: &Agent, observer: &CallObserver) -> Result<Called, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        self.run_at(agent, observer, peer).await
    }
}

impl Call {
    /// The call of a peer that was found by other means than its name among all peers.
    pub(super) async fn run_at(
        self,
        agent: &Agent,
        observer: &CallObserver,
        peer: PeerId,
    ) -> Result<Called, OpError> {
        check(&self.skill, &self.input)?;
        let timeout = checked_timeout(self.timeout)?;
        let id = RequestId::random();
        let asked = tokio::time::Instant::now();
        let question = Message::TaskRequest {
            id,
            skill: self.skill.clone(),
            input: self.input,
            timeout_ms: u64::try_from(timeout.as_millis()).ok(),
            expires_ms: None,
            version: self.version,
            part_of: PartOf::default(),
        };
        match agent.links.ask_for(observer, peer, id, question, timeout).await? {
            Message::TaskResponse { output, .. } => {
                let duration_ms = asked.elapsed().as_secs_f64() * 1000.0;
                Ok(Called { id, peer, skill: self.skill, output: output.value(), duration_ms })
            }
            other => Err(unexpected(other).with_hint_for_call(&self.peer)),
        }
    }
}

/// What could not be sent at all is said here; whether it fits the skill is the peer's to say.
pub(super) fn check(skill: &str, input: &str) -> Result<(), OpError> {
    if input.len() > MAX_INPUT {
        let (size, max) = (input.len(), MAX_INPUT);
        return Err(OpError::new(
            ErrorCode::LimitExceeded,
            format!("the input has {size} bytes; at most {max} are sent"),
        ));
    }
    if skill.len() > MAX_NAME {
        return Err(OpError::new(ErrorCode::Usage, "a skill's name has at most 64 characters"));
    }
    let fits = serde_json::from_str::<serde::de::IgnoredAny>(input);
    fits.map(|_| ()).map_err(|error| {
        OpError::new(ErrorCode::Usage, format!("the input is not JSON: {error}"))
            .hint(r#"quote it for the shell, like: '{"text": "hello"}'"#)
    })
}

impl OpError {
    /// The mend for what a caller meets most often.
    pub(super) fn with_hint_for_call(self, peer: &str) -> Self {
        match self.code {
            ErrorCode::UnknownSkill => self.hint(format!("see what you may call: coworker inspect {peer}; or ask for more trust: coworker trust ask {peer} known")),
            ErrorCode::VersionMismatch => self.hint(format!("see what it has: coworker inspect {peer}")),
            ErrorCode::InvalidInput => self.hint(format!("see what it takes: coworker inspect {peer}")),
            _ => self,
        }
    }
}
