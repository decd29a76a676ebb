use std::collections::BTreeSet;

use coworker_channel::{BadCertificate, ChannelError, PeerFault, Session, SessionId};
use openmls::group::{GroupId, MlsGroup, MlsGroupCreateConfig, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY};
use openmls::prelude::{
    Ciphersuite, CredentialWithKey, Extension, Extensions, KeyPackage, KeyPackageIn, Lifetime,
    MlsMessageBodyIn, MlsMessageIn, MlsMessageOut, OpenMlsProvider as _, ProtocolVersion,
    RequiredCapabilitiesExtension,
};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use tls_codec::DeserializeBytes as _;

use crate::party::{Party, bad_certificate, fault, messages, ping, session};

const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;
const OTHER_SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519;

fn parties() -> (Party, Party, Party) {
    (Party::new(1), Party::new(2), Party::new(3))
}

/// A key package with any parameters that openmls accepts.
fn key_package(party: &Party, suite: Ciphersuite, lifetime: Lifetime, name: CredentialWithKey) -> Vec<u8> {
    let builder = KeyPackage::builder().key_package_lifetime(lifetime);
    let bundle = builder.build(suite, party, &party.member, name).unwrap();
    MlsMessageOut::from(bundle.into_key_package()).to_bytes().unwrap()
}

fn parsed(party: &Party, key_package: &[u8]) -> KeyPackage {
    let MlsMessageBodyIn::KeyPackage(parsed) =
        MlsMessageIn::tls_deserialize_exact_bytes(key_package).unwrap().extract()
    else {
        panic!("not a key package");
    };
    KeyPackageIn::validate(parsed, party.crypto(), ProtocolVersion::Mls10).unwrap()
}

fn config(suite: Ciphersuite) -> openmls::group::MlsGroupCreateConfigBuilder {
    MlsGroupCreateConfig::builder()
        .ciphersuite(suite)
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(true)
}

/// A welcome that our own code would never create.
fn welcome(from: &Party, name: CredentialWithKey, config: &MlsGroupCreateConfig, to: &[Vec<u8>]) -> Vec<u8> {
    let id = GroupId::from_slice(&[9; 32]);
    let mut group = MlsGroup::new_with_group_id(from, &from.member, config, id, name).unwrap();
    let invited: Vec<_> = to.iter().map(|bytes| parsed(from, bytes)).collect();
    let (_, welcome, _) = group.add_members(from, &from.member, &invited).unwrap();
    welcome.to_bytes().unwrap()
}

#[test]
fn both_sides_have_the_same_session() {
    let (alice, bob, _) = parties();
    let (ours, theirs) = session(&alice, &bob);
    assert_eq!(ours.id(), theirs.id());
    assert_eq!((ours.peer(), theirs.peer()), (bob.id(), alice.id()));
    assert_eq!(ours.id().to_string().len(), 64);
}

