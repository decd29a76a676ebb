//! Hostile stewards and members: welcomes, commits and entries that they forge with openmls and their own keys
//! are refused.

use coworker_channel::{
    BadRoster, ChannelError, CommitFault, Group, GroupError, GroupFault, Joiner, LogEntry, Logged, PeerFault,
    Session,
};
use coworker_policy::{Digest, GroupId};
use ed25519_dalek::{Signer as _, SigningKey};
use openmls::framing::MlsMessageOut;
use openmls::group::{GroupContext, MlsGroup};
use openmls::prelude::{
    Capabilities, Extension, ExtensionType, Extensions, KeyPackage, LeafNodeIndex, OpenMlsProvider as _,
    RequiredCapabilitiesExtension, UnknownExtension,
};

use crate::crowd::{Agent, fault, spread};

const SUITE: openmls::prelude::Ciphersuite =
    openmls::prelude::Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
const ROSTER: u16 = 0xf0c0;

fn crew() -> (Agent, Agent, Agent, GroupId) {
    let (alice, bob, carol) = (Agent::new(1), Agent::new(2), Agent::new(3));
    let id = alice.create();
    alice.admits(id, &[&bob, &carol], &[]);
    (alice, bob, carol, id)
}

/// The MLS group, without the checks of our code.
fn mls(agent: &Agent, id: GroupId) -> MlsGroup {
    let id = openmls::group::GroupId::from_slice(id.as_bytes());
    MlsGroup::load(&agent.party.storage, &id).unwrap().unwrap()
}

fn bytes(message: &MlsMessageOut) -> Vec<u8> {
    message.to_bytes().unwrap()
}

/// A key package of an agent that knows the roster extension.
fn key_package(agent: &Agent) -> KeyPackage {
    let capabilities = Capabilities::builder().extensions(vec![ExtensionType::Unknown(ROSTER)]).build();
    let builder = KeyPackage::builder().leaf_node_capabilities(capabilities);
    let party = &agent.party;
    builder.build(SUITE, party, &party.member, party.own_credential()).unwrap().into_key_package()
}

/// A commit with any content by `agent`, for its epoch.
fn commit(
    agent: &Agent,
    id: GroupId,
    add: Vec<KeyPackage>,
    remove: Vec<LeafNodeIndex>,
    extensions: Option<Extensions<GroupContext>>,
) -> Vec<u8> {
    let mut group = mls(agent, id);
    let party = &agent.party;
    let mut builder =
        group.commit_builder().force_self_update(true).propose_adds(add).propose_removals(remove);
    if let Some(extensions) = extensions {
        builder = builder.propose_group_context_extensions(extensions).unwrap();
    }
    let built = builder.load_psks(&party.storage).unwrap();
    let built = built.build(party.rand(), party.crypto(), &party.member, |_| true).unwrap();
    bytes(&built.stage_commit(party).unwrap().into_commit())
}

/// A log entry for any commit, signed by the agent of `seed`, in the place that follows the position of `at`.
fn entry(at: &Agent, seed: u8, id: GroupId, term: u64, commit: &[u8]) -> LogEntry {
    let position = at.group(id).position();
    let author = SigningKey::from_bytes(&[seed; 32]);
    let mut body = vec![1];
    body.extend(id.as_bytes());
    body.extend(term.to_be_bytes());
    body.extend(position.epoch.to_be_bytes());
    body.extend(position.head.as_bytes());
    body.extend(Digest::of(commit).as_bytes());
    body.extend(author.verifying_key().as_bytes());
    let signed = [b"coworker/group-log/v1\0", &body[..]].concat();
    body.extend(author.sign(&signed).to_bytes());
    LogEntry::decode(&body).unwrap()
}

fn refused(member: &Agent, id: GroupId, logged: &Logged) -> CommitFault {
    match fault(member.apply(id, logged)) {
        GroupFault::Commit(reason) => reason,
        other => panic!("not a commit fault: {other:?}"),
    }
}

#[test]
fn a_welcome_to_another_group_is_refused() {
    let (alice, bob) = (Agent::new(1), Agent::new(2));
    let (told, other) = (alice.create(), alice.create());
    let (package, ticket) = bob.key_package(told, alice.id());
    let joiner = [Joiner { peer: bob.id(), key_package: &package }];
    let done = alice.with(other, |group, backend| group.admit(backend, &joiner)).unwrap();
    let welcome = done.welcome.unwrap();
    let refused = bob.join(&ticket, &done.logged.entry, &welcome);
    assert!(matches!(fault(refused), GroupFault::OtherGroup));
    // The transaction was rolled back, so the key package is still usable.
    let done = alice.with(told, |group, backend| group.admit(backend, &joiner)).unwrap();
    bob.join(&ticket, &done.logged.entry, &done.welcome.unwrap()).unwrap();
}

