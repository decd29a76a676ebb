use coworker_policy::PeerId;

use super::log::{BadEntry, LogEntry, MAX_COMMIT};
use super::roster::{BadRoster, MAX_DEPUTIES, Term};
use crate::certificate::BadCertificate;
use crate::error::{ChannelError, PeerFault};

/// Why something could not be done with a group. It says whose fault it was.
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
    /// True if somebody else broke the protocol; false if our storage failed, or what we wanted makes no sense.
    pub fn is_peer_fault(&self) -> bool {
        match self {
            Self::Channel(error) => error.is_peer_fault(),
            Self::Fault(_) => true,
            Self::Refused(_) => false,
        }
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

/// What a steward or member did that an honest one never does, or that leaves us out of step.
#[derive(Debug, thiserror::Error)]
pub enum GroupFault {
    #[error("it belongs to another group")]
    OtherGroup,
    #[error("the group is not set up as ours are")]
    Roster(#[from] BadRoster),
    #[error("the log entry is not valid")]
    Entry(#[from] BadEntry),
    #[error("the log entry was not written by the steward, nor by a deputy taking over")]
    Author,
    #[error("the commit is not the one in the log")]
    NotInLog,
    #[error("a commit has more than {MAX_COMMIT} bytes")]
    CommitSize,
    #[error("a welcome is too large")]
    WelcomeSize,
    #[error("the commit does what its author may not: {0}")]
    Commit(CommitFault),
    /// The two entries prove it to anyone.
    #[error("the steward signed two different commits for epoch {}", .0[0].epoch())]
    Equivocation(Box<[LogEntry; 2]>),
    /// The group went on without us: rejoin it, under `steward`.
    #[error("the group went another way than we did, under {steward} in term {term}")]
    Forked { steward: PeerId, term: Term },
    #[error("the welcome was not made for the key package that we gave for this group")]
    Unsolicited,
    #[error("the welcome and its log entry were not written by the steward that we asked")]
    WelcomeAuthor,
    #[error("the welcome leads to a term or epoch that we have left behind")]
    WelcomeStale,
    #[error("the group's members are not different agents, with us and the steward among them")]
    Members,
    #[error("the message was not written by a member")]
    Sender,
    #[error("the plaintext is not a message to a group")]
    Plaintext,
}

/// What is wrong with the content of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitFault {
    #[error("it is no commit")]
    NotCommit,
    #[error("only the steward changes members or roster")]
    NotSteward,
    #[error("it was not written by whom it was delivered for")]
    Sender,
    #[error("it changes its author's credential or key")]
    Credential,
    #[error("it holds something besides adding, removing and the roster")]
    Proposal,
    #[error("the steward and deputies after it are not all members, or members are not all different")]
    Members,
    #[error("it leaves more than the allowed number of members")]
    TooMany,
    #[error("it changes the steward or the term other than by a transfer")]
    Term,
    #[error("a deputy that takes over changes nothing else")]
    Takeover,
}

impl From<CommitFault> for GroupError {
    fn from(fault: CommitFault) -> Self {
        Self::Fault(GroupFault::Commit(fault))
    }
}

/// Why we do not do what our owner, or caller, wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupRefusal {
    #[error("only the group's steward does this")]
    NotSteward,
    #[error("the steward does not leave the group: it hands over first")]
    Steward,
    #[error("we are not one of the group's deputies")]
    NotDeputy,
    #[error("we are no longer a member of the group")]
    Removed,
    #[error("{0} is not a member of the group")]
    NotMember(PeerId),
    #[error("nobody to add or remove")]
    Nobody,
    #[error("{0} is named twice")]
    Twice(PeerId),
    #[error("the group would have more members than it may")]
    Full,
    #[error("at most {MAX_DEPUTIES} different members besides the steward can be deputies")]
    Deputies,
    #[error("{0} is neither the steward nor a deputy that we know of: a new invite is needed")]
    UnknownSteward(PeerId),
}
