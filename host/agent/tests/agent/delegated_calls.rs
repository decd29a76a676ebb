//! Skills that call other agents' skills on behalf of their own callers.

use coworker_agent::Agent;
use coworker_agent::ops::Run as _;
use coworker_api::ApiError;
use coworker_api::ops::{
    Call, Cancel, PolicyView, SkillGrant, SkillGranted, SkillPolicy, SkillRevoke, SkillRun, TrustList,
};
use coworker_channel::{Delegation, Message, PartOf};
use coworker_policy::{Capability, ErrorCode, PeerId, RequestId, Tier};
use coworker_store::AuditRow;
use serde_json::{Value, json};

use crate::guest::{PASS, plain, spins};
use crate::harness::{SECONDS, Town, call, connect, set_tier, until};
use crate::stranger::Stranger;

/// Ada calls bob's skills, and those call cleo's.
struct Trio {
    town: Town,
    ada: Agent,
    bob: Agent,
    cleo: Agent,
}

impl Trio {
    /// Bob trusts ada so far, and cleo trusts bob.
    async fn new(ada_at_bob: Tier, bob_at_cleo: Tier) -> Self {
        let town = Town::new();
        let (ada, bob, cleo) = (town.open("ada").await, town.open("bob").await, town.open("cleo").await);
        connect(&ada, &bob).await;
        connect(&bob, &cleo).await;
        set_tier(&bob, ada.peer_id(), ada_at_bob).await;
        set_tier(&cleo, bob.peer_id(), bob_at_cleo).await;
        town.install(&bob, PASS, Some(Tier::Known)).await;
        Self { town, ada, bob, cleo }
    }

    /// With cleo's skill `plain` for callers from `from` up.
    async fn with_plain(ada_at_bob: Tier, bob_at_cleo: Tier, from: Tier) -> Self {
        let trio = Self::new(ada_at_bob, bob_at_cleo).await;
        trio.town.install(&trio.cleo, &plain(), Some(from)).await;
        trio
    }

    /// The result of the one call that bob's skill makes.
    async fn passes(&self, ask: Value) -> Value {
        let answer = call(&self.ada, self.bob.peer_id(), "pass", &ephemeral([ask])).await;
        answer.unwrap().output[0].clone()
    }

    /// The rows of an event in an agent's audit log.
    fn rows(&self, name: &str, event: &str) -> Vec<AuditRow> {
        self.town.audit_rows(name).into_iter().filter(|row| row.event == event).collect()
    }
}

fn ephemeral(calls: impl IntoIterator<Item = Value>) -> String {
    json!({ "calls": calls.into_iter().collect::<Vec<_>>() }).to_string()
}

fn asking(peer: &(impl ToString + ?Sized), skill: &str, input: &Value) -> Value {
    json!({ "peer": peer.to_string(), "skill": skill, "input": input })
}

/// A call of cleo's echo.
fn hello() -> Value {
    asking("cleo", "plain", &json!("hello"))
}