#[test]
fn a_welcome_for_another_ticket_is_refused() {
    let (alice, bob) = (Agent::new(1), Agent::new(2));
    let id = alice.create();
    let (_, ticket) = bob.key_package(id, alice.id());
    let (package, other) = bob.key_package(id, alice.id());
    let joiner = [Joiner { peer: bob.id(), key_package: &package }];
    let done = alice.with(id, |group, backend| group.admit(backend, &joiner)).unwrap();
    let welcome = done.welcome.unwrap();
    assert!(matches!(fault(bob.join(&ticket, &done.logged.entry, &welcome)), GroupFault::Unsolicited));
    let stranger = Agent::new(3);
    let not_for_me = stranger.join(&other, &done.logged.entry, &welcome);
    assert!(not_for_me.unwrap_err().is_peer_fault());
    bob.join(&other, &done.logged.entry, &welcome).unwrap();
}

#[test]
fn a_welcome_written_by_an_ordinary_member_is_refused() {
    let (_, bob, carol, id) = crew();
    let dave = Agent::new(4);
    let alice = Agent::new(1);
    for (steward, seed) in [(&alice, 1), (&bob, 2)] {
        let (package, ticket) = dave.key_package(id, steward.id());
        let mut group = mls(&bob, id);
        let parsed = validated(&bob, &package);
        let (commit, welcome, _) = group.add_members(&bob.party, &bob.party.member, &[parsed]).unwrap();
        // It is refused even with an entry that the steward signed.
        let entry = entry(&carol, seed, id, 0, &bytes(&commit));
        let refused = dave.join(&ticket, &entry, &bytes(&welcome));
        assert!(matches!(fault(refused), GroupFault::WelcomeAuthor));
        let mut group = mls(&bob, id);
        group.clear_pending_commit(&bob.party.storage).unwrap();
    }
}

fn validated(by: &Agent, bytes: &[u8]) -> KeyPackage {
    use openmls::prelude::{MlsMessageBodyIn, MlsMessageIn, ProtocolVersion};
    use tls_codec::DeserializeBytes as _;
    let MlsMessageBodyIn::KeyPackage(parsed) =
        MlsMessageIn::tls_deserialize_exact_bytes(bytes).unwrap().extract()
    else {
        panic!("not a key package");
    };
    parsed.validate(by.party.crypto(), ProtocolVersion::Mls10).unwrap()
}

#[test]
fn a_welcome_with_another_entry_is_refused() {
    let (alice, bob, carol, id) = crew();
    let earlier = alice.with(id, Group::update).unwrap().logged;
    spread(id, &earlier, &[&bob, &carol]);
    let dave = Agent::new(4);
    let (package, ticket) = dave.key_package(id, alice.id());
    let joiner = [Joiner { peer: dave.id(), key_package: &package }];
    let done = alice.with(id, |group, backend| group.admit(backend, &joiner)).unwrap();
    let refused = dave.join(&ticket, &earlier.entry, done.welcome.as_ref().unwrap());
    assert!(matches!(fault(refused), GroupFault::WelcomeAuthor));
}

#[test]
fn sessions_and_groups_do_not_accept_each_others_key_packages_and_welcomes() {
    let (alice, bob) = (Agent::new(1), Agent::new(2));
    let id = alice.create();
    let for_session = bob.party.key_package();
    let joiner = [Joiner { peer: bob.id(), key_package: &for_session }];
    let refused = alice.with(id, |group, backend| group.admit(backend, &joiner)).unwrap_err();
    assert!(
        matches!(refused, GroupError::Channel(ChannelError::Peer(PeerFault::KeyPackage(_)))),
        "{refused:?}"
    );
    let (package, mut ticket) = bob.key_package(id, alice.id());
    let (session, welcome) =
        Session::create(&alice.party.member, &alice.party.storage, bob.id(), &package).unwrap();
    ticket.group = GroupId::from_bytes(*session.id().as_bytes());
    let any = entry(&alice, 1, id, 0, b"");
    let refused = fault(bob.join(&ticket, &any, &welcome));
    assert!(matches!(refused, GroupFault::Roster(BadRoster::Extensions)), "{refused:?}");
}

