//! `docs/policy.md` agrees with the parser: its example is valid, and it lists exactly the keys and limits that exist.

use std::collections::BTreeSet;

use coworker_policy::{Capability, LimitKey, Listing, Max, PolicyFile, Scope, Tier};

const PAGE: &str = include_str!("../../../../docs/policy.md");

/// The keys that the parser would accept in place of `zzz`. Empty if the parser words its error differently.
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
            other => panic!("`{other}` is a new key: add the keys below it to this test"),
        };
        match probe {
            Some(probe) => keys.extend(known(probe).iter().map(|key| format!("{below}{key}"))),
            None if below.is_empty() => _ = keys.insert(root),
            None => _ = keys.insert(below),
        }
    }
    assert_eq!(rows("Keys"), keys);
    assert!(keys.len() >= 9, "{keys:?}");
    let limits: BTreeSet<String> = LimitKey::ALL.iter().map(|key| key.name.to_owned()).collect();
    assert_eq!(
        known("[limits.known]\nzzz = 1"),
        limits,
        "the parser reads the keys of the table and no others"
    );
    assert_eq!(rows("Limits"), limits);
}

/// `1048576` as `1,048,576`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let group = |(i, digit): (usize, char)| {
        let comma = i > 0 && (digits.len() - i).is_multiple_of(3);
        format!("{}{digit}", if comma { "," } else { "" })
    };
    digits.chars().enumerate().map(group).collect()
}

fn row(key: &LimitKey) -> String {
    let max = match key.max {
        Max::Value(max) => grouped(max),
        Max::Default => "the default".to_owned(),
    };
    let defaults = key.defaults.map(grouped).join(" | ");
    let unit = Some(key.unit.name()).filter(|unit| !unit.is_empty());
    let unit = unit.map(|unit| format!(", in {unit}")).unwrap_or_default();
    format!("| `{}` | {} to {max} | {defaults} | {}{unit} |\n", key.name, grouped(key.min), key.bounds)
}

/// The table of `docs/policy.md` for the limits of one scope.
fn table(scope: Scope) -> String {
    let head = "| key | range | UNTRUSTED | KNOWN | INTERNAL | PRIVILEGED | bounds |\n|---|---|---|---|---|---|---|\n";
    let rows: String = LimitKey::ALL.iter().filter(|key| key.scope == scope).map(row).collect();
    format!("{head}{rows}")
}

#[test]
fn the_page_s_tables_of_limits_are_the_program_s() {
    for scope in [Scope::Call, Scope::Caller, Scope::CallerAndSkill, Scope::TierAndDay] {
        let table = table(scope);
        assert!(PAGE.contains(&table), "put this table into docs/policy.md, section Limits:\n\n{table}");
    }
}

#[test]
fn the_page_s_example_is_valid() {
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