#[test]
fn every_session_has_its_own_id() {
    let (alice, bob, _) = parties();
    let ids: BTreeSet<SessionId> = (0..4).map(|_| session(&alice, &bob).0.id()).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_valid_hand_made_welcome_is_accepted() {
    // Each of the tests below changes one property of this welcome.
    let (alice, bob, _) = parties();
    let bytes = welcome(&alice, alice.own_credential(), &config(SUITE).build(), &[bob.key_package()]);
    let joined = Session::join(&bob.member, &bob.storage, alice.id(), &bytes).unwrap();
    assert_eq!(joined.id(), SessionId::from_bytes([9; 32]));
}

#[test]
fn a_key_package_of_another_agent_is_refused() {
    let (alice, bob, carol) = parties();
    let refused = Session::create(&alice.member, &alice.storage, bob.id(), &carol.key_package());
    assert_eq!(bad_certificate(refused), BadCertificate::OtherPeer);
}

#[test]
fn a_key_package_in_another_agents_name_is_refused() {
    let (alice, bob, mallory) = parties();
    let forged = key_package(&mallory, SUITE, Lifetime::default(), mallory.credential(&mallory, &bob));
    let refused = Session::create(&alice.member, &alice.storage, bob.id(), &forged);
    assert_eq!(bad_certificate(refused), BadCertificate::Signature);
}

#[test]
fn a_key_package_of_another_suite_is_refused() {
    let (alice, bob, _) = parties();
    let other = key_package(&bob, OTHER_SUITE, Lifetime::default(), bob.own_credential());
    let refused = Session::create(&alice.member, &alice.storage, bob.id(), &other);
    assert!(matches!(fault(refused), PeerFault::Suite));
}

#[test]
fn an_expired_key_package_is_refused() {
    let (alice, bob, _) = parties();
    let expired = key_package(&bob, SUITE, Lifetime::init(1, 2), bob.own_credential());
    let refused = Session::create(&alice.member, &alice.storage, bob.id(), &expired);
    assert!(matches!(fault(refused), PeerFault::KeyPackage(_)));
}

#[test]
fn every_altered_byte_of_a_key_package_is_detected() {
    let (alice, bob, _) = parties();
    let good = bob.key_package();
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 1;
        let refused = Session::create(&alice.member, &alice.storage, bob.id(), &bad);
        assert!(refused.unwrap_err().is_peer_fault(), "byte {index}");
    }
}

#[test]
fn a_welcome_of_another_agent_is_refused() {
    let (alice, bob, carol) = parties();
    let (_, bytes) = Session::create(&carol.member, &carol.storage, bob.id(), &bob.key_package()).unwrap();
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert_eq!(bad_certificate(refused), BadCertificate::OtherPeer);
}

#[test]
fn a_welcome_in_another_agents_name_is_refused() {
    let (alice, bob, mallory) = parties();
    let name = mallory.credential(&mallory, &alice);
    let bytes = welcome(&mallory, name, &config(SUITE).build(), &[bob.key_package()]);
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert_eq!(bad_certificate(refused), BadCertificate::Signature);
}

#[test]
fn a_stolen_certificate_does_not_fit_another_mls_key() {
    let (alice, bob, mallory) = parties();
    let stolen =
        CredentialWithKey { credential: alice.own_credential().credential, ..mallory.own_credential() };
    let bytes = welcome(&mallory, stolen, &config(SUITE).build(), &[bob.key_package()]);
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert_eq!(bad_certificate(refused), BadCertificate::Signature);
}

#[test]
fn a_welcome_to_a_group_of_three_is_refused() {
    let (alice, bob, carol) = parties();
    let invited = [bob.key_package(), carol.key_package()];
    let bytes = welcome(&alice, alice.own_credential(), &config(SUITE).build(), &invited);
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert!(matches!(fault(refused), PeerFault::Members));
    let stored = Session::load(&bob.storage, alice.id(), &SessionId::from_bytes([9; 32])).unwrap();
    assert!(stored.is_none());
}

#[test]
fn a_welcome_of_another_suite_is_refused() {
    let (alice, bob, _) = parties();
    let invited = key_package(&bob, OTHER_SUITE, Lifetime::default(), bob.own_credential());
    let bytes = welcome(&alice, alice.own_credential(), &config(OTHER_SUITE).build(), &[invited]);
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert!(matches!(fault(refused), PeerFault::Suite));
}

#[test]
fn a_welcome_to_a_group_with_extensions_is_refused() {
    let (alice, bob, _) = parties();
    let extension = Extension::RequiredCapabilities(RequiredCapabilitiesExtension::new(&[], &[], &[]));
    let extensions = Extensions::single(extension).unwrap();
    let config = config(SUITE).with_group_context_extensions(extensions).build();
    let bytes = welcome(&alice, alice.own_credential(), &config, &[bob.key_package()]);
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert!(matches!(fault(refused), PeerFault::GroupContext));
}

#[test]
fn a_welcome_works_once() {
    let (alice, bob, _) = parties();
    let (_, bytes) = Session::create(&alice.member, &alice.storage, bob.id(), &bob.key_package()).unwrap();
    Session::join(&bob.member, &bob.storage, alice.id(), &bytes).unwrap();
    let again = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert!(matches!(fault(again), PeerFault::Welcome(_)));
}

