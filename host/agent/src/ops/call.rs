use coworker_api::ops::{Call, Called};
use coworker_channel::{Message, PartOf};
use coworker_policy::{ErrorCode, PeerId, RequestId};

use super::Run;
use super::discover::{checked_timeout, unexpected};
use crate::agent::Agent;
use crate::base::error::OpError;
use crate::base::observer::CallObserver;

/// Largest input that is sent, in bytes: what no owner can raise for any caller (`policy.toml`, `input_kib`).
const MAX_INPUT: usize = 2 * 1024 * 1024;
/// Longest skill name that is sent, in bytes.
const MAX_NAME: usize = 256;

impl Run for Call {
    async fn run_observed(self, agent: &Agent, observer: &CallObserver) -> Result<Called, OpError> {
        let peer = agent.find_peer(&self.peer).await?;
        call_at(agent, observer, peer, self).await
    }
}

/// Calls a peer that was found by other means than its name among all peers.
pub(super) async fn call_at(
    agent: &Agent,
    observer: &CallObserver,
    peer: PeerId,
    call: Call,
) -> Result<Called, OpError> {
    check(&call.skill, &call.input)?;
    let timeout = checked_timeout(call.timeout)?;
    let id = RequestId::random();
    let asked = tokio::time::Instant::now();
    let question = Message::TaskRequest {
        id,
        skill: call.skill.clone(),
        input: call.input,
        timeout_ms: u64::try_from(timeout.as_millis()).ok(),
        expires_ms: None,
        version: call.version,
        part_of: PartOf::default(),
    };
    match agent.links.ask_for(observer, peer, id, question, timeout).await? {
        Message::TaskResponse { output, .. } => {
            let duration_ms = asked.elapsed().as_secs_f64() * 1000.0;
            Ok(Called { id, peer, skill: call.skill, output: output.value(), duration_ms })
        }
        other => Err(hinted(unexpected(other), &call.peer)),
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

/// Adds hints to the errors that callers meet most often.
pub(super) fn hinted(error: OpError, peer: &str) -> OpError {
    match error.code {
        ErrorCode::UnknownSkill => error
            .suggest("see the skills that you may call", ["inspect", peer])
            .suggest("ask for more trust", ["trust", "ask", peer, "known"]),
        ErrorCode::VersionMismatch => error.suggest("see the version that it has", ["inspect", peer]),
        ErrorCode::InvalidInput => error.suggest("see the input that it takes", ["inspect", peer]),
        _ => error,
    }
}
