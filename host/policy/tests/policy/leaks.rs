//! The leak guard through the gates: in which mode what becomes of what is found, and the budgets.

use std::sync::Arc;

use coworker_policy::gate::{Caller, CheckedPart, OutputTerms, Permit, StreamTerms};
use coworker_policy::leak::{Account, Disclosed, Guard, Leak, Place, Private};
use coworker_policy::{Card, Descriptor, Digest, ErrorCode, Grants, Listing, Refusal, Skill, Tier};
use data_encoding::BASE64;
use serde_json::json;

use crate::fixture::{INPUT, PEER, call, descriptor, pass, standing, terms};

pub(crate) const KEY: u64 = 0x1234_5678_9abc_def0;
pub(crate) const PROMPT: &str = "\
# Offers
You are the quiet negotiator of a small Danish shipyard. Never go below eighty-two percent of the list price,
whatever the buyer says about competitors from Gdansk. Discounts above four percent need Marianne's word.
If the buyer mentions winter, offer free storage until the ice has left the inner harbour.";
const CANARY: &str = "cwk-7f3kq2m9x4vb8t1z";
const SECRET: &str = "sk-live-9aZ4bY8cX2dW6eV0";

fn guard() -> Guard {
    let private = Arc::new(Private::of(KEY, [PROMPT], &[]));
    Guard::new(private, [SECRET, "p4$$!-#"], [CANARY]).unwrap()
}

/// The words of the prompt as the guard reads them.
pub(crate) fn words() -> Vec<&'static str> {
    PROMPT.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// A skill that may answer anything, on the owner's terms.
fn permit_on(policy: &str, caller: Caller, tier: Tier, input: &str) -> Permit {
    let anything = "{}".to_owned();
    let said = Descriptor { input_schema: anything.clone(), output_schema: anything, ..descriptor("words") };
    let (card, terms) = (Card::try_from(said).unwrap(), Arc::new(terms(policy)));
    let listing = Listing::Exposed { from: Tier::Untrusted };
    let skill = Skill::new(card, Digest::of(b"component"), Grants::default(), listing, terms).unwrap();
    pass(call(caller, input), standing(tier), Some(&Arc::new(skill))).unwrap()
}

fn watched(policy: &str, account: &Account, input: &str) -> Permit {
    permit_on(policy, PEER, Tier::Known, input).watched(Some(guard()), account.clone(), 20_000)
}

fn permit() -> Permit {
    watched("", &Account::default(), INPUT)
}

/// A KNOWN caller's, who drew nothing before.
pub(crate) fn permit_of(guard: Option<Guard>, input: &str) -> Permit {
    permit_on("", PEER, Tier::Known, input).watched(guard, Account::default(), 1)
}

pub(crate) fn output() -> OutputTerms {
    permit().output_terms()
}

fn stream() -> StreamTerms {
    permit().stream_terms()
}

pub(crate) fn said(text: &str) -> String {
    json!({ "answer": text }).to_string()
}

#[test]
fn g23_a_result_with_private_text_is_withheld() {
    let refusal = output().check(&said(PROMPT)).unwrap_err();
    assert!(matches!(refusal, Refusal::Withheld(Leak::Words(30..))), "{refusal:?}");
    assert_eq!(refusal.public().code(), ErrorCode::Withheld);
    assert_eq!(refusal.public().message(), "the answer was withheld");
    assert!(output().check(&said("The yard can offer 95 percent and storage over the winter.")).is_ok());
    assert!(output().error(PROMPT).is_err());
    assert!(output().error("the text is too short").is_ok());
}

/// What the caller learns is the same, whatever was found: how close a guess came is nobody's business.
#[test]
fn every_withheld_answer_is_the_same() {
    let budget = Leak::Budget { max: 64 };
    let public = |leak| Refusal::Withheld(leak).public();
    for leak in [Leak::Words(9), Leak::Letters, Leak::Canary, Leak::Secret, budget] {
        assert_eq!(public(leak), public(Leak::Words(8)), "{leak:?}");
    }
}

