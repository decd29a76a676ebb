//! The part of the owner's grants that applies to one call.

use coworker_policy::gate::Permit;
use coworker_policy::policy_file::edit;
use coworker_policy::{Capability, Effective, FileRule, Fix, Grants, Listing, PeerId, StateAccess, Tier};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{CAPABILITIES, INPUT, PEER, call, cases, everything, pass, skill_on, state, terms};

fn permit(imports: &Grants, policy: &str, tier: Tier) -> Permit {
    let open = Listing::Exposed { from: Tier::Untrusted };
    let skill = skill_on("words", imports.clone(), open, terms(policy));
    pass(call(PEER, INPUT), state(tier), Some(&skill)).unwrap()
}

fn effective(imports: &Grants, policy: &str, tier: Tier) -> Effective {
    permit(imports, policy, tier).grants().clone()
}

fn all(policy: &str, tier: Tier) -> Effective {
    effective(&everything(), policy, tier)
}

fn grant(capability: &str, to: &str, from: Option<Tier>) -> String {
    let from = from.map(|from| format!("from = \"{}\"\n", from.name())).unwrap_or_default();
    let to = if to.is_empty() { String::new() } else { format!("to = [\"{to}\"]\n") };
    format!("[[grant]]\ncapability = \"{capability}\"\n{to}{from}")
}

/// A rule for a skill of some peer.
fn quote(peer: u8) -> String {
    format!("{}/quote", PeerId::from_bytes([peer; 32]))
}

/// The access that a file grant gives to each tier: none, reading or writing.
fn folder(policy: &str) -> Vec<Option<bool>> {
    Tier::ALL.iter().map(|tier| all(policy, *tier).files().first().map(FileRule::writes)).collect()
}

#[test]
fn a_folder_without_a_tier_follows_the_table() {
    let (none, reads, writes) = (None, Some(false), Some(true));
    assert_eq!(folder(&grant("files", "read /srv/x", None)), [none, none, reads, reads]);
    assert_eq!(folder(&grant("files", "write /srv/x", None)), [none, none, reads, writes]);
}

#[test]
fn a_folder_with_a_tier_is_what_it_says_from_there_up() {
    let (none, reads, writes) = (None, Some(false), Some(true));
    let with = |mode: &str, from| folder(&grant("files", &format!("{mode} /srv/x"), Some(from)));
    assert_eq!(with("write", Tier::Untrusted), [writes; 4]);
    assert_eq!(with("write", Tier::Known), [none, writes, writes, writes]);
    assert_eq!(with("write", Tier::Internal), [none, none, writes, writes]);
    assert_eq!(with("write", Tier::Privileged), [none, none, none, writes]);
    assert_eq!(with("read", Tier::Known), [none, reads, reads, reads]);
}

#[test]
fn one_folder_is_there_once_with_the_most_that_was_granted() {
    let policy = grant("files", "read /srv/x", Some(Tier::Known))
        + &grant("files", "write /srv/x/", Some(Tier::Privileged));
    assert_eq!(folder(&policy), [None, Some(false), Some(false), Some(true)]);
    assert_eq!(all(&policy, Tier::Privileged).files().len(), 1);
}

#[test]
fn a_grant_of_state_moves_the_tier() {
    use StateAccess::{Both, Caller, None};
    let states = |policy: &str| Tier::ALL.map(|tier| all(policy, tier).state());
    assert_eq!(states(""), [None, Caller, Both, Both]);
    assert_eq!(states(&grant("state", "", Option::None)), [None, Caller, Both, Both]);
    assert_eq!(states(&grant("state", "", Some(Tier::Untrusted))), [Caller, Caller, Both, Both]);
    assert_eq!(states(&grant("state", "", Some(Tier::Privileged))), [None, None, None, Both]);
}

#[test]
fn a_secret_is_nothing_without_web_requests() {
    let secret = grant("secrets", "KEY https://a.example", Some(Tier::Untrusted));
    assert!(all(&secret, Tier::Privileged).secrets().is_empty());
    let http = grant("http", "GET https://a.example/", Some(Tier::Privileged));
    let both = format!("{secret}{http}");
    assert!(all(&both, Tier::Internal).secrets().is_empty());
    assert!(!all(&both, Tier::Internal).contains(Capability::Secrets));
    assert_eq!(all(&both, Tier::Privileged).secrets().len(), 1);
    assert!(all(&format!("{both}[[deny]]\ncapability = \"http\""), Tier::Privileged).secrets().is_empty());
}

