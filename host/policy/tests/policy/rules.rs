//! The syntax of a grant's rules, and the requests that they allow.

use std::net::IpAddr;

use coworker_policy::{
    Capability, FileRule, Grant, GrantError, HttpRequest, HttpRule, Origin, PeerId, PeerRule, SecretRule,
    SkillName, Tier,
};
use proptest::prelude::*;

use crate::fixture::cases;

fn http(rule: &str) -> HttpRule {
    rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}"))
}

/// Whether `rule` lets `METHOD scheme host port path` out.
fn allows(rule: &str, method: &str, tls: bool, host: &str, port: u16, path: &str) -> bool {
    http(rule).allows(&HttpRequest { method, tls, host, port, path })
}

fn get(rule: &str, path: &str) -> bool {
    allows(rule, "GET", true, "a.example", 443, path)
}

#[test]
fn invalid_web_rules_are_refused() {
    let long = format!("GET https://{}.example/", "a".repeat(64));
    for rule in [
        "",
        "GET",
        "https://a.example/",
        "get https://a.example/",
        "G-T https://a.example/",
        "CONNECT https://a.example/",
        "** https://a.example/",
        "GET ftp://a.example/",
        "GET //a.example/",
        "GET https://",
        "GET https:///x",
        "GET https://a.example:0/",
        "GET https://a.example:/",
        "GET https://a.example:+80/",
        "GET https://a.example:65536/",
        "GET https://a.example:80:80/",
        "GET https://user@a.example/",
        "GET https://user:pass@a.example/",
        "GET https://a.example?x",
        "GET https://a.example/?x",
        "GET https://a.example/#x",
        "GET https://a.example/*/b",
        "GET https://*/",
        "GET https://*a.example/",
        "GET https://a.*.example/",
        "GET https://a..example/",
        "GET https://.a/",
        "GET https://a.example../",
        "GET https://[a.example]/",
        "GET https://[127.0.0.1]/",
        "GET https://::1/",
        "GET https://[::1/",
        "GET https://[::1]80/",
        "GET https://[fe80::1%25eth0]/",
        "GET https://2130706433/",
        "GET https://127.1/",
        "GET https://0x7f000001/",
        "GET https://0x7f.0.0.0x1/",
        "GET https://*.127.0.0.1/",
        "GET https://a.example/../b",
        "GET https://a.example/./b",
        "GET https://a.example//b",
        "GET https://a.example/%2e%2e/b",
        "GET https://a.example/%2f",
        "GET https://a.example/%",
        "GET https://a.example/%2*",
        "GET https://a.example/%zz",
        "GET https://a.example/a\\b",
        "GET https://a.example/..;/b",
        "GET https://ä.example/",
        "GET https://a.example/ä",
        "GET https://a.example/ public",
        "GET https://a.example/ private private",
        &long,
    ] {
        assert!(rule.parse::<HttpRule>().is_err(), "{rule:?}");
    }
}

#[test]
fn a_rule_allows_its_method_and_no_other() {
    let one = |method| allows("GET https://a.example/", method, true, "a.example", 443, "/");
    assert!(one("GET"));
    assert!(!one("POST") && !one("get") && !one("") && !one("*"));
    let any = |method| allows("* https://a.example/", method, true, "a.example", 443, "/");
    assert!(any("GET") && any("DELETE"));
    assert!(!any("CONNECT"), "a tunnel leads anywhere");
}

#[test]
fn a_rule_allows_its_scheme_host_and_port_and_no_other() {
    let to = |tls, host, port| allows("GET https://a.example/", "GET", tls, host, port, "/");
    assert!(to(true, "a.example", 443));
    assert!(!to(false, "a.example", 443) && !to(true, "a.example", 80));
    for host in ["b.example", "x.a.example", "a.example.evil", "a.example.", "A.EXAMPLE", "", "xa.example"] {
        assert!(!to(true, host, 443), "{host:?}");
    }
    assert!(allows("GET http://A.Example.:8080", "GET", false, "a.example", 8080, "/"));
}

#[test]
fn a_wildcard_is_what_lies_below_a_name() {
    let to = |host| allows("GET https://*.a.example/", "GET", true, host, 443, "/");
    assert!(to("x.a.example") && to("x.y.a.example"));
    for host in [
        "a.example",
        ".a.example",
        "xa.example",
        "..a.example",
        "evil/.a.example",
        "x@y.a.example",
        "x.a.example.evil",
    ] {
        assert!(!to(host), "{host:?}");
    }
}

