use coworker_channel::ChannelError;
use coworker_store::StoreError;

use super::StateError;

/// The reason why a job, or a step of one, gave no value.
///
/// The variants differ in the fate of the job's rows. A refusal is a decision, and the rows that led to it are
/// committed. A fault undoes the whole job. A step whose refusal must leave no rows behind runs in a savepoint of its
/// own.
#[derive(Debug)]
pub(crate) enum JobError<R> {
    Refused(R),
    Fault(StateError),
}

impl<R> JobError<R> {
    /// Takes a job's result apart, so that only a fault is an error of its savepoint.
    pub(super) fn apart<T>(result: Result<T, Self>) -> Result<Result<T, R>, StateError> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Refused(refusal)) => Ok(Err(refusal)),
            Err(Self::Fault(fault)) => Err(fault),
        }
    }

    pub(super) fn together<T>(result: Result<Result<T, R>, StateError>) -> Result<T, Self> {
        result?.map_err(Self::Refused)
    }
}

impl<R> From<StateError> for JobError<R> {
    fn from(error: StateError) -> Self {
        Self::Fault(error)
    }
}

impl<R> From<StoreError> for JobError<R> {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl<R> From<ChannelError> for JobError<R> {
    fn from(error: ChannelError) -> Self {
        Self::Fault(error.into())
    }
}
