//! Floods of valid messages: an honest peer is served meanwhile, and the remains of each flood are bounded.

use coworker_channel::{Frame, Hello, MAX_BATCH_MESSAGES, Message, VERSION};
use coworker_policy::{ErrorCode, PeerId, RequestId, Text, Tier};

use super::siege::Siege;
use crate::harness::until;
use crate::stranger::request;

/// Each flood is a test.
macro_rules! floods {
    ($(fn $name:ident = $flood:expr;)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let flood = $flood;
                let siege = Siege::lay().await;
                flood(siege).await.lift().await;
            }
        )*
    };
}

floods! {
    fn connections_that_say_nothing = silent;
    fn handshakes_that_are_never_finished = unfinished;
    fn key_packages_for_one_peer_without_end = one_peers_packages;
    fn sessions_without_end = sessions;
    fn strangers_without_end = strangers;
    fn connections_that_open_and_close = flapping;
    fn connections_that_break_their_protocol_again_and_again = breaking;
    fn pings_without_end = pings;
    fn questions_whose_answers_are_not_acknowledged = unacknowledged;
    fn answers_that_are_never_read = unread;
    fn one_request_without_end = repeated;
    fn discoveries_without_end = discoveries;
    fn names_without_end = renames;
    fn calls_over_the_pace = calls;
    fn calls_that_wait_without_end = waiting;
    fn calls_that_are_called_off_at_once = called_off;
    fn cancellations_of_nothing = |siege| told(siege, |id| Message::TaskCancel { id });
    fn progress_of_nothing = |siege| told(siege, |id| Message::TaskPartial { id, index: 0, part: "x".repeat(1000) });
    fn answers_to_nothing = |siege| told(siege, |id| Message::TaskResponse { id, output: serde_json::json!("x").into() });
    fn trust_that_is_never_asked_for = |siege| told(siege, |id| Message::TrustGrant { id, tier: Tier::Privileged });
    fn guesses_of_invites = guessed;
    fn wishes_for_trust = wishes;
    fn malformed_questions_without_end = malformed;
    fn unknown_messages_without_end = unknown;
    fn a_recording_that_is_played_again = recording;
}

pub(super) fn names() -> Vec<&'static str> {
    NAMES.to_vec()
}

/// Batches of one flood.
const BATCHES: usize = 40;
const MESSAGES: usize = BATCHES * MAX_BATCH_MESSAGES;
/// Strangers that an agent remembers, and the peers of the siege itself.
const REMEMBERED: usize = 512 + 3;

fn hello() -> Vec<u8> {
    Frame::Hello(Hello { version: VERSION, position: None }).encode()
}

fn peers(siege: &Siege) -> usize {
    siege.town.in_transaction("ada", |tx| Ok(tx.peers()?.len()))
}

fn queued(siege: &Siege, peer: PeerId) -> usize {
    siege.town.in_transaction("ada", |tx| tx.queued(peer))
}

/// Eve sends so many messages and reads the answers.
async fn pour(siege: &mut Siege, message: impl Fn(RequestId) -> Vec<u8>) -> Vec<Message> {
    let mut answers = Vec::new();
    for _ in 0..BATCHES {
        let batch: Vec<_> = (0..MAX_BATCH_MESSAGES).map(|_| message(RequestId::random())).collect();
        let frame = siege.eve.seal(&batch);
        siege.eve.say(&frame);
        let id = RequestId::random();
        siege.eve.send(&Message::Ping { id });
        loop {
            match siege.eve.read().await {
                Message::Pong { id: of } if of == id => break,
                other => answers.push(other),
            }
        }
    }
    answers
}

/// A wrong token is denied, all of them alike.
async fn guessed(mut siege: Siege) -> Siege {
    let answers = pour(&mut siege, |id| Message::TrustRedeem { id, token: guess() }.encode()).await;
    assert!(answers.iter().all(|answer| matches!(answer, Message::TrustDeny { .. })));
    assert!(siege.noted() <= siege.seconds(), "{} rows in the audit log", siege.noted());
    siege
}

/// A mere notification has no answer and leaves nothing.
async fn told(mut siege: Siege, message: fn(RequestId) -> Message) -> Siege {
    let answers = pour(&mut siege, |id| message(id).encode()).await;
    assert_eq!(answers, []);
    assert!(siege.noted() <= siege.seconds(), "{} rows in the audit log", siege.noted());
    until("all is acknowledged", async || queued(&siege, siege.eve.id) == 0).await;
    siege
}

fn guess() -> coworker_policy::trust::InviteToken {
    "AAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()
}

async fn silent(siege: Siege) -> Siege {
    let mut crowd: Vec<_> = (0..200).map(|number| siege.stranger(number)).collect();
    for stranger in &mut crowd {
        stranger.dial(siege.ada.peer_id()).await;
    }
    siege.honest_is_served().await;
    siege.newcomer_is_served("fay").await;
    assert_eq!(peers(&siege), 3, "who says nothing is remembered");
    siege
}

