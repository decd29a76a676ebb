//! The leak watch through the gates: the modes, the budgets, and the calls that need no watch.

use std::sync::Arc;

use coworker_leak::{Account, Disclosed, Guard, Leak, Place, Private, Watch};
use coworker_policy::gate::{
    self, Caller, CheckedPart, Disclosure, OutputTerms, Permit, Recipients, StreamTerms,
};
use coworker_policy::{Card, Descriptor, Digest, ErrorCode, Grants, Listing, Refusal, Skill, Tier};
use data_encoding::BASE64;
use serde_json::json;

use crate::fixture::{INPUT, PEER, call, descriptor, granted, leaving, nothing_private, state, terms};

const KEY: u64 = 0x1234_5678_9abc_def0;
const PROMPT: &str = "\
# Offers
You are the quiet negotiator of a small Danish shipyard. Never go below eighty-two percent of the list price,
whatever the buyer says about competitors from Gdansk. Discounts above four percent need Marianne's word.
If the buyer mentions winter, offer free storage until the ice has left the inner harbour.";
const CANARY: &str = "cwk-7f3kq2m9x4vb8t1z";
const SECRET: &str = "sk-live-9aZ4bY8cX2dW6eV0";

fn guard() -> Guard {
    Guard::new(Arc::new(Private::of(KEY, [PROMPT], &[])), [SECRET, "p4$$!-#"], [CANARY])
}

fn guard_of(private: &str) -> Guard {
    Guard::new(Arc::new(Private::of(KEY, [private], &[])), [], [])
}

/// The words of the prompt as the guard compares them.
fn words() -> Vec<&'static str> {
    PROMPT.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// A skill whose output fits `schema`, on the owner's terms.
fn skill_with(schema: &str, policy: &str) -> Arc<Skill> {
    let descriptor =
        Descriptor { input_schema: "{}".into(), output_schema: schema.into(), ..descriptor("words") };
    let (card, terms) = (Card::try_from(descriptor).unwrap(), Arc::new(terms(policy)));
    let listing = Listing::Exposed { from: Tier::Untrusted };
    Arc::new(Skill::new(card, Digest::of(b"component"), Grants::default(), listing, terms).unwrap())
}

/// A granted call of a skill that may answer anything.
fn granted_on(policy: &str, caller: Caller, input: &str) -> gate::GrantedCall {
    granted(call(caller, input), state(Tier::Known), Some(&skill_with("{}", policy))).unwrap()
}

fn watched_on(policy: &str, guard: Guard, account: &Account, day: i64, input: &str) -> (Permit, Arc<Watch>) {
    let call = leaving(granted_on(policy, PEER, input), Recipients::CallerOnly);
    call.permit(guard, account.clone(), day)
}

fn watched(policy: &str, account: &Account, input: &str) -> Permit {
    watched_on(policy, guard(), account, 20_000, input).0
}

fn permit() -> Permit {
    watched("", &Account::default(), INPUT)
}

/// The permit of a KNOWN caller that has received nothing so far.
fn permit_of(guard: Guard) -> Permit {
    watched_on("", guard, &Account::default(), 1, INPUT).0
}

fn output() -> OutputTerms {
    permit().output_terms()
}

fn stream() -> StreamTerms {
    permit().stream_terms()
}

