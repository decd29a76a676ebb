//! Names, texts, keys and digests are parsed once, at the edge.

use coworker_policy::{AgentName, Digest, NameError, PeerId, SkillName, Text, TextError, Tier};
use proptest::prelude::*;

use crate::fixture::cases;

#[test]
fn invalid_skill_names_are_refused() {
    let long = "a".repeat(65);
    for name in ["", "-a", ".a", "_a", "A", "a b", "a/b", "../a", "a\\b", "ä", "a\n", "a\u{0}", "a:b", &long]
    {
        assert_eq!(name.parse::<SkillName>(), Err(NameError::Skill), "{name:?}");
        assert!(serde_json::from_value::<SkillName>(name.into()).is_err(), "{name:?}");
    }
}

#[test]
fn invalid_agent_names_are_refused() {
    let long = "a".repeat(65);
    for name in ["", "  ", "a\nb", "a\tb", &long] {
        assert_eq!(name.parse::<AgentName>(), Err(NameError::AgentLength), "{name:?}");
    }
    for name in ["a\u{1b}[2J", "a\u{202e}b", "a\u{0}"] {
        assert!(matches!(name.parse::<AgentName>(), Err(NameError::Agent(_))), "{name:?}");
    }
    assert_eq!("  Ana's lab ".parse::<AgentName>().unwrap().as_str(), "Ana's lab");
}

#[test]
fn text_that_could_mislead_its_reader_is_refused() {
    let unprintable = [
        '\u{0}', '\u{7}', '\u{1b}', '\r', '\u{7f}', '\u{9b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}',
        '\u{2066}', '\u{2069}',
    ];
    for c in unprintable {
        assert_eq!(Text::new(format!("a{c}b")), Err(TextError::Unprintable(c.into())));
        assert_eq!(Text::sanitized(&format!("a{c}b")).as_str(), "a\u{fffd}b");
    }
    assert_eq!(Text::new("a\n\tb").unwrap().as_str(), "a\n\tb");
    assert_eq!(Text::new("a".repeat(Text::MAX + 1)), Err(TextError::TooLong { max: Text::MAX }));
    Text::new("a".repeat(Text::MAX)).unwrap();
}

#[test]
fn invalid_peer_ids_are_refused() {
    let good = PeerId::from_bytes([1; 32]).to_string();
    assert_eq!(good.len(), 52);
    let long = format!("{good}a");
    let sign = good.replacen('a', "1", 1);
    for text in ["", &good[..51], &long, &sign, &format!("{good} "), &"z".repeat(52), &"é".repeat(26)] {
        assert!(text.parse::<PeerId>().is_err(), "{text:?}");
        assert!(serde_json::from_value::<PeerId>(text.into()).is_err(), "{text:?}");
    }
}

#[test]
fn invalid_digests_are_refused() {
    let good = Digest::of(b"").to_string();
    assert_eq!(good, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let upper = good.to_ascii_uppercase();
    for text in ["", "sha256:", &good[7..], &good[..70], &format!("{good}0"), &upper, &format!(" {good}")] {
        assert!(text.parse::<Digest>().is_err(), "{text:?}");
    }
}

#[test]
fn tiers_are_read_by_name_and_by_number() {
    for (number, tier) in Tier::ALL.into_iter().enumerate() {
        for text in [tier.name().to_owned(), tier.to_string(), number.to_string()] {
            assert_eq!(text.parse::<Tier>().unwrap(), tier);
        }
        assert_eq!(serde_json::to_value(tier).unwrap(), tier.name());
    }
    for text in ["", "4", "-1", "owner", "known ", "00"] {
        assert!(text.parse::<Tier>().is_err(), "{text:?}");
    }
    assert_eq!(Tier::default(), Tier::Untrusted, "a peer of whom nothing is known is trusted with nothing");
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn peer_ids_round_trip(bytes: [u8; 32]) {
        let peer = PeerId::from_bytes(bytes);
        let text = peer.to_string();
        prop_assert_eq!(text.parse::<PeerId>().unwrap(), peer);
        prop_assert_eq!(text.to_ascii_uppercase().parse::<PeerId>().unwrap(), peer);
        prop_assert_eq!(serde_json::from_str::<PeerId>(&serde_json::to_string(&peer).unwrap()).unwrap(), peer);
        prop_assert!(text.starts_with(&peer.short()));
    }

    #[test]
    fn digests_round_trip(bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        prop_assert_eq!(serde_json::from_str::<Digest>(&serde_json::to_string(&digest).unwrap()).unwrap(), digest);
    }

    #[test]
    fn skill_names_round_trip(text in "[a-z0-9][a-z0-9._-]{0,63}") {
        let name: SkillName = text.parse().unwrap();
        prop_assert_eq!(name.as_str(), &text);
        prop_assert_eq!(serde_json::to_value(&name).unwrap(), text);
    }

    #[test]
    fn a_skill_name_is_safe_as_a_path(text: String) {
        if let Ok(name) = text.parse::<SkillName>() {
            prop_assert!(!name.as_str().contains(['/', '\\', ':']) && !name.as_str().starts_with('.'));
        }
    }

    #[test]
    fn sanitized_text_is_text(text: String) {
        let plain = Text::sanitized(&text);
        prop_assert_eq!(Text::new(plain.as_str()).unwrap(), plain.clone());
        if let Ok(same) = Text::new(text.as_str()) {
            prop_assert_eq!(plain, same, "text that is plain already is left alone");
        }
    }

    #[test]
    fn sanitized_text_is_never_too_long(c: char, count in 0..2 * Text::MAX) {
        let plain = Text::sanitized(&c.to_string().repeat(count));
        prop_assert!(plain.as_str().len() <= Text::MAX);
    }
}
