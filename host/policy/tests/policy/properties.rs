//! What holds for every skill, every grant and every tier.

use std::sync::Arc;

use coworker_policy::gate::{self, Caller};
use coworker_policy::{Capability, Grants, Listing, Skill, Tier};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{CAPABILITIES, INPUT, PEER, call, cases, pass, skill, standing};

fn grants() -> impl Strategy<Value = Grants> {
    proptest::sample::subsequence(CAPABILITIES.to_vec(), 0..=CAPABILITIES.len())
        .prop_map(|chosen: Vec<Capability>| chosen.into_iter().collect())
}

fn tier() -> impl Strategy<Value = Tier> {
    proptest::sample::select(Tier::ALL.to_vec())
}

fn listing() -> impl Strategy<Value = Listing> {
    prop_oneof![Just(Listing::Hidden), tier().prop_map(|from| Listing::Exposed { from })]
}

fn effective(imports: &Grants, granted: &Grants, tier: Tier) -> Grants {
    let skill = skill("words", imports.clone(), Listing::Exposed { from: Tier::Untrusted });
    pass(call(PEER, INPUT), standing(tier), Some(&skill), granted).unwrap().grants().clone()
}

fn within(inner: &Grants, outer: &Grants) -> bool {
    inner.iter().all(|capability| outer.contains(capability))
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn effective_grants_are_never_larger_than_any_input(imports in grants(), granted in grants(), tier in tier()) {
        let all: Grants = CAPABILITIES.into_iter().collect();
        let effective_now = effective(&imports, &granted, tier);
        prop_assert!(within(&effective_now, &imports));
        prop_assert!(within(&effective_now, &granted));
        prop_assert!(within(&effective_now, &effective(&all, &all, tier)), "more than the tier allows");
    }

    #[test]
    fn effective_grants_never_grow_for_a_lower_tier(imports in grants(), granted in grants()) {
        for pair in Tier::ALL.windows(2) {
            let (low, high) = (effective(&imports, &granted, pair[0]), effective(&imports, &granted, pair[1]));
            prop_assert!(within(&low, &high), "{} has more than {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn the_list_and_the_call_agree(listings in vec(listing(), 0..6)) {
        let skills: Vec<Arc<Skill>> = listings
            .iter()
            .enumerate()
            .map(|(n, listing)| skill(&format!("skill-{n}"), Grants::default(), *listing))
            .collect();
        for tier in Tier::ALL {
            let cards = gate::cards(&skills, tier);
            for skill in &skills {
                let listed = cards.iter().any(|card| card.name == skill.card().name);
                for caller in [PEER, Caller::OwnerAs(tier)] {
                    let trusted = gate::trust(call(caller, INPUT), standing(tier)).unwrap();
                    prop_assert_eq!(gate::listing(trusted, Some(skill)).is_ok(), listed, "{} at {}", skill.card(), tier);
                }
            }
        }
    }

    #[test]
    fn a_listing_takes_away_exactly_when_somebody_loses_sight(before in listing(), after in listing()) {
        let sees = |listing, tier| !gate::cards(&[skill("words", Grants::default(), listing)], tier).is_empty();
        let loses = |tier: &Tier| sees(before, *tier) && !sees(after, *tier);
        prop_assert_eq!(after.takes_away_from(before), Tier::ALL.iter().any(loses));
    }

    #[test]
    fn a_lower_tier_never_sees_more(listings in vec(listing(), 0..6)) {
        let skills: Vec<Arc<Skill>> =
            listings.iter().map(|listing| skill("words", Grants::default(), *listing)).collect();
        let seen = Tier::ALL.map(|tier| gate::cards(&skills, tier).len());
        prop_assert!(seen.is_sorted());
    }

    #[test]
    fn no_input_panics_or_passes_unchecked(input: String, tier in tier()) {
        let skill = skill("words", Grants::default(), Listing::Exposed { from: Tier::Untrusted });
        if let Ok(permit) = pass(call(PEER, &input), standing(tier), Some(&skill), &Grants::default()) {
            let value: serde_json::Value = serde_json::from_str(permit.input()).unwrap();
            prop_assert!(value["text"].is_string());
        }
    }
}