#[test]
fn an_address_is_one_however_it_is_written() {
    for rule in ["GET http://[::1]/", "GET http://[0:0:0:0:0:0:0:1]/"] {
        assert_eq!(http(rule).to_string(), "GET http://[::1]/");
        assert!(allows(rule, "GET", false, "::1", 80, "/"));
        assert!(allows(rule, "GET", false, "0:0::1", 80, "/"));
        assert!(!allows(rule, "GET", false, "::2", 80, "/"));
    }
    assert!(allows("GET http://127.0.0.1:81/", "GET", false, "127.0.0.1", 81, "/"));
    assert!(!allows("GET http://127.0.0.1:81/", "GET", false, "127.0.0.2", 81, "/"));
}

#[test]
fn a_path_is_exact_unless_it_ends_in_a_star() {
    assert!(get("GET https://a.example", "/") && get("GET https://a.example", ""));
    assert!(!get("GET https://a.example", "/x"));
    assert!(get("GET https://a.example/v1/x", "/v1/x"));
    assert!(!get("GET https://a.example/v1/x", "/v1/x/") && !get("GET https://a.example/v1/x", "/v1/xy"));
    for path in ["/v1/", "/v1/x", "/v1/x/y", "/v1/%20", "/v1/ä", "/v1/a;b=c", "/v1/.well-known", "/v1/..."] {
        assert!(get("GET https://a.example/v1/*", path), "{path}");
    }
    assert!(!get("GET https://a.example/v1/*", "/v1") && !get("GET https://a.example/v1/*", "/v2/"));
    assert!(get("GET https://a.example/v1*", "/v10"), "the star is where the owner put it");
}

#[test]
fn a_path_below_a_prefix_is_what_it_looks_like() {
    for path in [
        "/v1/../admin",
        "/v1/..",
        "/v1/./x",
        "/v1//x",
        "/v1/%2e%2e/admin",
        "/v1/%2E./admin",
        "/v1/.%2e/x",
        "/v1/%2f",
        "/v1/%2F..",
        "/v1/%5c",
        "/v1/..\\x",
        "/v1/%252e%252e/",
        "/v1/..;/admin",
        "/v1/..;x=1/admin",
        "/v1/..%3b/admin",
        "/v1/%00",
        "/v1/%0d%0a",
        "/v1/%",
        "/v1/%2",
        "/v1/%zz",
        "/v1/%c0%ae%c0%ae/",
        "/v1/\n",
        "/v1/ x",
        "/v1/\0",
    ] {
        assert!(!get("GET https://a.example/v1/*", path), "{path:?}");
    }
}

#[test]
fn the_addresses_that_a_name_may_resolve_to() {
    let leads = |rule: &str, to: &str| http(rule).allows_address(to.parse::<IpAddr>().unwrap());
    let table = [
        ("GET https://a.example/", "93.184.216.34", true),
        ("GET https://a.example/", "127.0.0.1", false),
        ("GET https://a.example/", "::ffff:10.0.0.1", false),
        ("GET https://*.a.example/ private", "10.0.0.1", true),
        ("GET https://a.example/ private", "93.184.216.34", true),
        ("GET https://a.example/ private", "::ffff:192.168.1.1", true),
        ("GET https://a.example/ private", "127.0.0.1", true),
        ("GET https://a.example/ private", "100.64.0.1", true),
        ("GET https://a.example/ private", "fd12::1", true),
        ("GET https://a.example/ private", "169.254.169.254", false),
        ("GET https://a.example/ private", "::ffff:169.254.169.254", false),
        ("GET https://a.example/ private", "fd00:ec2::254", false),
        ("GET https://a.example/ private", "100.100.100.200", false),
        ("GET https://a.example/ private", "168.63.129.16", false),
        ("GET https://a.example/ private", "0.0.0.0", false),
        ("GET https://a.example/ private", "224.0.0.1", false),
        ("GET https://a.example/ private", "fe80::1", false),
        ("GET http://localhost/", "127.0.0.1", true),
        ("GET http://localhost/", "::1", true),
        ("GET http://localhost/", "10.0.0.1", false),
        ("GET http://localhost/", "93.184.216.34", false),
        ("GET http://10.0.0.1/", "10.0.0.1", true),
        ("GET http://10.0.0.1/", "::ffff:10.0.0.1", true),
        ("GET http://10.0.0.1/", "10.0.0.2", false),
        ("GET http://169.254.169.254/", "169.254.169.254", true),
    ];
    for (rule, to, expected) in table {
        assert_eq!(leads(rule, to), expected, "{rule} to {to}");
    }
    for (rule, warns) in [
        ("GET https://a.example/", false),
        ("GET https://a.example/ private", true),
        ("GET http://localhost/", true),
        ("GET http://10.0.0.1/", true),
        ("GET http://8.8.8.8/", false),
        ("GET https://*.a.example/ private", true),
    ] {
        assert_eq!(http(rule).allows_private(), warns, "{rule}");
    }
}

