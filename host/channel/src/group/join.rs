//! Joining a group, for the first time or again.

use std::collections::BTreeSet;

use coworker_policy::{Digest, GroupId, PeerId};
use openmls::framing::{MlsMessageBodyIn, MlsMessageOut};
use openmls::group::{ProcessedWelcome, StagedWelcome};
use openmls::key_packages::KeyPackage;
use openmls::messages::Welcome;
use openmls::prelude::ProtocolVersion;

use super::error::{GroupError, GroupFault, GroupRefusal};
use super::ledger::Ledger;
use super::roster::Roster;
use super::settings::{capabilities, joining};
use super::state::{Backend, Group};
use crate::certificate;
use crate::error::PeerFault;
use crate::group_log::LogEntry;
use crate::identity::Member;
use crate::limits::{MAX_MEMBERS, MAX_WELCOME};
use crate::mls::{forget_key_package, parse, state_error, to_bytes, welcome_error};
use crate::parameters::{Provider, SUITE, Storage};

/// Describes the welcome that we expect. Kept from sending a key package until the welcome arrives or the
/// invite is withdrawn. A welcome without a matching ticket is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub group: GroupId,
    /// The steward that invited us, or that we asked to readmit us.
    pub steward: PeerId,
    /// The SHA-256 of the key package that we sent.
    pub key_package: Digest,
}

impl Group {
    /// Creates a key package for one group, and the ticket to keep with it. The storage keeps its secret part
    /// until a welcome uses it or [`Group::withdraw`] deletes it.
    pub fn key_package<S: Storage, L: Ledger>(
        backend: &Backend<'_, S, L>,
        group: GroupId,
        steward: PeerId,
    ) -> Result<(Vec<u8>, Ticket), GroupError> {
        let bundle = KeyPackage::builder()
            .leaf_node_capabilities(capabilities())
            .build(
                SUITE,
                &Provider::new(backend.storage),
                backend.member,
                backend.member.credential().clone(),
            )
            .map_err(state_error("make a key package"))?;
        let key_package = to_bytes(&MlsMessageOut::from(bundle.into_key_package()))?;
        let ticket = Ticket { group, steward, key_package: Digest::of(&key_package) };
        Ok((key_package, ticket))
    }

    /// Creates a key package and ticket for rejoining under the known steward, or under a deputy that took over.
    pub fn rejoin<S: Storage, L: Ledger>(
        &self,
        backend: &Backend<'_, S, L>,
        steward: PeerId,
    ) -> Result<(Vec<u8>, Ticket), GroupError> {
        if !self.may_lead(steward) {
            return Err(GroupRefusal::UnknownSteward(steward).into());
        }
        Self::key_package(backend, self.id, steward)
    }

    /// Joins the group of `ticket` with the welcome and log entry that arrived for it. On an error the caller must
    /// roll back, or the key package is used up.
    ///
    /// Replaces a stored group with the same id if the new one is a later state of it. To accept a new invite
    /// after our removal, delete the stored group first.
    pub fn join<S: Storage, L: Ledger>(
        backend: &Backend<'_, S, L>,
        ticket: &Ticket,
        entry: &LogEntry,
        welcome: &[u8],
    ) -> Result<Self, GroupError> {
        let provider = Provider::new(backend.storage);
        let builder = StagedWelcome::build_from_welcome(&provider, &joining(), read(welcome)?)
            .map_err(welcome_error)?;
        check_solicited(builder.processed_welcome(), ticket)?;
        let staged = builder.replace_old_group().build().map_err(welcome_error)?;
        let roster = check(&staged, backend.member, ticket)?;
        check_entry(entry, &staged, &roster, ticket)?;
        let old = Self::load(backend, ticket.group)?;
        if let Some(old) = old.filter(Self::is_active) {
            old.check_successor(&roster, staged.group_context().epoch().as_u64())?;
        }
        let group = staged.into_group(&provider).map_err(welcome_error)?;
        backend.ledger.restart(ticket.group, entry).map_err(GroupError::ledger)?;
        Ok(Self { id: ticket.group, mls: group, roster, head: entry.head() })
    }

