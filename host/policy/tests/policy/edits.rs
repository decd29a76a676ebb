//! Edits of a `policy.toml` keep the owner's comments and order.

use coworker_policy::policy_file::edit::{self, EditError};
use coworker_policy::{Capability, Digest, GrantError, Listing, PolicyFile, Tier};
use proptest::prelude::*;

use crate::fixture::cases;

const WRITTEN: &str = r#"# Ada's notes on this component.
# Second line.

digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000" # agreed in May

[limits.known] # be kind
# They are many.
calls_per_min = 30 # half a second each
fuel = 5

# For the price list.
[[grant]]
capability = "http"
to = [
    "GET https://a.example/v1/*", # prices
    "GET https://b.example/", # names
]
from = "known"

# Reports.
[[grant]]
capability = "files"
to = ["read /srv/data"]

[skills.quote]
from = "internal" # not for everyone
exposed = true

[config]
model = "small" # cheap
# The end.
"#;

fn rules(rules: &[&str]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

/// The lines that differ, with `-` for removed and `+` for added lines.
fn changed(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}"));
    gone.chain(come).collect()
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    let after = edit::set_limit(WRITTEN, Tier::Known, "calls_per_min", Some(10)).unwrap();
    assert_eq!(after, WRITTEN.replace("= 30 #", "= 10 #"));
    let after = edit::set_config(WRITTEN, "model", Some("large")).unwrap();
    assert_eq!(after, WRITTEN.replace("small", "large"));
    let quote = "quote".parse().unwrap();
    let after = edit::set_listing(WRITTEN, &quote, Listing::Hidden).unwrap();
    assert_eq!(after, WRITTEN.replace("exposed = true", "exposed = false"), "its tier is kept");
    let after = edit::set_listing(WRITTEN, &quote, Listing::Exposed { from: Tier::Known }).unwrap();
    assert_eq!(after, WRITTEN.replace("\"internal\"", "\"known\""));
    let digest = Digest::of(b"new");
    let after = edit::set_digest(WRITTEN, digest).unwrap();
    assert_eq!(after, WRITTEN.replace(&format!("sha256:{}", "0".repeat(64)), &digest.to_string()));
}

#[test]
fn a_rule_joins_the_grant_of_its_tier() {
    let to = rules(&["GET https://c.example/", "GET https://b.example"]);
    let after = edit::add_grant(WRITTEN, Capability::Http, &to, Some(Tier::Known)).unwrap();
    let names = "    \"GET https://b.example/\", # names\n";
    assert_eq!(after, WRITTEN.replace(names, &format!("{names}    \"GET https://c.example/\",\n")));
    let after = edit::add_grant(WRITTEN, Capability::Files, &rules(&["write /srv/out"]), None).unwrap();
    assert_eq!(after, WRITTEN.replace("[\"read /srv/data\"]", "[\"read /srv/data\", \"write /srv/out\"]"));
}

#[test]
fn a_rule_for_another_tier_is_a_grant_of_its_own() {
    let after =
        edit::add_grant(WRITTEN, Capability::Http, &rules(&["GET https://c.example/"]), None).unwrap();
    assert_eq!(changed(WRITTEN, &after), ["+to = [\"GET https://c.example/\"]"]);
    assert_eq!(PolicyFile::parse(&after).unwrap().terms.granted().grants().len(), 3);
}

#[test]
fn a_revoked_rule_is_removed_and_nothing_else() {
    let after = edit::revoke(WRITTEN, Capability::Http, Some("GET https://B.example:443")).unwrap();
    let grants = |text: &str| -> Vec<String> {
        PolicyFile::parse(text).unwrap().terms.granted().grants().iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        grants(&after),
        ["http GET https://a.example/v1/* from KNOWN", "files read /srv/data from INTERNAL"]
    );
    assert!(after.contains("# prices"), "{after}");
    let after = edit::revoke(WRITTEN, Capability::Http, Some("GET https://a.example/v1/*")).unwrap();
    assert!(after.contains("# names"), "{after}");
    assert_eq!(grants(&after)[0], "http GET https://b.example/ from KNOWN");
    let after = edit::revoke(WRITTEN, Capability::Http, None).unwrap();
    assert_eq!(grants(&after), ["files read /srv/data from INTERNAL"]);
    let after = edit::revoke(WRITTEN, Capability::Files, Some("read /srv/data/")).unwrap();
    assert_eq!(grants(&after).len(), 1, "a grant without rules goes with its last one");
    for kept in ["# Ada's notes", "# be kind", "# half a second each", "# not for everyone", "# The end."] {
        assert!(after.contains(kept), "{kept}");
    }
}

