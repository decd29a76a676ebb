//! Properties that hold for every skill, every grant and every tier.

use std::sync::Arc;

use coworker_policy::gate::{self, Caller};
use coworker_policy::{Grants, Listing, Skill, Tier};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{INPUT, PEER, call, cases, pass, skill, state};

fn tier() -> impl Strategy<Value = Tier> {
    proptest::sample::select(Tier::ALL.to_vec())
}

fn listing() -> impl Strategy<Value = Listing> {
    prop_oneof![Just(Listing::Hidden), tier().prop_map(|from| Listing::Exposed { from })]
}

proptest! {
    #![proptest_config(cases(128))]

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
                    let trusted = gate::trust(call(caller, INPUT), state(tier)).unwrap();
                    prop_assert_eq!(gate::listing(trusted, Some(skill)).is_ok(), listed, "{} at {}", skill.card(), tier);
                }
            }
        }
    }

    #[test]
    fn a_listing_takes_away_exactly_when_some_tier_loses_sight(before in listing(), after in listing()) {
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
        if let Ok(permit) = pass(call(PEER, &input), state(tier), Some(&skill)) {
            let value: serde_json::Value = serde_json::from_str(permit.input()).unwrap();
            prop_assert!(value["text"].is_string());
        }
    }
}
