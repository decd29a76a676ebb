//! A skill that a caller may not know of costs its caller the same as one that never was: the same bytes in a
//! frame of the same length, the same of every quota, the same of its standing.

use coworker_agent::Agent;
use coworker_channel::{Message, PartOf};
use coworker_policy::trust::Trust;
use coworker_policy::{ErrorCode, PeerId, RequestId, Tier};

use crate::guest::{plain, spins, tells};
use crate::harness::{Town, set_tier};
use crate::stranger::Stranger;

/// Calls a minute of an UNTRUSTED caller, and how many of them may wait.
const A_MINUTE: usize = 60;
const PENDING: usize = 16;

/// Skills that the caller must not know of: a name, and the requested version.
const KINDS: [(&str, Option<&str>); 6] = [
    ("plain", None),
    ("spins", None),
    ("never", None),
    ("plain", Some("^9")),
    ("spins", Some("^9")),
    ("never", Some("^9")),
];

/// `plain` is hidden, `spins` is for INTERNAL, `tells` is for everybody.
async fn open(town: &Town) -> Agent {
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), None).await;
    town.install(&ada, &spins(), Some(Tier::Internal)).await;
    town.install(&ada, &tells(), Some(Tier::Untrusted)).await;
    ada
}

/// A peer of its own for each kind, which nobody has heard of.
async fn newcomer(town: &Town, ada: PeerId, number: usize) -> Stranger {
    let mut peer = Stranger::new(&town.hub, ["b", "c", "d", "e", "f", "g"][number]);
    peer.meet(ada).await;
    peer
}

fn request((skill, version): (&str, Option<&str>)) -> Message {
    Message::TaskRequest {
        id: RequestId::random(),
        skill: skill.into(),
        input: "[1]".into(),
        timeout_ms: None,
        expires_ms: None,
        version: version.map(|version| version.parse().unwrap()),
        part_of: PartOf::default(),
    }
}

/// The next answer to a call; updates before it are skipped.
async fn answer(peer: &mut Stranger) -> Message {
    loop {
        match peer.read().await {
            Message::TaskProgress { .. } | Message::TaskPartial { .. } => {}
            answer => return answer,
        }
    }
}

fn code(answer: &Message) -> Option<ErrorCode> {
    match answer {
        Message::TaskError { code, .. } => Some(*code),
        Message::TaskResponse { .. } => None,
        other => panic!("{other:?}"),
    }
}

/// Asks `times`; every answer, without the request's id, and the length of its frame.
async fn refused(peer: &mut Stranger, kind: (&str, Option<&str>), times: usize) -> Vec<(String, usize)> {
    let mut answers = Vec::new();
    for _ in 0..times {
        peer.send(&request(kind));
        let answer = answer(peer).await;
        assert_eq!(code(&answer), Some(ErrorCode::UnknownSkill), "{kind:?}");
        let id = answer.id().unwrap().to_string();
        let text = String::from_utf8(answer.encode()).unwrap().replace(&id, &"-".repeat(id.len()));
        answers.push((text, peer.frame_length));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_that_must_not_be_told_apart_cost_the_same_of_the_minute() {
    // On a busy machine the calls may take longer than the minute that they are counted in.
    let (town, _hand) = Town::with_manual_clock();
    let ada = open(&town).await;
    let asked = A_MINUTE - 10;
    let mut seen = Vec::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        let mut peer = newcomer(&town, ada.peer_id(), number).await;
        let answers = refused(&mut peer, kind, asked).await;
        let mut further = 0;
        let last = loop {
            peer.send(&request(("tells", None)));
            match answer(&mut peer).await {
                Message::TaskResponse { .. } => further += 1,
                last => break last,
            }
        };
        assert_eq!(code(&last), Some(ErrorCode::LimitExceeded));
        // Nor does it tell by the way in which it runs out.
        peer.send(&request(kind));
        assert_eq!(code(&answer(&mut peer).await), Some(ErrorCode::LimitExceeded), "{kind:?}");
        seen.push((answers, further));
    }
    let one_answer = &seen[0].0[0];
    for ((answers, further), kind) in seen.iter().zip(KINDS) {
        assert!(
            answers.iter().all(|answer| answer == one_answer),
            "{kind:?}: {answers:?}, not {one_answer:?}"
        );
        assert_eq!(*further, A_MINUTE - asked, "{kind:?}");
    }
}

/// On one thread all calls of a batch are entered before the first is served, so how many wait is exact.
#[tokio::test]
async fn refusals_that_must_not_be_told_apart_take_the_same_places_of_those_that_wait() {
    let town = Town::new();
    let ada = open(&town).await;
    for (number, kind) in KINDS.into_iter().enumerate() {
        let mut peer = newcomer(&town, ada.peer_id(), number).await;
        let (before, behind) = (10, 10);
        let questions: Vec<_> =
            [vec![kind; before], vec![("tells", None); behind]].concat().into_iter().map(request).collect();
        let batch: Vec<_> = questions.iter().map(Message::encode).collect();
        let frame = peer.seal(&batch);
        peer.say(&frame);
        let mut codes = std::collections::BTreeMap::new();
        for _ in &questions {
            let answer = answer(&mut peer).await;
            codes.insert(answer.id().unwrap(), code(&answer));
        }
        let codes: Vec<_> = questions.iter().map(|question| codes[&question.id().unwrap()]).collect();
        let expected: Vec<_> = [
            vec![Some(ErrorCode::UnknownSkill); before],
            vec![None; PENDING - before],
            vec![Some(ErrorCode::LimitExceeded); before + behind - PENDING],
        ]
        .concat();
        assert_eq!(codes, expected, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_that_must_not_be_told_apart_cost_the_same_of_the_caller_s_standing() {
    let town = Town::new();
    let ada = open(&town).await;
    let mut seen: Vec<Vec<Trust>> = Vec::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        let mut peer = newcomer(&town, ada.peer_id(), number).await;
        set_tier(&ada, peer.id, Tier::Known).await;
        let mut standing = Vec::new();
        for _ in 0..4 {
            refused(&mut peer, kind, 1).await;
            let trust = town.in_transaction("ada", |tx| tx.trust(peer.id)).unwrap().trust;
            standing.push(trust);
        }
        seen.push(standing);
    }
    assert_ne!(seen[0][0], seen[0][1], "each of them counts");
    for (standing, kind) in seen.iter().zip(KINDS) {
        assert_eq!(*standing, seen[0], "{kind:?}");
    }
    assert!(
        town.in_transaction("ada", |tx| tx
            .receipts(&coworker_store::ReceiptFilter { limit: 1, ..Default::default() }))
            .is_empty()
    );
}
