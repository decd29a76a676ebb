//! `docs/policy.md` against the parser: the example is one, and every key stands there and no other.

use std::collections::BTreeSet;

use coworker_policy::{Capability, Listing, PolicyFile, Tier};

const PAGE: &str = include_str!("../../../../docs/policy.md");

/// What the parser would have taken in place of `zzz`; nothing if it has no such error any more.
fn known(text: &str) -> BTreeSet<String> {
    let told = PolicyFile::parse(text).err().map(|error| error.to_string()).unwrap_or_default();
    let expected = told.split_once("unknown field `zzz`, expected ").map_or("", |(_, expected)| expected);
    expected.lines().take(1).flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The keys in the first column of the tables of a section.
fn rows(title: &str) -> BTreeSet<String> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with(title)).unwrap_or_default();
    let keys = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    keys.map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let mut keys = BTreeSet::new();
    for root in known("zzz = 1") {
        let (below, probe) = match root.as_str() {
            "digest" => (String::new(), None),
            "config" => ("config.KEY".to_owned(), None),
            "limits" => ("limits.TIER.KEY".to_owned(), None),
            "skills" => ("skills.NAME.".to_owned(), Some("[skills.a]\nzzz = 1")),
            "grant" => ("grant.".to_owned(), Some("[[grant]]\nzzz = 1")),
            "deny" => ("deny.".to_owned(), Some("[[deny]]\nzzz = 1")),
            other => panic!("`{other}` is new: say here what is below it"),
        };
        match probe {
            Some(probe) => keys.extend(known(probe).iter().map(|key| format!("{below}{key}"))),
            None if below.is_empty() => _ = keys.insert(root),
            None => _ = keys.insert(below),
        }
    }
    assert_eq!(rows("Keys"), keys);
    assert!(keys.len() >= 9, "{keys:?}");
    let limits = known("[limits.known]\nzzz = 1");
    assert_eq!(rows("Limits"), limits);
    assert!(limits.len() >= 12, "{limits:?}");
}

#[test]
fn the_page_s_example_is_one() {
    let example = PAGE.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let policy = PolicyFile::parse(example).unwrap();
    assert!(policy.digest.is_some());
    let listings: Vec<_> = policy.listings.values().collect();
    assert_eq!(listings, [&Listing::Exposed { from: Tier::Known }]);
    let granted: Vec<_> =
        policy.terms.granted().grants().iter().map(coworker_policy::Grant::capability).collect();
    assert_eq!(granted, [Capability::Http, Capability::Files]);
    assert!(policy.terms.granted().denied().contains(Capability::State));
    assert_eq!(policy.terms.changed_limits(Tier::Known).len(), 2);
    assert_eq!(policy.config["currency"], "EUR");
}
