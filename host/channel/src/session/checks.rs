//! Checks of a session before it is created or loaded.

use coworker_policy::PeerId;
use openmls::group::{self, StagedWelcome};
use openmls::prelude::{LeafNodeIndex, ProtocolVersion};

use crate::certificate;
use crate::error::PeerFault;
use crate::identity::Member;
use crate::parameters::SUITE;

/// Checks a welcome that openmls has decrypted and verified, before it is stored.
pub(super) fn check_welcome(staged: &StagedWelcome, member: &Member, peer: PeerId) -> Result<(), PeerFault> {
    let context = staged.group_context();
    if context.ciphersuite() != SUITE {
        return Err(PeerFault::Suite);
    }
    // Extensions can let outsiders propose changes, and a session needs none.
    if context.protocol_version() != ProtocolVersion::Mls10 || context.extensions().iter().next().is_some() {
        return Err(PeerFault::GroupContext);
    }
    let other = other_member(staged.members(), staged.own_leaf_index(), peer)?;
    if staged.welcome_sender_index() != other.index {
        return Err(PeerFault::WelcomeSender);
    }
    let ours = staged.own_leaf_node().is_some_and(|leaf| {
        *leaf.credential() == member.credential().credential
            && *leaf.signature_key() == member.credential().signature_key
    });
    if ours { Ok(()) } else { Err(PeerFault::Members) }
}

/// Returns the only member besides us, after checking that `peer` certified its credential.
pub(super) fn other_member(
    members: impl Iterator<Item = group::Member>,
    own: LeafNodeIndex,
    peer: PeerId,
) -> Result<group::Member, PeerFault> {
    let mut others = members.filter(|member| member.index != own);
    let (Some(other), None) = (others.next(), others.next()) else {
        return Err(PeerFault::Members);
    };
    certificate::check(&other.credential, &other.signature_key, peer)?;
    Ok(other)
}
