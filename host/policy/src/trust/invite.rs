use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD_NOCASE;

use super::LeaseTerms;
use crate::digest::Digest;
use crate::tier::Tier;

/// Separates the hash of a token from every other hash.
const DOMAIN: &[u8] = b"coworker/invite-token/v1\0";

/// The grant of an invite. It never gives more than the owner wrote into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteGrant {
    tier: Tier,
    terms: LeaseTerms,
}

#[derive(Debug, thiserror::Error)]
#[error("an invite can grant {max} at most, because anybody who reads the code can use it. Set a higher tier with `coworker trust set` once you know the peer", max = InviteGrant::MAX)]
pub struct GrantTooHigh;

impl InviteGrant {
    /// The owner writes an invite before knowing the peer that presents it, so it grants no more than KNOWN.
    pub const MAX: Tier = Tier::Known;

    pub fn new(tier: Tier, terms: LeaseTerms) -> Result<Self, GrantTooHigh> {
        if tier > Self::MAX { Err(GrantTooHigh) } else { Ok(Self { tier, terms }) }
    }

    pub fn tier(&self) -> Tier {
        self.tier
    }

    pub fn terms(&self) -> LeaseTerms {
        self.terms
    }
}

/// The secret in an invite code: 128 random bits, written as 26 characters of base32. Anybody who has it can use it.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken([u8; 16]);

impl InviteToken {
    /// `bytes` must be random: nothing else protects the grant.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The hash that is stored and looked up instead of the token. The timing of a look-up can reveal the hash at most,
    /// and the hash does not reveal the token.
    pub fn hash(&self) -> Digest {
        Digest::of(&[DOMAIN, &self.0].concat())
    }
}

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken")
    }
}

/// The secret itself: for the invite code only.
impl fmt::Display for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD_NOCASE.encode(&self.0).to_ascii_lowercase())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not an invite token: expected 26 characters of base32")]
pub struct BadToken;

impl FromStr for InviteToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let bytes = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).map_err(|_| BadToken)?;
        bytes.try_into().map(Self).map_err(|_| BadToken)
    }
}

/// The reason why a token granted nothing. For the owner's log only: the peer gets one answer for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    #[error("there is no such invite")]
    Unknown,
    #[error("the owner revoked the invite")]
    Revoked,
    #[error("the invite has expired")]
    Expired,
    #[error("the invite is used up")]
    UsedUp,
    #[error("the peer used this invite before")]
    UsedBefore,
    #[error("the owner, or the peer's own conduct, set the peer to UNTRUSTED")]
    Shut,
}
