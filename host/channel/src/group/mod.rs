//! Conversations of many: an MLS group whose commits are ordered by one of its members, the steward.
//!
//! A commit counts if the steward's signed log says so ([`LogEntry`]); each entry names the one before it,
//! and the epoch that its commit ends. So all members make the same commits in the same order, one that
//! was away replays the log, and one that went another way notices ([`Standing`]).
//!
//! As with sessions: what a function returns may be sent once its storage and ledger are committed, and
//! after an error or a rollback the group in memory is dropped and loaded again.

mod apply;
mod bytes;
mod commit;
mod error;
mod join;
mod ledger;
mod log;
mod name;
mod position;
mod roster;
mod rules;
mod seal;

use std::fmt;

use coworker_policy::{GroupId, PeerId};
use openmls::group::{self, MlsGroup, MlsGroupCreateConfig, MlsGroupCreateConfigBuilder, MlsGroupJoinConfig};
use openmls::prelude::{Capabilities, ExtensionType, LeafNodeIndex, OpenMlsProvider as _, OpenMlsRand as _};
use openmls::treesync::LeafNodeSource;

pub use apply::Applied;
pub use commit::{Committed, Joiner};
pub use error::{CommitFault, GroupError, GroupFault, GroupRefusal};
pub use join::{MAX_WELCOME, Ticket};
pub use ledger::{Held, Ledger};
pub use log::{BadEntry, LogEntry, LogHead, Logged, MAX_COMMIT};
pub use name::{GroupName, GroupNameError};
pub use position::{GroupPosition, MAX_HISTORY, Standing};
pub use roster::{BadRoster, MAX_DEPUTIES, Roster, Term};
pub use seal::{GroupOpened, MAX_GROUP_BATCH, MAX_HELD, MAX_HELD_VIA, MAX_SEALED, Received};

use crate::certificate;
use crate::error::ChannelError;
use crate::identity::{Identity, Member};
use crate::parameters::{GROUP_PAST_EPOCHS, Provider, SUITE, Storage, create_config};
use crate::session::checks::failed;

/// Most members of a group.
pub const MAX_MEMBERS: usize = 256;

/// Who we are and where a group is kept, for one operation. Storage and ledger share a transaction.
pub struct Tools<'a, S, L> {
    pub identity: &'a Identity,
    pub member: &'a Member,
    pub storage: &'a S,
    pub ledger: &'a L,
}

/// The id as openmls takes it.
fn mls_id(id: GroupId) -> group::GroupId {
    group::GroupId::from_slice(id.as_bytes())
}

/// A group that we are, or were, a member of.
pub struct Group {
    id: GroupId,
    mls: MlsGroup,
    roster: Roster,
    head: LogHead,
}

/// One member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMember {
    pub peer: PeerId,
    /// Its place in the tree, which another member may have later.
    pub leaf: u32,
    /// When its key package ends, in seconds since 1970, unless it rotated its keys since it joined. From
    /// then on nobody can join a group that has it.
    pub expires: Option<u64>,
}

impl Group {
    /// Makes a group with us alone in it, as its steward. It is durable when the caller commits.
    pub fn create<S: Storage, L: Ledger>(
        tools: &Tools<'_, S, L>,
        name: GroupName,
    ) -> Result<Self, GroupError> {
        let provider = Provider::new(tools.storage);
        let id: [u8; 32] = provider.rand().random_array().map_err(failed("draw a group id"))?;
        let id = GroupId::from_bytes(id);
        let roster = Roster::new(name, tools.identity.peer_id());
        let config = creation(&roster)?;
        let credential = tools.member.credential().clone();
        let group = MlsGroup::new_with_group_id(&provider, tools.member, &config, mls_id(id), credential)
            .map_err(failed("make a group"))?;
        Ok(Self { id, mls: group, roster, head: LogHead::default() })
    }

    /// The group as storage and ledger have it; `None` if there is none.
    pub fn load<S: Storage, L: Ledger>(
        tools: &Tools<'_, S, L>,
        id: GroupId,
    ) -> Result<Option<Self>, GroupError> {
        let Some(group) = MlsGroup::load(tools.storage, &mls_id(id)).map_err(failed("load a group"))? else {
            return Ok(None);
        };
        let last = tools.ledger.last(id).map_err(failed("read a group's log"))?;
        let roster = Roster::of(group.extensions())?;
        Ok(Some(Self { id, mls: group, roster, head: last.map(|entry| entry.head()).unwrap_or_default() }))
    }

