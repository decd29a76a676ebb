//! What somebody on the wire sees. Every datagram between two agents passes a recorder: it stands between
//! IPv6 and IPv4 loopback, and each agent has a socket of one family only, so there is no way around it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use serde_json::json;

use crate::stage::{Place, Stage};

const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Recorder {
    pub(crate) at: SocketAddr,
    datagrams: Arc<Mutex<Vec<Vec<u8>>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Passes on what one client sends to `front` from a socket of its own to `target`, and back.
    pub(crate) fn start(front: &UdpSocket, target: SocketAddr) -> Self {
        let back = UdpSocket::bind("127.0.0.1:0").unwrap();
        back.connect(target).unwrap();
        let at = front.local_addr().unwrap();
        let (datagrams, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let client = Arc::new(Mutex::new(None::<SocketAddr>));
        let pass = |from: &UdpSocket, to: &UdpSocket, forth: bool| {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (datagrams, over, client): (Arc<Mutex<Vec<_>>>, _, _) =
                (Arc::clone(&datagrams), Arc::clone(&over), Arc::clone(&client));
            from.set_read_timeout(Some(PAUSE)).unwrap();
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                while !over.load(Ordering::Relaxed) {
                    let Ok((length, sender)) = from.recv_from(&mut buffer) else { continue };
                    datagrams.lock().unwrap().push(buffer[..length].to_vec());
                    // A datagram that cannot be passed on is lost, as on any network.
                    let _ = if forth {
                        *client.lock().unwrap() = Some(sender);
                        to.send(&buffer[..length])
                    } else {
                        let client = *client.lock().unwrap();
                        client.map_or(Ok(0), |client| to.send_to(&buffer[..length], client))
                    };
                }
            })
        };
        let threads = vec![pass(front, &back, true), pass(&back, front, false)];
        Self { at, datagrams, over, threads }
    }

    pub(crate) fn stop(self) -> Vec<Vec<u8>> {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        Arc::into_inner(self.datagrams).unwrap().into_inner().unwrap()
    }
}

/// The ways in which a careless program might write a word.
fn disguises(word: &str) -> Vec<Vec<u8>> {
    let plain = word.as_bytes();
    let wide = |bytes: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let mut all = vec![plain.to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
    all.extend([HEXLOWER.encode(plain).into_bytes(), HEXUPPER.encode(plain).into_bytes()]);
    all.push(plain.iter().rev().copied().collect());
    // Base64 of a text depends on where in its three-byte groups the word begins; the edges mix with neighbours.
    for shift in 0..3 {
        let text = BASE64.encode(&[vec![b' '; shift], plain.to_vec()].concat());
        let whole = text.trim_end_matches('=');
        all.push(whole.as_bytes()[if shift == 0 { 0 } else { 4 }..whole.len() - 1].to_vec());
    }
    all
}

pub(crate) fn seen<'a>(datagrams: &[Vec<u8>], words: &[&'a str]) -> Vec<&'a str> {
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let shows = |word: &str| {
        let disguises = disguises(word);
        datagrams.iter().any(|datagram| disguises.iter().any(|part| has(datagram, part)))
    };
    words.iter().copied().filter(|word| shows(word)).collect()
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let text = "the quick brown summarize fox";
    let writings: [Vec<u8>; 6] = [
        text.into(),
        HEXLOWER.encode(text.as_bytes()).into(),
        BASE64.encode(text.as_bytes()).into(),
        BASE64.encode(&text.as_bytes()[1..]).into(),
        BASE64.encode(&text.as_bytes()[2..]).into(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for writing in writings {
        assert_eq!(seen(&[writing], &["summarize", "elephant"]), ["summarize"]);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot be run here says so")]
fn nothing_of_a_call_can_be_read_on_the_wire() {
    let Ok(front) = UdpSocket::bind("[::1]:0") else {
        eprintln!("skipped: this machine has no IPv6 loopback to put the recorder on");
        return;
    };
    let stage = Stage::new();
    let ada = stage.agent_at("adalbertine", Place::Alone { bind: "127.0.0.1:0" });
    let bob = stage.agent_at("bartholomew", Place::Alone { bind: "[::1]:0" });
    ada.installs("redact", Some("known"));
    let (ada_serves, _bob_serves) = (ada.serve(), bob.serve());
    let recorder =
        Recorder::start(&front, ada_serves.ready["addresses"][0].as_str().unwrap().parse().unwrap());

    let invite = ada.does(&["invite"]);
    bob.does(&["connect", invite["code"].as_str().unwrap(), "--at", &recorder.at.to_string()]);
    ada.does(&["trust", "set", "bartholomew", "known"]);
    let paragraph =
        "The zeppelin of Quetzalcoatl hovers above Ouagadougou, says zoe.quux@example.org today. ";
    let input = json!({ "text": paragraph.repeat(500) }).to_string();
    let called = bob.does(&["call", "adalbertine", "redact", &input]);
    assert_eq!(called["output"]["masked"][0]["count"], 500, "{called}");
    assert!(called["output"]["text"].as_str().unwrap().contains("says [email] today"));
    bob.fails(&["call", "adalbertine", "undiscoverable", "{}"], 1, "UNKNOWN_SKILL");

    let datagrams = recorder.stop();
    let bytes: usize = datagrams.iter().map(Vec::len).sum();
    assert!(bytes > input.len() * 2, "both ways, the text passed the recorder: {bytes} bytes");
    let words = [
        "adalbertine",
        "bartholomew",
        "redact",
        "undiscoverable",
        "zeppelin",
        "Quetzalcoatl",
        "Ouagadougou",
        "zoe.quux@example.org",
        "[email]",
        "e-mail address",
        "task_request",
        "task_response",
        "UNKNOWN_SKILL",
    ];
    assert_eq!(seen(&datagrams, &words), Vec::<&str>::new());
}
