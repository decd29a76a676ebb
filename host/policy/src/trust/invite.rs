use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD_NOCASE;

use super::LeaseTerms;
use crate::digest::Digest;
use crate::tier::Tier;

/// Keeps the hash of a token from being the hash of anything else.
const DOMAIN: &[u8] = b"coworker/invite-token/v1\0";

/// What an invite is worth to whoever brings it. It never gives more than the owner wrote here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteGrant {
    tier: Tier,
    terms: LeaseTerms,
}

#[derive(Debug, thiserror::Error)]
#[error("an invite can grant {max} at most: whoever reads the code can use it. Set a higher tier for a peer you have met", max = InviteGrant::MAX)]
pub struct GrantTooHigh;

impl InviteGrant {
    /// The owner writes an invite before knowing who brings it, so it is worth no more than a request that
    /// is granted without being looked at.
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

/// The secret in an invite code: 128 random bits, written as 26 characters of base32. Whoever has it can use it.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken([u8; 16]);

impl InviteToken {
    /// `bytes` must be random: they are all that protects the grant.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What is stored and looked up in its place. The time that a look-up takes tells of the hash at most,
    /// and from the hash nothing leads back.
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

/// Why a token gave nothing. For the owner's log: the peer gets one answer for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    #[error("there is no such invite")]
    Unknown,
    #[error("the owner took the invite back")]
    Revoked,
    #[error("the invite has expired")]
    Expired,
    #[error("the invite is used up")]
    UsedUp,
    #[error("the peer used this invite before")]
    UsedBefore,
    #[error("the owner, or its own conduct, shut the peer out")]
    Shut,
}
