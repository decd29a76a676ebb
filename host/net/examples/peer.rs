//! One agent as the network sees it, for `cargo xtask nat`: two doors, cards exchanged as an agent does inside a
//! session, a ping every tenth of a second. What `coworker` prints is for people; this prints for the task.
//!
//! `peer SEED RELAY CA [PEER]`: waits for others, or keeps a link to PEER.

#![allow(clippy::print_stdout, reason = "its lines are what the task reads")]

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use coworker_net::{DirectCard, Doors, Entrance, Hints, Link, Network, Options};
use coworker_policy::PeerId;
use tokio::time::{Instant, sleep, timeout};

type Outcome<T> = Result<T, Box<dyn Error>>;

const MAX: usize = 64 * 1024;
const EVERY: Duration = Duration::from_millis(100);
const DIAL: Duration = Duration::from_secs(5);
/// How long the front door is good enough before the direct one is tried again.
const AT_FRONT: Duration = Duration::from_secs(5);

const CARD: u8 = b'c';
const PING: u8 = b'p';

#[tokio::main]
async fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [seed, relay, ca, rest @ ..] = args.as_slice() else {
        return Err("peer SEED RELAY CA [PEER]".into());
    };
    let seed: u8 = seed.parse()?;
    let options = Options {
        bind: None,
        doors: Doors::Split { direct: [seed.wrapping_add(128); 32] },
        relays: vec![relay.clone()],
        relay_ca: Some(std::fs::read(ca)?),
    };
    let network = Network::iroh([seed; 32], options).await?;
    while !network.is_relay_connected() {
        sleep(EVERY).await;
    }
    println!("online {}", network.peer_id());
    match rest.first() {
        Some(peer) => visit(&network, peer.parse()?).await,
        None => host(&network).await,
    }
    Ok(())
}

async fn host(network: &Network) {
    while let Some(link) = network.accept().await {
        let network = network.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(&network, link).await {
                println!("ended {error}");
            }
        });
    }
}

async fn answer(network: &Network, mut link: Link) -> Outcome<()> {
    println!("accepted {:?} {}", link.entrance, link.path());
    while let Some(frame) = link.receiver.recv(MAX).await? {
        if let Some((&CARD, card)) = frame.split_first() {
            network.admit(link.peer, &read_card(card)?)?;
            link.sender.send(our_card(network, link.peer)?)?;
        } else {
            link.sender.send(frame)?;
        }
    }
    Ok(())
}

async fn visit(network: &Network, peer: PeerId) {
    let mut introduced = false;
    loop {
        match network.dial(peer, &Hints::default(), DIAL).await {
            Ok(mut link) => {
                println!("linked {:?} {}", link.entrance, link.path());
                let stay = match (link.entrance, introduced) {
                    (Entrance::Direct, _) => Duration::MAX,
                    (Entrance::Front, true) => AT_FRONT,
                    (Entrance::Front, false) => Duration::ZERO,
                };
                match use_link(network, &mut link, stay).await {
                    Ok(()) => introduced = true,
                    Err(error) => println!("lost {error}"),
                }
            }
            Err(error) => println!("unreached {error}"),
        }
        sleep(EVERY).await;
    }
}

async fn use_link(network: &Network, link: &mut Link, stay: Duration) -> Outcome<()> {
    if link.entrance == Entrance::Front {
        link.sender.send(our_card(network, link.peer)?)?;
        let card = timeout(DIAL, link.receiver.recv(MAX)).await??.ok_or("no card")?;
        network.admit(link.peer, &read_card(card.get(1..).unwrap_or_default())?)?;
    }
    let start = Instant::now();
    let mut number: u32 = 0;
    while start.elapsed() < stay {
        let sent = Instant::now();
        link.sender.send([&[PING], number.to_be_bytes().as_slice()].concat())?;
        link.receiver.recv(MAX).await?.ok_or("closed")?;
        println!("pong {} {:?} {}", sent.elapsed().as_micros(), link.entrance, link.path());
        number += 1;
        sleep(EVERY).await;
    }
    Ok(())
}

fn our_card(network: &Network, peer: PeerId) -> Outcome<Vec<u8>> {
    let card = network.direct_card(peer).ok_or("no direct door")?;
    let mut frame = vec![CARD];
    frame.extend_from_slice(&card.key);
    frame.extend_from_slice(&card.knock);
    let addresses = card.addresses.iter().map(ToString::to_string);
    frame
        .extend_from_slice(card.relay.into_iter().chain(addresses).collect::<Vec<_>>().join("\n").as_bytes());
    Ok(frame)
}

fn read_card(frame: &[u8]) -> Outcome<DirectCard> {
    let (key, rest) = frame.split_first_chunk().ok_or("short card")?;
    let (knock, rest) = rest.split_first_chunk().ok_or("short card")?;
    let lines: Vec<&str> = std::str::from_utf8(rest)?.lines().collect();
    let addresses: Vec<SocketAddr> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    let relay = lines.iter().find(|line| line.starts_with("http")).map(|&url| url.to_owned());
    Ok(DirectCard { key: *key, knock: *knock, addresses, relay })
}
