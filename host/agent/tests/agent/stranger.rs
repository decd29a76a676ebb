//! A peer made by hand: it has the keys and the session of an agent, and sends anything that a test wants.

use std::collections::VecDeque;
use std::time::Duration;

use coworker_channel::{
    Frame, Hello, Identity, MAX_FRAME, Member, MemoryStorage, Message, PartOf, Position, Session, SessionId,
    VERSION,
};
use coworker_net::{DialHints, Hub, Link, Network};
use coworker_policy::{PeerId, RequestId};
use tokio::time::timeout;

use crate::harness::{BOUND, identity};

pub(crate) struct Stranger {
    pub(crate) id: PeerId,
    /// Its claimed identity inside MLS.
    pub(crate) member: Member,
    pub(crate) storage: MemoryStorage,
    pub(crate) network: Network,
    pub(crate) session: Option<Session>,
    link: Option<Link>,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// The last number that the agent acknowledged.
    pub(crate) acked: u64,
    /// The length of the last sealed frame that came.
    pub(crate) frame_length: usize,
    /// The last ciphertext that came.
    pub(crate) last_heard: Vec<u8>,
    unread: VecDeque<Message>,
    /// Drafts of receipts that came, by request. They are no answers: `read` does not tell of them.
    pub(crate) receipts: Vec<(RequestId, Vec<u8>)>,
    /// True if it acknowledges batches.
    pub(crate) polite: bool,
}

impl Stranger {
    pub(crate) fn new(hub: &Hub, name: &str) -> Self {
        Self::disguised(hub, name, &identity(name))
    }

    /// Holds the key of `name` on the network, and `claimed`'s inside MLS.
    pub(crate) fn disguised(hub: &Hub, name: &str, claimed: &Identity) -> Self {
        Self::holding(hub, &identity(name), claimed)
    }

    /// Holds `key` on the network, and `claimed`'s inside MLS.
    pub(crate) fn holding(hub: &Hub, key: &Identity, claimed: &Identity) -> Self {
        let id = key.peer_id();
        Self {
            id,
            member: Member::new(claimed, [77; 32]),
            storage: MemoryStorage::default(),
            network: Network::memory(hub, id),
            session: None,
            link: None,
            sent: 0,
            received: 0,
            acked: 0,
            frame_length: 0,
            last_heard: Vec::new(),
            unread: VecDeque::new(),
            receipts: Vec::new(),
            polite: true,
        }
    }