#[test]
fn file_rules_are_whole_paths() {
    let long = format!("read /{}", "a".repeat(FileRule::MAX));
    for rule in [
        "",
        "read",
        "read ",
        "read data",
        "read /",
        "read ./data",
        "read ~/data",
        "read /a/../b",
        "read /a/..",
        "execute /a",
        "READ /a",
        "/a",
        "read /a\nb",
        "read /a\u{1b}[2J",
        "read /a\u{202e}b",
        &long,
    ] {
        assert!(rule.parse::<FileRule>().is_err(), "{rule:?}");
    }
    let rule: FileRule = " write  /srv//data/./out/ ".parse().unwrap();
    assert_eq!((rule.to_string().as_str(), rule.mount().as_str()), ("write /srv/data/out", "/out"));
    assert!(rule.writes());
}

#[test]
fn a_secret_goes_to_one_place() {
    for rule in [
        "",
        "KEY",
        "key https://a.example",
        " https://a.example",
        "KEY a.example",
        "KEY https://*.a.example",
        "KEY https://a.example/path",
        "KEY https://a.example https://b.example",
        "K-Y https://a.example",
    ] {
        assert!(rule.parse::<SecretRule>().is_err(), "{rule:?}");
    }
    let rule: SecretRule = "API_KEY2 https://A.example/".parse().unwrap();
    assert_eq!(rule.to_string(), "API_KEY2 https://a.example");
    assert!(rule.to().is(true, "a.example", 443));
    assert!(!rule.to().is(false, "a.example", 443) && !rule.to().is(true, "b.a.example", 443));
}

#[test]
fn a_peer_is_named_by_its_key_and_its_skill_by_its_name() {
    let (ada, eve) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
    let rule = |skill: &str| format!("{ada}/{skill}").parse::<PeerRule>();
    let name = |skill: &str| skill.parse::<SkillName>().unwrap();
    let quote = rule("quote").unwrap();
    assert!(quote.allows(ada, &name("quote")));
    assert!(!quote.allows(ada, &name("quotes")) && !quote.allows(eve, &name("quote")));
    let all = rule("*").unwrap();
    assert!(
        all.allows(ada, &name("quote")) && all.allows(ada, &name("any")) && !all.allows(eve, &name("any"))
    );
    let shouted = format!("{}/quote", ada.to_string().to_ascii_uppercase()).parse::<PeerRule>().unwrap();
    assert_eq!(
        (shouted.to_string(), &shouted),
        (format!("{ada}/quote"), &quote),
        "one rule, however written"
    );
    let (bare, none, part) = (ada.to_string(), format!("{ada}/"), format!("{ada}/q*"));
    for wrong in ["", "ada/quote", "*/quote", "*", "/", &bare, &none, &part] {
        let said = wrong.parse::<PeerRule>().unwrap_err().to_string();
        assert!(said.contains("PEER-ID/SKILL"), "{wrong}: {said}");
    }
}