async fn unfinished(siege: Siege) -> Siege {
    let mut crowd: Vec<_> = (0..400).map(|number| siege.stranger(number)).collect();
    for stranger in &mut crowd {
        stranger.dial(siege.ada.peer_id()).await;
        stranger.say_bytes(hello());
        assert!(matches!(stranger.hear().await, Some(Frame::Hello(_))));
    }
    siege.honest_is_served().await;
    siege.newcomer_is_served("fay").await;
    assert_eq!(peers(&siege), 3, "who never had a session is remembered");
    siege
}

async fn one_peers_packages(siege: Siege) -> Siege {
    let mut packages = Vec::new();
    let mut links: Vec<_> = (0..50).map(|_| siege.stranger(0)).collect();
    for link in &mut links {
        link.dial(siege.ada.peer_id()).await;
        link.say_bytes(hello());
        assert!(matches!(link.hear().await, Some(Frame::Hello(_))));
        packages.push(link.hear().await);
    }
    assert!(packages.iter().all(|package| *package == packages[0]), "each costs rows");
    siege
}

async fn sessions(mut siege: Siege) -> Siege {
    for _ in 0..60 {
        siege.eve.meet(siege.ada.peer_id()).await;
    }
    assert_eq!(peers(&siege), 2);
    siege
}

async fn strangers(siege: Siege) -> Siege {
    let ada = siege.ada.peer_id();
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let mut stranger = siege.stranger(number);
        crowd.spawn(async move { stranger.meet(ada).await });
        if crowd.len() >= 16 {
            crowd.join_next().await.unwrap().unwrap();
        }
    }
    crowd.join_all().await;
    assert!(peers(&siege) <= REMEMBERED, "{} peers are remembered", peers(&siege));
    let known = siege.town.in_transaction("ada", |tx| tx.session(siege.bob.peer_id()));
    assert!(known.is_some(), "strangers made no room for each other but for a peer of good standing");
    siege
}

async fn flapping(mut siege: Siege) -> Siege {
    for _ in 0..200 {
        siege.eve.hang_up();
        siege.eve.resume(siege.ada.peer_id()).await;
    }
    siege.eve.expect_silence().await;
    assert!(siege.noted() <= siege.seconds());
    siege
}

async fn breaking(mut siege: Siege) -> Siege {
    for _ in 0..100 {
        siege.eve.say_bytes(vec![9, 9, 9]);
        siege.eve.hear_the_end().await;
        siege.eve.resume(siege.ada.peer_id()).await;
    }
    siege.eve.expect_silence().await;
    assert!(siege.noted() <= siege.seconds());
    siege
}

async fn pings(mut siege: Siege) -> Siege {
    let answers = pour(&mut siege, |id| Message::Ping { id }.encode()).await;
    assert_eq!(answers.len(), MESSAGES);
    until("all is acknowledged", async || queued(&siege, siege.eve.id) == 0).await;
    siege
}

async fn discoveries(mut siege: Siege) -> Siege {
    let answers = pour(&mut siege, |id| Message::Discover { id, name: None, known: None }.encode()).await;
    assert_eq!(answers.len(), MESSAGES);
    until("all is acknowledged", async || queued(&siege, siege.eve.id) == 0).await;
    siege
}

async fn renames(mut siege: Siege) -> Siege {
    let name = |id: RequestId| Some(format!("n{}", &id.to_string()[..8]).parse().unwrap());
    pour(&mut siege, |id| Message::Discover { id, name: name(id), known: None }.encode()).await;
    assert_eq!(peers(&siege), 2);
    assert!(siege.noted() <= siege.seconds());
    siege
}

/// The agent takes no more once so many answers wait, and keeps those.
async fn unacknowledged(mut siege: Siege) -> Siege {
    siege.eve.polite = false;
    let batch = |_| vec![Message::Ping { id: RequestId::random() }.encode(); MAX_BATCH_MESSAGES];
    for number in 0..100 {
        let frame = siege.eve.seal(&batch(number));
        siege.eve.say(&frame);
    }
    siege.eve.hear_the_end().await;
    let waiting = queued(&siege, siege.eve.id);
    assert!((1..=4096 + MAX_BATCH_MESSAGES).contains(&waiting), "{waiting} answers wait");
    siege
}

