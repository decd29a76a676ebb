use coworker_channel::{
    GroupNews, LogEntry, Logged, MAX_COMMIT, MAX_GROUP_BATCH, MAX_MESSAGE, MAX_SEALED, MAX_WELCOME, Message,
    MessageFault,
};
use coworker_policy::{GroupId, MessageKind, PeerId, Text};
use data_encoding::BASE64;
use proptest::prelude::{any, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::crowd::Agent;
use crate::party::id;

const ID: &str = "00000000-0000-0000-0000-0000000000ff";

/// A fixed entry. The commit is a placeholder, because openmls generates random ones.
fn logged() -> Logged {
    let bytes = BASE64.decode(include_str!("log_entry.txt").trim().as_bytes()).unwrap();
    Logged { entry: LogEntry::decode(&bytes).unwrap(), commit: b"commit".to_vec() }
}

fn group() -> GroupId {
    logged().entry.group()
}

fn all() -> Vec<Message> {
    let alice = Agent::new(1);
    let named = alice.create();
    let mut position = alice.group(named).position();
    (position.group, position.authenticator) = (group(), [7; 32]);
    let Logged { entry, commit } = logged();
    let news = vec![
        GroupNews::Invite {
            name: "night shift".parse().unwrap(),
            members: vec![PeerId::from_bytes([1; 32])],
        },
        GroupNews::Join { key_package: b"key package".to_vec() },
        GroupNews::Welcome { entry: entry.clone(), welcome: b"welcome".to_vec() },
        GroupNews::Commit(Logged { entry, commit }),
        GroupNews::Update { commit: b"commit".to_vec() },
        GroupNews::Sealed { sealed: b"sealed".to_vec() },
        GroupNews::Unread,
        GroupNews::Position(position),
        GroupNews::History { from: 3 },
        GroupNews::Leave,
    ];
    let text = Message::GroupMessage { id: id(0xff), text: Text::new("hello, all").unwrap() };
    let about = |news| Message::Group { id: id(0xff), group: group(), news: Box::new(news) };
    news.into_iter().map(about).chain([text]).collect()
}

#[test]
fn the_format_is_unchanged() {
    let lines: Vec<_> = all().iter().map(|message| String::from_utf8(message.encode()).unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn decoded_messages_equal_the_encoded_ones() {
    for message in all() {
        assert_eq!(Message::decode(&message.encode()), Ok(message.clone()));
        assert_eq!(message.id(), Some(id(0xff)));
        let invite =
            matches!(&message, Message::Group { news, .. } if matches!(**news, GroupNews::Invite { .. }));
        let kind = if invite { MessageKind::GroupInvite } else { MessageKind::Group };
        assert_eq!(message.kind(), kind);
    }
}

#[test]
fn the_largest_contents_fit_a_message() {
    let largest = [
        GroupNews::Sealed { sealed: vec![0; MAX_SEALED] },
        GroupNews::Update { commit: vec![0; MAX_COMMIT] },
        GroupNews::Welcome { entry: logged().entry, welcome: vec![0; MAX_WELCOME] },
    ];
    for news in largest {
        let message = Message::Group { id: id(1), group: group(), news: Box::new(news) };
        let bytes = message.encode();
        assert!(bytes.len() <= MAX_MESSAGE);
        assert_eq!(Message::decode(&bytes), Ok(message));
    }
    let alice = Agent::new(1);
    let named = alice.create();
    // The largest batch, once sealed, is within the limit of a sealed message.
    let batch = [vec![b' '; MAX_GROUP_BATCH - 5]];
    let sealed = alice.with(named, |group, backend| group.seal(backend, u64::MAX, None, &batch)).unwrap();
    assert!(sealed.len() <= MAX_SEALED, "{}", sealed.len());
}

fn refused(message: &Value) -> MessageFault {
    let bad = Message::decode(message.to_string().as_bytes()).unwrap_err();
    bad.fault().clone()
}

#[test]
fn every_field_is_required_and_bounded() {
    for message in all() {
        let good: Value = serde_json::from_slice(&message.encode()).unwrap();
        for field in good.as_object().unwrap().keys().filter(|field| *field != "type") {
            let mut lacking = good.clone();
            lacking.as_object_mut().unwrap().remove(field);
            refused(&lacking);
            for wrong in [json!(null), json!(7.5), json!("\u{1b}"), json!(["x"])] {
                let mut bad = good.clone();
                bad[field] = wrong;
                refused(&bad);
            }
        }
    }
    let with = |kind: &str, field: &str, size: usize| {
        let value = BASE64.encode(&vec![0; size]);
        refused(&json!({"type": kind, "id": ID, "group": group(), field: value}))
    };
    let is_json = |fault: &MessageFault| matches!(fault, MessageFault::Json(_));
    assert!(is_json(&with("group_sealed", "sealed", MAX_SEALED + 1)));
    assert!(is_json(&with("group_update", "commit", MAX_COMMIT + 1)));
    assert!(is_json(&with("group_join", "key_package", 16 * 1024 + 1)));
}

#[test]
fn an_entry_of_another_group_is_refused() {
    let news = GroupNews::Commit(logged());
    let message = Message::Group { id: id(1), group: GroupId::from_bytes([9; 32]), news: Box::new(news) };
    let fault = Message::decode(&message.encode()).unwrap_err().fault().clone();
    assert_eq!(fault, MessageFault::Group("its log entry belongs to another group"));
}

proptest! {
    #[test]
    fn arbitrary_fields_never_panic(
        kind in "group_(invite|join|welcome|commit|update|sealed|unread|position|history|leave|message)",
        field in "name|members|key_package|entry|welcome|commit|sealed|epoch|head|from|text|group",
        value in any::<String>(),
        bytes in any::<Vec<u8>>(),
    ) {
        for value in [value, BASE64.encode(&bytes)] {
            let json = json!({"type": kind, "id": ID, "group": group(), field.as_str(): value}).to_string();
            if let Ok(message) = Message::decode(json.as_bytes()) {
                prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
            }
        }
    }
}
