use coworker_policy::PeerId;

use super::roster::BadRoster;
use crate::certificate::BadCertificate;
use crate::error::{ChannelError, PeerFault};
use crate::group_log::{BadEntry, LogEntry, Term};
use crate::limits::{MAX_COMMIT, MAX_DEPUTIES};

/// An error of a group operation. Its kind says which side is at fault.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Fault(#[from] GroupFault),
    #[error(transparent)]
    Refused(#[from] GroupRefusal),
}

impl GroupError {
    /// Returns true if a peer broke the protocol, and false if our storage failed or our own request was invalid.
    pub fn is_peer_fault(&self) -> bool {
        match self {
            Self::Channel(error) => error.is_peer_fault(),
            Self::Fault(_) => true,
            Self::Refused(_) => false,
        }
    }

    /// The ledger failed.
    pub(super) fn ledger<E>(error: E) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        ChannelError::State { doing: "use a group's log", source: Box::new(error) }.into()
    }
}

impl From<PeerFault> for GroupError {
    fn from(fault: PeerFault) -> Self {
        Self::Channel(fault.into())
    }
}

impl From<BadCertificate> for GroupError {
    fn from(reason: BadCertificate) -> Self {
        PeerFault::from(reason).into()
    }
}

impl From<BadRoster> for GroupError {
    fn from(reason: BadRoster) -> Self {
        GroupFault::from(reason).into()
    }
}

/// A message about a group that an honest peer does not send, or one that shows that we diverged from the group.
#[derive(Debug, thiserror::Error)]
pub enum GroupFault {
    #[error("the message belongs to another group")]
    OtherGroup,
    #[error("the group's settings are not those of a coworker group")]
    Roster(#[from] BadRoster),
    #[error("the log entry is not valid")]
    Entry(#[from] BadEntry),
    #[error("the log entry was written neither by the steward nor by a deputy taking over")]
    Author,
    #[error("the commit does not match its log entry")]
    NotInLog,
    #[error("the commit has more than {MAX_COMMIT} bytes")]
    CommitSize,
    #[error("the welcome is too large")]
    WelcomeSize,
    #[error("the commit is not allowed: {0}")]
    Commit(CommitFault),
    /// The two entries prove it to anyone.
    #[error("the steward signed two different commits for epoch {}", .0[0].epoch())]
    Equivocation(Box<[LogEntry; 2]>),
    /// The group continued without our latest commits. Rejoin it under `steward`.
    #[error("the group diverged from our copy; it continues under {steward} in term {term}")]
    Forked { steward: PeerId, term: Term },
    #[error("the welcome does not use the key package that we sent for this group")]
    Unsolicited,
    #[error("the welcome and its log entry were not written by the steward that we asked")]
    WelcomeAuthor,
    #[error("the welcome leads to a term or epoch that we have already passed")]
    WelcomeStale,
    #[error("the member list has duplicates, or lacks us, the steward or a deputy")]
    Members,
    #[error("the message was not written by a member")]
    Sender,
    #[error("the plaintext is not a group message")]
    Plaintext,
}

/// The rule that a commit breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitFault {
    #[error("it is not a commit")]
    NotCommit,
    #[error("only the steward may change members or roster")]
    NotSteward,
    #[error("its author is not the member it was sent for")]
    Sender,
    #[error("it changes its author's credential or signature key")]
    Credential,
    #[error("it contains a proposal other than add, remove and roster change")]
    Proposal,
    #[error("the resulting member list has duplicates, or lacks the steward or a deputy")]
    Members,
    #[error("it leaves more members than allowed")]
    TooMany,
    #[error("it changes the steward or the term other than by a transfer")]
    Term,
    #[error("a deputy that takes over must not change anything else")]
    Takeover,
}

impl From<CommitFault> for GroupError {
    fn from(fault: CommitFault) -> Self {
        Self::Fault(GroupFault::Commit(fault))
    }
}

/// The reason why a group operation of our own owner or caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupRefusal {
    #[error("only the group's steward may do this")]
    NotSteward,
    #[error("not possible for the group's steward; transfer the group to another member first")]
    Steward,
    #[error("we are not a deputy of the group")]
    NotDeputy,
    #[error("we are no longer a member of the group")]
    Removed,
    #[error("{0} is not a member of the group")]
    NotMember(PeerId),
    #[error("no agent to add or remove was given")]
    Nobody,
    #[error("{0} is named twice")]
    Twice(PeerId),
    #[error("the group would exceed the maximum number of members")]
    Full,
    #[error("deputies must be at most {MAX_DEPUTIES} different members other than the steward")]
    Deputies,
    #[error("{0} is neither the steward nor a known deputy; a new invite is needed")]
    UnknownSteward(PeerId),
}
