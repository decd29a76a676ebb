//! Reads fixed-size fields from bytes that a peer wrote.

use coworker_policy::PeerId;

pub(crate) fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

pub(crate) fn number(bytes: &mut &[u8]) -> Option<u64> {
    chunk(bytes).map(u64::from_be_bytes)
}

pub(crate) fn peer(bytes: &mut &[u8]) -> Option<PeerId> {
    chunk(bytes).map(PeerId::from_bytes)
}