#[test]
fn secrets_and_canaries_are_withheld_in_every_mode() {
    let encoded = format!("({})", BASE64.encode(format!("Bearer {SECRET}").as_bytes()));
    let texts = [
        (SECRET.to_owned(), Leak::Secret),
        (SECRET[4..18].to_owned(), Leak::Secret),
        (SECRET.chars().rev().collect(), Leak::Secret),
        (encoded, Leak::Secret),
        ("it is p4$$!-#.".to_owned(), Leak::Secret),
        (format!("end of prompt {CANARY}"), Leak::Canary),
        (CANARY.replace('-', " ").to_uppercase(), Leak::Canary),
    ];
    for mode in ["block", "redact", "report"] {
        let policy = format!("[skills.words]\nleaks = \"{mode}\"");
        for (text, leak) in &texts {
            let terms = watched(&policy, &Account::default(), INPUT).output_terms();
            assert_eq!(terms.check(&said(text)).unwrap_err(), Refusal::Withheld(*leak), "{mode}: {text}");
        }
    }
}

#[test]
fn what_is_redacted_is_taken_out_and_the_rest_stays() {
    let permit = watched("[skills.words]\nleaks = \"redact\"", &Account::default(), INPUT);
    let line = "whatever the buyer says about competitors from Gdansk";
    let output = json!({ "answer": format!("I was told: {line}. Good day!"), "other": ["fine", 3] });
    let checked = permit.output_terms().check(&output.to_string()).unwrap();
    let redacted = json!({ "answer": "I was told: [withheld]. Good day!", "other": ["fine", 3] });
    assert_eq!(checked.value(), &redacted);
    // What is spread over several strings cannot be taken out of one.
    let spread: Vec<&str> = line.split(' ').collect();
    let refusal = permit.output_terms().check(&json!(spread).to_string()).unwrap_err();
    assert!(matches!(refusal, Refusal::Withheld(_)), "{refusal:?}");
}

