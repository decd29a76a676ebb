use crate::message::MessageKind;
use crate::refusal::Refusal;
use crate::tier::Tier;

/// G01: a message of this kind is handled only from its tier up; an unknown kind needs the highest.
pub fn message(kind: MessageKind, tier: Tier) -> Result<(), Refusal> {
    let needs = kind.from_tier();
    if tier < needs { Err(Refusal::MessageTierTooLow { tier, needs }) } else { Ok(()) }
}