#[test]
fn assets_come_through_the_file_system() {
    let imports: Grants = [Capability::Files].into_iter().collect();
    let grants = effective(&imports, "", Tier::Untrusted);
    assert!(grants.contains(Capability::Assets) && !grants.contains(Capability::Files));
}

#[test]
fn a_grant_further_down_brings_the_room_to_use_it() {
    let http = grant("http", "GET https://a.example/", Some(Tier::Known));
    let limits = |policy: &str, tier| *permit(&everything(), policy, tier).limits();
    assert_eq!(limits("", Tier::Known).egress_bytes, 0);
    let known = limits(&http, Tier::Known);
    assert_eq!((known.egress_bytes, known.http_requests), (4 << 20, 16));
    assert_eq!(limits(&http, Tier::Untrusted).egress_bytes, 0);
    let set = format!("{http}[limits.known]\negress_kib = 1");
    assert_eq!(limits(&set, Tier::Known).egress_bytes, 1024, "the owner's number counts");
    let state = grant("state", "", Some(Tier::Untrusted));
    assert_eq!(limits("", Tier::Untrusted).state_bytes, 0);
    assert_eq!(limits(&state, Tier::Untrusted).state_bytes, 256 * 1024);
}

#[test]
fn a_call_that_waits_for_others_has_time_to_wait() {
    let limits = |policy: &str, tier| *permit(&everything(), policy, tier).limits();
    let llm = limits(&grant("llm", "", Some(Tier::Known)), Tier::Known);
    let usual = limits("", Tier::Internal);
    assert!(usual.llm_calls > 0 && usual.llm_tokens > 0 && usual.llm_cents_per_day > 0);
    assert_eq!((llm.llm_calls, llm.llm_tokens), (usual.llm_calls, usual.llm_tokens));
    assert_eq!(llm.llm_calls_per_day, usual.llm_calls_per_day);
    assert_eq!(llm.llm_tokens_per_day, usual.llm_tokens_per_day);
    assert_eq!(llm.llm_cents_per_day, usual.llm_cents_per_day);
    assert_eq!((llm.wall_ms, llm.peer_calls), (120_000, 0));
    assert_eq!(limits(&grant("llm", "", None), Tier::Known), limits("", Tier::Known));
    let peers = limits(&grant("peers", &quote(1), Some(Tier::Internal)), Tier::Internal);
    assert_eq!((peers.peer_calls, peers.wall_ms), (8, 120_000));
    assert_eq!(limits("", Tier::Internal).peer_calls, 0);
}

#[test]
fn the_same_rule_twice_is_one_rule() {
    let once = grant("http", "GET https://a.example/", None);
    assert_eq!(all(&format!("{once}{once}"), Tier::Internal).http().len(), 1);
}