#[test]
fn a_withdrawn_key_package_cannot_be_used() {
    let (alice, bob, _) = parties();
    let key_package = bob.key_package();
    let (_, bytes) = Session::create(&alice.member, &alice.storage, bob.id(), &key_package).unwrap();
    Session::withdraw(&bob.storage, &key_package).unwrap();
    let refused = Session::join(&bob.member, &bob.storage, alice.id(), &bytes);
    assert!(matches!(fault(refused), PeerFault::Welcome(_)));
    assert!(bob.storage.values.read().unwrap().is_empty());
}

#[test]
fn a_key_package_and_a_welcome_cannot_replace_each_other() {
    let (alice, bob, _) = parties();
    let key_package = bob.key_package();
    let (_, welcome) = Session::create(&alice.member, &alice.storage, bob.id(), &key_package).unwrap();
    let created = Session::create(&alice.member, &alice.storage, bob.id(), &welcome);
    assert!(matches!(fault(created), PeerFault::Malformed { expected: "a key package" }));
    let joined = Session::join(&bob.member, &bob.storage, alice.id(), &key_package);
    assert!(matches!(fault(joined), PeerFault::Malformed { expected: "a welcome" }));
}

#[test]
fn a_session_survives_a_restart() {
    let (alice, bob, _) = parties();
    let (mut ours, theirs) = session(&alice, &bob);
    let id = theirs.id();
    let first = ours.seal(&alice.member, &alice.storage, 1, &[ping(1).encode()]).unwrap();
    drop((ours, theirs));
    let mut ours = Session::load(&alice.storage, bob.id(), &id).unwrap().unwrap();
    let mut theirs = Session::load(&bob.storage, alice.id(), &id).unwrap().unwrap();
    let second = ours.seal(&alice.member, &alice.storage, 2, &[ping(2).encode()]).unwrap();
    assert_eq!(messages(theirs.open(&bob.storage, 1, &first).unwrap()), [ping(1)]);
    drop(theirs);
    let mut theirs = Session::load(&bob.storage, alice.id(), &id).unwrap().unwrap();
    assert!(matches!(fault(theirs.open(&bob.storage, 1, &first)), PeerFault::Replayed));
    assert_eq!(messages(theirs.open(&bob.storage, 2, &second).unwrap()), [ping(2)]);
}

#[test]
fn a_session_is_loaded_for_its_own_peer_only() {
    let (alice, bob, carol) = parties();
    let (ours, _) = session(&alice, &bob);
    let loaded = Session::load(&alice.storage, carol.id(), &ours.id());
    assert_eq!(bad_certificate(loaded), BadCertificate::OtherPeer);
    let unknown = Session::load(&alice.storage, bob.id(), &SessionId::from_bytes([7; 32]));
    assert!(matches!(unknown, Ok(None)));
}

#[test]
fn a_deleted_session_leaves_nothing_behind() {
    let (alice, bob, _) = parties();
    let (ours, theirs) = session(&alice, &bob);
    let id = ours.id();
    ours.delete(&alice.storage).unwrap();
    assert!(Session::load(&alice.storage, bob.id(), &id).unwrap().is_none());
    theirs.delete(&bob.storage).unwrap();
    assert!(Session::load(&bob.storage, alice.id(), &id).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_not_create_a_session(format in 0..7_u8, bytes in any::<Vec<u8>>()) {
        let (alice, bob, _) = parties();
        let bytes = [&[0, 1, 0, format], bytes.as_slice()].concat();
        let created = Session::create(&alice.member, &alice.storage, bob.id(), &bytes);
        prop_assert!(created.is_err_and(|error: ChannelError| error.is_peer_fault()));
        let joined = Session::join(&alice.member, &alice.storage, bob.id(), &bytes);
        prop_assert!(joined.is_err_and(|error: ChannelError| error.is_peer_fault()));
    }
}
