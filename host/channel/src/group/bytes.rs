//! Reading fixed fields from bytes that somebody else wrote.

use coworker_policy::PeerId;

pub(super) fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

pub(super) fn number(bytes: &mut &[u8]) -> Option<u64> {
    chunk(bytes).map(u64::from_be_bytes)
}

pub(super) fn peer(bytes: &mut &[u8]) -> Option<PeerId> {
    chunk(bytes).map(PeerId::from_bytes)
}