#[test]
fn the_language_model_is_granted_once_and_whole() {
    let llm = |text: &str| -> Vec<String> {
        let terms = PolicyFile::parse(text).unwrap().terms;
        let all = terms.granted().grants().iter().map(ToString::to_string);
        all.filter(|grant| grant.starts_with("llm")).collect()
    };
    let granted = edit::add_grant(WRITTEN, Capability::Llm, &[], None).unwrap();
    assert_eq!(llm(&granted), ["llm from INTERNAL"]);
    let moved = edit::add_grant(&granted, Capability::Llm, &[], Some(Tier::Known)).unwrap();
    assert_eq!(llm(&moved), ["llm from KNOWN"], "the new one takes the place of the old");
    let gone = edit::revoke(&moved, Capability::Llm, None).unwrap();
    assert!(llm(&gone).is_empty() && !gone.contains("\"llm\""), "{gone}");
    let fenced = format!("{WRITTEN}\n[[deny]]\ncapability = \"llm\"\n");
    let refused = edit::add_grant(&fenced, Capability::Llm, &[], None);
    assert!(matches!(refused, Err(EditError::Denied(Capability::Llm))));
}

#[test]
fn a_missing_grant_cannot_be_revoked() {
    for (capability, to) in [
        (Capability::Secrets, None),
        (Capability::Http, Some("GET https://c.example/")),
        (Capability::Files, Some("write /srv/data")),
        (Capability::Peers, None),
        (Capability::Llm, None),
    ] {
        let refused = edit::revoke(WRITTEN, capability, to).unwrap_err();
        assert!(matches!(refused, EditError::NotGranted { .. }), "{refused:?}");
    }
    let refused = edit::revoke(WRITTEN, Capability::Http, Some("nonsense")).unwrap_err();
    assert!(matches!(refused, EditError::Grant(_)), "{refused:?}");
    assert!(edit::revoke(WRITTEN, Capability::State, Some("caller")).is_err());
}

#[test]
fn a_capability_without_grants_is_revoked_by_a_deny_and_granted_by_its_removal() {
    for capability in [Capability::State, Capability::Log, Capability::Clocks] {
        let denied = edit::revoke(WRITTEN, capability, None).unwrap();
        let set = |text: &str| PolicyFile::parse(text).unwrap().terms.granted().denied().contains(capability);
        assert!(set(&denied));
        assert_eq!(edit::revoke(&denied, capability, None).unwrap(), denied, "twice is once");
        let allowed = edit::add_grant(&denied, capability, &[], None).unwrap();
        assert!(!set(&allowed));
    }
    assert!(matches!(edit::add_grant(WRITTEN, Capability::Log, &[], None), Err(EditError::Grant(_))));
}

#[test]
fn a_new_grant_of_state_takes_the_old_one_s_place() {
    let first = edit::add_grant("", Capability::State, &[], Some(Tier::Untrusted)).unwrap();
    let second = edit::add_grant(&first, Capability::State, &[], Some(Tier::Internal)).unwrap();
    let grants = PolicyFile::parse(&second).unwrap().terms.granted().grants().to_vec();
    assert_eq!(grants.iter().map(ToString::to_string).collect::<Vec<_>>(), ["state from INTERNAL"]);
}

#[test]
fn a_grant_does_not_remove_a_deny() {
    let fenced = format!("{WRITTEN}\n[[deny]]\ncapability = \"http\"\n");
    let refused = edit::add_grant(&fenced, Capability::Http, &rules(&["GET https://c.example/"]), None);
    assert!(matches!(refused, Err(EditError::Denied(Capability::Http))));
}

#[test]
fn an_edit_that_would_make_the_file_invalid_is_refused() {
    for refused in [
        edit::set_limit(WRITTEN, Tier::Known, "fuel", Some(0)),
        edit::set_limit(WRITTEN, Tier::Known, "fuel", Some(u64::MAX)),
        edit::set_limit(WRITTEN, Tier::Known, "feul", Some(1)),
        edit::add_grant(WRITTEN, Capability::Files, &rules(&["read /home/ada/data"]), None),
        edit::set_config(WRITTEN, "big", Some(&"x".repeat(PolicyFile::MAX))),
    ] {
        assert!(matches!(refused, Err(EditError::Refused(_))), "{refused:?}");
    }
    assert!(matches!(edit::add_grant(WRITTEN, Capability::Http, &[], None), Err(EditError::Grant(_))));
    for broken in ["[", "[skills.quote]\nexposd = true", "grant = 3"] {
        let refused = edit::set_config(broken, "a", Some("b"));
        assert!(matches!(refused, Err(EditError::Unreadable(_))), "{refused:?}");
    }
}

