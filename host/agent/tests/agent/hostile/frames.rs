//! Frames within a session: replayed, reordered, cut, forged, out of place.

use coworker_channel::{Frame, Hello, MAX_FRAME, MAX_HANDSHAKE_FRAME, Message, Position};
use coworker_channel::{SessionId, VERSION};
use coworker_policy::RequestId;

use super::siege::Siege;
use crate::stranger::Stranger;

/// The case, the frames of eve, and the expected end.
type Row = (&'static str, fn(&mut Stranger) -> Vec<Vec<u8>>, &'static str);

const ENDS: &str = "the connection ends";
const NOTHING: &str = "nothing";
const OTHER: [u8; 32] = [3; 32];

const ROWS: &[Row] = &[
    ("a frame that comes again", again, NOTHING),
    ("a frame that comes again fifty times", |eve| vec![quiet(eve); 50], NOTHING),
    ("a frame that comes again under the next number", |eve| renumbered(eve, 1), ENDS),
    ("a frame under a number of before", |eve| renumbered(eve, 0), NOTHING),
    ("two frames whose numbers were exchanged", exchanged, ENDS),
    ("a frame before its turn", |eve| vec![ping(eve), ping(eve)].split_off(1), ENDS),
    ("a frame under the last of all numbers", |eve| forged(eve, u64::MAX, &[7; 300]), ENDS),
    ("a frame under number 0", |eve| forged(eve, 0, &[7; 300]), NOTHING),
    ("a frame of noise", |eve| forged(eve, eve.sent + 1, &[7; 300]), ENDS),
    ("a frame of one byte of ciphertext", |eve| forged(eve, eve.sent + 1, &[1]), ENDS),
    ("a frame without ciphertext", |eve| forged(eve, eve.sent + 1, &[]), ENDS),
    ("a frame of 8 MiB of noise", |eve| forged(eve, eve.sent + 1, &vec![9; MAX_FRAME - 41]), ENDS),
    ("a frame with its last byte changed", |eve| changed(eve, |bytes| *bytes.last_mut().unwrap() ^= 1), ENDS),
    ("a frame with a byte of its MLS header changed", |eve| changed(eve, |bytes| bytes[45] ^= 1), ENDS),
    ("a frame that was cut", |eve| changed(eve, |bytes| bytes.truncate(bytes.len() - 7)), ENDS),
    ("a frame that goes on", |eve| changed(eve, |bytes| bytes.extend([0; 9])), ENDS),
    ("a frame for a session that never was", |eve| changed(eve, |bytes| bytes[1..33].fill(3)), NOTHING),
    ("a frame of another member's", anothers, ENDS),
    ("a frame above the limit", |_| vec![vec![4; MAX_FRAME + 1]], ENDS),
    ("an empty frame", |_| vec![Vec::new()], ENDS),
    ("a frame of an unknown kind", |_| vec![vec![9, 9, 9]], ENDS),
    ("a frame of kind 0", |_| vec![vec![0; 100]], ENDS),
    ("half an acknowledgement", |eve| vec![ack(eve.session_id(), 1)[..20].to_vec()], ENDS),
    ("an acknowledgement that goes on", |eve| vec![[ack(eve.session_id(), 1), vec![0]].concat()], ENDS),
    ("an acknowledgement of 8 MiB", |eve| vec![[ack(eve.session_id(), 1), vec![0; 8 << 20]].concat()], ENDS),
    ("an acknowledgement of what was never sent", |eve| vec![ack(eve.session_id(), u64::MAX)], NOTHING),
    ("an acknowledgement in no session", |_| vec![ack(SessionId::from_bytes(OTHER), 1)], NOTHING),
    ("an acknowledgement of number 0", |eve| vec![ack(eve.session_id(), 0)], NOTHING),
    ("a second hello", |_| vec![Frame::Hello(Hello { version: VERSION, position: None }).encode()], ENDS),
    ("a hello of a later version", |_| vec![vec![1, VERSION + 1]], ENDS),
    ("a hello with another position", |eve| vec![moved(eve)], ENDS),
    ("a key package", |_| vec![Frame::KeyPackage(vec![1; 300]).encode()], ENDS),
    (
        "a key package above the limit",
        |_| vec![Frame::KeyPackage(vec![1; MAX_HANDSHAKE_FRAME]).encode()],
        ENDS,
    ),
    ("a Welcome", |_| vec![Frame::Welcome(vec![1; 300]).encode()], ENDS),
];

pub(super) fn names() -> Vec<&'static str> {
    ROWS.iter().map(|(name, ..)| *name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn frames_that_are_not_as_they_should_be() {
    let mut siege = Siege::lay().await;
    for (name, attack, ending) in ROWS {
        for frame in attack(&mut siege.eve) {
            siege.eve.say_bytes(frame);
        }
        assert_eq!(siege.ending(ending).await, *ending, "{name}");
        siege.honest_is_served().await;
    }
    siege.lift().await;
}

fn ping(eve: &mut Stranger) -> Vec<u8> {
    eve.seal(&[Message::Ping { id: RequestId::random() }.encode()]).encode()
}

/// One that has no answer, so that only a second effect would show.
fn quiet(eve: &mut Stranger) -> Vec<u8> {
    eve.seal(&[Message::Pong { id: RequestId::random() }.encode()]).encode()
}

fn again(eve: &mut Stranger) -> Vec<Vec<u8>> {
    vec![quiet(eve); 2]
}

/// Twice, the second time with a number that is so much higher.
fn renumbered(eve: &mut Stranger, by: u64) -> Vec<Vec<u8>> {
    let first = quiet(eve);
    let mut second = first.clone();
    second[33..41].copy_from_slice(&(eve.sent + by).to_be_bytes());
    vec![first, second]
}

fn exchanged(eve: &mut Stranger) -> Vec<Vec<u8>> {
    let (mut first, mut second) = (quiet(eve), quiet(eve));
    first[33..41].swap_with_slice(&mut second[33..41]);
    vec![second, first]
}

fn changed(eve: &mut Stranger, change: fn(&mut Vec<u8>)) -> Vec<Vec<u8>> {
    let mut frame = quiet(eve);
    change(&mut frame);
    // A frame that was not taken is not missing: eve's next frame has its number.
    eve.sent -= 1;
    vec![frame]
}

fn forged(eve: &Stranger, seq: u64, ciphertext: &[u8]) -> Vec<Vec<u8>> {
    vec![Frame::Sealed { session: eve.session_id(), seq, ciphertext: ciphertext.to_vec() }.encode()]
}

/// The agent's own words come back to it.
fn anothers(eve: &mut Stranger) -> Vec<Vec<u8>> {
    forged(eve, eve.sent + 1, &eve.last_heard.clone())
}

fn ack(session: SessionId, seq: u64) -> Vec<u8> {
    Frame::Ack { session, seq }.encode()
}

fn moved(eve: &Stranger) -> Vec<u8> {
    let position = Position { session: eve.session_id(), received: 90, acked: 90, sent: 90 };
    Frame::Hello(Hello { version: VERSION, position: Some(position) }).encode()
}
