use coworker_plan::{CheckedOffer, Offer, Plan};

/// Reads an offer as it came or was kept. Returns `None` if it is not valid.
pub(crate) fn read(offer: &str) -> Option<CheckedOffer> {
    serde_json::from_str::<Offer>(offer).ok()?.check(Plan::STEPS).ok()
}

/// Writes the offer as it was understood.
pub(super) fn written(offer: &CheckedOffer) -> Option<String> {
    serde_json::to_string(offer.offer()).ok()
}
