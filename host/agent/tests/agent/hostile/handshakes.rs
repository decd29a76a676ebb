//! Handshakes by somebody without a session: out of order, stolen, repeated.

use coworker_channel::{
    Frame, Hello, MAX_HANDSHAKE_FRAME, Member, MemoryStorage, Position, Session, SessionId, VERSION,
};

use super::siege::Siege;
use crate::harness::identity;
use crate::stranger::Stranger;

/// The case, the stranger's first frames, and the frames that it gets.
type Row = (&'static str, fn(&Siege) -> Vec<Vec<u8>>, &'static str);

const ENDS: &str = "the end";
const AFTER_HELLO: &str = "hello, the end";
const AFTER_KEY_PACKAGE: &str = "hello, key package, the end";

const ROWS: &[Row] = &[
    ("a hello of a later version", |_| vec![[&[1, VERSION + 1][..], &[0; 57]].concat()], AFTER_HELLO),
    ("a hello of version 0", |_| vec![[&[1, 0][..], &[0; 57]].concat()], AFTER_HELLO),
    ("a hello of a later version and unknown length", |_| vec![vec![1, VERSION + 1, 7, 7]], AFTER_HELLO),
    ("half a hello", |_| vec![hello(None)[..20].to_vec()], ENDS),
    ("a hello that goes on", |_| vec![[hello(None), vec![0]].concat()], ENDS),
    ("a hello with half a position", |_| vec![with(&hello(None), 2, 1)], AFTER_KEY_PACKAGE),
    ("a hello with a third answer to yes or no", |_| vec![with(&hello(None), 2, 2)], ENDS),
    ("a hello with a position and no session", |_| vec![with(&hello(None), 9, 9)], ENDS),
    ("a hello that acknowledges more than it sent", |_| vec![position([5; 32], 0, 9, 1)], ENDS),
    ("a hello with a session of its own making", made_up, AFTER_KEY_PACKAGE),
    ("a hello with the session of another peer", stolen, AFTER_KEY_PACKAGE),
    ("two hellos", |_| vec![hello(None), hello(None)], AFTER_KEY_PACKAGE),
    ("an empty frame", |_| vec![Vec::new()], ENDS),
    ("a frame of an unknown kind", |_| vec![vec![77; 77]], ENDS),
    ("a hello above the limit", |_| vec![vec![1; MAX_HANDSHAKE_FRAME + 1]], ENDS),
    ("eight megabytes before a hello", |_| vec![vec![4; 8 << 20]], ENDS),
    ("an acknowledgement before a hello", |_| vec![Frame::Ack { session: NONE, seq: 1 }.encode()], ENDS),
    ("a sealed frame before a hello", |_| vec![sealed()], ENDS),
    ("a key package before a hello", |_| vec![Frame::KeyPackage(vec![1]).encode()], ENDS),
    ("a Welcome before a hello", |_| vec![Frame::Welcome(vec![1]).encode()], ENDS),
    (
        "an acknowledgement for a Welcome",
        |_| after_hello(&Frame::Ack { session: NONE, seq: 1 }),
        AFTER_KEY_PACKAGE,
    ),
    ("a sealed frame for a Welcome", |_| vec![hello(None), sealed()], AFTER_KEY_PACKAGE),
    ("a key package for a Welcome", |_| after_hello(&Frame::KeyPackage(vec![1; 200])), AFTER_KEY_PACKAGE),
    ("a Welcome of noise", |_| after_hello(&Frame::Welcome(vec![1; 200])), AFTER_KEY_PACKAGE),
    (
        "a Welcome above the limit",
        |_| after_hello(&Frame::Welcome(vec![1; MAX_HANDSHAKE_FRAME])),
        AFTER_KEY_PACKAGE,
    ),
    ("a Welcome to another agent", to_another, AFTER_KEY_PACKAGE),
];

/// Those that need a key package of the agent's first.
const IN_PERSON: [&str; 4] = [
    "a Welcome in another's name",
    "a Welcome that was cut",
    "a Welcome for a key package that was used",
    "a Welcome for a key package of a connection that ended",
];

const NONE: SessionId = SessionId::from_bytes([5; 32]);

pub(super) fn names() -> Vec<&'static str> {
    ROWS.iter().map(|(name, ..)| *name).chain(IN_PERSON).map(crowded).collect()
}