async fn grant(agent: &Agent, rule: &str, from: Option<Tier>) -> Result<SkillGranted, ApiError> {
    let (name, to) = ("pass".to_owned(), vec![rule.to_owned()]);
    SkillGrant { name, capability: Capability::Peers, to, from }.run(agent).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_calls_another_agent_s_for_its_caller() {
    let trio = Trio::with_plain(Tier::Privileged, Tier::Internal, Tier::Known).await;
    grant(&trio.bob, "cleo/plain", None).await.unwrap();
    assert_eq!(trio.passes(hello()).await["output"], json!("hello"));
    let by_id = asking(&trio.cleo.peer_id(), "plain", &json!([1]));
    assert_eq!(trio.passes(by_id).await["output"], json!([1]));

    let sent = trio.rows("bob", "errand_sent");
    assert_eq!((sent.len(), sent[0].peer), (2, Some(trio.cleo.peer_id())));
    let (calls, served) = (trio.rows("bob", "call_permitted"), trio.rows("cleo", "call_permitted"));
    assert_eq!(sent[0].detail["for"].as_str(), calls[0].task.as_deref(), "the owner reads for which call");
    assert_eq!(sent[0].task, served[0].task);
    assert_eq!((&served[0].detail["tier"], served[0].peer), (&json!("internal"), Some(trio.bob.peer_id())));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_s_own_run_is_an_errand_too() {
    let trio = Trio::with_plain(Tier::Known, Tier::Privileged, Tier::Known).await;
    grant(&trio.bob, "cleo/*", None).await.unwrap();
    let run = SkillRun { name: "pass".into(), input: ephemeral([hello()]), tier: None };
    assert_eq!(run.run(&trio.bob).await.unwrap().output[0]["output"], json!("hello"));
    assert_eq!(trio.rows("cleo", "call_permitted")[0].detail["tier"], json!("privileged"));
    // As a peer of a lower tier would get it: nothing, where the grant is for a higher one.
    let run = SkillRun { name: "pass".into(), input: ephemeral([hello()]), tier: Some(Tier::Internal) };
    assert_eq!(run.run(&trio.bob).await.unwrap().output[0]["error"], json!("denied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_more_by_way_of_another_than_they_would_themselves() {
    let trio = Trio::with_plain(Tier::Known, Tier::Privileged, Tier::Internal).await;
    grant(&trio.bob, "cleo/*", Some(Tier::Known)).await.unwrap();
    let told = trio.passes(hello()).await;
    assert_eq!((&told["error"], &told["code"]), (&json!("refused"), &json!("UNKNOWN_SKILL")));
    let unknown = trio.passes(asking("cleo", "nothing", &json!(1))).await;
    assert_eq!(told, unknown, "what ada may not see is not there");
    assert_eq!(trio.rows("cleo", "call_permitted").len(), 0);
    // Bob himself may, and so may callers that he trusts enough.
    assert!(call(&trio.bob, trio.cleo.peer_id(), "plain", "1").await.is_ok());
    set_tier(&trio.bob, trio.ada.peer_id(), Tier::Internal).await;
    assert_eq!(trio.passes(hello()).await["output"], json!("hello"));
    let tiers: Vec<Value> =
        trio.rows("cleo", "call_permitted").into_iter().map(|row| row.detail["tier"].clone()).collect();
    assert_eq!(tiers, [json!("privileged"), json!("internal")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_low_standing_does_not_cost_another_theirs() {
    let trio = Trio::with_plain(Tier::Known, Tier::Privileged, Tier::Internal).await;
    grant(&trio.bob, "cleo/*", Some(Tier::Known)).await.unwrap();
    for n in 0..12 {
        let skill = if n % 2 == 0 { "plain" } else { "nothing" };
        assert_eq!(trio.passes(asking("cleo", skill, &json!(1))).await["code"], json!("UNKNOWN_SKILL"));
    }
    let of_bob = TrustList {}.run(&trio.cleo).await.unwrap().into_iter();
    let tier = of_bob.filter(|decision| decision.peer == trio.bob.peer_id()).map(|decision| decision.tier);
    assert_eq!(tier.collect::<Vec<_>>(), [Tier::Privileged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_for_the_peer_and_skill_that_it_names_and_the_log_has_the_line_for_others() {
    let trio = Trio::with_plain(Tier::Privileged, Tier::Privileged, Tier::Known).await;
    let cleo = trio.cleo.peer_id();
    let denied = trio.passes(hello()).await;
    assert_eq!(denied["error"], json!("denied"));
    let line = |row: &AuditRow| row.detail["grant"].as_str().unwrap().to_owned();
    let rows = trio.rows("bob", "access_denied");
    assert_eq!(line(&rows[0]), format!("coworker skill grant pass peers '{cleo}/plain'"));

    let granted = grant(&trio.bob, "cleo/plain", None).await.unwrap();
    let rule = format!("{cleo}/plain");
    assert_eq!(granted.policy.grants, [format!("peers {rule} from PRIVILEGED")], "the id, not the name");
    assert_eq!(trio.passes(hello()).await["output"], json!("hello"));
    for other in [asking("cleo", "other", &json!(1)), asking(&trio.ada.peer_id(), "plain", &json!(1))] {
        assert_eq!(trio.passes(other).await["error"], json!("denied"));
    }
    let lines: Vec<String> = trio.rows("bob", "access_denied").iter().map(line).collect();
    assert!(lines[1].ends_with(&format!("'{cleo}/other'")), "{lines:?}");

    let take = |to: &str| {
        let (name, to) = ("pass".to_owned(), Some(to.to_owned()));
        SkillRevoke { name, capability: Capability::Peers, to }
    };
    let PolicyView { grants, .. } = take("cleo/plain").run(&trio.bob).await.unwrap();
    assert_eq!(grants, [""; 0]);
    assert_eq!(trio.passes(hello()).await["error"], json!("denied"));
    let error = take("cleo/plain").run(&trio.bob).await.unwrap_err();
    assert!(error.message.contains(&rule), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_granted_by_a_name_that_is_one_peer_s() {
    let trio = Trio::new(Tier::Privileged, Tier::Privileged).await;
    for (rule, code) in [
        ("zoe/plain", ErrorCode::NotConnected),
        ("cleo", ErrorCode::Usage),
        ("cleo/", ErrorCode::Usage),
        ("cleo/Quote", ErrorCode::Usage),
        ("/plain", ErrorCode::Usage),
    ] {
        let error = grant(&trio.bob, rule, None).await.unwrap_err();
        assert_eq!(error.code, code, "{rule}: {error}");
    }
    let policy = SkillPolicy { name: "pass".into() }.run(&trio.bob).await.unwrap();
    assert_eq!(policy.grants, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_was_granted_and_never_met_is_nobody_to_reach() {
    let trio = Trio::new(Tier::Privileged, Tier::Privileged).await;
    let zoe = PeerId::from_bytes([26; 32]);
    for peer in [zoe, trio.bob.peer_id()] {
        grant(&trio.bob, &format!("{peer}/*"), None).await.unwrap();
        assert_eq!(trio.passes(asking(&peer, "plain", &json!(1))).await["error"], json!("unavailable"));
    }
    assert_eq!(trio.rows("bob", "errand_sent").len(), 0, "nothing left");
}

/// Bob's and cleo's skills `pass`, `pass_on` and `pass_far`, each allowed to call the other agent's.
async fn mutual() -> Trio {
    let trio = Trio::new(Tier::Privileged, Tier::Privileged).await;
    set_tier(&trio.bob, trio.cleo.peer_id(), Tier::Privileged).await;
    trio.town.install(&trio.cleo, PASS, Some(Tier::Known)).await;
    grant(&trio.bob, "cleo/*", None).await.unwrap();
    grant(&trio.cleo, &format!("{}/*", trio.bob.peer_id()), None).await.unwrap();
    trio
}

/// The way of one call: each skill calls the next.
fn chain(way: &[(PeerId, &str)], last: Value) -> Value {
    way.iter().rev().fold(last, |inner, (peer, skill)| asking(&peer, skill, &json!({ "calls": [inner] })))
}

/// The output of the last skill in a chain.
fn innermost(mut told: &Value) -> &Value {
    while let Some(inner) = told["output"].get(0) {
        told = inner;
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_passed_on_four_times_and_no_more() {
    let trio = mutual().await;
    let (bob, cleo) = (trio.bob.peer_id(), trio.cleo.peer_id());
    let way = [(cleo, "pass"), (bob, "pass_on"), (cleo, "pass_on"), (bob, "pass_far")];
    let told = trio.passes(chain(&way, asking(&cleo, "pass_far", &json!({ "calls": [] })))).await;
    let last = innermost(&told);
    assert_eq!((&last["error"], &last["code"]), (&json!("denied"), &Value::Null), "{told}");
    assert_eq!(last["why"], json!("the call was passed on too often already"));
    let depths: Vec<Value> = [trio.rows("bob", "errand_sent"), trio.rows("cleo", "errand_sent")]
        .concat()
        .into_iter()
        .map(|row| row.detail["depth"].clone())
        .collect();
    assert_eq!(depths, [json!(1), json!(3), json!(2), json!(4)]);
    // One step less has room for an end.
    let told = trio.passes(chain(&way[..3], asking(&bob, "pass_far", &json!({ "calls": [] })))).await;
    assert_eq!(innermost(&told)["output"], json!([]), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_never_waits_for_itself() {
    let trio = mutual().await;
    let (bob, cleo) = (trio.bob.peer_id(), trio.cleo.peer_id());
    let told = trio.passes(chain(&[(cleo, "pass")], asking(&bob, "pass", &json!({ "calls": [] })))).await;
    let last = innermost(&told);
    assert_eq!((&last["error"], &last["code"]), (&json!("refused"), &json!("LIMIT_EXCEEDED")), "{told}");
    assert_eq!(last["why"], json!("the call has come back to where it was"));
    // Two first calls at once are no circle.
    let two = async || {
        trio.passes(chain(&[(cleo, "pass")], asking(&bob, "pass_on", &json!({ "calls": [] })))).await
    };
    for told in <[Value; 2]>::from(tokio::join!(two(), two())) {
        assert_eq!(innermost(&told)["output"], json!([]), "{told}");
    }
}

/// The one call that cleo serves, once it runs.
async fn running(trio: &Trio) -> String {
    until("cleo works", async || trio.rows("cleo", "call_permitted").len() == 1).await;
    trio.rows("cleo", "call_permitted").remove(0).task.unwrap()
}

async fn spinning() -> (Trio, Call) {
    let trio = Trio::new(Tier::Privileged, Tier::Privileged).await;
    trio.town.install(&trio.cleo, &spins(), Some(Tier::Known)).await;
    grant(&trio.bob, "cleo/*", None).await.unwrap();
    let input = ephemeral([asking("cleo", "spins", &Value::Null)]);
    let (peer, skill) = (trio.bob.peer_id().to_string(), "pass".into());
    (trio, Call { peer, skill, input, version: None, timeout: SECONDS })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_is_taken_back_takes_its_errands_back() {
    let (trio, call) = spinning().await;
    let ada = trio.ada.clone();
    let calling = tokio::spawn(async move { call.run(&ada).await });
    let delegation = running(&trio).await;
    let id = trio.town.in_transaction("ada", |tx| tx.outbound_like("", 2)).remove(0).id;
    Cancel { id: id.to_string() }.run(&trio.ada).await.unwrap();
    assert_eq!(calling.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
    until("cleo stops", async || trio.town.count("cleo", "call_cancelled", &delegation) == 1).await;
    until("it ended", async || trio.town.count("cleo", "call_finished", &delegation) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_loses_trust_loses_its_running_delegated_calls() {
    let (trio, call) = spinning().await;
    let ada = trio.ada.clone();
    let calling = tokio::spawn(async move { call.run(&ada).await });
    let delegation = running(&trio).await;
    set_tier(&trio.bob, trio.ada.peer_id(), Tier::Untrusted).await;
    assert_eq!(calling.await.unwrap().unwrap_err().code, ErrorCode::UnknownSkill);
    until("cleo stops", async || trio.town.count("cleo", "call_cancelled", &delegation) == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_errand_waits_no_longer_than_the_call_that_it_is_for() {
    let (trio, call) = spinning().await;
    let call = Call { timeout: 2.0, ..call };
    let answer = call.run(&trio.ada).await;
    // The skill has time to say so, or the call is over.
    let told = answer.map(|called| called.output[0]["error"].clone());
    assert!(matches!(&told, Ok(error) if *error == json!("deadline")) || told.is_err(), "{told:?}");
    let delegation = trio.rows("cleo", "call_permitted").remove(0);
    assert!(delegation.detail["wall_ms"].as_u64().unwrap() < 2_000);
    let id = delegation.task.unwrap();
    until("cleo stops", async || trio.town.count("cleo", "call_finished", &id) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_learns_nothing_of_whom_a_skill_asks() {
    let trio = Trio::with_plain(Tier::Privileged, Tier::Internal, Tier::Privileged).await;
    let rely = async |peer: String, skill: &str| {
        let input = asking(&peer, skill, &json!("hello")).to_string();
        let (peer, skill) = (trio.bob.peer_id().to_string(), "rely".into());
        // As long as bob tries to reach cleo.
        let call = Call { peer, skill, input, version: None, timeout: 4.0 };
        let error = call.run(&trio.ada).await.unwrap_err();
        (error.code, error.message, error.hints)
    };
    let cleo = trio.cleo.peer_id().to_string();
    let denied = rely("cleo".into(), "plain").await;
    assert_eq!(denied, rely(cleo.clone(), "nothing").await);
    grant(&trio.bob, "cleo/*", None).await.unwrap();
    let refused = rely("cleo".into(), "plain").await;
    assert_eq!(refused, rely(cleo.clone(), "nothing").await, "hidden from bob, or not there");
    trio.cleo.close().await;
    let away = rely(cleo.clone(), "plain").await;
    assert_eq!(refused, away, "or out of reach");
    for (_, message, hint) in [denied, refused, away] {
        let said = format!("{message}{}", coworker_api::Hint::join(&hint, None));
        for private in ["cleo", &cleo[..10], "plain", "UNKNOWN", "127.0.0.1"] {
            assert!(!said.contains(private), "{said}");
        }
    }
}

/// The claims of a peer about a delegated call that it made up.
async fn made_up(eve: &mut Stranger, skill: &str, depth: u8, at_most: Tier) -> Message {
    let (id, delegation) = (RequestId::random(), Delegation { root: RequestId::random(), depth, at_most });
    let answer = eve
        .ask(&Message::TaskRequest {
            id,
            skill: skill.to_owned(),
            input: "1".to_owned(),
            timeout_ms: None,
            expires_ms: None,
            version: None,
            part_of: PartOf { goal: None, delegation: Some(delegation) },
        })
        .await;
    assert_eq!(answer.id(), Some(id));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_says_of_its_errand_only_takes_away() {
    let town = Town::new();
    let ada = town.open("ada").await;
    town.install(&ada, &plain(), Some(Tier::Internal)).await;
    let mut eve = Stranger::new(&town.hub, "eve");
    eve.meet(ada.peer_id()).await;
    set_tier(&ada, eve.id, Tier::Internal).await;
    let code = |message: Message| match message {
        Message::TaskError { code, .. } | Message::Error { code, .. } => Err(code),
        Message::TaskResponse { .. } => Ok(()),
        other => panic!("{other:?}"),
    };
    let mut made = async |skill: &str, depth, at_most| code(made_up(&mut eve, skill, depth, at_most).await);
    assert_eq!(made("plain", 1, Tier::Internal).await, Ok(()));
    assert_eq!(made("plain", 4, Tier::Privileged).await, Ok(()));
    assert_eq!(made("plain", 1, Tier::Known).await, Err(ErrorCode::UnknownSkill));
    assert_eq!(made("plain", 1, Tier::Untrusted).await, Err(ErrorCode::UnknownSkill));
    for skill in ["plain", "nothing"] {
        assert_eq!(made(skill, 5, Tier::Internal).await, Err(ErrorCode::LimitExceeded));
        assert_eq!(made(skill, 255, Tier::Untrusted).await, Err(ErrorCode::LimitExceeded));
    }
    let tiers: Vec<Value> = town
        .audit_rows("ada")
        .into_iter()
        .filter(|row| row.event == "call_permitted")
        .map(|row| row.detail["tier"].clone())
        .collect();
    assert_eq!(tiers, [json!("internal"), json!("internal")], "never above what ada thinks of eve");
}