#[test]
fn a_denial_names_its_fix() {
    let fix =
        |policy: &str, capability, what: &str, tier| terms(policy).granted().fix(capability, what, tier);
    let web = "GET https://a.example/v1";
    let (plain, from) = (Fix::Grant { from: None }, |tier| Fix::Grant { from: Some(tier) });
    let deny = |capability: &str| format!("[[deny]]\ncapability = \"{capability}\"");
    for (policy, capability, what, tier, expected) in [
        ("", Capability::Http, web, Tier::Internal, plain),
        ("", Capability::Http, web, Tier::Known, from(Tier::Known)),
        (&grant("http", web, None), Capability::Http, web, Tier::Known, from(Tier::Known)),
        (&deny("http"), Capability::Http, web, Tier::Privileged, Fix::TakeOutDeny),
        ("", Capability::Http, "GET https://a.example/v1*", Tier::Internal, Fix::Nothing),
        ("", Capability::Http, "* https://a.example/v1", Tier::Internal, Fix::Nothing),
        ("", Capability::Http, "GET https://*.example/", Tier::Internal, Fix::Nothing),
        ("", Capability::Http, "GET https://a.example/../x", Tier::Internal, Fix::Nothing),
        ("", Capability::Files, "read /srv/x", Tier::Internal, plain),
        ("", Capability::Files, "write /srv/x", Tier::Internal, from(Tier::Internal)),
        ("", Capability::Files, "write /srv/x", Tier::Privileged, plain),
        ("", Capability::Secrets, "KEY https://a.example", Tier::Internal, plain),
        ("", Capability::State, "", Tier::Untrusted, from(Tier::Untrusted)),
        (&deny("state"), Capability::State, "", Tier::Known, plain),
        ("", Capability::State, "", Tier::Known, Fix::Trust(Tier::Internal)),
        (&deny("config"), Capability::Config, "", Tier::Untrusted, plain),
        ("", Capability::Peers, "", Tier::Privileged, Fix::Nothing),
        ("", Capability::Peers, &quote(1), Tier::Privileged, plain),
        ("", Capability::Peers, &quote(1), Tier::Known, from(Tier::Known)),
        ("", Capability::Peers, &quote(1).replace("quote", "*"), Tier::Privileged, Fix::Nothing),
        ("", Capability::Peers, "ada/quote", Tier::Privileged, Fix::Nothing),
        (&deny("peers"), Capability::Peers, &quote(1), Tier::Privileged, Fix::TakeOutDeny),
        ("", Capability::Llm, "", Tier::Internal, plain),
        ("", Capability::Llm, "", Tier::Known, from(Tier::Known)),
        (&deny("llm"), Capability::Llm, "", Tier::Internal, Fix::TakeOutDeny),
    ] {
        assert_eq!(fix(policy, capability, what, tier), expected, "{policy}: {capability} {what} for {tier}");
    }
}

fn imports() -> impl Strategy<Value = Grants> {
    proptest::sample::subsequence(CAPABILITIES.to_vec(), 0..=CAPABILITIES.len())
        .prop_map(|chosen: Vec<Capability>| chosen.into_iter().collect())
}

fn one_grant() -> impl Strategy<Value = String> {
    let what = proptest::sample::select(vec![
        ("state", ""),
        ("http", "GET https://a.example/v1/*"),
        ("http", "* http://b.example/"),
        ("files", "read /srv/x"),
        ("files", "write /srv/x"),
        ("files", "write /srv/y"),
        ("secrets", "KEY https://a.example"),
        ("llm", ""),
        ("peers", "1"),
        ("peers", "2"),
    ]);
    let from = proptest::option::of(proptest::sample::select(Tier::ALL.to_vec()));
    (what, from).prop_map(|((capability, to), from)| match to.parse() {
        Ok(peer) => grant(capability, &quote(peer), from),
        Err(_) => grant(capability, to, from),
    })
}

fn denies() -> impl Strategy<Value = Vec<Capability>> {
    proptest::sample::subsequence(CAPABILITIES.to_vec(), 0..4)
}

fn policy(grants: &[String], denied: &[Capability]) -> String {
    let deny = |c: &Capability| format!("[[deny]]\ncapability = \"{c}\"\n");
    grants.concat() + &denied.iter().map(deny).collect::<String>()
}

/// Whether `outer` contains everything in `inner`: every rule, every folder with at least the same access, and state.
fn within(inner: &Effective, outer: &Effective) -> bool {
    let file = |rule: &FileRule| {
        outer.files().iter().any(|o| o.path() == rule.path() && o.writes() >= rule.writes())
    };
    CAPABILITIES.iter().all(|c| !inner.contains(*c) || outer.contains(*c))
        && inner.state() <= outer.state()
        && inner.http().iter().all(|rule| outer.http().contains(rule))
        && inner.secrets().iter().all(|rule| outer.secrets().contains(rule))
        && inner.files().iter().all(file)
        && inner.peers().iter().all(|rule| outer.peers().contains(rule))
}

/// The capability through which a component reaches another.
fn interface(capability: Capability) -> Capability {
    match capability {
        Capability::Secrets => Capability::Http,
        Capability::Assets => Capability::Files,
        own => own,
    }
}

/// The capability and the rule of one `[[grant]]`.
fn asked_for(grant: &str) -> (Capability, String) {
    let grants = terms(grant).granted().grants()[0].clone();
    // A guest asks for one request; a rule for all methods or paths would allow more.
    let what =
        grants.to().pop().unwrap_or_default().replace("/v1/*", "/v1").replace("* http://", "GET http://");
    (grants.capability(), what)
}

