use coworker_policy::gate::Caller;
use coworker_policy::trust::Spent;
use coworker_policy::{ErrorCode, Refusal, Text};
use coworker_sandbox::{Fault, Stopped};
use tokio::task::JoinError;

use crate::base::error::OpError;
use crate::catalog::snapshot::CatalogError;
use crate::state::{JobError, StateError};

/// The reason why a call has no output: a refusal of the policy, a stop of the guest, or a fault of this host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("the sandbox failed")]
    Sandbox(#[from] Fault),
    #[error("the component is not ready")]
    Component(#[from] CatalogError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the result could not be checked")]
    Check(#[source] JoinError),
}

/// A lease that is used up gives the same answer as revoked trust.
impl From<JobError<Spent>> for Failure {
    fn from(error: JobError<Spent>) -> Self {
        match error {
            JobError::Refused(Spent) => Refusal::Revoked.into(),
            JobError::Fault(error) => error.into(),
        }
    }
}

impl Failure {
    /// The owner may know the whole reason. A caller that plays a peer of some tier learns as much as that peer.
    pub(crate) fn for_owner(&self, caller: Caller) -> OpError {
        let (code, message) = self.public();
        match caller {
            Caller::Owner => OpError { code, ..OpError::fault(self) },
            Caller::Peer(_) | Caller::OwnerAs(_) => OpError::new(code, message.to_string()),
        }
    }

    /// The code and the text that a peer may learn.
    pub(crate) fn public(&self) -> (ErrorCode, Text) {
        match self {
            Self::Refused(refusal) => {
                let public = refusal.public();
                (public.code(), Text::sanitized(public.message()))
            }
            Self::Stopped(stopped) => (stopped.code(), stopped.public()),
            Self::Sandbox(_) | Self::Component(_) | Self::State(_) | Self::Check(_) => {
                (ErrorCode::Internal, Text::sanitized("the call could not be served"))
            }
        }
    }
}