/// Large answers, of which eve reads none: neither memory nor disk grows without end, and none is lost.
async fn unread(siege: Siege) -> Siege {
    siege.lift().await;
    let mut siege = Siege::of_large_answers().await;
    let large = format!("\"{}\"", "x".repeat(30_000));
    let ids: Vec<_> = (0..16).map(|_| RequestId::random()).collect();
    for id in &ids {
        siege.eve.send(&request(*id, "plain", &large));
    }
    until("all are answered", async || {
        let done = |id: &RequestId| siege.town.count("ada", "call_finished", &id.to_string()) == 1;
        ids.iter().all(done)
    })
    .await;
    siege.honest_is_served().await;
    siege.eve.hang_up();
    siege.eve.sent = siege.eve.resume(siege.ada.peer_id()).await;
    let mut answered = Vec::new();
    for _ in &ids {
        match siege.eve.read().await {
            Message::TaskResponse { id, .. } => answered.push(id),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answered, ids);
    siege
}

/// The answer to a request that is done goes out again: once at a time, not once for each asking.
async fn repeated(siege: Siege) -> Siege {
    siege.lift().await;
    let mut siege = Siege::of_large_answers().await;
    let (id, large) = (RequestId::random(), format!("\"{}\"", "x".repeat(30_000)));
    siege.eve.ask(&request(id, "plain", &large)).await;
    siege.eve.expect_silence().await;
    siege.eve.polite = false;
    let batch = vec![request(id, "plain", "0").encode(); MAX_BATCH_MESSAGES];
    for _ in 0..BATCHES {
        let frame = siege.eve.seal(&batch);
        siege.eve.say(&frame);
    }
    siege.eve.acknowledged(siege.eve.sent).await;
    assert!(queued(&siege, siege.eve.id) <= 4, "{} answers wait", queued(&siege, siege.eve.id));
    siege
}

async fn calls(mut siege: Siege) -> Siege {
    let answers = pour(&mut siege, |id| request(id, "never", "1").encode()).await;
    let unknown = answers.iter().filter(|answer| code(answer) == Some(ErrorCode::UnknownSkill)).count();
    assert!(unknown <= 60, "{unknown} calls in a minute");
    assert!(siege.noted() <= 60 + siege.seconds(), "{} rows in the audit log", siege.noted());
    siege
}

/// Calls that run as long as they may, and more than may wait.
async fn waiting(mut siege: Siege) -> Siege {
    pour(&mut siege, |id| request(id, "spins", "1").encode()).await;
    assert!(siege.noted() <= 2 * 60 + siege.seconds(), "{} rows in the audit log", siege.noted());
    let unfinished = siege.town.in_transaction("ada", |tx| tx.pending_of(siege.eve.id));
    assert!(unfinished <= 16, "{unfinished} calls wait");
    siege
}

async fn called_off(mut siege: Siege) -> Siege {
    for _ in 0..500 {
        let id = RequestId::random();
        let frame =
            siege.eve.seal(&[request(id, "spins", "1").encode(), Message::TaskCancel { id }.encode()]);
        siege.eve.say(&frame);
        let answer = siege.eve.read().await;
        assert_eq!(answer.id(), Some(id));
    }
    assert!(siege.noted() <= 4 * 60 + siege.seconds(), "{} rows in the audit log", siege.noted());
    siege
}

async fn wishes(mut siege: Siege) -> Siege {
    let reason = || Text::sanitized(&"because ".repeat(500));
    let wish = |id| Message::TrustRequest { id, tier: Tier::Privileged, reason: reason() }.encode();
    assert_eq!(pour(&mut siege, wish).await, []);
    assert_eq!(siege.town.in_transaction("ada", |tx| Ok(tx.trust_requests()?.len())), 1);
    assert!(siege.noted() <= siege.seconds(), "{} rows in the audit log", siege.noted());
    siege
}

async fn malformed(mut siege: Siege) -> Siege {
    let question = |id| format!(r#"{{"type":"task_request","id":"{id}"}}"#).into_bytes();
    let answers = pour(&mut siege, question).await;
    assert!(answers.iter().all(|answer| code(answer) == Some(ErrorCode::InvalidInput)));
    assert_eq!(answers.len(), MESSAGES);
    assert!(siege.noted() <= siege.seconds());
    siege
}

async fn unknown(mut siege: Siege) -> Siege {
    let message = |id| format!(r#"{{"type":"warp","id":"{id}"}}"#).into_bytes();
    let answers = pour(&mut siege, message).await;
    assert!(answers.iter().all(|answer| code(answer) == Some(ErrorCode::TrustTierTooLow)));
    assert!(siege.noted() <= siege.seconds());
    siege
}

async fn recording(mut siege: Siege) -> Siege {
    let mut frames = Vec::new();
    for number in 0..50 {
        let frame = siege.eve.seal(&[request(RequestId::random(), "plain", &number.to_string()).encode()]);
        siege.eve.say(&frame);
        assert!(matches!(siege.eve.read().await, Message::TaskResponse { .. }));
        frames.push(frame);
    }
    let noted = siege.noted();
    for _ in 0..20 {
        for frame in &frames {
            siege.eve.say(frame);
        }
    }
    siege.eve.expect_silence().await;
    assert_eq!(siege.noted(), noted, "a recording had an effect");
    siege
}

fn code(message: &Message) -> Option<ErrorCode> {
    match message {
        Message::Error { code, .. } | Message::TaskError { code, .. } => Some(*code),
        _ => None,
    }
}
