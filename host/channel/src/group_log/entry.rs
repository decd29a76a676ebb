use std::fmt;

use coworker_policy::{Digest, GroupId, PeerId};
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, VerifyingKey};

use super::term::Term;
use crate::fields::{chunk, number, peer};
use crate::identity::Identity;

const VERSION: u8 = 1;
/// Keeps this signature distinct from the identity key's signatures for other purposes.
const DOMAIN: &[u8] = b"coworker/group-log/v1\0";
const SIGNATURE: usize = 64;

/// The hash of a log's last entry. Equal heads mean equal histories. Zero before the first entry.
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

/// The steward's signed choice of the one valid commit of `epoch`.
///
/// The identity key signs it, not the MLS key. So a member can verify it knowing only the steward's name, and
/// two entries for the same place prove to anyone that the steward signed both.
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

/// Why bytes are not a valid log entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    #[error("it has {0} bytes; expected {length}", length = LogEntry::LENGTH)]
    Length(usize),
    #[error("its version is {0}; this version of coworker knows {VERSION}")]
    Version(u8),
    #[error("its author's identity is not a valid Ed25519 key")]
    Key,
    #[error("its signature is not valid")]
    Signature,
}

/// A commit and the log entry that makes it valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    pub entry: LogEntry,
    /// An MLS message.
    pub commit: Vec<u8>,
}

/// A place in a group's log.
pub(crate) struct Place {
    pub(crate) group: GroupId,
    pub(crate) term: Term,
    pub(crate) epoch: u64,
    pub(crate) previous: LogHead,
}

impl LogEntry {
    /// Length of an encoded entry, in bytes.
    pub const LENGTH: usize = 1 + 32 + 8 + 8 + 32 + 32 + 32 + SIGNATURE;

    pub(crate) fn sign(identity: &Identity, place: &Place, commit: &[u8]) -> Self {
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

    pub(crate) fn previous(&self) -> LogHead {
        self.previous
    }

    pub(crate) fn vouches_for(&self, commit: &[u8]) -> bool {
        self.commit == *Digest::of(commit).as_bytes()
    }

    /// The log's head once this is its last entry. The hash excludes the signature, because one author can sign
    /// the same content in several ways.
    pub fn head(&self) -> LogHead {
        LogHead(*Digest::of(&self.signed()).as_bytes())
    }

    /// Returns true if one author signed two different entries for the same place, which proves equivocation.
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
    fn the_format_is_unchanged() {
        insta::assert_snapshot!(HEXLOWER.encode(&entry(b"commit").encode()));
    }

    #[test]
    fn a_decoded_entry_equals_the_encoded_one() {
        let bytes = entry(b"commit").encode();
        assert_eq!(bytes.len(), LogEntry::LENGTH);
        assert_eq!(LogEntry::decode(&bytes), Ok(entry(b"commit")));
    }

    #[test]
    fn every_altered_byte_is_detected() {
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
    fn two_entries_for_one_place_contradict_each_other() {
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