#[test]
fn a_grant_names_what_it_grants() {
    let new = |capability, to: &[&str]| {
        Grant::new(capability, &to.iter().map(ToString::to_string).collect::<Vec<_>>(), None)
    };
    assert_eq!(new(Capability::Http, &[]), Err(GrantError::Nothing(Capability::Http)));
    assert_eq!(new(Capability::State, &["caller"]), Err(GrantError::Whole(Capability::State)));
    assert_eq!(new(Capability::Log, &[]), Err(GrantError::Always(Capability::Log)));
    assert_eq!(new(Capability::Log, &["x"]), Err(GrantError::Unconditional(Capability::Log)));
    for capability in Capability::ALWAYS {
        let from = Grant::new(capability, &[], Some(Tier::Known));
        assert_eq!(from, Err(GrantError::Unconditional(capability)), "a tier that would not be obeyed");
    }
    assert_eq!(new(Capability::Peers, &[]), Err(GrantError::Nothing(Capability::Peers)));
    assert_eq!(new(Capability::Llm, &["gpt"]), Err(GrantError::Whole(Capability::Llm)));
    assert_eq!(new(Capability::Llm, &[]).unwrap().to_string(), "llm from INTERNAL");
    let long = format!("GET https://a.example/{}", "a".repeat(4096));
    assert_eq!(new(Capability::Http, &[&long]), Err(GrantError::TooLong { max: 2048 }));
    let shown = new(Capability::Http, &["\u{1b}[2J\u{202e}"]).unwrap_err().to_string();
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "an author may have written it: {shown:?}");
    assert_eq!(new(Capability::State, &[]).unwrap().to_string(), "state from KNOWN");
    let files = new(Capability::Files, &["write /srv/out"]).unwrap();
    assert_eq!(files.to_string(), "files write /srv/out from INTERNAL, writing from PRIVILEGED");
    let files = Grant::new(Capability::Files, &["write /srv/out".into()], Some(Tier::Known)).unwrap();
    assert_eq!(files.to_string(), "files write /srv/out from KNOWN");
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "([a-z0-9_-]{1,10}\\.){0,3}[a-z][a-z0-9-]{0,8}",
        "\\*\\.[a-z]{1,8}\\.[a-z]{1,4}",
        any::<[u8; 4]>().prop_map(|a| std::net::Ipv4Addr::from(a).to_string()),
        any::<u128>().prop_map(|a| format!("[{}]", std::net::Ipv6Addr::from(a))),
    ]
}

fn origin() -> impl Strategy<Value = String> {
    ("https?", host(), proptest::option::of(1_u16..)).prop_map(|(scheme, host, port)| {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}")
    })
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn http_rules_round_trip(method in "GET|POST|\\*", origin in origin(), path in "(/[a-z0-9_.~-]{0,6}){0,3}\\*?", private: bool) {
        let text = format!("{method} {origin}{path}{}", if private { " private" } else { "" });
        if let Ok(rule) = text.parse::<HttpRule>() {
            let written = rule.to_string();
            prop_assert_eq!(written.parse::<HttpRule>().unwrap(), rule, "{}", written);
        }
    }

    #[test]
    fn origins_round_trip(text in origin()) {
        if let Ok(origin) = text.parse::<Origin>() {
            prop_assert_eq!(origin.to_string().parse::<Origin>().unwrap(), origin);
        }
    }

    #[test]
    fn file_rules_round_trip(write: bool, path in "(/[a-zA-Z0-9 ._é-]{1,8}){1,5}/?") {
        let text = format!("{} {path}", if write { "write" } else { "read" });
        if let Ok(rule) = text.parse::<FileRule>() {
            prop_assert_eq!(rule.to_string().parse::<FileRule>().unwrap(), rule.clone());
            prop_assert_eq!(rule.mount().matches('/').count(), 1);
        }
    }

    #[test]
    fn secret_rules_round_trip(name in "[A-Z0-9_]{1,64}", origin in origin()) {
        if let Ok(rule) = format!("{name} {origin}").parse::<SecretRule>() {
            prop_assert_eq!(rule.to_string().parse::<SecretRule>().unwrap(), rule);
        }
    }

    #[test]
    fn no_rule_panics_and_every_rule_round_trips(text in "\\PC{0,40}|(GET|read|write|KEY) [\\PC]{0,40}|GET https?://[a-z0-9.:/%*\\[\\]@;\\\\ -]{0,30}") {
        if let Ok(rule) = text.parse::<HttpRule>() {
            prop_assert_eq!(rule.to_string().parse::<HttpRule>().unwrap(), rule);
        }
        if let Ok(rule) = text.parse::<FileRule>() {
            prop_assert_eq!(rule.to_string().parse::<FileRule>().unwrap(), rule);
        }
        if let Ok(rule) = text.parse::<SecretRule>() {
            prop_assert_eq!(rule.to_string().parse::<SecretRule>().unwrap(), rule);
        }
    }

    #[test]
    fn no_path_below_a_prefix_climbs(path in "/v1/[./%25eEfF;\\\\a]{0,12}") {
        if get("GET https://a.example/v1/*", &path) {
            let segments: Vec<&str> = path.split('/').collect();
            prop_assert!(!segments.contains(&"..") && !path.to_lowercase().contains("%2e"));
        }
    }
}
