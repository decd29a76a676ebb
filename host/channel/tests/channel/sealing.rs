use coworker_channel::{
    BadBatch, ChannelError, Frame, MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_FRAME, MAX_MESSAGE, Message,
    PartOf, PeerFault, Session,
};
use coworker_policy::{ErrorCode, Text};
use openmls::group::{GroupId, MlsGroup};
use openmls::prelude::LeafNodeParameters;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

use crate::party::{Party, fault, id, messages, ping, session};

struct Pair {
    alice: Party,
    bob: Party,
    ours: Session,
    theirs: Session,
}

impl Pair {
    fn new() -> Self {
        let (alice, bob) = (Party::new(1), Party::new(2));
        let (ours, theirs) = session(&alice, &bob);
        Self { alice, bob, ours, theirs }
    }

    fn seal(&mut self, seq: u64, message: &Message) -> Vec<u8> {
        self.ours.seal(&self.alice.member, &self.alice.storage, seq, &[message.encode()]).unwrap()
    }

    fn open(&mut self, seq: u64, ciphertext: &[u8]) -> Result<Vec<Message>, ChannelError> {
        let opened = self.theirs.open(&self.bob.storage, seq, ciphertext)?;
        assert_eq!(opened.from(), self.alice.id());
        Ok(messages(opened))
    }

    /// Alice's MLS group, without the checks of our code.
    fn raw(&self) -> MlsGroup {
        MlsGroup::load(&self.alice.storage, &GroupId::from_slice(self.ours.id().as_bytes())).unwrap().unwrap()
    }
}

#[test]
fn two_parties_exchange_messages_in_both_directions() {
    let Pair { alice, bob, mut ours, mut theirs } = Pair::new();
    for seq in 1..=20 {
        let there = ours.seal(&alice.member, &alice.storage, seq, &[ping(1).encode()]).unwrap();
        let opened = theirs.open(&bob.storage, seq, &there).unwrap();
        assert_eq!(opened.from(), alice.id());
        assert_eq!(messages(opened), [ping(1)]);
        let pong = Message::Pong { id: id(1) };
        let back = theirs.seal(&bob.member, &bob.storage, seq, &[pong.encode()]).unwrap();
        let opened = ours.open(&alice.storage, seq, &back).unwrap();
        assert_eq!(opened.from(), bob.id());
        assert_eq!(messages(opened), [pong]);
    }
}

#[test]
fn a_batch_keeps_its_order_and_a_bad_message_does_not_affect_others() {
    let Pair { alice, bob, mut ours, mut theirs } = Pair::new();
    let batch = [ping(1).encode(), b"nonsense".to_vec(), ping(2).encode()];
    let sealed = ours.seal(&alice.member, &alice.storage, 1, &batch).unwrap();
    let opened = theirs.open(&bob.storage, 1, &sealed).unwrap();
    let [first, second, third] = opened.messages() else { panic!("not three messages") };
    assert_eq!((first, third), (&Ok(ping(1)), &Ok(ping(2))));
    assert!(second.is_err());
}

#[test]
fn every_altered_byte_is_noticed_and_costs_nothing() {
    let mut pair = Pair::new();
    let good = pair.seal(1, &ping(1));
    for index in 0..good.len() {
        for bit in [0x01, 0x80] {
            let mut bad = good.clone();
            bad[index] ^= bit;
            assert!(pair.open(1, &bad).unwrap_err().is_peer_fault(), "byte {index}");
        }
    }
    assert_eq!(pair.open(1, &good).unwrap(), [ping(1)]);
}

#[test]
fn every_truncation_is_detected() {
    let mut pair = Pair::new();
    let good = pair.seal(1, &ping(1));
    for length in 0..good.len() {
        assert!(pair.open(1, &good[..length]).unwrap_err().is_peer_fault(), "length {length}");
    }
    let long = [good.as_slice(), &[0]].concat();
    assert!(matches!(fault(pair.open(1, &long)), PeerFault::Malformed { .. }));
    assert_eq!(pair.open(1, &good).unwrap(), [ping(1)]);
}

#[test]
fn a_message_opens_once() {
    let mut pair = Pair::new();
    let sealed = pair.seal(1, &ping(1));
    pair.open(1, &sealed).unwrap();
    assert!(matches!(fault(pair.open(1, &sealed)), PeerFault::Replayed));
}

#[test]
fn messages_may_arrive_in_any_order() {
    let mut pair = Pair::new();
    let sealed: Vec<_> = (1..=100).map(|seq| (seq, pair.seal(seq, &ping(seq.into())))).collect();
    for (seq, ciphertext) in sealed.into_iter().rev() {
        assert_eq!(pair.open(seq, &ciphertext).unwrap(), [ping(seq.into())]);
    }
}

#[test]
fn messages_may_get_lost_and_very_late_ones_do_not_open() {
    let mut pair = Pair::new();
    let sealed: Vec<_> = (1..=600).map(|seq| pair.seal(seq, &ping(seq.into()))).collect();
    assert_eq!(pair.open(600, &sealed[599]).unwrap(), [ping(600)]);
    assert_eq!(pair.open(100, &sealed[99]).unwrap(), [ping(100)]);
    assert!(matches!(fault(pair.open(1, &sealed[0])), PeerFault::Replayed));
}

#[test]
fn the_sequence_number_is_authenticated() {
    let mut pair = Pair::new();
    let sealed = pair.seal(5, &ping(1));
    assert!(matches!(fault(pair.open(6, &sealed)), PeerFault::Sequence { expected: 6 }));
    // Rewriting the number in the message as well invalidates the authentication.
    let at = sealed.windows(8).position(|bytes| bytes == 5_u64.to_be_bytes()).unwrap();
    let mut rewritten = sealed.clone();
    rewritten[at + 7] = 6;
    assert!(matches!(fault(pair.open(6, &rewritten)), PeerFault::Message(_)));
    assert_eq!(pair.open(5, &sealed).unwrap(), [ping(1)]);
}

