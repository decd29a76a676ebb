//! The differences between a component and its replacement.

use coworker_policy::{Card, Contract, Request, diff};

use crate::fixture::descriptor;

fn contract(skills: &[&str], imports: &[&str], request: &str) -> Contract {
    let head = "name = \"a\"\nversion = \"1.0.0\"\n";
    Contract {
        cards: skills.iter().map(|name| Card::try_from(descriptor(name)).unwrap()).collect(),
        imports: imports.iter().map(ToString::to_string).collect(),
        request: (!request.is_empty())
            .then(|| Request::parse(format!("{head}{request}").as_bytes()).unwrap()),
    }
}

fn ask(to: &str, why: &str) -> String {
    format!("[[request]]\ncapability = \"http\"\nto = [\"{to}\"]\nwhy = \"{why}\"\n")
}

fn lines(old: &Contract, new: &Contract) -> Vec<String> {
    diff(old, new).iter().map(ToString::to_string).collect()
}

#[test]
fn the_same_contract_has_no_difference() {
    let one = contract(&["words"], &["wasi:http/types@0.2.0"], &ask("GET https://a.example/", "prices"));
    assert!(lines(&one, &one).is_empty());
    let patched = Contract { imports: vec!["wasi:http/types@0.2.6".to_owned()], ..one.clone() };
    assert!(lines(&one, &patched).is_empty(), "a newer patch of an interface is no other power");
    let reordered = Contract { imports: vec!["wasi:http/types@0.2.0".to_owned(); 2], ..one.clone() };
    assert!(lines(&one, &reordered).is_empty());
}

#[test]
fn every_difference_is_a_line() {
    let old = contract(
        &["words", "gone"],
        &["wasi:clocks/wall-clock@0.2.0", "wasi:io/poll@0.2.0"],
        &(ask("GET https://a.example/", "prices") + "[defaults]\na = \"1\"\n"),
    );
    let again = ask("GET https://a.example/*", "more\\nprices") + &ask("GET https://b.example/", "names");
    let mut new = contract(&["words", "fresh"], &["wasi:http/outgoing-handler@0.2.0"], &again);
    new.cards[0].version = "2.0.0".parse().unwrap();
    new.cards[0].input_schema = serde_json::json!(true);
    insta::assert_snapshot!(lines(&old, &new).join("\n"));
    insta::assert_snapshot!("and_back", lines(&new, &old).join("\n"));
}

#[test]
fn a_request_that_comes_or_goes_whole_is_told() {
    let (none, some) = (contract(&[], &[], ""), contract(&[], &[], &ask("GET https://a.example/", "prices")));
    assert_eq!(lines(&none, &some), ["now asks for http GET https://a.example/ (“prices”)"]);
    assert_eq!(lines(&some, &none), ["no longer asks for http GET https://a.example/ (“prices”)"]);
}
