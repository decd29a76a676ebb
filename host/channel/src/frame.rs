use crate::limits::{MAX_FRAME, MAX_HANDSHAKE_FRAME};
use crate::session::SessionId;

/// Version of the protocol.
pub const VERSION: u8 = 1;

const HELLO: u8 = 1;
const KEY_PACKAGE: u8 = 2;
const WELCOME: u8 = 3;
const SEALED: u8 = 4;
const ACK: u8 = 5;

/// The unit that a connection carries: a tag, fixed fields and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Hello(Hello),
    KeyPackage(Vec<u8>),
    Welcome(Vec<u8>),
    /// One MLS message. `seq` counts from 1 in each session and direction. MLS authenticates it.
    Sealed {
        session: SessionId,
        seq: u64,
        ciphertext: Vec<u8>,
    },
    /// All messages up to `seq` are durable at the receiver.
    Ack {
        session: SessionId,
        seq: u64,
    },
}

/// The first frame in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The sender's protocol version. The other fields are meaningful only if it is [`VERSION`].
    pub version: u8,
    /// The session that the sender has with the receiver.
    pub position: Option<Position>,
}

/// An agent's position in a session, in sequence numbers. 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub session: SessionId,
    /// The highest number received from the other side.
    pub received: u64,
    /// The highest number that the other side is known to have received.
    pub acked: u64,
    /// The highest number sealed.
    pub sent: u64,
}

impl Position {
    /// Returns true if both sides can continue the session. If one side was restored from a backup, the other side
    /// has received a number that this side does not know to have sent, and continuing would reuse ratchet
    /// generations.
    pub fn fits(&self, theirs: &Self) -> bool {
        let reached = |of: &Self, by: &Self| (of.acked..=of.sent).contains(&by.received);
        self.session == theirs.session && reached(self, theirs) && reached(theirs, self)
    }
}

/// Why bytes are not a valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    #[error("the frame is empty")]
    Empty,
    #[error("the frame has {size} bytes; at most {max} are allowed here")]
    TooLarge { size: usize, max: usize },
    #[error("the frame has the unknown tag {0}")]
    Tag(u8),
    #[error("the frame is truncated")]
    Truncated,
    #[error("the frame has trailing bytes")]
    Trailing,
    #[error("the hello contradicts itself")]
    Hello,
}

impl Frame {
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello(hello) => hello.encode(),
            Self::KeyPackage(bytes) => [&[KEY_PACKAGE], bytes.as_slice()].concat(),
            Self::Welcome(bytes) => [&[WELCOME], bytes.as_slice()].concat(),
            Self::Sealed { session, seq, ciphertext } => {
                [&[SEALED], &session.as_bytes()[..], &seq.to_be_bytes(), ciphertext].concat()
            }
            Self::Ack { session, seq } => [&[ACK], &session.as_bytes()[..], &seq.to_be_bytes()].concat(),
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, BadFrame> {
        let (tag, rest) = bytes.split_first().ok_or(BadFrame::Empty)?;
        let max = if *tag == SEALED { MAX_FRAME } else { MAX_HANDSHAKE_FRAME };
        if bytes.len() > max {
            return Err(BadFrame::TooLarge { size: bytes.len(), max });
        }
        match *tag {
            HELLO => Hello::decode(rest).map(Self::Hello),
            KEY_PACKAGE => some(rest).map(Self::KeyPackage),
            WELCOME => some(rest).map(Self::Welcome),
            SEALED => {
                let (session, seq, rest) = numbered(rest)?;
                some(rest).map(|ciphertext| Self::Sealed { session, seq, ciphertext })
            }
            ACK => {
                let (session, seq, rest) = numbered(rest)?;
                end(rest).map(|()| Self::Ack { session, seq })
            }
            tag => Err(BadFrame::Tag(tag)),
        }
    }
}

impl Hello {
    fn encode(self) -> Vec<u8> {
        let mut bytes = vec![HELLO, self.version, self.position.is_some().into()];
        let session = self.position.map_or([0; 32], |position| *position.session.as_bytes());
        bytes.extend(session);
        let numbers =
            self.position.map_or([0; 3], |position| [position.received, position.acked, position.sent]);
        bytes.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, BadFrame> {
        let (&[version], rest) = chunk(bytes)?;
        if version != VERSION {
            // From a newer peer. Only its version is known to mean the same, and our answer needs no more.
            return Ok(Self { version, position: None });
        }
        let (&[has_session], rest) = chunk(rest)?;
        let (session, received, rest) = numbered(rest)?;
        let (&acked, rest) = chunk(rest)?;
        let (&sent, rest) = chunk(rest)?;
        end(rest)?;
        let (acked, sent) = (u64::from_be_bytes(acked), u64::from_be_bytes(sent));
        let position = match has_session {
            0 if bytes[2..].iter().all(|byte| *byte == 0) => None,
            1 if acked <= sent => Some(Position { session, received, acked, sent }),
            _ => return Err(BadFrame::Hello),
        };
        Ok(Self { version, position })
    }
}

fn numbered(bytes: &[u8]) -> Result<(SessionId, u64, &[u8]), BadFrame> {
    let (session, rest) = chunk(bytes)?;
    let (seq, rest) = chunk(rest)?;
    Ok((SessionId::from_bytes(*session), u64::from_be_bytes(*seq), rest))
}

fn chunk<const N: usize>(bytes: &[u8]) -> Result<(&[u8; N], &[u8]), BadFrame> {
    bytes.split_first_chunk().ok_or(BadFrame::Truncated)
}

fn some(rest: &[u8]) -> Result<Vec<u8>, BadFrame> {
    if rest.is_empty() { Err(BadFrame::Truncated) } else { Ok(rest.to_vec()) }
}

fn end(rest: &[u8]) -> Result<(), BadFrame> {
    if rest.is_empty() { Ok(()) } else { Err(BadFrame::Trailing) }
}