fn said(text: &str) -> String {
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

/// One public answer for every leak: a caller must not learn how close a guess came.
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
fn redaction_takes_out_the_words_and_keeps_the_rest() {
    let permit = watched("[skills.words]\nleaks = \"redact\"", &Account::default(), INPUT);
    let line = "whatever the buyer says about competitors from Gdansk";
    let output = json!({ "answer": format!("I was told: {line}. Good day!"), "other": ["fine", 3] });
    let checked = permit.output_terms().check(&output.to_string()).unwrap();
    let redacted = json!({ "answer": "I was told: [withheld]. Good day!", "other": ["fine", 3] });
    assert_eq!(checked.value(), &redacted);
    // A run over several strings cannot be taken out of one.
    let spread: Vec<&str> = line.split(' ').collect();
    let refusal = permit.output_terms().check(&json!(spread).to_string()).unwrap_err();
    assert!(matches!(refusal, Refusal::Withheld(_)), "{refusal:?}");
}

#[test]
fn a_redacted_result_must_still_fit_its_schema() {
    let skill = skill_with(r#"{"maxLength": 100, "minLength": 60}"#, "[skills.words]\nleaks = \"redact\"");
    let call = granted(call(PEER, INPUT), state(Tier::Known), Some(&skill)).unwrap();
    let (permit, _) = leaving(call, Recipients::CallerOnly).permit(guard(), Account::default(), 1);
    let line = json!("Now: whatever the buyer says about competitors from Gdansk. Well.");
    let refusal = permit.output_terms().check(&line.to_string()).unwrap_err();
    assert_eq!(refusal.public().code(), ErrorCode::InvalidOutput);
}

#[test]
fn a_reported_leak_leaves_and_is_recorded() {
    let report = "[skills.words]\nleaks = \"report\"";
    let (permit, watch) = watched_on(report, guard(), &Account::default(), 1, INPUT);
    assert!(permit.output_terms().check(&said(PROMPT)).is_ok());
    let sightings = watch.sightings();
    assert!(matches!(sightings[..], [sighting] if sighting.place == Place::Result), "{sightings:?}");
    assert!(watch.account().disclosed().words() > 40);
}

#[test]
fn g28_only_the_owner_s_own_run_has_no_watch() {
    let owner_only = |caller, recipients| {
        let decision = gate::disclosure(granted_on("", caller, INPUT), recipients);
        matches!(decision, Disclosure::OwnerOnly(_))
    };
    for recipients in [Recipients::CallerOnly, Recipients::Others] {
        assert!(!owner_only(PEER, recipients));
        for tier in Tier::ALL {
            assert!(!owner_only(Caller::OwnerAs(tier), recipients), "a preview shows the peer's answer");
        }
    }
    assert!(!owner_only(Caller::Owner, Recipients::Others), "the result goes on to others");
    assert!(owner_only(Caller::Owner, Recipients::CallerOnly));
}

#[test]
fn the_owner_sees_private_text_and_nobody_else_does() {
    let Disclosure::OwnerOnly(own) =
        gate::disclosure(granted_on("", Caller::Owner, INPUT), Recipients::CallerOnly)
    else {
        panic!("the owner's own run");
    };
    assert!(own.permit().output_terms().check(&said(PROMPT)).is_ok());
    for (caller, recipients) in
        [(Caller::OwnerAs(Tier::Known), Recipients::CallerOnly), (Caller::Owner, Recipients::Others)]
    {
        let call = leaving(granted_on("", caller, INPUT), recipients);
        let (permit, _) = call.permit(guard(), Account::default(), 1);
        assert!(
            matches!(permit.output_terms().check(&said(PROMPT)), Err(Refusal::Withheld(_))),
            "{caller:?}"
        );
        assert!(permit.output_terms().check(&said("something else")).is_ok());
    }
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
    let permit = permit_of(public);
    assert!(permit.output_terms().check(&said(line)).is_ok());
    assert!(permit.output_terms().check(&said(PROMPT)).is_err());
}

#[test]
fn a_row_of_repeated_numbers_is_no_leak() {
    let permit = permit_of(guard_of("0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0"));
    assert!(permit.output_terms().check("[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]").is_ok());
}

#[test]
fn text_without_spaces_is_found_too() {
    let prompt = "你是一家丹麦小船厂的安静谈判者。无论买家怎么说，都不要低于标价的百分之八十二。";
    let check = |text: &str| permit_of(guard_of(prompt)).output_terms().check(&said(text)).is_ok();
    assert!(!check("提示：无论买家怎么说，都不要低于标价的百分之八十二"));
    assert!(check("丹麦小船厂很好"));
}

#[test]
fn without_private_text_nothing_waits() {
    let permit = permit_of(nothing_private());
    assert!(permit.output_terms().check(&said(PROMPT)).is_ok());
    let part = permit.stream_terms().part("so".to_owned()).unwrap();
    assert_eq!(part.len(), 1);
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
    assert_eq!(left, words().collect::<Vec<_>>(), "every part, in its order and unchanged");
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
    // One word in each note: the fifth in a row is too much.
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
    // The same words do not count again, even after a restart.
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
    let on = |day| watched_on(policy, nothing_private(), &account, day, INPUT).0;
    let answer = said(&"x".repeat(500 * 1024));
    assert!(on(1).output_terms().check(&answer).is_ok());
    assert!(on(1).stream_terms().part("y".repeat(500 * 1024)).is_ok(), "parts count as well");
    let refusal = on(1).output_terms().check(&answer).unwrap_err();
    assert_eq!(refusal, Refusal::TooMuchOutput { max: 1024 * 1024 });
    assert_eq!(refusal.public().code(), ErrorCode::LimitExceeded);
    assert!(on(2).output_terms().check(&answer).is_ok(), "another day");
}
