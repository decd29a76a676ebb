use std::fmt;

use coworker_policy::{GroupId, PeerId};
use openmls::group::{self, MlsGroup};
use openmls::prelude::{LeafNodeIndex, OpenMlsProvider as _, OpenMlsRand as _};
use openmls::treesync::LeafNodeSource;

use super::error::{GroupError, GroupRefusal};
use super::ledger::Ledger;
use super::roster::Roster;
use super::settings::creation;
use crate::certificate;
use crate::group_log::LogHead;
use crate::group_name::GroupName;
use crate::identity::{Identity, Member};
use crate::mls::state_error;
use crate::parameters::{Provider, Storage};

/// Our keys and the stores of a group, for one operation. Storage and ledger share a transaction.
pub struct Backend<'a, S, L> {
    pub identity: &'a Identity,
    pub member: &'a Member,
    pub storage: &'a S,
    pub ledger: &'a L,
}

fn mls_id(id: GroupId) -> group::GroupId {
    group::GroupId::from_slice(id.as_bytes())
}

/// A group of which we are or were a member.
pub struct Group {
    pub(super) id: GroupId,
    pub(super) mls: MlsGroup,
    pub(super) roster: Roster,
    pub(super) head: LogHead,
}

/// One member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMember {
    pub peer: PeerId,
    /// Its index in the tree. After it leaves, another member may get the same index.
    pub leaf: u32,
    /// Expiry of its key package in seconds since 1970, or `None` if it has rotated its keys since it joined.
    /// After the expiry nobody can join the group until this member rotates its keys or leaves.
    pub expires: Option<u64>,
}

impl Group {
    /// Creates a group with us as its only member and steward. It is durable when the caller commits.
    pub fn create<S: Storage, L: Ledger>(
        backend: &Backend<'_, S, L>,
        name: GroupName,
    ) -> Result<Self, GroupError> {
        let provider = Provider::new(backend.storage);
        let id: [u8; 32] = provider.rand().random_array().map_err(state_error("draw a group id"))?;
        let id = GroupId::from_bytes(id);
        let roster = Roster::new(name, backend.identity.peer_id());
        let config = creation(&roster)?;
        let credential = backend.member.credential().clone();
        let group = MlsGroup::new_with_group_id(&provider, backend.member, &config, mls_id(id), credential)
            .map_err(state_error("make a group"))?;
        Ok(Self { id, mls: group, roster, head: LogHead::default() })
    }

    /// Loads the group from storage and ledger. Returns `None` if it does not exist.
    pub fn load<S: Storage, L: Ledger>(
        backend: &Backend<'_, S, L>,
        id: GroupId,
    ) -> Result<Option<Self>, GroupError> {
        let loaded = MlsGroup::load(backend.storage, &mls_id(id)).map_err(state_error("load a group"))?;
        let Some(group) = loaded else {
            return Ok(None);
        };
        let last = backend.ledger.last(id).map_err(state_error("read a group's log"))?;
        let roster = Roster::of(group.extensions())?;
        Ok(Some(Self { id, mls: group, roster, head: last.map(|entry| entry.head()).unwrap_or_default() }))
    }

    /// Removes the group and its keys from the storage. The caller deletes the log.
    pub fn delete<S: Storage>(mut self, storage: &S) -> Result<(), GroupError> {
        Ok(self.mls.delete(storage).map_err(state_error("delete a group"))?)
    }

    pub fn id(&self) -> GroupId {
        self.id
    }

    /// The group's name, steward, deputies and term.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub fn epoch(&self) -> u64 {
        self.mls.epoch().as_u64()
    }

    /// Returns false after our removal. Nothing can be sealed or opened any more.
    pub fn is_active(&self) -> bool {
        self.mls.is_active()
    }

    pub fn is_steward(&self) -> bool {
        self.is_active() && self.own_id().is_ok_and(|own| own == self.roster.steward)
    }

    pub fn is_member(&self, peer: PeerId) -> bool {
        self.leaf_of(peer).is_some()
    }

    /// All members including us, in the order of the tree.
    pub fn members(&self) -> Vec<GroupMember> {
        self.mls.members().filter_map(|member| self.described(&member)).collect()
    }

    /// Returns true if our keys are still those of the key package that we joined with. A member that does not
    /// rotate them blocks every join after 84 days. Rotate soon after joining, then every few weeks.
    pub fn needs_update(&self) -> bool {
        self.mls.own_leaf_node().is_some_and(|leaf| match leaf.leaf_node_source() {
            LeafNodeSource::KeyPackage(_) => true,
            LeafNodeSource::Update | LeafNodeSource::Commit(_) => false,
        })
    }

    fn described(&self, member: &group::Member) -> Option<GroupMember> {
        let peer = certificate::claimed_peer(&member.credential).ok()?;
        let leaf = self.mls.public_group().leaf(member.index);
        let expires = leaf.and_then(|leaf| match leaf.leaf_node_source() {
            LeafNodeSource::KeyPackage(lifetime) => Some(lifetime.not_after()),
            LeafNodeSource::Update | LeafNodeSource::Commit(_) => None,
        });
        Some(GroupMember { peer, leaf: member.index.u32(), expires })
    }

    pub(super) fn own_id(&self) -> Result<PeerId, GroupError> {
        let credential = self.mls.credential().map_err(|_| GroupRefusal::Removed)?;
        Ok(certificate::claimed_peer(credential)?)
    }

    pub(super) fn member_ids(&self) -> Vec<PeerId> {
        self.members().into_iter().map(|member| member.peer).collect()
    }

    pub(super) fn leaf_of(&self, peer: PeerId) -> Option<LeafNodeIndex> {
        let is_peer = |member: &group::Member| certificate::claimed_peer(&member.credential) == Ok(peer);
        self.mls.members().find(is_peer).map(|member| member.index)
    }

    /// Returns true for the steward and for its deputies, which may take over.
    pub(super) fn may_lead(&self, peer: PeerId) -> bool {
        peer == self.roster.steward || self.roster.deputies.contains(&peer)
    }

    pub(super) fn ensure_active(&self) -> Result<(), GroupRefusal> {
        if self.is_active() { Ok(()) } else { Err(GroupRefusal::Removed) }
    }

    pub(super) fn ensure_steward(&self) -> Result<(), GroupRefusal> {
        self.ensure_active()?;
        if self.is_steward() { Ok(()) } else { Err(GroupRefusal::NotSteward) }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Group");
        shown.field("id", &self.id).field("roster", &self.roster).field("epoch", &self.epoch());
        shown.finish_non_exhaustive()
    }
}
