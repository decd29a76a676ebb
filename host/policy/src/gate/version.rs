use super::listing::ListedCall;
use crate::refusal::Refusal;

/// A call of a skill in a version that its caller takes.
#[derive(Debug)]
pub struct PinnedCall(pub(super) ListedCall);

/// Decides by which versions the caller takes. Only who may know of the skill comes here, so what version it
/// has is nothing new to them; the wrong version of a hidden one is no skill at all.
pub fn version(call: ListedCall) -> Result<PinnedCall, Refusal> {
    let card = &call.skill.card;
    // G18: the version of the skill is one that the caller asked for.
    match call.call.version.clone().filter(|wants| !wants.takes(&card.version)) {
        None => Ok(PinnedCall(call)),
        Some(wants) => {
            let (skill, has) = (card.name.clone(), card.version.clone());
            Err(Refusal::WrongVersion { skill, has, wants })
        }
    }
}
