use coworker_channel::{
    BadFrame, Frame, Hello, MAX_FRAME, MAX_HANDSHAKE_FRAME, Position, SessionId, VERSION,
};
use data_encoding::HEXLOWER;
use proptest::prelude::{any, prop_assert_eq, proptest};

const SESSION: SessionId = SessionId::from_bytes([0xab; 32]);

fn frames() -> [(&'static str, Frame); 6] {
    let first = Hello { version: VERSION, position: None };
    let again = Hello { position: Some(AT), ..first };
    [
        ("hello, first", Frame::Hello(first)),
        ("hello, again", Frame::Hello(again)),
        ("key package", Frame::KeyPackage(vec![1, 2, 3])),
        ("welcome", Frame::Welcome(vec![4, 5])),
        ("sealed", Frame::Sealed { session: SESSION, seq: 1 << 40, ciphertext: vec![0xff; 4] }),
        ("ack", Frame::Ack { session: SESSION, seq: 7 }),
    ]
}

const AT: Position = Position { session: SESSION, received: 258, acked: 3, sent: 5 };

#[test]
fn both_sides_agree_on_whether_a_session_goes_on() {
    let ours = Position { session: SESSION, received: 7, acked: 3, sent: 5 };
    let theirs = Position { session: SESSION, received: 4, acked: 6, sent: 9 };
    for (theirs, fits) in [
        (theirs, true),
        (Position { received: 3, ..theirs }, true),
        (Position { received: 5, ..theirs }, true),
        // One of the two sides was restored from a backup.
        (Position { received: 2, ..theirs }, false),
        (Position { received: 6, ..theirs }, false),
        (Position { acked: 6, sent: 6, ..theirs }, false),
        (Position { acked: 8, ..theirs }, false),
        (Position { session: SessionId::from_bytes([8; 32]), ..theirs }, false),
    ] {
        assert_eq!(ours.fits(&theirs), fits, "{theirs:?}");
        assert_eq!(theirs.fits(&ours), fits, "{theirs:?}");
    }
}

#[test]
fn the_format_is_unchanged() {
    let lines: Vec<_> = frames()
        .iter()
        .map(|(name, frame)| format!("{name}: {}", HEXLOWER.encode(&frame.encode())))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn decoded_frames_equal_the_encoded_ones() {
    for (name, frame) in frames() {
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame), "{name}");
    }
}

#[test]
fn every_truncation_is_detected() {
    for (name, frame) in frames() {
        let bytes = frame.encode();
        let body = match frame {
            Frame::KeyPackage(_) | Frame::Welcome(_) => 1,
            Frame::Sealed { .. } => 1 + 32 + 8,
            _ => bytes.len() - 1,
        };
        for length in 0..=body {
            assert!(Frame::decode(&bytes[..length]).is_err(), "{name} at {length}");
        }
    }
}

#[test]
fn malformed_frames_are_refused_with_their_reason() {
    let ack = Frame::Ack { session: SESSION, seq: 7 }.encode();
    let mut hello = Frame::Hello(Hello { version: VERSION, position: Some(AT) }).encode();
    let long_hello = [hello.as_slice(), &[0]].concat();
    hello[2] = 2;
    let mut no_session = hello.clone();
    no_session[2] = 0;
    for (bytes, expected) in [
        (vec![], BadFrame::Empty),
        (vec![0], BadFrame::Tag(0)),
        (vec![9, 1], BadFrame::Tag(9)),
        (vec![1], BadFrame::Truncated),
        ([ack.as_slice(), &[0]].concat(), BadFrame::Trailing),
        (long_hello, BadFrame::Trailing),
        (hello, BadFrame::Hello),
        (no_session, BadFrame::Hello),
    ] {
        assert_eq!(Frame::decode(&bytes), Err(expected));
    }
}

#[test]
fn only_the_version_of_a_newer_hello_is_read() {
    let newer = Hello { version: 9, position: None };
    assert_eq!(Frame::decode(&[1, 9]), Ok(Frame::Hello(newer)));
    assert_eq!(Frame::decode(&[1, 9, 8, 7, 6]), Ok(Frame::Hello(newer)));
}

#[test]
fn oversized_frames_are_refused() {
    let sized = |tag: u8, size: usize| {
        let mut bytes = vec![0; size];
        bytes[0] = tag;
        Frame::decode(&bytes)
    };
    for tag in [2, 3] {
        let (max, size) = (MAX_HANDSHAKE_FRAME, MAX_HANDSHAKE_FRAME + 1);
        assert!(sized(tag, max).is_ok());
        assert_eq!(sized(tag, size), Err(BadFrame::TooLarge { size, max }));
    }
    let (max, size) = (MAX_FRAME, MAX_FRAME + 1);
    assert!(sized(4, max).is_ok());
    assert_eq!(sized(4, size), Err(BadFrame::TooLarge { size, max }));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(tag in 0..7_u8, rest in any::<Vec<u8>>()) {
        let bytes = [&[tag], rest.as_slice()].concat();
        if let Ok(frame) = Frame::decode(&bytes) {
            prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
        }
    }
}
