use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use coworker_policy::trust::InviteToken;
use coworker_policy::{AgentName, PeerId};
use data_encoding::{BASE32_NOPAD_NOCASE, DecodeKind};

/// The code that one owner hands another so that their agents can find each other.
///
/// Text: `coworker:` and base32 (RFC 4648, lower case, no padding) of
/// version (1 byte) ‖ public key (32) ‖ fields ‖ checksum (4).
/// A field is a tag (1 byte), a length (1 byte) and that many bytes: 1 the name, 2 a relay's URL, 3 an
/// address, 4 a token. The checksum is the start of the BLAKE3 hash of everything before it; it finds typing errors only.
/// A code holds no address and no secret unless the owner asked for it; anybody who reads a token in it can use the
/// token. A coworker that does not know a field skips it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    pub name: AgentName,
    pub peer: PeerId,
    pub relay: Option<String>,
    pub addresses: Vec<SocketAddr>,
    /// The secret of the owner's grant.
    pub token: Option<InviteToken>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InviteError {
    #[error("an invite code starts with `coworker:`")]
    Prefix,
    #[error("this is longer than any invite code")]
    TooLong,
    #[error("the invite code has characters that do not belong in a code")]
    Alphabet,
    #[error("the invite code is incomplete or mistyped (its checksum does not match)")]
    Checksum,
    #[error("the invite code is of version {0}; this coworker knows version {VERSION}")]
    Version(u8),
    #[error("the invite code's {0} is malformed")]
    Field(&'static str),
}

const SCHEME: &str = "coworker:";
const VERSION: u8 = 1;
const CHECKSUM: usize = 4;
/// Longest code that is parsed, in characters.
const MAX: usize = 2048;
const MAX_ADDRESSES: usize = 16;

const NAME: u8 = 1;
const RELAY: u8 = 2;
const ADDRESS: u8 = 3;
const TOKEN: u8 = 4;

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend(self.peer.as_bytes());
        push(&mut bytes, NAME, self.name.as_str());
        if let Some(relay) = &self.relay {
            push(&mut bytes, RELAY, relay);
        }
        for address in self.addresses.iter().take(MAX_ADDRESSES) {
            push(&mut bytes, ADDRESS, &address.to_string());
        }
        if let Some(token) = &self.token {
            push(&mut bytes, TOKEN, &token.to_string());
        }
        let sum = checksum(&bytes);
        bytes.extend(sum);
        write!(f, "{SCHEME}{}", BASE32_NOPAD_NOCASE.encode(&bytes).to_ascii_lowercase())
    }
}

/// Leaves out a text longer than 255 bytes; no configuration has a relay with such a URL.
fn push(bytes: &mut Vec<u8>, tag: u8, text: &str) {
    if let Ok(length) = u8::try_from(text.len()) {
        bytes.extend([tag, length]);
        bytes.extend(text.as_bytes());
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, ..] = *blake3::hash(bytes).as_bytes();
    [a, b, c, d]
}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(code: &str) -> Result<Self, InviteError> {
        let code = code.trim();
        if code.len() > MAX {
            return Err(InviteError::TooLong);
        }
        // QR codes use capitals, which take less room there.
        let (scheme, text) = code.split_at_checked(SCHEME.len()).ok_or(InviteError::Prefix)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(InviteError::Prefix);
        }
        let bytes = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).map_err(|error| match error.kind {
            DecodeKind::Symbol => InviteError::Alphabet,
            _ => InviteError::Checksum,
        })?;
        let (bytes, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(InviteError::Checksum)?;
        if checksum(bytes) != *sum {
            return Err(InviteError::Checksum);
        }
        match bytes.split_first() {
            Some((&VERSION, body)) => parse(body),
            Some((version, _)) => Err(InviteError::Version(*version)),
            None => Err(InviteError::Checksum),
        }
    }
}

fn parse(body: &[u8]) -> Result<Invite, InviteError> {
    let (key, mut rest) = body.split_first_chunk::<32>().ok_or(InviteError::Field("key"))?;
    let (mut name, mut relay, mut addresses, mut token) = (None, None, Vec::new(), None);
    while let [tag, length, tail @ ..] = rest {
        let (value, tail) =
            tail.split_at_checked(usize::from(*length)).ok_or(InviteError::Field("length"))?;
        rest = tail;
        let text = std::str::from_utf8(value).map_err(|_| InviteError::Field("text"))?;
        match *tag {
            NAME => name = Some(text.parse().map_err(|_| InviteError::Field("name"))?),
            RELAY => relay = Some(text.to_owned()),
            ADDRESS if addresses.len() < MAX_ADDRESSES => {
                addresses.push(text.parse().map_err(|_| InviteError::Field("address"))?);
            }
            TOKEN => token = Some(text.parse().map_err(|_| InviteError::Field("token"))?),
            // A newer coworker may write more fields.
            _ => {}
        }
    }
    let name = name.ok_or(InviteError::Field("name"))?;
    Ok(Invite { name, peer: PeerId::from_bytes(*key), relay, addresses, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Invite {
        Invite {
            name: "ada's desk".parse().unwrap(),
            peer: PeerId::from_bytes([7; 32]),
            relay: Some("https://relay.example".into()),
            addresses: vec!["127.0.0.1:4000".parse().unwrap()],
            token: Some(InviteToken::from_random([9; 16])),
        }
    }

    #[test]
    fn a_code_reads_back_as_written() {
        let code = invite().to_string();
        assert_eq!(code.parse::<Invite>().unwrap(), invite());
        assert_eq!(code.to_ascii_uppercase().parse::<Invite>().unwrap(), invite());
        let plain = Invite { token: None, ..invite() };
        assert_eq!(plain.to_string().parse::<Invite>().unwrap(), plain);
    }

    #[test]
    fn every_single_mistyped_character_is_found() {
        let code = invite().to_string();
        for at in SCHEME.len()..code.len() {
            let mut typo = code.clone().into_bytes();
            typo[at] = if typo[at] == b'a' { b'b' } else { b'a' };
            assert!(String::from_utf8(typo).unwrap().parse::<Invite>().is_err(), "at {at}");
        }
    }

    #[test]
    fn an_invalid_code_says_why() {
        let code = invite().to_string();
        assert_eq!("hello".parse::<Invite>(), Err(InviteError::Prefix));
        assert_eq!("coworker:!!".parse::<Invite>(), Err(InviteError::Alphabet));
        assert_eq!(code[..code.len() - 8].parse::<Invite>(), Err(InviteError::Checksum));
    }
}
