use coworker_channel::receipt::{JsonText, MAX_RECEIPT, Signature};
use coworker_channel::{
    Delegation, DirectCard, GoalOutcome, GoalStep, KeyResultCount, MAX_ADDRESSES, MAX_CARDS, MAX_KEY_RESULTS,
    MAX_MESSAGE, MAX_OFFER, MAX_SKILL, Message, MessageFault, PartOf, PlanNews,
};
use coworker_policy::trust::InviteToken;
use coworker_policy::{Card, ErrorCode, MessageKind, RequestId, Text, Tier};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::party::{id, ping};

const ID: &str = "00000000-0000-0000-0000-0000000000ff";

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn card() -> Card {
    Card {
        name: "summarize".parse().unwrap(),
        version: "1.2.0".parse().unwrap(),
        description: text("Says it shorter."),
        when_to_use: text("For long texts."),
        category: Text::default(),
        input_schema: json!({"type": "object"}),
        output_schema: json!({"type": "string"}),
    }
}

/// A request that is part of a goal and of a delegated call.
fn goal_and_delegation() -> PartOf {
    PartOf {
        goal: Some(GoalStep { goal: id(7), step: "price".parse().unwrap() }),
        delegation: Some(Delegation { root: id(8), depth: 2, at_most: Tier::Known }),
    }
}

/// A card with this many addresses.
fn direct_card(addresses: u16) -> DirectCard {
    let address =
        |n: u16| if n.is_multiple_of(2) { ([192, 0, 2, 7], n).into() } else { ([0x2001; 8], n).into() };
    DirectCard {
        key: [7; 32],
        admission_token: [8; 16],
        addresses: (1..=addresses).map(address).collect(),
        relay: Some("https://relay.example/".into()),
    }
}

