//! How an agent's direct door is told, and what of it is believed.

use std::borrow::Cow;
use std::net::SocketAddr;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::MessageFault;
use super::wire::parse;

/// Bytes of a knock.
pub const KNOCK: usize = 16;
/// Most addresses in one card: each is dialled.
pub const MAX_ADDRESSES: usize = 16;
/// Longest URL of a relay, in bytes.
const MAX_RELAY: usize = 512;

/// How one peer reaches the sender directly. It names addresses: nobody else is to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectCard {
    /// The public key of the door.
    pub key: [u8; 32],
    /// What this one peer says there.
    pub knock: [u8; KNOCK],
    /// At most [`MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
    /// A URL of at most 512 bytes; whether it can be one is not looked at here.
    pub relay: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DirectWire<'a> {
    key: String,
    knock: String,
    addresses: Vec<SocketAddr>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    relay: Option<Cow<'a, str>>,
    #[serde(default)]
    ask: bool,
}

impl<'a> DirectWire<'a> {
    pub(super) fn new(card: &'a DirectCard, ask: bool) -> Self {
        Self {
            key: BASE64.encode(&card.key),
            knock: BASE64.encode(&card.knock),
            addresses: card.addresses.clone(),
            relay: card.relay.as_deref().map(Cow::Borrowed),
            ask,
        }
    }
}

pub(super) fn card(bytes: &[u8]) -> Result<(DirectCard, bool), MessageFault> {
    let DirectWire { key, knock, addresses, relay, ask } = parse(bytes)?;
    // A peer picks these, and each address is one more that we send packets to.
    let sized = addresses.len() <= MAX_ADDRESSES && relay.as_ref().is_none_or(|url| url.len() <= MAX_RELAY);
    if !sized || !addresses.iter().all(can_be_dialled) {
        return Err(MessageFault::DirectCard);
    }
    let card = DirectCard {
        key: exactly(&key)?,
        knock: exactly(&knock)?,
        addresses,
        relay: relay.map(Cow::into_owned),
    };
    Ok((card, ask))
}

/// One host's port, as far as the words say.
fn can_be_dialled(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let everyone = matches!(ip, std::net::IpAddr::V4(v4) if v4.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !everyone
}

fn exactly<const N: usize>(text: &str) -> Result<[u8; N], MessageFault> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| MessageFault::DirectCard)?;
    bytes.try_into().map_err(|_| MessageFault::DirectCard)
}