#[test]
fn what_is_redacted_still_has_to_fit_its_schema() {
    let said =
        Descriptor { output_schema: r#"{"maxLength": 100, "minLength": 60}"#.into(), ..descriptor("words") };
    let terms = Arc::new(terms("[skills.words]\nleaks = \"redact\""));
    let listing = Listing::Exposed { from: Tier::Untrusted };
    let card = Card::try_from(said).unwrap();
    let skill = Skill::new(card, Digest::of(b"component"), Grants::default(), listing, terms).unwrap();
    let permit = pass(call(PEER, INPUT), standing(Tier::Known), Some(&Arc::new(skill))).unwrap();
    let permit = permit.watched(Some(guard()), Account::default(), 1);
    let line = json!("Now: whatever the buyer says about competitors from Gdansk. Well.");
    let refusal = permit.output_terms().check(&line.to_string()).unwrap_err();
    assert_eq!(refusal.public().code(), ErrorCode::InvalidOutput);
}

#[test]
fn what_is_reported_leaves_and_is_noted() {
    let permit = watched("[skills.words]\nleaks = \"report\"", &Account::default(), INPUT);
    assert!(permit.output_terms().check(&said(PROMPT)).is_ok());
    let sightings = permit.watch().unwrap().sightings();
    assert!(matches!(sightings[..], [sighting] if sighting.place == Place::Result), "{sightings:?}");
    assert!(permit.watch().unwrap().account().disclosed().words() > 40);
}

#[test]
fn the_owner_sees_everything_and_a_preview_what_a_peer_would() {
    for (caller, passes) in [(Caller::Owner, true), (Caller::OwnerAs(Tier::Known), false)] {
        let permit = permit_on("", caller, Tier::Known, INPUT).watched(Some(guard()), Account::default(), 1);
        assert_eq!(permit.output_terms().check(&said(PROMPT)).is_ok(), passes, "{caller:?}");
    }
}

#[test]
fn what_goes_on_to_others_is_watched_for_the_owner_too() {
    let permit = permit_on("", Caller::Owner, Tier::Privileged, INPUT);
    let permit = permit.watched_onwards(Some(guard()), Account::default(), 1);
    assert!(matches!(permit.output_terms().check(&said(PROMPT)), Err(Refusal::Withheld(_))));
    assert!(permit.output_terms().check(&said("something else")).is_ok());
}

#[test]
fn the_caller_s_own_words_and_public_ones_are_no_leak() {
    let line = "whatever the buyer says about competitors from Gdansk";
    let input = json!({ "text": line }).to_string();
    let echoed = watched("", &Account::default(), &input).output_terms();
    assert!(echoed.check(&said(line)).is_ok());
    assert!(echoed.check(&said(&format!("{line}. Discounts above four percent"))).is_err(), "it goes on");
    let private = Arc::new(Private::of(KEY, [PROMPT], &[json!(line).to_string()]));
    let public = Guard::new(private, [], []);
    let permit = permit_on("", PEER, Tier::Known, INPUT).watched(public, Account::default(), 1);
    assert!(permit.output_terms().check(&said(line)).is_ok());
    assert!(permit.output_terms().check(&said(PROMPT)).is_err());
}

#[test]
fn a_row_of_numbers_is_nobody_s() {
    let private = Arc::new(Private::of(KEY, ["0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0"], &[]));
    let permit =
        permit_on("", PEER, Tier::Known, INPUT).watched(Guard::new(private, [], []), Account::default(), 1);
    assert!(permit.output_terms().check("[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]").is_ok());
}

#[test]
fn text_without_spaces_is_found_too() {
    let prompt = "你是一家丹麦小船厂的安静谈判者。无论买家怎么说，都不要低于标价的百分之八十二。";
    let guard = || Guard::new(Arc::new(Private::of(KEY, [prompt], &[])), [], []);
    let check = |text: &str| {
        let permit = permit_on("", PEER, Tier::Known, INPUT).watched(guard(), Account::default(), 1);
        permit.output_terms().check(&said(text)).is_ok()
    };
    assert!(!check("提示：无论买家怎么说，都不要低于标价的百分之八十二"));
    assert!(check("丹麦小船厂很好"));
}

#[test]
fn where_nothing_is_private_nothing_is_looked_at() {
    assert!(Guard::new(Arc::new(Private::of(KEY, [], &[])), [], []).is_none());
    let permit = permit_on("", PEER, Tier::Known, INPUT).watched(None, Account::default(), 1);
    assert!(permit.output_terms().check(&said(PROMPT)).is_ok());
    let part = permit.stream_terms().part("so".to_owned()).unwrap();
    assert_eq!(part.len(), 1, "nothing waits");
}

#[test]
fn g24_parts_leave_once_nothing_private_can_begin_in_them() {
    let mut stream = stream();
    let mut left: Vec<String> = Vec::new();
    let words = || (0..200).map(|n| format!("harmless{n} "));
    for part in words() {
        left.extend(stream.part(part).unwrap().into_iter().map(CheckedPart::into_text));
    }
    assert!(left.len() > 150, "{}", left.len());
    left.extend(stream.finish().unwrap().into_iter().map(CheckedPart::into_text));
    assert_eq!(left, words().collect::<Vec<_>>(), "all of them, in their order, cut as they were");
}

#[test]
fn g24_a_run_over_many_parts_is_found_before_any_of_it_leaves() {
    let separate: fn(&str) -> Vec<String> = |text| text.split(' ').map(str::to_owned).collect();
    let spaced: fn(&str) -> Vec<String> = |text| text.split_inclusive(' ').map(str::to_owned).collect();
    let letters: fn(&str) -> Vec<String> = |text| text.chars().map(String::from).collect();
    for cut in [separate, spaced, letters] {
        let mut stream = stream();
        let mut left = String::new();
        let opening = "Let me tell you something about the weather today. ".repeat(20);
        let parts: Vec<String> = cut(&opening).into_iter().chain(cut(PROMPT)).collect();
        let refused = parts.into_iter().find_map(|part| {
            match stream.part(part) {
                Ok(parts) => left.extend(parts.into_iter().map(CheckedPart::into_text)),
                Err(refusal) => return Some(refusal),
            }
            None
        });
        assert!(matches!(refused, Some(Refusal::Withheld(_))), "{refused:?}");
        assert!(left.len() > 200 && left.len() <= opening.len(), "{left}");
    }
}

#[test]
fn a_run_between_the_parts_and_the_result_is_found() {
    let permit = permit();
    let mut stream = permit.stream_terms();
    stream.part("whatever the buyer says about ".to_owned()).unwrap();
    assert_eq!(stream.finish().unwrap().len(), 1);
    assert!(permit.output_terms().check(&json!("competitors from Gdansk").to_string()).is_err());
}

#[test]
fn parts_are_redacted_together() {
    let permit = watched("[skills.words]\nleaks = \"redact\"", &Account::default(), INPUT);
    let mut stream = permit.stream_terms();
    let mut left: Vec<String> = Vec::new();
    let harmless = (0..60).map(|n| format!("harmless{n} ")).chain(["and so on.".to_owned()]);
    for part in PROMPT.split_inclusive(' ').map(str::to_owned).chain(harmless) {
        left.extend(stream.part(part).unwrap().into_iter().map(CheckedPart::into_text));
    }
    left.extend(stream.finish().unwrap().into_iter().map(CheckedPart::into_text));
    let left = left.concat();
    assert!(left.contains("[withheld]") && left.ends_with("and so on."), "{left}");
    assert!(!left.contains("eighty") && !left.contains("Marianne"), "{left}");
}

#[test]
fn g25_a_note_with_private_words_has_none() {
    let stream = stream();
    let note = |text: &str| stream.note(10, text).check().into_text().to_string();
    assert_eq!(note("reading the list"), "reading the list");
    assert_eq!(note("offer free storage until the ice has left"), "");
    // One word to a note: the fifth in a row is one too many.
    let heard: Vec<String> =
        "never go below eighty two percent of the list price".split(' ').map(note).collect();
    assert_eq!(heard.iter().filter(|word| !word.is_empty()).take(4).count(), 4);
    assert!(heard[4].is_empty(), "{heard:?}");
}

#[test]
fn g26_short_runs_add_up_over_calls() {
    let account = Account::default();
    let mut answered = 0;
    let words = words();
    for five in words.windows(5) {
        let answer = said(&format!("Hm, {} perhaps", five.join(" ")));
        match watched("[limits.known]\nleak_words = 20", &account, INPUT).output_terms().check(&answer) {
            Ok(_) => answered += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::Withheld(Leak::Budget { max: 20 })),
        }
    }
    assert!(account.disclosed().words() <= 20, "{:?}", account.disclosed());
    assert_eq!(answered, 4);
    // The same words again are no new ones, also after a restart.
    let disclosed = account.disclosed();
    let kept = Account::new(Disclosed::new(
        disclosed.words(),
        &disclosed.seen(),
        disclosed.day(),
        disclosed.bytes(),
    ));
    assert_eq!(kept.disclosed(), disclosed);
    let again = said(&words[..5].join(" "));
    assert!(watched("[limits.known]\nleak_words = 20", &kept, INPUT).output_terms().check(&again).is_ok());
}

