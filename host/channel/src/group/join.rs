//! How we come into a group, for the first time or again.

use std::collections::BTreeSet;

use coworker_policy::{Digest, GroupId, PeerId};
use openmls::framing::{MlsMessageBodyIn, MlsMessageOut};
use openmls::group::{ProcessedWelcome, StagedWelcome};
use openmls::key_packages::KeyPackage;
use openmls::messages::Welcome;
use openmls::prelude::{OpenMlsProvider as _, ProtocolVersion};

use super::error::{GroupError, GroupFault, GroupRefusal};
use super::ledger::Ledger;
use super::log::LogEntry;
use super::roster::Roster;
use super::{Group, MAX_MEMBERS, Tools, capabilities, joining, ledger_failed};
use crate::certificate;
use crate::error::PeerFault;
use crate::identity::Member;
use crate::parameters::{Provider, SUITE, Storage};
use crate::session::checks::{bytes, checked_key_package, failed, parsed, welcome_failed};

/// Largest welcome, in bytes: what a group of 256 needs, with room.
pub const MAX_WELCOME: usize = 1024 * 1024;

/// What we expect of a welcome: kept from the moment that we send a key package until the welcome comes, or
/// the invite is withdrawn. A welcome that no ticket expects is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub group: GroupId,
    /// Who invited us, or whom we asked to let us in again.
    pub steward: PeerId,
    /// The SHA-256 of the key package that we sent.
    pub key_package: Digest,
}

impl Group {
    /// A fresh key package, good for one group, and the ticket to keep with it. Its secret part is in the
    /// storage until a welcome uses it, or [`crate::Session::withdraw`] forgets it.
    pub fn key_package<S: Storage, L: Ledger>(
        tools: &Tools<'_, S, L>,
        group: GroupId,
        steward: PeerId,
    ) -> Result<(Vec<u8>, Ticket), GroupError> {
        let bundle = KeyPackage::builder()
            .leaf_node_capabilities(capabilities())
            .build(SUITE, &Provider::new(tools.storage), tools.member, tools.member.credential().clone())
            .map_err(failed("make a key package"))?;
        let key_package = bytes(&MlsMessageOut::from(bundle.into_key_package()))?;
        let ticket = Ticket { group, steward, key_package: Digest::of(&key_package) };
        Ok((key_package, ticket))
    }

    /// The same for coming back: to the steward that we know, or to one of its deputies that took over.
    pub fn rejoin<S: Storage, L: Ledger>(
        &self,
        tools: &Tools<'_, S, L>,
        steward: PeerId,
    ) -> Result<(Vec<u8>, Ticket), GroupError> {
        if !self.may_lead(steward) {
            return Err(GroupRefusal::UnknownSteward(steward).into());
        }
        Self::key_package(tools, self.id, steward)
    }

    /// Joins the group of `ticket` with the welcome and log entry that came for it. On an error the caller rolls
    /// back: the key package is used up otherwise.
    ///
    /// A group with the same id in storage is replaced, if this one goes on from it: delete it before, to
    /// follow a new invite after we were removed.
    pub fn join<S: Storage, L: Ledger>(
        tools: &Tools<'_, S, L>,
        ticket: &Ticket,
        entry: &LogEntry,
        welcome: &[u8],
    ) -> Result<Self, GroupError> {
        let provider = Provider::new(tools.storage);
        let builder = StagedWelcome::build_from_welcome(&provider, &joining(), read(welcome)?)
            .map_err(welcome_failed)?;
        check_solicited(builder.processed_welcome(), ticket)?;
        let staged = builder.replace_old_group().build().map_err(welcome_failed)?;
        let roster = check(&staged, tools.member, ticket)?;
        check_entry(entry, &staged, &roster, ticket)?;
        let old = Self::load(tools, ticket.group)?;
        if let Some(old) = old.filter(Self::is_active) {
            old.check_successor(&roster, staged.group_context().epoch().as_u64())?;
        }
        let group = staged.into_group(&provider).map_err(welcome_failed)?;
        tools.ledger.restart(ticket.group, entry).map_err(ledger_failed)?;
        Ok(Self { id: ticket.group, mls: group, roster, head: entry.head() })
    }

    /// A steward cannot lead us back to where the group was before, nor can one that was replaced.
    fn check_successor(&self, roster: &Roster, epoch: u64) -> Result<(), GroupFault> {
        let old = &self.roster;
        let same = roster.steward == old.steward && roster.term == old.term;
        let later = roster.term > old.term;
        if later || (same && epoch > self.epoch()) { Ok(()) } else { Err(GroupFault::WelcomeStale) }
    }

    /// Forgets the secret part of a key package whose invite came to nothing.
    pub fn withdraw<S: Storage>(storage: &S, key_package: &[u8]) -> Result<(), GroupError> {
        let provider = Provider::new(storage);
        let reference = checked_key_package(&provider, key_package)?
            .hash_ref(provider.crypto())
            .map_err(failed("name a key package"))?;
        Ok(storage.delete_key_package(&reference).map_err(failed("forget a key package"))?)
    }
}

fn read(welcome: &[u8]) -> Result<Welcome, GroupError> {
    if welcome.len() > MAX_WELCOME {
        return Err(GroupFault::WelcomeSize.into());
    }
    let MlsMessageBodyIn::Welcome(welcome) = parsed(welcome, "a welcome")? else {
        return Err(PeerFault::Malformed { expected: "a welcome" }.into());
    };
    if welcome.ciphersuite() == SUITE { Ok(welcome) } else { Err(PeerFault::Suite.into()) }
}

/// Without this a steward that we let invite us to one group could put us into another.
fn check_solicited(processed: &ProcessedWelcome, ticket: &Ticket) -> Result<(), GroupError> {
    let used = processed.own_key_package().ok_or(GroupFault::Unsolicited)?;
    let used = bytes(&MlsMessageOut::from(used.clone()))?;
    if Digest::of(&used) == ticket.key_package { Ok(()) } else { Err(GroupFault::Unsolicited.into()) }
}

/// Checks a welcome that openmls has decrypted and verified, before anything of it is stored.
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
        let peer = certificate::named(&member.credential, &member.signature_key)?;
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

/// The entry is the steward's word that this welcome's commit is in the log.
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