#[test]
fn a_fresh_file_explains_itself() {
    let digest = Digest::of(b"component");
    let mut text = String::new();
    text =
        edit::set_listing(&text, &"quote".parse().unwrap(), Listing::Exposed { from: Tier::Known }).unwrap();
    text = edit::add_grant(&text, Capability::Http, &rules(&["GET https://a.example/"]), None).unwrap();
    text = edit::set_limit(&text, Tier::Known, "fuel", Some(7)).unwrap();
    text = edit::set_config(&text, "model", Some("\"quoted\"\n")).unwrap();
    text = edit::set_digest(&text, digest).unwrap();
    insta::assert_snapshot!(text);
    assert!(!edit::set_limit(&text, Tier::Known, "fuel", None).unwrap().contains("fuel"));
    assert!(!edit::set_config(&text, "model", None).unwrap().contains("model"));
    // The header stays at the head even if everything below it is removed.
    let bare = edit::add_grant("", Capability::Http, &rules(&["GET https://a.example/"]), None).unwrap();
    let bare = edit::revoke(&bare, Capability::Http, None).unwrap();
    assert!(bare.starts_with("# The rights and limits of this component"), "{bare}");
    assert!(
        edit::set_digest(&bare, digest).unwrap().starts_with("# The rights and limits of this component")
    );
}

#[test]
fn a_denied_capability_is_not_given_back_from_a_tier() {
    let denied = edit::revoke("", Capability::Log, None).unwrap();
    let error = edit::add_grant(&denied, Capability::Log, &[], Some(Tier::Internal)).unwrap_err();
    assert!(matches!(error, EditError::Grant(GrantError::Unconditional(Capability::Log))), "{error:?}");
    let given_back = edit::add_grant(&denied, Capability::Log, &[], None).unwrap();
    assert!(!PolicyFile::parse(&given_back).unwrap().terms.granted().denied().contains(Capability::Log));
}

#[test]
fn inline_and_dotted_ways_to_write_are_understood() {
    let inline = "grant = [{ capability = \"http\", to = [\"GET https://a.example/\"] }]\n\
                  skills = { quote = { exposed = true } }\nconfig.a = \"1\"\nlimits.known.fuel = 3\n";
    let after = edit::add_grant(inline, Capability::Http, &rules(&["GET https://b.example/"]), None).unwrap();
    let after =
        edit::set_listing(&after, &"other".parse().unwrap(), Listing::Exposed { from: Tier::Internal })
            .unwrap();
    let after = edit::set_listing(&after, &"quote".parse().unwrap(), Listing::Hidden).unwrap();
    let after = edit::set_config(&after, "b", Some("2")).unwrap();
    let after = edit::set_limit(&after, Tier::Known, "wall_ms", Some(4)).unwrap();
    let after = edit::set_limit(&after, Tier::Internal, "wall_ms", Some(5)).unwrap();
    let file = PolicyFile::parse(&after).unwrap();
    assert_eq!(file.terms.granted().grants()[0].to(), ["GET https://a.example/", "GET https://b.example/"]);
    assert_eq!(file.listings[&"other".parse().unwrap()], Listing::Exposed { from: Tier::Internal });
    assert_eq!(file.listings[&"quote".parse().unwrap()], Listing::Hidden);
    assert_eq!((file.config["a"].as_str(), file.config["b"].as_str()), ("1", "2"));
    assert_eq!((file.terms.limits(Tier::Known).fuel, file.terms.limits(Tier::Known).wall_ms), (3, 4));
    assert_eq!(file.terms.limits(Tier::Internal).wall_ms, 5);
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn any_value_can_be_set_and_read_back(key: String, value: String) {
        for before in ["", WRITTEN] {
            let after = edit::set_config(before, &key, Some(&value)).unwrap();
            prop_assert_eq!(&PolicyFile::parse(&after).unwrap().config[&key], &value);
        }
    }

    #[test]
    fn granting_and_revoking_leaves_what_was_there(host in "[a-z]{1,8}\\.test", from in proptest::option::of(proptest::sample::select(Tier::ALL.to_vec()))) {
        let rule = format!("GET https://{host}/");
        let granted = edit::add_grant(WRITTEN, Capability::Http, std::slice::from_ref(&rule), from).unwrap();
        prop_assert_eq!(edit::add_grant(&granted, Capability::Http, std::slice::from_ref(&rule), from).unwrap(), granted.clone());
        let revoked = edit::revoke(&granted, Capability::Http, Some(&rule)).unwrap();
        prop_assert_eq!(PolicyFile::parse(&revoked).unwrap(), PolicyFile::parse(WRITTEN).unwrap());
        for comment in WRITTEN.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment) {
            prop_assert!(revoked.contains(comment), "{} is lost:\n{}", comment, revoked);
        }
    }

    #[test]
    fn no_edit_panics(text: String, key: String) {
        let _ = edit::set_config(&text, &key, Some("x"));
        let _ = edit::set_digest(&text, Digest::of(b""));
        let _ = edit::revoke(&text, Capability::Http, Some(&key));
    }
}
