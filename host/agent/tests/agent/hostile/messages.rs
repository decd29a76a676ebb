//! Correctly sealed messages with malformed content.

use super::siege::Siege;

/// The case, the message with its id at `ID`, and the expected end.
type Row = (&'static str, fn() -> Vec<u8>, &'static str);

const ID: &str = "01234567-89ab-4cde-8f01-23456789abcd";
const NOTHING: &str = "nothing";
const INVALID: &str = "error INVALID_INPUT";
const TIER: &str = "error TRUST_TIER_TOO_LOW";
const UNKNOWN: &str = "task_error UNKNOWN_SKILL";

/// A message of `kind` with an id and so many more members.
fn of(kind: &str, members: &str) -> Vec<u8> {
    format!(r#"{{"type":"{kind}","id":"{ID}",{members}"end":0}}"#).into_bytes()
}

fn task(skill: &str, input: &str) -> Vec<u8> {
    // Each its own id: the same one would be the same call.
    let id = coworker_policy::RequestId::random();
    format!(r#"{{"type":"task_request","id":"{id}","skill":{skill},"input":{input}}}"#).into_bytes()
}

fn goal() -> String {
    format!(r#""goal":"{ID}","#)
}

fn text(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

const BYTES: &[Row] = &[
    ("no bytes", Vec::new, NOTHING),
    ("no JSON", || text(b"\xff\x00 no JSON at all"), NOTHING),
    ("a list", || text(br#"["ping","01234567-89ab-4cde-8f01-23456789abcd"]"#), NOTHING),
    ("a message that was cut", || text(&of("ping", "")[..30]), NOTHING),
    ("a message that goes on", || [of("ping", ""), text(b"{}")].concat(), NOTHING),
    ("a message behind a byte order mark", || [text(b"\xef\xbb\xbf"), of("ping", "")].concat(), NOTHING),
    (
        "a message in UTF-16",
        || String::from_utf8(of("ping", "")).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        NOTHING,
    ),
    (
        "bytes that are no UTF-8, in a field to be skipped",
        || {
            [
                text(br#"{"type":"ping","id":"01234567-89ab-4cde-8f01-23456789abcd","x":""#),
                text(b"\xc0\xaf"),
                text(br#""}"#),
            ]
            .concat()
        },
        NOTHING,
    ),
    ("a NUL between the members", || [of("ping", ""), text(b"\0")].concat(), NOTHING),
    ("a megabyte of nesting", || vec![b'['; 1 << 20], NOTHING),
    (
        "objects that nest a hundred thousand deep",
        || of("ping", &format!("\"x\":{}1{},", "{\"a\":".repeat(100_000), "}".repeat(100_000))),
        "Pong",
    ),
    ("a million members", || of("warp", &"\"a\":1,".repeat(500_000)), TIER),
    ("a type that comes twice", || of("ping", r#""type":"pong","#), NOTHING),
    ("an id that comes twice", || of("ping", r#""id":"00000000-0000-4000-8000-000000000000","#), NOTHING),
    ("a type that is a number", || text(br#"{"type":7}"#), NOTHING),
    ("a type of 65 bytes", || of(&"w".repeat(65), ""), NOTHING),
    ("a type of a megabyte", || of(&"w".repeat(1 << 20), ""), NOTHING),
    ("a type with half a character", || of(r"\ud800", ""), NOTHING),
    ("a type that reads backwards", || of("\u{202e}gnip", ""), TIER),
    ("a type that nobody knows", || of("warp", r#""factor":9,"#), TIER),
    ("a later version of a type that is known", || of("task_request/2", ""), TIER),
    ("no type", || format!(r#"{{"id":"{ID}"}}"#).into_bytes(), NOTHING),
    ("no id", || text(br#"{"type":"ping"}"#), INVALID),
    ("an id that is none", || text(br#"{"type":"ping","id":"../../etc/passwd"}"#), INVALID),
    ("an id that is a number", || text(br#"{"type":"ping","id":1}"#), INVALID),
    (
        "an id of a megabyte",
        || format!(r#"{{"type":"ping","id":"{}"}}"#, "a".repeat(1 << 20)).into_bytes(),
        INVALID,
    ),
    ("fields of a later version", || of("discover", r#""version":9,"hops":[1],"#), "2 cards"),
];

const TASKS: &[Row] = &[
    ("a task without a skill", || of("task_request", r#""input":1,"#), INVALID),
    ("a task without an input", || of("task_request", r#""skill":"plain","#), INVALID),
    ("a skill that is a list", || task("[1]", "1"), INVALID),
    ("a skill of 257 bytes", || task(&format!("\"{}\"", "x".repeat(257)), "1"), INVALID),
    (
        "a skill that comes twice",
        || of("task_request", r#""skill":"plain","skill":"tells","input":1,"#),
        INVALID,
    ),
    ("a skill with a NUL", || task(r#""plain\u0000""#, "1"), UNKNOWN),
    ("a skill with half a character", || task(r#""plain\ud800""#, "1"), INVALID),
    ("a skill that climbs", || task(r#""../../plain""#, "1"), UNKNOWN),
    ("a skill in other letters", || task(r#""PLAIN""#, "1"), UNKNOWN),
    ("a skill that reads backwards", || task("\"\u{202e}nialp\"", "1"), UNKNOWN),
    ("a skill of a higher tier", || task(r#""tells""#, "1"), UNKNOWN),
    (
        "an input that nests too deep",
        || task(r#""plain""#, &format!("{}{}", "[".repeat(200), "]".repeat(200))),
        "task_error INVALID_INPUT",
    ),
    (
        "an input above the cap",
        || task(r#""plain""#, &format!("\"{}\"", "x".repeat(40_000))),
        "task_error LIMIT_EXCEEDED",
    ),
    ("a number beyond all numbers", || task(r#""plain""#, "1e999999"), "task_error INVALID_INPUT"),
    (
        "a number of ten thousand digits",
        || task(r#""plain""#, &"9".repeat(10_000)),
        "task_error INVALID_INPUT",
    ),
    ("an input with half a character", || task(r#""plain""#, r#""\ud800""#), "task_error INVALID_INPUT"),
    ("an input with a member twice", || task(r#""plain""#, r#"{"a":1,"a":2}"#), "answer {\"a\":2}"),
    ("a negative patience", || of("task_request", r#""skill":"plain","input":1,"patience_ms":-1,"#), INVALID),
    (
        "a patience beyond all numbers",
        || of("task_request", r#""skill":"plain","input":1,"patience_ms":1e300,"#),
        INVALID,
    ),
    (
        "a caller in a field",
        || of("task_request", r#""skill":"tells","input":1,"from":"bob","caller":"owner","peer":"bob","#),
        UNKNOWN,
    ),
];

const CLAIMS: &[Row] = &[
    (
        "a tier in a field",
        || of("task_request", r#""skill":"tells","input":2,"tier":"privileged","#),
        UNKNOWN,
    ),
    ("a tier that is none", || of("trust_request", r#""tier":"owner","reason":"please","#), INVALID),
    (
        "a reason of 4,097 bytes",
        || of("trust_request", &format!(r#""tier":"known","reason":"{}","#, "x".repeat(4097))),
        INVALID,
    ),
    (
        "a reason that reads backwards",
        || of("trust_request", "\"tier\":\"known\",\"reason\":\"\u{202e}esaelp\","),
        INVALID,
    ),
    ("a name that reads backwards", || of("discover", "\"name\":\"\u{202e}ada\","), INVALID),
    ("a name of 65 bytes", || of("discover", &format!(r#""name":"{}","#, "x".repeat(65))), INVALID),
    ("an invite that is none", || of("trust_redeem", r#""token":"let me in","#), INVALID),
    ("an answer to nothing", || of("task_response", r#""output":{"ok":true},"#), NOTHING),
    ("an answer that is none", || text(br#"{"type":"task_response","id":"x","output":1}"#), NOTHING),
    ("cards that nobody asked for", || of("capabilities", r#""name":"ada","cards":[],"#), NOTHING),
    ("trust that nobody asked for", || of("trust_grant", r#""tier":"privileged","#), NOTHING),
    ("a no that nobody asked for", || of("trust_deny", ""), NOTHING),
    ("a pong to nothing", || of("pong", ""), NOTHING),
    ("progress of nothing", || of("task_progress", r#""percent":300,"#), NOTHING),
    ("a part of nothing", || of("task_partial", r#""index":-1,"part":"x","#), NOTHING),
    ("an error about nothing", || text(br#"{"type":"error","code":"INTERNAL","message":"x"}"#), NOTHING),
    (
        "a receipt for nothing",
        || of("task_receipt", r#""envelope":{"payload":"","payloadType":"","signatures":[]},"#),
        NOTHING,
    ),
    ("a signature under nothing", || of("task_countersigned", r#""signature":"AAAA","#), NOTHING),
    ("an end of nothing", || of("task_cancel", ""), NOTHING),
    ("a yes to no goal", || of("plan_accept", &goal()), NOTHING),
    ("a no to no goal", || of("plan_reject", &(goal() + r#""code":"X","message":"no","#)), NOTHING),
    ("progress of no goal", || of("plan_progress", &(goal() + r#""key_results":7,"#)), NOTHING),
    ("the end of no goal", || of("plan_complete", &(goal() + r#""outcome":"done","#)), NOTHING),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    BYTES.iter().chain(TASKS).chain(CLAIMS)
}

pub(super) fn names() -> Vec<&'static str> {
    rows().map(|(name, ..)| *name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_that_are_not_as_they_should_be() {
    let mut siege = Siege::lay().await;
    let mut wrong = Vec::new();
    for (name, attack, ending) in rows() {
        siege.eve.send_bytes(attack());
        let told = siege.ending(ending).await;
        if told != *ending {
            wrong.push((name, told));
        }
        siege.honest_is_served().await;
    }
    assert_eq!(wrong, []);
    siege.lift().await;
}
