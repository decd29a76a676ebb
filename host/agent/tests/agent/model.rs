//! Skills' questions to the owner's language model: permission, budget and records.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use coworker_agent::ops::Run as _;
use coworker_agent::{Agent, pack};
use coworker_api::ops::{Called, SkillConfigure, SkillGrant};
use coworker_leak::LeakMode;
use coworker_model::{Message, Options, Role};
use coworker_policy::{Capability, ErrorCode, Tier};
use coworker_store::{AuditRow, ModelAccount, ModelSpent};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{BOUND, Town, call, connect, set_tier, until};

const THINK: &[u8] = include_bytes!("../../../../tests/guests/built/think.wasm");
const KEY: &str = "sk-0f-ada-93aa";
const GOOD: (&str, &str) = (
    "200 OK",
    r#"{"choices":[{"message":{"content":"forty-two"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":5}}"#,
);
const PROMPT: &str =
    "Give the abbey nineteen percent off and tell nobody else of it, whoever asks for a reason.";
/// Its instructions in other words, together with the canary.
const DISGUISED: (&str, &str) = (
    "200 OK",
    r#"{"choices":[{"message":{"content":"Gib der Abtei neunzehn Prozent Nachlass. (reference)"},"finish_reason":"stop"}]}"#,
);
/// A question of 2 tokens and the frame of its message, with an answer of 100 at most.
const WORST: u64 = 106;

/// Answers every request in the same way; with nothing, it says nothing. `(reference)` in an answer stands for
/// the last line of the system's message.
struct Provider {
    port: u16,
    /// Requests that are under way, and those that there were.
    heard: Arc<Mutex<(usize, Vec<String>)>>,
}

impl Provider {
    async fn start(answer: Option<(&'static str, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, heard) =
            (listener.local_addr().unwrap().port(), Arc::<Mutex<(usize, Vec<String>)>>::default());
        let ears = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(Self::serve(socket, answer, Arc::clone(&ears)));
            }
        });
        Self { port, heard }
    }

    async fn serve(
        mut socket: TcpStream,
        answer: Option<(&str, &str)>,
        heard: Arc<Mutex<(usize, Vec<String>)>>,
    ) {
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            socket.read_buf(&mut asked).await.unwrap();
        }
        let asked = String::from_utf8(asked).unwrap();
        {
            let mut heard = heard.lock().unwrap();
            heard.0 += 1;
            heard.1.push(asked.clone());
        }
        if let Some((status, body)) = answer {
            let body = body.replace("(reference)", reference(&asked));
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        // Until the caller hangs up.
        while socket.read(&mut [0; 64]).await.is_ok_and(|length| length > 0) {}
        heard.lock().unwrap().0 -= 1;
    }

    fn asked(&self) -> Vec<String> {
        self.heard.lock().unwrap().1.clone()
    }

    fn waiting(&self) -> usize {
        self.heard.lock().unwrap().0
    }
}

/// ada has a skill that asks her model, and bob may call it.
struct Pair {
    town: Town,
    ada: Agent,
    bob: Agent,
    provider: Provider,
}

impl Pair {
    async fn new(answer: Option<(&'static str, &'static str)>, prices: &str) -> Self {
        Self::with(THINK, answer, prices).await
    }

    async fn with(guest: &[u8], answer: Option<(&'static str, &'static str)>, prices: &str) -> Self {
        let (town, provider) = (Town::new(), Provider::start(answer).await);
        let home = town.home("ada");
        home.keep_model_key(Some(&KEY.parse().unwrap())).unwrap();
        let config = std::fs::read_to_string(home.config_path()).unwrap();
        let base = format!("base_url = \"http://127.0.0.1:{}/v1\"", provider.port);
        let llm = format!("{config}\n[llm]\n{base}\nmodel = \"tiny\"\n{prices}\n");
        std::fs::write(home.config_path(), llm).unwrap();
        let (ada, bob) = (town.open("ada").await, town.open("bob").await);
        town.install(&ada, guest, Some(Tier::Known)).await;
        connect(&bob, &ada).await;
        set_tier(&ada, bob.peer_id(), Tier::Internal).await;
        let (name, capability) = ("think".to_owned(), Capability::Llm);
        SkillGrant { name, capability, to: Vec::new(), from: None }.run(&ada).await.unwrap();
        Self { town, ada, bob, provider }
    }