fn plans() -> [PlanNews; 5] {
    let count = KeyResultCount { id: "prices".parse().unwrap(), done: 1, of: 3 };
    [
        PlanNews::Propose { offer: r#"{"objective":"Prices","key_results":[],"steps":[]}"#.into() },
        PlanNews::Accept,
        PlanNews::Reject { code: ErrorCode::UnknownSkill, message: text("unknown skill") },
        PlanNews::Progress { key_results: vec![count] },
        PlanNews::Complete { outcome: GoalOutcome::Cancelled },
    ]
}

fn all() -> Vec<Message> {
    let id = id(0xff);
    let message = text("unknown skill");
    vec![
        Message::Ping { id },
        Message::Pong { id },
        Message::Discover { id, name: Some("ada".parse().unwrap()), known: None },
        Message::Capabilities { id, name: "Ada's agent".parse().unwrap(), cards: vec![card()] },
        Message::Capabilities { id, name: "empty".parse().unwrap(), cards: vec![] },
        Message::TaskRequest {
            id,
            skill: "summarize".into(),
            input: "{ \"text\": \"héllo\",  \"n\": 1e2 }".into(),
            timeout_ms: Some(30_000),
            expires_ms: None,
            version: None,
            part_of: PartOf::default(),
        },
        Message::TaskRequest {
            id,
            skill: "No such!".into(),
            input: "null".into(),
            timeout_ms: None,
            expires_ms: Some(1_800_000_000_000),
            version: Some(">=1.2, <2".parse().unwrap()),
            part_of: goal_and_delegation(),
        },
        Message::TaskResponse { id, output: json!({"summary": "hi"}).into() },
        Message::TaskResponse { id, output: JsonText::from_typed("{ \"n\":  1e2 }") },
        Message::TaskResponse { id, output: Value::Null.into() },
        Message::TaskReceipt { id, envelope: br#"{"payload":"","signatures":[]}"#.to_vec() },
        Message::TaskCountersigned { id, signature: Signature::from_bytes([7; 64]) },
        Message::TrustRedeem { id, token: InviteToken::from_random([7; 16]) },
        Message::DirectCard { id, card: Box::new(direct_card(2)), ask: true },
        Message::DirectCard { id, card: Box::new(DirectCard { relay: None, ..direct_card(0) }), ask: false },
        Message::TaskError { id, code: ErrorCode::UnknownSkill, message: message.clone() },
        Message::TaskProgress { id, percent: 40, note: text("half of it") },
        Message::TaskPartial { id, index: 3, part: "Once \u{1b}\n".into() },
        Message::TaskCancel { id },
        Message::TrustRequest { id, tier: Tier::Internal, reason: text("we met") },
        Message::TrustGrant { id, tier: Tier::Known },
        Message::TrustDeny { id },
        Message::Error { id: Some(id), code: ErrorCode::TrustTierTooLow, message: message.clone() },
        Message::Error { id: None, code: ErrorCode::InvalidInput, message },
        Message::Unknown { kind: text("plan_revise"), id: Some(id) },
        Message::Unknown { kind: text("wave"), id: None },
        Message::Discover { id, name: None, known: Some(card().hash()) },
        Message::CapabilitiesUnchanged { id, name: "ada".parse().unwrap() },
    ]
    .into_iter()
    .chain(plans().map(|news| Message::Plan { id, goal: self::id(9), news }))
    .collect()
}

#[test]
fn the_format_is_unchanged() {
    let lines: Vec<_> = all().iter().map(|message| String::from_utf8(message.encode()).unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn decoded_messages_equal_the_encoded_ones() {
    for message in all() {
        assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
}

#[test]
fn input_that_is_not_json_cannot_add_fields() {
    let input = "1, \"skill\": \"other\"";
    let message = Message::TaskRequest {
        id: id(1),
        skill: "mine".into(),
        input: input.into(),
        timeout_ms: None,
        expires_ms: None,
        version: None,
        part_of: PartOf::default(),
    };
    let Ok(Message::TaskRequest { skill, input: sent, .. }) = Message::decode(&message.encode()) else {
        panic!("not a request");
    };
    assert_eq!(skill, "mine");
    assert_eq!(serde_json::from_str::<String>(&sent).unwrap(), input);
}

#[test]
fn unknown_fields_are_skipped_and_unknown_codes_count_as_internal() {
    let ping_plus = format!(r#"{{"type":"ping","id":"{ID}","mood":[1,{{}}]}}"#);
    assert_eq!(Message::decode(ping_plus.as_bytes()), Ok(ping(0xff)));
    let newer = format!(r#"{{"type":"task_error","id":"{ID}","code":"NEWER","message":"m"}}"#);
    let expected = Message::TaskError { id: id(0xff), code: ErrorCode::Internal, message: text("m") };
    assert_eq!(Message::decode(newer.as_bytes()), Ok(expected));
    let mut card_plus: Value = serde_json::from_slice(&all()[3].encode()).unwrap();
    card_plus["cards"][0]["price"] = json!(3);
    assert_eq!(Message::decode(card_plus.to_string().as_bytes()), Ok(all()[3].clone()));
}

#[test]
fn capabilities_without_cards_must_say_that_they_are_unchanged() {
    for said in [r#""name":"ada""#, r#""name":"ada","unchanged":false"#, r#""name":"ada","cards":null"#] {
        assert_bad_body("capabilities", said, MessageKind::Capabilities, |fault| {
            *fault == MessageFault::Cards
        });
    }
}

#[test]
fn more_than_one_hundred_percent_counts_as_one_hundred() {
    let progress = format!(r#"{{"type":"task_progress","id":"{ID}","percent":101}}"#);
    let expected = Message::TaskProgress { id: id(0xff), percent: 100, note: Text::default() };
    assert_eq!(Message::decode(progress.as_bytes()), Ok(expected));
}

#[test]
fn an_unknown_type_is_shown_as_plain_text() {
    let message = format!(r#"{{"type":"a\u001b[31mb","id":"{ID}"}}"#);
    let expected = Message::Unknown { kind: text("a\u{fffd}[31mb"), id: Some(id(0xff)) };
    assert_eq!(Message::decode(message.as_bytes()), Ok(expected));
}

/// Checks the fault of a malformed message, and the kind and id that are still read from it.
fn assert_bad(json: &str, kind: MessageKind, id: Option<RequestId>, fault: fn(&MessageFault) -> bool) {
    let bad = Message::decode(json.as_bytes()).unwrap_err();
    let shown: String = json.chars().take(100).collect();
    assert_eq!((bad.kind(), bad.id()), (kind, id), "{shown}");
    assert!(fault(bad.fault()), "{shown}: {:?}", bad.fault());
}

#[test]
fn unreadable_messages_have_unknown_kind() {
    use MessageKind::Unknown;
    let is_json = |fault: &MessageFault| matches!(fault, MessageFault::Json(_));
    let is_type = |fault: &MessageFault| *fault == MessageFault::Type;
    for nothing in ["{", "{\"type\":\"ping\"} x", "{\"id\":1,\"id\":2}"] {
        assert_bad(nothing, Unknown, None, is_json);
    }
    for no_type in ["", "null", "7", "\"ping\"", "{}", "{\"type\":7}", "{\"type\":null}", "[\"ping\"]"] {
        assert_bad(no_type, Unknown, None, is_type);
    }
    let long_type = format!(r#"{{"type":"{}","id":"{ID}"}}"#, "x".repeat(65));
    assert_bad(&long_type, Unknown, Some(id(0xff)), is_type);
    let deep = format!("{{\"type\":\"ping\",\"x\":{}", "[".repeat(100_000));
    assert_bad(&deep, Unknown, None, is_json);
    let long = " ".repeat(MAX_MESSAGE + 1);
    assert_bad(&long, Unknown, None, |fault| matches!(fault, MessageFault::TooLarge { .. }));
}

#[test]
fn ids_are_hyphenated_uuids() {
    for bad_id in ["7", "\"\"", "null", "\"000000000000000000000000000000ff\"", "\"not-a-uuid\""] {
        let json = format!(r#"{{"type":"ping","id":{bad_id}}}"#);
        assert_bad(&json, MessageKind::Ping, None, |fault| *fault == MessageFault::Id);
    }
    assert_bad(r#"{"type":"trust_deny"}"#, MessageKind::TrustDeny, None, |fault| *fault == MessageFault::Id);
    let urn = format!("urn:uuid:{ID}");
    assert!(urn.parse::<RequestId>().is_err() && format!("{{{ID}}}").parse::<RequestId>().is_err());
    assert_eq!(ID.to_uppercase().parse::<RequestId>().unwrap().to_string(), ID);
    assert_eq!(serde_json::to_value(id(0xff)).unwrap(), json!(ID));
}

fn assert_bad_body(kind: &str, body: &str, expected: MessageKind, fault: fn(&MessageFault) -> bool) {
    let json = format!(r#"{{"type":"{kind}","id":"{ID}",{body}}}"#);
    assert_bad(&json, expected, Some(id(0xff)), fault);
}

#[test]
fn malformed_fields_are_refused_and_the_id_is_kept() {
    use MessageKind::{
        Error, TaskError, TaskPartial, TaskProgress, TaskRequest, TaskResponse, TrustGrant, TrustRequest,
    };
    let is_json = |fault: &MessageFault| matches!(fault, MessageFault::Json(_));
    let long_text = format!(r#""code":"INTERNAL","message":"{}""#, "x".repeat(Text::MAX + 1));
    for (kind, expected, body) in [
        ("task_request", TaskRequest, r#""skill":"s""#),
        ("task_request", TaskRequest, r#""skill":7,"input":1"#),
        ("task_request", TaskRequest, r#""input":{}"#),
        ("task_request", TaskRequest, r#""skill":"s","input":1,"patience_ms":-1"#),
        ("task_request", TaskRequest, r#""skill":"s","input":1,"version":"one""#),
        ("task_request", TaskRequest, r#""skill":"s","input":1,"expires_ms":"now""#),
        ("discover", MessageKind::Discover, r#""known":"sha1:00""#),
        ("task_request", TaskRequest, r#""skill":"s","input":1,"input":2"#),
        ("task_response", TaskResponse, r#""result":1"#),
        ("task_error", TaskError, r#""code":"INTERNAL""#),
        ("task_error", TaskError, r#""code":"INTERNAL","message":"\u001b[2J""#),
        ("task_error", TaskError, &long_text),
        ("task_progress", TaskProgress, r#""percent":256"#),
        ("task_progress", TaskProgress, r#""percent":1,"status_text":"\u001b""#),
        ("task_partial", TaskPartial, r#""index":-1,"part":"x""#),
        ("task_partial", TaskPartial, r#""part":"x""#),
        ("trust_request", TrustRequest, r#""tier":"root","reason":"""#),
        ("trust_grant", TrustGrant, r#""tier":3"#),
        ("trust_redeem", MessageKind::TrustRedeem, r#""token":7"#),
        ("task_receipt", MessageKind::TaskReceipt, r#""receipt":{}"#),
        ("task_countersigned", MessageKind::TaskCountersigned, r#""signature":[]"#),
        ("error", Error, r#""message":"m""#),
    ] {
        assert_bad_body(kind, body, expected, is_json);
    }
    let long_skill = format!(r#""skill":"{}","input":1"#, "x".repeat(MAX_SKILL + 1));
    assert_bad_body("task_request", &long_skill, TaskRequest, |fault| *fault == MessageFault::Skill);
    let long_receipt = format!(r#""envelope":"{}""#, "x".repeat(MAX_RECEIPT));
    let deep = format!(r#""output":{}{}"#, "[".repeat(200), "]".repeat(200));
    assert_bad_body("task_response", &deep, TaskResponse, is_json);
    let is_receipt = |fault: &MessageFault| *fault == MessageFault::Receipt;
    assert_bad_body("task_receipt", &long_receipt, MessageKind::TaskReceipt, is_receipt);
    for signature in ["", "AA==", "!"] {
        let body = format!(r#""signature":"{signature}""#);
        assert_bad_body("task_countersigned", &body, MessageKind::TaskCountersigned, is_receipt);
    }
    let is_token = |fault: &MessageFault| *fault == MessageFault::Token;
    assert_bad_body("trust_redeem", r#""token":"x""#, MessageKind::TrustRedeem, is_token);
}

#[test]
fn cards_are_bounded_and_checked() {
    use MessageKind::Capabilities;
    let of_cards = |cards: &[Value]| {
        let body = format!(r#""name":"n","cards":{}"#, Value::from(cards.to_vec()));
        format!(r#"{{"type":"capabilities","id":"{ID}",{body}}}"#)
    };
    let good = serde_json::to_value(card()).unwrap();
    let with = |field: &str, value: Value| {
        let mut card = good.clone();
        card[field] = value;
        of_cards(&[good.clone(), card])
    };
    let is_second = |fault: &MessageFault| *fault == MessageFault::Card { index: 1 };
    let is_json = |fault: &MessageFault| matches!(fault, MessageFault::Json(_));
    let known = Some(id(0xff));
    assert_bad(&with("version", json!("1.0")), Capabilities, known, is_second);
    assert_bad(&with("version", json!(format!("1.0.0-{}", "x".repeat(64)))), Capabilities, known, is_second);
    assert_bad(&with("input_schema", json!("x".repeat(64 * 1024))), Capabilities, known, is_second);
    assert_bad(&with("name", json!("Not A Name")), Capabilities, known, is_json);
    assert_bad(&with("description", json!("\u{202e}")), Capabilities, known, is_json);
    let many = of_cards(&vec![good.clone(); MAX_CARDS + 1]);
    assert_bad(&many, Capabilities, known, |fault| *fault == MessageFault::Cards);
    assert!(Message::decode(of_cards(&vec![good.clone(); MAX_CARDS]).as_bytes()).is_ok());
}

#[test]
fn a_quoted_parser_error_is_short() {
    let json = format!(r#"{{"type":"trust_grant","id":"{ID}","tier":"{}\u001b"}}"#, "x".repeat(100_000));
    let bad = Message::decode(json.as_bytes()).unwrap_err();
    assert!(bad.fault().to_string().len() < 400);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in any::<Vec<u8>>()) {
        prop_assert!(Message::decode(&bytes).is_err());
    }

    #[test]
    fn arbitrary_fields_never_panic(
        kind in "[a-z_]{0,12}|ping|task_request|capabilities",
        field in "skill|input|cards|name|tier",
        value in any::<String>(),
    ) {
        let json = json!({"type": kind, "id": ID, field: value}).to_string();
        if let Ok(message) = Message::decode(json.as_bytes()) {
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn decoded_requests_equal_the_encoded_ones(
        number: u128,
        skill in ".{0,60}",
        input: String,
        timeout_ms: Option<u64>,
        expires_ms: Option<i64>,
    ) {
        let input = Value::from(input).to_string();
        let message =
            Message::TaskRequest { id: id(number), skill, input, timeout_ms, expires_ms, version: None, part_of: PartOf::default() };
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
}

#[test]
fn direct_cards_are_bounded_and_checked() {
    let right = Message::DirectCard { id: id(0xff), card: Box::new(direct_card(16)), ask: false };
    assert_eq!(direct_card(16).addresses.len(), MAX_ADDRESSES);
    assert_eq!(Message::decode(&right.encode()), Ok(right.clone()));
    let right: Value = serde_json::from_slice(&right.encode()).unwrap();
    let long = vec!["192.0.2.7:1"; MAX_ADDRESSES + 1];
    for (field, wrong) in [
        ("addresses", json!(long)),
        ("addresses", json!(["0.0.0.0:7"])),
        ("addresses", json!(["[ff02::1]:7"])),
        ("addresses", json!(["[::ffff:255.255.255.255]:7"])),
        ("addresses", json!(["192.0.2.7:0"])),
        ("relay", json!("x".repeat(513))),
        ("key", json!("AAAA")),
        ("knock", json!("not base64")),
    ] {
        let mut card = right.clone();
        card[field] = wrong;
        let is_card = |fault: &MessageFault| *fault == MessageFault::DirectCard;
        assert_bad(&card.to_string(), MessageKind::DirectCard, Some(id(0xff)), is_card);
    }
}

#[test]
fn messages_about_goals_are_bounded_and_checked() {
    use MessageKind::{Plan, PlanPropose};
    let goal = format!(r#""goal":"{ID}""#);
    let is_json = |fault: &MessageFault| matches!(fault, MessageFault::Json(_));
    let is_plan = |fault: &MessageFault| matches!(fault, MessageFault::Plan(_));
    for (kind, expected, body) in [
        ("plan_propose", PlanPropose, goal.clone()),
        ("plan_propose", PlanPropose, r#""goal":"x","offer":{}"#.to_owned()),
        ("plan_accept", Plan, r#""aim":1"#.to_owned()),
        ("plan_reject", Plan, format!(r#"{goal},"code":"INTERNAL","message":"\u001b""#)),
        ("plan_progress", Plan, format!(r#"{goal},"key_results":[{{"id":"Not one","done":1,"of":1}}]"#)),
        ("plan_progress", Plan, format!(r#"{goal},"key_results":[{{"id":"a","done":-1,"of":1}}]"#)),
        ("plan_complete", Plan, format!(r#"{goal},"outcome":"perfect""#)),
    ] {
        assert_bad_body(kind, &body, expected, is_json);
    }
    let offer = format!(r#"{goal},"offer":"{}""#, "x".repeat(MAX_OFFER));
    assert_bad_body("plan_propose", &offer, PlanPropose, is_plan);
    let counts = vec![r#"{"id":"a","done":0,"of":1}"#; MAX_KEY_RESULTS + 1].join(",");
    let progress = format!(r#"{goal},"key_results":[{counts}]"#);
    assert_bad_body("plan_progress", &progress, Plan, is_plan);
    let newer = format!(r#"{{"type":"plan_reject","id":"{ID}",{goal},"code":"NEWER","message":"m"}}"#);
    let news = PlanNews::Reject { code: ErrorCode::Internal, message: text("m") };
    assert_eq!(Message::decode(newer.as_bytes()), Ok(Message::Plan { id: id(0xff), goal: id(0xff), news }));
}