    /// Opens a connection and says nothing yet.
    pub(crate) async fn dial(&mut self, agent: PeerId) {
        loop {
            // The in-memory endpoint has 64 places for peers that were not let in yet, and does not wait.
            match self.network.dial(agent, &DialHints::default(), BOUND).await {
                Ok(link) => break self.link = Some(link),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    /// Connects with a new session, and waits until the agent has it too. One message has gone each way.
    pub(crate) async fn meet(&mut self, agent: PeerId) {
        self.shake_hands(agent).await;
        self.expect_silence().await;
    }

    /// The dialling side of a handshake.
    pub(crate) async fn shake_hands(&mut self, agent: PeerId) {
        self.dial(agent).await;
        self.say(&Frame::Hello(Hello { version: VERSION, position: None }));
        assert!(matches!(self.hear().await, Some(Frame::Hello(_))));
        let Some(Frame::KeyPackage(package)) = self.hear().await else { panic!("no key package") };
        let (session, welcome) = Session::create(&self.member, &self.storage, agent, &package).unwrap();
        self.say(&Frame::Welcome(welcome));
        (self.session, self.sent, self.received, self.acked) = (Some(session), 0, 0, 0);
    }

    /// Connects again in the earlier session; returns how many of the sent batches the agent has.
    pub(crate) async fn resume(&mut self, agent: PeerId) -> u64 {
        self.dial(agent).await;
        let session = self.session_id();
        let position = Position { session, received: self.received, acked: self.acked, sent: self.sent };
        self.say(&Frame::Hello(Hello { version: VERSION, position: Some(position) }));
        let Some(Frame::Hello(hello)) = self.hear().await else { panic!("no hello") };
        let theirs = hello.position.expect("the agent has no session");
        assert_eq!(theirs.session, session, "the agent has another session");
        theirs.received
    }

    /// Answers the next connection that the agent opens; false if the agent ends it.
    pub(crate) async fn welcome(&mut self, agent: PeerId) -> bool {
        self.hear_a_dial().await;
        self.offer();
        let Some(Frame::Welcome(welcome)) = self.hear().await else { return false };
        let session = Session::join(&self.member, &self.storage, agent, &welcome).unwrap();
        (self.session, self.sent, self.received, self.acked) = (Some(session), 0, 0, 0);
        true
    }

    /// Takes the next connection that the agent opens, up to the hellos.
    pub(crate) async fn hear_a_dial(&mut self) {
        self.link = Some(timeout(BOUND, self.network.accept()).await.unwrap().unwrap());
        assert!(matches!(self.hear().await, Some(Frame::Hello(_))));
        self.say(&Frame::Hello(Hello { version: VERSION, position: None }));
    }

    /// Hands out a key package.
    pub(crate) fn offer(&self) {
        self.say(&Frame::KeyPackage(Session::key_package(&self.member, &self.storage).unwrap()));
    }

    /// Goes on with another connection; returns the one before.
    pub(crate) fn swap(&mut self, link: Option<Link>) -> Option<Link> {
        std::mem::replace(&mut self.link, link)
    }

    pub(crate) fn session_id(&self) -> SessionId {
        self.session.as_ref().unwrap().id()
    }

    pub(crate) fn say(&self, frame: &Frame) {
        self.say_bytes(frame.encode());
    }

    pub(crate) fn say_bytes(&self, bytes: Vec<u8>) {
        // The agent may have ended the connection; the next read shows it.
        let _ = self.link.as_ref().unwrap().sender.send(bytes);
    }

    /// The next frame; `None` if the agent ended the connection.
    pub(crate) async fn hear(&mut self) -> Option<Frame> {
        let receiver = &mut self.link.as_mut().unwrap().receiver;
        let bytes = timeout(BOUND, receiver.recv(MAX_FRAME)).await.expect("the agent says nothing");
        let bytes = bytes.ok().flatten()?;
        self.frame_length = bytes.len();
        Some(Frame::decode(&bytes).unwrap())
    }

    /// Hears everything up to the end of the connection, which must come.
    pub(crate) async fn hear_the_end(&mut self) {
        while let Some(frame) = self.hear().await {
            self.note(frame);
        }
        self.link = None;
    }

    pub(crate) fn hang_up(&mut self) {
        self.link = None;
    }

    /// Seals bytes that may not be a message, under the next number.
    pub(crate) fn seal(&mut self, batch: &[Vec<u8>]) -> Frame {
        self.sent += 1;
        let session = self.session.as_mut().unwrap();
        let ciphertext = session.seal(&self.member, &self.storage, self.sent, batch).unwrap();
        Frame::Sealed { session: session.id(), seq: self.sent, ciphertext }
    }

    pub(crate) fn send(&mut self, message: &Message) {
        self.send_bytes(message.encode());
    }

    pub(crate) fn send_bytes(&mut self, message: Vec<u8>) {
        let frame = self.seal(&[message]);
        self.say(&frame);
    }

    /// The next message.
    pub(crate) async fn read(&mut self) -> Message {
        self.read_on().await.expect("the agent ended the connection")
    }

    /// The next message; `None` if the agent ended the connection.
    pub(crate) async fn read_on(&mut self) -> Option<Message> {
        while self.unread.is_empty() {
            let frame = self.hear().await?;
            self.note(frame);
        }
        self.unread.pop_front()
    }

    /// Waits until the agent has acknowledged `seq`.
    pub(crate) async fn acknowledged(&mut self, seq: u64) {
        while self.acked < seq {
            let frame = self.hear().await.expect("the agent ended the connection");
            self.note(frame);
        }
    }

    fn note(&mut self, frame: Frame) {
        match frame {
            Frame::Ack { seq, .. } => self.acked = self.acked.max(seq),
            Frame::Sealed { session, seq, ciphertext } => {
                if seq <= self.received {
                    return;
                }
                assert_eq!(seq, self.received + 1);
                let opened = self.session.as_mut().unwrap().open(&self.storage, seq, &ciphertext).unwrap();
                self.last_heard = ciphertext;
                for message in opened.into_messages().into_iter().map(Result::unwrap) {
                    match message {
                        Message::TaskReceipt { id, envelope } => self.receipts.push((id, envelope)),
                        message => self.unread.push_back(message),
                    }
                }
                self.received = seq;
                if self.polite {
                    self.say(&Frame::Ack { session, seq });
                }
            }
            other => panic!("unexpected: {other:?}"),
        }
    }

    /// Asks and reads the answer, which is the next message.
    pub(crate) async fn ask(&mut self, question: &Message) -> Message {
        self.send(question);
        self.read().await
    }

    /// Calls a skill and reads the answer.
    pub(crate) async fn call(&mut self, skill: &str, input: &str) -> Message {
        self.ask(&request(RequestId::random(), skill, input)).await
    }

    /// The agent has nothing to say but the answer to this.
    pub(crate) async fn expect_silence(&mut self) {
        let id = RequestId::random();
        assert_eq!(self.ask(&Message::Ping { id }).await, Message::Pong { id });
    }
}

/// Waits `timeout` at most.
pub(crate) fn patient(id: RequestId, skill: &str, input: &str, timeout: Duration) -> Message {
    let timeout_ms = Some(u64::try_from(timeout.as_millis()).unwrap());
    asks(id, skill, input, timeout_ms)
}

pub(crate) fn request(id: RequestId, skill: &str, input: &str) -> Message {
    asks(id, skill, input, None)
}

fn asks(id: RequestId, skill: &str, input: &str, timeout_ms: Option<u64>) -> Message {
    let (skill, input) = (skill.to_owned(), input.to_owned());
    let part_of = PartOf::default();
    Message::TaskRequest { id, skill, input, timeout_ms, expires_ms: None, version: None, part_of }
}