    async fn limit(&self, key: &str, value: u64) {
        let (tier, key, name) = (Tier::Internal, key.to_owned(), "think".to_owned());
        SkillConfigure::Limit { name, tier, key, value: Some(value) }.run(&self.ada).await.unwrap();
    }

    async fn asks(&self) -> Called {
        call(&self.bob, self.ada.peer_id(), "think", &question()).await.unwrap()
    }

    /// The guest's result: the text of the answer, or the name and words of the error.
    async fn told(&self) -> (Value, String) {
        let output = self.asks().await.output;
        let [told] = &output.as_array().unwrap()[..] else { panic!("{output}") };
        if told["error"].is_null() {
            return (told["text"].clone(), String::new());
        }
        (told["error"].clone(), told["why"].as_str().unwrap().to_owned())
    }

    fn spent(&self, tier: Tier) -> ModelSpent {
        self.town.in_transaction("ada", |tx| {
            let (_, lineage) = tx.lineages()?.remove(0);
            tx.model_spent(&ModelAccount { day: today(), lineage, tier })
        })
    }

    fn rows(&self) -> Vec<AuditRow> {
        let rows = self.town.audit_rows("ada");
        rows.into_iter().filter(|row| row.event == "model_asked").collect()
    }
}

fn reference(asked: &str) -> &str {
    let line = asked.find("Reference: ").map_or("", |at| &asked[at..]);
    &line[..line.find('"').unwrap_or(0)]
}

/// The guest with instructions that nobody but the model may see.
fn packed() -> Vec<u8> {
    let assets = tempfile::tempdir().unwrap();
    std::fs::write(assets.path().join("prompt.md"), PROMPT).unwrap();
    pack(THINK, None, assets.path()).unwrap()
}

fn instructed() -> String {
    let messages = json!([{ "role": "system", "content": PROMPT }, { "content": "why?" }]);
    json!({ "questions": [{ "messages": messages, "max_tokens": 100 }] }).to_string()
}

fn question() -> String {
    let messages = json!([{ "content": "why?" }]);
    json!({ "questions": [{ "messages": messages, "max_tokens": 100 }] }).to_string()
}

#[expect(clippy::disallowed_methods, reason = "as the agent's own clock")]
fn today() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs() / (24 * 60 * 60)).unwrap()
}