#[test]
fn a_key_package_of_another_agent_is_refused() {
    let (alice, bob, mallory) = (Agent::new(1), Agent::new(2), Agent::new(5));
    let id = alice.create();
    let (package, _) = mallory.key_package(id, alice.id());
    let joiner = [Joiner { peer: bob.id(), key_package: &package }];
    let refused = alice.with(id, |group, backend| group.admit(backend, &joiner)).unwrap_err();
    assert!(matches!(refused, GroupError::Channel(ChannelError::Peer(PeerFault::Certificate(_)))));
}

#[test]
fn a_member_may_change_only_its_own_keys() {
    let (alice, bob, carol, id) = crew();
    let backup = bob.backup();
    let dave = Agent::new(4);
    let own = mls(&alice, id).extensions().clone();
    let attempts = [
        commit(&bob, id, vec![key_package(&dave)], vec![], None),
        {
            bob.restore(backup.clone());
            commit(&bob, id, vec![], vec![LeafNodeIndex::new(0)], None)
        },
        {
            bob.restore(backup.clone());
            commit(&bob, id, vec![], vec![], Some(own))
        },
    ];
    for commit in attempts {
        let accepted = alice.with(id, |group, backend| group.accept(backend, bob.id(), &commit));
        assert!(matches!(fault(accepted), GroupFault::Commit(CommitFault::NotSteward)));
        // Other members refuse it as well, even if the steward logged it.
        let logged = Logged { entry: entry(&carol, 1, id, 0, &commit), commit };
        assert_eq!(refused(&carol, id, &logged), CommitFault::NotSteward);
    }
    bob.restore(backup);
    let sealed = bob.seal(id).1;
    let refused = alice.with(id, |group, backend| group.accept(backend, bob.id(), &sealed));
    assert!(matches!(fault(refused), GroupFault::Commit(CommitFault::NotCommit)));
}

#[test]
fn a_log_entry_by_an_ordinary_member_is_refused() {
    let (_, bob, carol, id) = crew();
    let commit = commit(&bob, id, vec![], vec![], None);
    for term in [0, 15, 16, 31, u64::MAX] {
        let logged = Logged { entry: entry(&bob, 2, id, term, &commit), commit: commit.clone() };
        assert!(matches!(fault(carol.apply(id, &logged)), GroupFault::Author));
    }
}

#[test]
fn a_steward_must_not_change_the_term_or_appoint_a_stranger() {
    let (alice, bob, carol, id) = crew();
    let required = RequiredCapabilitiesExtension::new(&[ExtensionType::Unknown(ROSTER)], &[], &[]);
    let with_roster = |roster: Vec<u8>| {
        Extensions::from_vec(vec![
            Extension::RequiredCapabilities(required.clone()),
            Extension::Unknown(ROSTER, UnknownExtension(roster)),
        ])
        .unwrap()
    };
    let roster = mls(&alice, id).extensions().unknown(ROSTER).unwrap().0.clone();
    let (mut later, mut stranger) = (roster.clone(), roster.clone());
    later[8] = 1;
    stranger[9..41].copy_from_slice(Agent::new(9).id().as_bytes());
    stranger[8] = 16;
    let cases = [(with_roster(later), CommitFault::Term), (with_roster(stranger), CommitFault::Members)];
    let backup = alice.backup();
    for (extensions, expected) in cases {
        let commit = commit(&alice, id, vec![], vec![], Some(extensions));
        let logged = Logged { entry: entry(&alice, 1, id, 0, &commit), commit };
        assert_eq!(refused(&bob, id, &logged), expected);
        alice.restore(backup.clone());
    }
    let commit = commit(&alice, id, vec![], vec![], Some(Extensions::empty()));
    let logged = Logged { entry: entry(&alice, 1, id, 0, &commit), commit };
    assert!(matches!(fault(carol.apply(id, &logged)), GroupFault::Roster(BadRoster::Extensions)));
}

#[test]
fn a_deputy_that_takes_over_must_not_change_anything_else() {
    let (alice, bob, carol, id) = crew();
    let done = alice.with(id, |group, backend| group.set_deputies(backend, vec![bob.id()])).unwrap();
    spread(id, &done.logged, &[&bob, &carol]);
    let commit = commit(&bob, id, vec![], vec![LeafNodeIndex::new(0)], None);
    let logged = Logged { entry: entry(&bob, 2, id, 31, &commit), commit };
    assert_eq!(refused(&carol, id, &logged), CommitFault::Takeover);
}