fn holds(got: &Effective, capability: Capability, what: &str) -> bool {
    match capability {
        Capability::State => got.state() > StateAccess::None,
        Capability::Llm => got.contains(Capability::Llm),
        Capability::Peers => got.peers().iter().any(|rule| rule.to_string() == what),
        Capability::Http => got.http().iter().any(|rule| rule.to_string() == what),
        Capability::Secrets => got.secrets().iter().any(|rule| rule.to_string() == what),
        _ => got.files().iter().any(|rule| {
            let (mode, path) = what.split_once(' ').unwrap();
            rule.path().to_str() == Some(path) && (rule.writes() || mode == "read")
        }),
    }
}

proptest! {
    #![proptest_config(cases(192))]

    #[test]
    fn a_lower_tier_never_gets_more(imports in imports(), grants in vec(one_grant(), 0..5), denied in denies()) {
        let policy = policy(&grants, &denied);
        for pair in Tier::ALL.windows(2) {
            let (low, high) = (effective(&imports, &policy, pair[0]), effective(&imports, &policy, pair[1]));
            prop_assert!(within(&low, &high), "{} has more than {}:\n{policy}", pair[0], pair[1]);
        }
    }

    #[test]
    fn a_call_gets_nothing_that_is_not_imported(imports in imports(), grants in vec(one_grant(), 0..5)) {
        let policy = policy(&grants, &[]);
        for tier in Tier::ALL {
            let got = effective(&imports, &policy, tier);
            let held = |c: &Capability| got.contains(*c);
            prop_assert!(CAPABILITIES.into_iter().filter(held).all(|c| imports.contains(interface(c))));
            prop_assert!(within(&got, &all(&policy, tier)));
        }
    }

    #[test]
    fn nothing_comes_that_was_not_granted(grants in vec(one_grant(), 0..5)) {
        for tier in Tier::ALL {
            let got = all(&policy(&grants, &[]), tier);
            let granted = |c: &str| grants.iter().any(|grant| grant.contains(&format!("\"{c}\"")));
            for capability in CAPABILITIES[7..].iter().copied() {
                prop_assert!(!got.contains(capability) || granted(capability.name()), "{capability} at {tier}");
            }
            // Each grant is worth no less beside the others.
            for grant in &grants {
                let alone = all(grant, tier);
                prop_assert!(alone.http().iter().all(|rule| got.http().contains(rule)));
            }
        }
    }

    #[test]
    fn deny_wins(grants in vec(one_grant(), 0..5), denied in denies()) {
        for tier in Tier::ALL {
            let (without, with) = (all(&policy(&grants, &[]), tier), all(&policy(&grants, &denied), tier));
            prop_assert!(denied.iter().all(|c| !with.contains(*c)), "{with:?}");
            prop_assert!(within(&with, &without), "a deny never adds");
        }
    }

    /// After the grant that a denial names, the call has the capability, independent of earlier grants and denies.
    #[test]
    fn the_grant_that_a_denial_names_allows_it(grants in vec(one_grant(), 0..4), denied in denies(), asked in one_grant()) {
        let before = policy(&grants, &denied);
        let (capability, what) = asked_for(&asked);
        for tier in Tier::ALL {
            let has = |policy: &str| holds(&all(policy, tier), capability, &what);
            if let Fix::Grant { from } = terms(&before).granted().fix(capability, &what, tier) {
                let to: Vec<String> = Some(what.clone()).filter(|what| !what.is_empty()).into_iter().collect();
                let after = edit::add_grant(&before, capability, &to, from).unwrap();
                let fenced = capability == Capability::Secrets && all(&after, tier).http().is_empty();
                prop_assert!(has(&after) || fenced, "{capability} {what} for {tier}:\n{after}");
            }
        }
    }

    #[test]
    fn the_audit_has_a_plain_line_for_everything(grants in vec(one_grant(), 0..5)) {
        let got = all(&policy(&grants, &[]), Tier::Privileged);
        let lines: Vec<String> = serde_json::from_value(serde_json::to_value(&got).unwrap()).unwrap();
        for capability in CAPABILITIES.into_iter().filter(|c| got.contains(*c)) {
            prop_assert!(lines.iter().any(|line| line.split(' ').next() == Some(capability.name())));
        }
        prop_assert!(lines.iter().all(|line| !line.contains(['\n', '\t', '"'])));
    }
}