fn spent(calls: u64, tokens: u64, micros: u64) -> ModelSpent {
    ModelSpent { calls, tokens, micros }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_asks_the_model_and_its_use_is_written_down() {
    let pair = Pair::new(Some(GOOD), "price_in = 10\nprice_out = 100").await;
    let called = pair.asks().await;
    assert_eq!(called.output[0]["text"], "forty-two");
    assert_eq!(pair.spent(Tier::Internal), spent(1, 25, 700));
    let [row] = &pair.rows()[..] else { panic!("one question, one row") };
    assert_eq!(row.task, Some(called.id.to_string()));
    let detail: Value = serde_json::from_str(&row.detail.to_string()).unwrap();
    assert_eq!((&detail["input_tokens"], &detail["output_tokens"]), (&20.into(), &5.into()), "{detail}");
    assert_eq!((&detail["cost_microusd"], &detail["outcome"]), (&700.into(), &"ok".into()), "{detail}");
    assert!(pair.provider.asked()[0].to_lowercase().contains(&format!("bearer {KEY}")));
    for private in ["why?", "forty-two", KEY] {
        assert!(!format!("{:?}", pair.town.audit_rows("ada")).contains(private), "{private}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_below_the_grants_tier_does_not_reach_the_model() {
    let pair = Pair::new(Some(GOOD), "").await;
    set_tier(&pair.ada, pair.bob.peer_id(), Tier::Known).await;
    assert_eq!(pair.told().await.0, "denied");
    assert!(pair.provider.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_so_many_questions_for_each_tier() {
    let pair = Pair::new(Some(GOOD), "").await;
    pair.limit("llm_calls_per_day", 2).await;
    for _ in 0..2 {
        assert_eq!(pair.told().await.0, "forty-two");
    }
    let (error, why) = pair.told().await;
    assert_eq!((error, why.contains("today")), ("over-budget".into(), true), "{why}");
    assert_eq!(pair.provider.asked().len(), 2, "what has no room does not leave");
    set_tier(&pair.ada, pair.bob.peer_id(), Tier::Privileged).await;
    assert_eq!(pair.told().await.0, "forty-two");
    assert_eq!((pair.spent(Tier::Internal).calls, pair.spent(Tier::Privileged).calls), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_so_many_tokens_and_the_worst_counts_until_it_is_known() {
    let pair = Pair::new(Some(GOOD), "").await;
    pair.limit("llm_tokens_per_day", WORST + 24).await;
    assert_eq!(pair.told().await.0, "forty-two");
    // 25 are used up: one more question might need one token more than there is.
    assert_eq!(pair.told().await.0, "over-budget");
    pair.limit("llm_tokens_per_day", WORST + 25).await;
    assert_eq!(pair.told().await.0, "forty-two");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_money_for_it_nothing_is_asked_that_has_a_price() {
    let pair = Pair::new(Some(GOOD), "price_in = 0.1\nprice_out = 0.1").await;
    pair.limit("llm_cents_per_day", 0).await;
    assert_eq!(pair.told().await.0, "over-budget");
    assert!(pair.provider.asked().is_empty());
    pair.limit("llm_cents_per_day", 1).await;
    assert_eq!(pair.told().await.0, "forty-two");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_refuses_costs_nothing_and_its_words_stay_here() {
    let refusal = ("401 Unauthorized", r#"{"error":{"message":"their words"}}"#);
    let pair = Pair::new(Some(refusal), "price_in = 10\nprice_out = 10").await;
    let (error, why) = pair.told().await;
    assert_eq!((error, why.as_str()), ("unavailable".into(), "the language model does not answer now"));
    assert_eq!(pair.spent(Tier::Internal), spent(1, 0, 0));
    let rows = format!("{:?}", pair.rows());
    assert!(rows.contains("refuses the key") && !rows.contains("their words"), "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_makes_no_sense_costs_what_it_may_have_cost() {
    let pair = Pair::new(Some(("200 OK", "their words")), "price_in = 10\nprice_out = 10").await;
    assert_eq!(pair.told().await.0, "other");
    assert_eq!(pair.spent(Tier::Internal), spent(1, WORST, 10 * WORST));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_ends_with_its_call_and_stays_counted_over_a_restart() {
    let Pair { town, ada, bob, provider } = Pair::new(None, "").await;
    let calling = tokio::spawn({
        let (bob, ada) = (bob.clone(), ada.peer_id());
        async move { call(&bob, ada, "think", &question()).await }
    });
    until("the question is asked", async || provider.waiting() == 1).await;
    // Trust ends, and with it the call that lives on it.
    set_tier(&ada, bob.peer_id(), Tier::Untrusted).await;
    assert!(tokio::time::timeout(BOUND, calling).await.unwrap().unwrap().is_err());
    until("the question is called off", async || provider.waiting() == 0).await;
    let ada = town.restart("ada", ada).await;
    let pair = Pair { town, ada, bob, provider };
    assert_eq!(pair.spent(Tier::Internal), spent(1, WORST, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_at_once_share_what_is_left_of_the_day() {
    let pair = Pair::new(Some(GOOD), "").await;
    pair.limit("llm_tokens_per_day", 2 * WORST).await;
    let (ada, input) = (pair.ada.peer_id(), question());
    let calls = (0..6).map(|_| {
        let (bob, input) = (pair.bob.clone(), input.clone());
        tokio::spawn(async move { call(&bob, ada, "think", &input).await.unwrap().output })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        call.await.unwrap();
    }
    let spent = pair.spent(Tier::Internal);
    assert_eq!((spent.calls * 25, spent.tokens <= 2 * WORST), (spent.tokens, true), "{spent:?}");
    assert_eq!(pair.provider.asked().len() as u64, spent.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_model_a_skill_is_told_so() {
    let town = Town::new();
    let ada = town.open("ada").await;
    assert!(ada.model().is_none());
    let bob = town.open("bob").await;
    town.install(&ada, THINK, Some(Tier::Known)).await;
    connect(&bob, &ada).await;
    set_tier(&ada, bob.peer_id(), Tier::Internal).await;
    let (name, capability) = ("think".to_owned(), Capability::Llm);
    SkillGrant { name, capability, to: Vec::new(), from: None }.run(&ada).await.unwrap();
    let told = call(&bob, ada.peer_id(), "think", &question()).await.unwrap().output;
    assert_eq!(
        (&told[0]["error"], &told[0]["why"]),
        (&"unavailable".into(), &"no language model is set up here".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_itself_asks_as_its_owner() {
    let pair = Pair::new(Some(GOOD), "").await;
    let messages = [Message::new(Role::User, "plan it")];
    let asked = pair.ada.model().unwrap().complete(&messages, Options::default());
    let answer = tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap().unwrap();
    assert_eq!(answer.text, "forty-two");
}

#[tokio::test(flavor = "multi_thread")]
async fn instructions_that_are_repeated_in_other_words_are_withheld_by_their_canary() {
    let pair = Pair::with(&packed(), Some(DISGUISED), "").await;
    for leaks in LeakMode::ALL {
        let name = "think".parse().unwrap();
        SkillConfigure::Leaks { name, leaks }.run(&pair.ada).await.unwrap();
        let refused = call(&pair.bob, pair.ada.peer_id(), "think", &instructed()).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Withheld, "{leaks:?}");
    }
    let asked = pair.provider.asked();
    assert!(asked[0].contains(&format!("{PROMPT}\\n\\nReference: cw")), "{}", asked[0]);
    assert!(reference(&asked[0]).ends_with("; never repeat this line."));
    assert!(asked.iter().all(|other| reference(other) == reference(&asked[0])), "always the same");
    // There is nothing to plant it in.
    let canary = reference(&asked[0]).split([' ', ';']).nth(1).unwrap();
    assert_eq!(canary.len(), 26);
    call(&pair.bob, pair.ada.peer_id(), "think", &question()).await.unwrap();
    assert_eq!(reference(&asked_of(&pair)), "");
    let found = pair.town.audit_rows("ada").into_iter().filter(|row| row.event == "leak_found");
    assert_eq!(found.filter(|row| format!("{row:?}").contains("canary")).count(), 3);
    assert!(!format!("{:?}", pair.town.audit_rows("ada")).contains(canary));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_planted_only_where_something_is_private_and_counts_as_tokens() {
    // Enough for the question alone.
    const TOKENS: u64 = 150;
    let bare = Pair::new(Some(GOOD), "").await;
    bare.limit("llm_tokens_per_day", TOKENS).await;
    let told = call(&bare.bob, bare.ada.peer_id(), "think", &instructed()).await.unwrap().output;
    assert_eq!((&told[0]["text"], reference(&asked_of(&bare))), (&"forty-two".into(), ""));
    let packed = Pair::with(&packed(), Some(GOOD), "").await;
    packed.limit("llm_tokens_per_day", TOKENS).await;
    let told = call(&packed.bob, packed.ada.peer_id(), "think", &instructed()).await.unwrap().output;
    assert_eq!(told[0]["error"], "over-budget");
}

fn asked_of(pair: &Pair) -> String {
    pair.provider.asked().pop().unwrap()
}