#[test]
fn a_message_of_another_session_is_refused() {
    let mut pair = Pair::new();
    let (mut other, _) = session(&pair.alice, &pair.bob);
    let sealed = other.seal(&pair.alice.member, &pair.alice.storage, 1, &[ping(1).encode()]).unwrap();
    assert!(matches!(fault(pair.open(1, &sealed)), PeerFault::OtherSession));
}

#[test]
fn our_own_message_sent_back_is_refused() {
    let mut pair = Pair::new();
    let sealed = pair.theirs.seal(&pair.bob.member, &pair.bob.storage, 1, &[ping(1).encode()]).unwrap();
    assert!(matches!(fault(pair.open(1, &sealed)), PeerFault::MessageSender));
}

#[test]
fn a_message_signed_by_a_non_member_is_refused() {
    let mut pair = Pair::new();
    let mallory = Party::new(3);
    let sealed = pair.ours.seal(&mallory.member, &pair.alice.storage, 1, &[ping(1).encode()]).unwrap();
    assert!(matches!(fault(pair.open(1, &sealed)), PeerFault::Message(_)));
}

#[test]
fn a_commit_or_proposal_is_refused() {
    let mut pair = Pair::new();
    let mut raw = pair.raw();
    raw.set_aad(1_u64.to_be_bytes().to_vec());
    let parameters = LeafNodeParameters::default();
    let (proposal, _) = raw.propose_self_update(&pair.alice, &pair.alice.member, parameters.clone()).unwrap();
    let refused = pair.open(1, &proposal.to_bytes().unwrap());
    assert!(matches!(fault(refused), PeerFault::NotApplication));
    let mut raw = pair.raw();
    raw.set_aad(1_u64.to_be_bytes().to_vec());
    let commit = raw.self_update(&pair.alice, &pair.alice.member, parameters).unwrap().into_commit();
    let refused = pair.open(1, &commit.to_bytes().unwrap());
    assert!(matches!(fault(refused), PeerFault::NotApplication));
}

#[test]
fn a_plaintext_that_is_not_a_batch_is_refused() {
    let mut pair = Pair::new();
    let mut raw = pair.raw();
    raw.set_aad(1_u64.to_be_bytes().to_vec());
    let sealed = raw.create_message(&pair.alice, &pair.alice.member, &[1, 0, 0, 0, 9, 0]).unwrap();
    let refused = pair.open(1, &sealed.to_bytes().unwrap());
    assert!(matches!(fault(refused), PeerFault::Batch(BadBatch::Truncated)));
}

#[test]
fn batches_over_the_limits_are_not_sealed() {
    let Pair { alice, mut ours, .. } = Pair::new();
    let mut seal = |batch: &[Vec<u8>]| ours.seal(&alice.member, &alice.storage, 1, batch).unwrap_err();
    let too_many = vec![b"{}".to_vec(); MAX_BATCH_MESSAGES + 1];
    for refused in [
        seal(&[]),
        seal(&too_many),
        seal(&[vec![0; MAX_MESSAGE + 1]]),
        seal(&[vec![0; MAX_MESSAGE], vec![0; MAX_MESSAGE]]),
    ] {
        assert!(!refused.is_peer_fault(), "{refused}");
    }
}

#[test]
fn the_largest_batch_fits_a_frame() {
    let Pair { alice, mut ours, .. } = Pair::new();
    let batch = [vec![b' '; MAX_MESSAGE], vec![b' '; MAX_BATCH_BYTES - MAX_MESSAGE - 9]];
    let ciphertext = ours.seal(&alice.member, &alice.storage, 1, &batch).unwrap();
    let frame = Frame::Sealed { session: ours.id(), seq: 1, ciphertext }.encode();
    assert!(frame.len() <= MAX_FRAME);
    assert!(Frame::decode(&frame).is_ok());
}

#[test]
fn answers_that_must_not_be_told_apart_have_one_length() {
    let mut pair = Pair::new();
    let answer = |number| Message::TaskError {
        id: id(number),
        code: ErrorCode::UnknownSkill,
        message: Text::new("unknown skill").unwrap(),
    };
    let lengths = [(1, 0), (2, u128::MAX), (3, 0x1234 << 90)].map(|(seq, number)| {
        let ciphertext = pair.seal(seq, &answer(number));
        Frame::Sealed { session: pair.ours.id(), seq, ciphertext }.encode().len()
    });
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
}

#[test]
fn padding_hides_small_differences_in_length() {
    let mut pair = Pair::new();
    let mut length = |seq, text: &str| {
        let message = Message::TaskRequest {
            id: id(1),
            skill: "echo".into(),
            input: format!("\"{text}\""),
            timeout_ms: None,
            expires_ms: None,
            version: None,
            part_of: PartOf::default(),
        };
        pair.seal(seq, &message).len()
    };
    assert_eq!(length(1, "a"), length(2, "a longer one"));
    assert!(length(3, &"a".repeat(256)) > length(4, "a"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_cannot_be_opened(bytes in any::<Vec<u8>>()) {
        let mut pair = Pair::new();
        let good = pair.seal(1, &ping(1));
        let bytes = [&good[..good.len() / 2], bytes.as_slice()].concat();
        prop_assert!(pair.open(1, &bytes).is_err_and(|error| error.is_peer_fault()));
    }
}
