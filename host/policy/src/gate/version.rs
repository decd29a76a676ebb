use super::listing::ListedCall;
use crate::refusal::Refusal;

/// A call of a skill in a version that its caller accepts.
#[derive(Debug)]
pub struct PinnedCall(pub(super) ListedCall);

/// Decides by the versions that the caller accepts. Only callers that may know about the skill get here, so its
/// version is no news to them; a hidden skill in the wrong version is an unknown skill.
pub fn version(call: ListedCall) -> Result<PinnedCall, Refusal> {
    let card = &call.skill.card;
    // G18: the caller accepts the skill's version.
    match call.call.version.clone().filter(|wants| !wants.takes(&card.version)) {
        None => Ok(PinnedCall(call)),
        Some(wants) => {
            let (skill, has) = (card.name.clone(), card.version.clone());
            Err(Refusal::WrongVersion { skill, has, wants })
        }
    }
}