/// Some frames are wrong in a session and before it: the list has both.
fn crowded(name: &'static str) -> &'static str {
    match name {
        "an empty frame" => "an empty frame, first",
        "a frame of an unknown kind" => "a frame of an unknown kind, first",
        "a hello of a later version" => "a hello of a later version, first",
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handshakes_that_are_not_as_they_should_be() {
    let siege = Siege::lay().await;
    for (number, (name, attack, ending)) in ROWS.iter().enumerate() {
        let mut stranger = siege.stranger(number);
        stranger.dial(siege.ada.peer_id()).await;
        for frame in attack(&siege) {
            stranger.say_bytes(frame);
        }
        // One that only waits for a Welcome gets none.
        if *ending == AFTER_KEY_PACKAGE {
            stranger.say(&Frame::Ack { session: NONE, seq: 1 });
        }
        assert_eq!(hear_all(&mut stranger).await, *ending, "{name}");
        nothing_is_kept(&siege, &stranger, name);
        siege.honest_is_served().await;
    }
    siege.newcomer_is_served("fay").await;
    siege.lift().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn welcomes_that_are_not_as_they_should_be() {
    let siege = Siege::lay().await;
    let ada = siege.ada.peer_id();
    let [in_anothers_name, cut, used, ended] = IN_PERSON;

    let mut disguised = Stranger::disguised(&siege.town.hub, "mallory", &identity("bob"));
    disguised.shake_hands(ada).await;
    disguised.hear_the_end().await;
    nothing_is_kept(&siege, &disguised, in_anothers_name);

    let mut stranger = siege.stranger(1000);
    let welcome = welcome(&mut stranger, &siege).await;
    stranger.say(&Frame::Welcome(welcome[..welcome.len() - 9].to_vec()));
    assert_eq!(hear_all(&mut stranger).await, ENDS, "{cut}");
    nothing_is_kept(&siege, &stranger, cut);
    // The key package went with the connection, so the whole Welcome comes too late.
    let other = self::welcome(&mut stranger, &siege).await;
    stranger.say(&Frame::Welcome(welcome));
    assert_eq!(hear_all(&mut stranger).await, ENDS, "{ended}");
    nothing_is_kept(&siege, &stranger, ended);
    drop(other);

    let welcome = self::welcome(&mut stranger, &siege).await;
    stranger.say(&Frame::Welcome(welcome.clone()));
    siege.honest_is_served().await;
    stranger.hang_up();
    let again = self::welcome(&mut stranger, &siege).await;
    assert_ne!(again, welcome);
    stranger.say(&Frame::Welcome(welcome));
    assert_eq!(hear_all(&mut stranger).await, ENDS, "{used}");
    siege.newcomer_is_served("fay").await;
    siege.lift().await;
}

/// Shakes hands up to a Welcome, and keeps it.
async fn welcome(stranger: &mut Stranger, siege: &Siege) -> Vec<u8> {
    let ada = siege.ada.peer_id();
    stranger.dial(ada).await;
    stranger.say_bytes(hello(None));
    assert!(matches!(stranger.hear().await, Some(Frame::Hello(_))));
    let Some(Frame::KeyPackage(package)) = stranger.hear().await else { panic!("no key package") };
    Session::create(&stranger.member, &MemoryStorage::default(), ada, &package).unwrap().1
}

fn nothing_is_kept(siege: &Siege, stranger: &Stranger, name: &str) {
    let kept = siege.town.in_transaction("ada", |tx| Ok((tx.peer(stranger.id)?, tx.session(stranger.id)?)));
    assert_eq!(kept, (None, None), "{name}");
}

async fn hear_all(stranger: &mut Stranger) -> String {
    let mut heard = Vec::new();
    while let Some(frame) = stranger.hear().await {
        heard.push(match frame {
            Frame::Hello(_) => "hello",
            Frame::KeyPackage(_) => "key package",
            Frame::Welcome(_) | Frame::Sealed { .. } | Frame::Ack { .. } => "what it should not say",
        });
    }
    heard.push(ENDS);
    heard.join(", ")
}

fn hello(position: Option<Position>) -> Vec<u8> {
    Frame::Hello(Hello { version: VERSION, position }).encode()
}

fn position(session: [u8; 32], received: u64, acked: u64, sent: u64) -> Vec<u8> {
    let session = SessionId::from_bytes(session);
    hello(Some(Position { session, received, acked, sent }))
}

fn with(frame: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] = byte;
    frame
}

fn after_hello(frame: &Frame) -> Vec<Vec<u8>> {
    vec![hello(None), frame.encode()]
}

fn sealed() -> Vec<u8> {
    Frame::Sealed { session: NONE, seq: 1, ciphertext: vec![1; 300] }.encode()
}

fn made_up(_: &Siege) -> Vec<Vec<u8>> {
    vec![position([6; 32], 0, 0, u64::MAX)]
}

fn stolen(siege: &Siege) -> Vec<Vec<u8>> {
    let bob = siege.bob.peer_id();
    let row = siege.town.in_transaction("ada", |tx| tx.session(bob)).unwrap();
    vec![position(row.id, row.sent, row.received, row.received)]
}

fn to_another(siege: &Siege) -> Vec<Vec<u8>> {
    let mallory = Stranger::new(&siege.town.hub, "mallory");
    let victor = identity("victor");
    let member = Member::new(&victor, [78; 32]);
    let package = Session::key_package(&member, &MemoryStorage::default()).unwrap();
    let (_, welcome) =
        Session::create(&mallory.member, &mallory.storage, victor.peer_id(), &package).unwrap();
    after_hello(&Frame::Welcome(welcome))
}