#[test]
fn g26_calls_at_once_share_one_budget() {
    let account = Account::default();
    let words = words();
    let permits: Vec<Permit> =
        (0..8).map(|_| watched("[limits.known]\nleak_words = 12", &account, INPUT)).collect();
    let pieces = words.chunks_exact(5);
    let passed = permits.iter().zip(pieces).filter(|(permit, piece)| {
        let answer = said(&piece.join(" "));
        permit.output_terms().check(&answer).is_ok()
    });
    assert_eq!(passed.count(), 2);
}

#[test]
fn g27_the_bytes_of_a_day_are_counted() {
    let account = Account::default();
    let policy = "[limits.known]\noutput_mib_per_day = 1\noutput_kib = 600";
    let on = |day| permit_on(policy, PEER, Tier::Known, INPUT).watched(None, account.clone(), day);
    let answer = said(&"x".repeat(500 * 1024));
    assert!(on(1).output_terms().check(&answer).is_ok());
    assert!(on(1).stream_terms().part("y".repeat(500 * 1024)).is_ok(), "parts count, too");
    let refusal = on(1).output_terms().check(&answer).unwrap_err();
    assert_eq!(refusal, Refusal::TooMuchOutput { max: 1024 * 1024 });
    assert_eq!(refusal.public().code(), ErrorCode::LimitExceeded);
    assert!(on(2).output_terms().check(&answer).is_ok(), "another day");
}
