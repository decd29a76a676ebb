use std::fmt;

use coworker_policy::{Digest, GroupId, PeerId};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, VerifyingKey};

use super::bytes::{chunk, number, peer};
use super::roster::Term;
use crate::identity::Identity;

/// Largest commit, in bytes: what 256 members need, with room.
pub const MAX_COMMIT: usize = 256 * 1024;

const VERSION: u8 = 1;
/// Keeps this signature from being taken for one that the identity key made elsewhere.
const DOMAIN: &[u8] = b"coworker/group-log/v1\0";
const SIGNATURE: usize = 64;

/// The hash of a log's last entry: equal heads have equal histories. Zero before the first entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogHead([u8; 32]);

impl LogHead {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for LogHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogHead({})", HEXLOWER.encode(&self.0[..5]))
    }
}

/// A steward's word, signed with its identity key, that of all commits made in `epoch` this one counts.
///
/// The identity signs it, not the MLS key: a member can hold a steward to it that knows nothing of the
/// epoch but the steward's name, and two entries of one place prove to anyone that the steward lied.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    group: GroupId,
    term: Term,
    epoch: u64,
    previous: LogHead,
    commit: [u8; 32],
    author: PeerId,
    signature: [u8; SIGNATURE],
}

/// Why bytes are no entry of a group's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    #[error("it has {0} bytes instead of {length}", length = LogEntry::LENGTH)]
    Length(usize),
    #[error("its version is {0}, ours is {VERSION}")]
    Version(u8),
    #[error("its author's identity is not an Ed25519 key")]
    Key,
    #[error("its author did not sign it")]
    Signature,
}

/// A commit and the log entry that makes it count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub entry: LogEntry,
    /// An MLS message.
    pub commit: Vec<u8>,
}

/// What an entry says, before it is signed.
pub(super) struct Place {
    pub(super) group: GroupId,
    pub(super) term: Term,
    pub(super) epoch: u64,
    pub(super) previous: LogHead,
}

impl LogEntry {
    /// Length of an encoded entry, in bytes.
    pub const LENGTH: usize = 1 + 32 + 8 + 8 + 32 + 32 + 32 + SIGNATURE;

    pub(super) fn sign(identity: &Identity, place: &Place, commit: &[u8]) -> Self {
        let mut entry = Self {
            group: place.group,
            term: place.term,
            epoch: place.epoch,
            previous: place.previous,
            commit: *Digest::of(commit).as_bytes(),
            author: identity.peer_id(),
            signature: [0; SIGNATURE],
        };
        entry.signature = identity.sign(&entry.signed());
        entry
    }

    pub fn group(&self) -> GroupId {
        self.group
    }

    pub fn term(&self) -> Term {
        self.term
    }

    /// The epoch that the commit ends.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn author(&self) -> PeerId {
        self.author
    }

    pub(super) fn previous(&self) -> LogHead {
        self.previous
    }

    pub(super) fn vouches_for(&self, commit: &[u8]) -> bool {
        self.commit == *Digest::of(commit).as_bytes()
    }

    /// The log's head once this is its last entry. The signature is left out: it could be written twice.
    pub fn head(&self) -> LogHead {
        LogHead(*Digest::of(&self.signed()).as_bytes())
    }

    /// Whether one author signed both for the same place: a lie that cannot be denied.
    pub fn contradicts(&self, other: &Self) -> bool {
        let place = |entry: &Self| (entry.group, entry.epoch, entry.term, entry.author);
        place(self) == place(other) && self.head() != other.head()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.body();
        bytes.extend(self.signature);
        bytes
    }

    /// Reads an entry and checks its signature.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEntry> {
        let entry = Self::read(bytes).ok_or(BadEntry::Length(bytes.len()))?;
        if bytes[0] != VERSION {
            return Err(BadEntry::Version(bytes[0]));
        }
        VerifyingKey::from_bytes(entry.author.as_bytes())
            .map_err(|_| BadEntry::Key)?
            .verify_strict(&entry.signed(), &Signature::from_bytes(&entry.signature))
            .map_err(|_| BadEntry::Signature)?;
        Ok(entry)
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let [_version] = chunk(rest)?;
        let entry = Self {
            group: GroupId::from_bytes(chunk(rest)?),
            term: Term::from_number(number(rest)?),
            epoch: number(rest)?,
            previous: LogHead(chunk(rest)?),
            commit: chunk(rest)?,
            author: peer(rest)?,
            signature: chunk(rest)?,
        };
        rest.is_empty().then_some(entry)
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.push(VERSION);
        bytes.extend(self.group.as_bytes());
        bytes.extend(self.term.number().to_be_bytes());
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.previous.0);
        bytes.extend(self.commit);
        bytes.extend(self.author.as_bytes());
        bytes
    }

    fn signed(&self) -> Vec<u8> {
        [DOMAIN, &self.body()].concat()
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntry")
            .field("group", &self.group)
            .field("term", &self.term)
            .field("epoch", &self.epoch)
            .field("author", &self.author)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    fn entry(commit: &[u8]) -> LogEntry {
        let place = Place {
            group: GroupId::from_bytes([7; 32]),
            term: Term::from_number(16),
            epoch: 3,
            previous: LogHead([9; 32]),
        };
        LogEntry::sign(&Identity::from_seed([1; 32]), &place, commit)
    }

    #[test]
    fn the_format_is_a_decision() {
        insta::assert_snapshot!(HEXLOWER.encode(&entry(b"commit").encode()));
    }

    #[test]
    fn survives_the_way() {
        let bytes = entry(b"commit").encode();
        assert_eq!(bytes.len(), LogEntry::LENGTH);
        assert_eq!(LogEntry::decode(&bytes), Ok(entry(b"commit")));
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let good = entry(b"commit").encode();
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            assert!(LogEntry::decode(&bad).is_err(), "byte {index}");
        }
        assert_eq!(LogEntry::decode(&good[1..]), Err(BadEntry::Length(LogEntry::LENGTH - 1)));
        assert_eq!(LogEntry::decode(&[]), Err(BadEntry::Length(0)));
    }

    #[test]
    fn two_entries_of_one_place_contradict_each_other() {
        assert!(entry(b"one").contradicts(&entry(b"two")));
        assert!(!entry(b"one").contradicts(&entry(b"one")));
        assert!(entry(b"one").vouches_for(b"one") && !entry(b"one").vouches_for(b"two"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>()) {
            prop_assert!(LogEntry::decode(&bytes).is_err());
        }
    }
}
