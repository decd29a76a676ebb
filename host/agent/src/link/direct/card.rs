//! A peer's card, in the form of the network and in the form of the database.

use coworker_channel::{DirectCard, MAX_ADDRESSES, Message};
use coworker_net::DirectCard as NetCard;
use coworker_policy::RequestId;

pub(super) fn to_net(card: &DirectCard) -> NetCard {
    let DirectCard { key, admission_token, addresses, relay } = card.clone();
    NetCard { key, admission_token, addresses, relay }
}

/// Keeps as many addresses as a card has room for, those with the widest reach first.
pub(super) fn from_net(card: NetCard) -> DirectCard {
    let NetCard { key, admission_token, mut addresses, relay } = card;
    addresses.sort_by_key(|address| reach(address.ip()));
    addresses.truncate(MAX_ADDRESSES);
    DirectCard { key, admission_token, addresses, relay }
}

fn reach(ip: std::net::IpAddr) -> u8 {
    let (private, link_local) = match ip {
        std::net::IpAddr::V4(v4) => (v4.is_private(), v4.is_link_local()),
        std::net::IpAddr::V6(v6) => (v6.is_unique_local(), v6.is_unicast_link_local()),
    };
    match (ip.is_loopback(), link_local, private) {
        (false, false, false) => 0,
        (false, false, true) => 1,
        (false, true, _) => 2,
        (true, ..) => 3,
    }
}

/// Writes the card in the format of the protocol, so that one parser checks both.
pub(super) fn write(card: &DirectCard) -> String {
    let message = Message::DirectCard { id: RequestId::random(), card: Box::new(card.clone()), ask: false };
    String::from_utf8_lossy(&message.encode()).into_owned()
}

/// Returns `None` for a card that another version may have written.
pub(super) fn read(kept: &str) -> Option<DirectCard> {
    match Message::decode(kept.as_bytes()) {
        Ok(Message::DirectCard { card, .. }) => Some(*card),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_with_the_widest_reach_are_told() {
        let near = (1..=20).map(|n| ([10, 0, 0, n], 1).into());
        let all = [([127, 0, 0, 1], 1).into(), ([169, 254, 0, 1], 1).into(), ([192, 0, 2, 7], 1).into()];
        let addresses = all.into_iter().chain(near).collect();
        let told = from_net(NetCard { key: [1; 32], admission_token: [2; 16], addresses, relay: None });
        assert_eq!((told.addresses.len(), told.addresses[0]), (MAX_ADDRESSES, ([192, 0, 2, 7], 1).into()));
        assert!(told.addresses[1..].iter().all(|address| address.ip().to_string().starts_with("10.")));
        assert_eq!(read(&write(&told)), Some(told));
    }
}
