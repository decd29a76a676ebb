//! The card that tells a peer how to reach the sender's direct endpoint, and its checks.

use std::borrow::Cow;
use std::net::SocketAddr;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::error::MessageFault;
use super::json::parse;

/// Length of an admission token.
pub const ADMISSION_TOKEN_BYTES: usize = 16;
/// Most addresses in one card. Each of them is dialled.
pub const MAX_ADDRESSES: usize = 16;
/// Longest URL of a relay, in bytes.
const MAX_RELAY: usize = 512;

/// Tells one peer how to reach the sender directly. It contains addresses, so no other peer may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectCard {
    /// The public key of the direct endpoint.
    pub key: [u8; 32],
    /// The token that this peer presents there.
    pub admission_token: [u8; ADMISSION_TOKEN_BYTES],
    /// At most [`MAX_ADDRESSES`].
    pub addresses: Vec<SocketAddr>,
    /// At most 512 bytes, not checked to be a URL.
    pub relay: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DirectWire<'a> {
    key: String,
    #[serde(rename = "knock")]
    admission_token: String,
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
            admission_token: BASE64.encode(&card.admission_token),
            addresses: card.addresses.clone(),
            relay: card.relay.as_deref().map(Cow::Borrowed),
            ask,
        }
    }
}

pub(super) fn card(bytes: &[u8]) -> Result<(DirectCard, bool), MessageFault> {
    let DirectWire { key, admission_token, addresses, relay, ask } = parse(bytes)?;
    // A peer chooses these, and we send packets to each address.
    let sized = addresses.len() <= MAX_ADDRESSES && relay.as_ref().is_none_or(|url| url.len() <= MAX_RELAY);
    if !sized || !addresses.iter().all(can_be_dialled) {
        return Err(MessageFault::DirectCard);
    }
    let card = DirectCard {
        key: exactly(&key)?,
        admission_token: exactly(&admission_token)?,
        addresses,
        relay: relay.map(Cow::into_owned),
    };
    Ok((card, ask))
}

/// Refuses addresses that cannot belong to a single host.
fn can_be_dialled(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let everyone = matches!(ip, std::net::IpAddr::V4(v4) if v4.is_broadcast());
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !everyone
}

fn exactly<const N: usize>(text: &str) -> Result<[u8; N], MessageFault> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| MessageFault::DirectCard)?;
    bytes.try_into().map_err(|_| MessageFault::DirectCard)
}