    /// Refuses to go back to an earlier state of the group, or to a steward that was replaced.
    fn check_successor(&self, roster: &Roster, epoch: u64) -> Result<(), GroupFault> {
        let old = &self.roster;
        let same = roster.steward == old.steward && roster.term == old.term;
        let later = roster.term > old.term;
        if later || (same && epoch > self.epoch()) { Ok(()) } else { Err(GroupFault::WelcomeStale) }
    }

    /// Deletes the secret part of a key package that will not be used.
    pub fn withdraw<S: Storage>(storage: &S, key_package: &[u8]) -> Result<(), GroupError> {
        Ok(forget_key_package(storage, key_package)?)
    }
}

fn read(welcome: &[u8]) -> Result<Welcome, GroupError> {
    if welcome.len() > MAX_WELCOME {
        return Err(GroupFault::WelcomeSize.into());
    }
    let MlsMessageBodyIn::Welcome(welcome) = parse(welcome, "a welcome")? else {
        return Err(PeerFault::Malformed { expected: "a welcome" }.into());
    };
    if welcome.ciphersuite() == SUITE { Ok(welcome) } else { Err(PeerFault::Suite.into()) }
}

/// Without this check, a steward that may invite us to one group could put us into another.
fn check_solicited(processed: &ProcessedWelcome, ticket: &Ticket) -> Result<(), GroupError> {
    let used = processed.own_key_package().ok_or(GroupFault::Unsolicited)?;
    let used = to_bytes(&MlsMessageOut::from(used.clone()))?;
    if Digest::of(&used) == ticket.key_package { Ok(()) } else { Err(GroupFault::Unsolicited.into()) }
}

/// Checks a welcome that openmls has decrypted and verified, before it is stored.
fn check(staged: &StagedWelcome, member: &Member, ticket: &Ticket) -> Result<Roster, GroupError> {
    let context = staged.group_context();
    if context.ciphersuite() != SUITE || context.protocol_version() != ProtocolVersion::Mls10 {
        return Err(PeerFault::Suite.into());
    }
    if context.group_id().as_slice() != ticket.group.as_bytes() {
        return Err(GroupFault::OtherGroup.into());
    }
    let roster = Roster::of(context.extensions())?;
    if roster.steward != ticket.steward {
        return Err(GroupFault::WelcomeAuthor.into());
    }
    check_members(staged, &roster)?;
    let ours = staged.own_leaf_node().is_some_and(|leaf| {
        *leaf.credential() == member.credential().credential
            && *leaf.signature_key() == member.credential().signature_key
    });
    if ours { Ok(roster) } else { Err(GroupFault::Members.into()) }
}

fn check_members(staged: &StagedWelcome, roster: &Roster) -> Result<(), GroupError> {
    if staged.members().count() > MAX_MEMBERS {
        return Err(GroupFault::Members.into());
    }
    let mut all = BTreeSet::new();
    for member in staged.members() {
        let peer = certificate::verified_peer(&member.credential, &member.signature_key)?;
        if !all.insert(peer) {
            return Err(GroupFault::Members.into());
        }
        let author = member.index == staged.welcome_sender_index();
        if author != (peer == roster.steward) {
            return Err(GroupFault::WelcomeAuthor.into());
        }
    }
    let leading = roster.deputies.iter().chain([&roster.steward]).all(|peer| all.contains(peer));
    if leading { Ok(()) } else { Err(GroupFault::Members.into()) }
}

/// Checks that `entry` is the log entry by which the steward made this welcome's commit valid.
fn check_entry(
    entry: &LogEntry,
    staged: &StagedWelcome,
    roster: &Roster,
    ticket: &Ticket,
) -> Result<(), GroupError> {
    let epoch = staged.group_context().epoch().as_u64();
    let fits = entry.group() == ticket.group
        && entry.author() == ticket.steward
        && entry.term() == roster.term
        && entry.epoch().checked_add(1) == Some(epoch);
    if fits { Ok(()) } else { Err(GroupFault::WelcomeAuthor.into()) }
}