    /// Removes the group and its keys from the storage. Its log is the caller's.
    pub fn delete<S: Storage>(mut self, storage: &S) -> Result<(), GroupError> {
        Ok(self.mls.delete(storage).map_err(failed("delete a group"))?)
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

    /// False once we were removed: nothing can be sealed or opened any more.
    pub fn is_active(&self) -> bool {
        self.mls.is_active()
    }

    pub fn is_steward(&self) -> bool {
        self.is_active() && self.me().is_ok_and(|me| me == self.roster.steward)
    }

    pub fn is_member(&self, peer: PeerId) -> bool {
        self.leaf_of(peer).is_some()
    }

    /// Everyone, with us, in the order of the tree.
    pub fn members(&self) -> Vec<GroupMember> {
        self.mls.members().filter_map(|member| self.described(&member)).collect()
    }

    /// Whether our own keys are still those of the key package that we joined with. A member that never
    /// rotates them is in everybody's way after 84 days: update soon after joining, then every few weeks.
    pub fn needs_update(&self) -> bool {
        self.mls.own_leaf_node().is_some_and(|leaf| match leaf.leaf_node_source() {
            LeafNodeSource::KeyPackage(_) => true,
            LeafNodeSource::Update | LeafNodeSource::Commit(_) => false,
        })
    }

    fn described(&self, member: &group::Member) -> Option<GroupMember> {
        let peer = certificate::claimed(&member.credential).ok()?;
        let leaf = self.mls.public_group().leaf(member.index);
        let expires = leaf.and_then(|leaf| match leaf.leaf_node_source() {
            LeafNodeSource::KeyPackage(lifetime) => Some(lifetime.not_after()),
            LeafNodeSource::Update | LeafNodeSource::Commit(_) => None,
        });
        Some(GroupMember { peer, leaf: member.index.u32(), expires })
    }

    fn me(&self) -> Result<PeerId, GroupError> {
        let credential = self.mls.credential().map_err(|_| GroupRefusal::Removed)?;
        Ok(certificate::claimed(credential)?)
    }

    fn leaf_of(&self, peer: PeerId) -> Option<LeafNodeIndex> {
        let named = |member: &group::Member| certificate::claimed(&member.credential) == Ok(peer);
        self.mls.members().find(named).map(|member| member.index)
    }

    /// Whom we follow: the steward, or a deputy that took over.
    fn may_lead(&self, peer: PeerId) -> bool {
        peer == self.roster.steward || self.roster.deputies.contains(&peer)
    }

    fn active(&self) -> Result<(), GroupRefusal> {
        if self.is_active() { Ok(()) } else { Err(GroupRefusal::Removed) }
    }

    fn steward(&self) -> Result<(), GroupRefusal> {
        self.active()?;
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

/// What every member's leaf says it understands: our suite, and the roster.
fn capabilities() -> Capabilities {
    Capabilities::builder()
        .ciphersuites(vec![SUITE])
        .extensions(vec![ExtensionType::Unknown(roster::EXTENSION)])
        .build()
}

fn creation(roster: &Roster) -> Result<MlsGroupCreateConfig, GroupError> {
    Ok(settings().with_group_context_extensions(roster.extensions()?).build())
}

fn joining() -> MlsGroupJoinConfig {
    settings().build().join_config().clone()
}

/// A session's, but for the past epochs.
fn settings() -> MlsGroupCreateConfigBuilder {
    let session = create_config();
    MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .wire_format_policy(session.wire_format_policy())
        .use_ratchet_tree_extension(true)
        .max_past_epochs(GROUP_PAST_EPOCHS)
        .padding_size(session.padding_size())
        .sender_ratchet_configuration(*session.sender_ratchet_configuration())
        .capabilities(capabilities())
}

fn ledger_failed<E>(error: E) -> GroupError
where
    E: std::error::Error + Send + Sync + 'static,
{
    ChannelError::State { doing: "use a group's log", source: Box::new(error) }.into()
}
