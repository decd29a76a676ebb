//! Guests that try to reach this machine, its network or a cloud's metadata, or to leak a secret.

use std::sync::Arc;
use std::time::Duration;

use coworker_policy::{Capability, Limits, Tier};
use coworker_sandbox::{HostContext, Network, Outcome, Secrets};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::attack::{Attack, call, counted};
use super::hostile;
use crate::harness::{component_of, module};
use crate::web::{Names, Web};
use crate::web_call::{WebCall, answers};

/// Allows every name, but only at public addresses.
const PUBLIC: &str = "* http://*.test:PORT/*";
/// Allows the server, which is on loopback.
const OPEN: &str = "* http://web.test:PORT/* private";

hostile! {
    fn requests_to_loopback = to(&[PUBLIC, OPEN], &["127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "0", "127.1"])
        .await => "HttpRequestDenied ×6, 4 denied";
    fn requests_to_the_owners_network = to(&[PUBLIC, OPEN], &["10.0.0.1", "172.16.0.1", "192.168.1.1", "[fd00::1]",
        "[fe80::1]"]).await => "HttpRequestDenied ×5, 5 denied";
    fn requests_to_a_clouds_metadata = to(&[PUBLIC, OPEN], &["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"])
        .await => "HttpRequestDenied ×3, 3 denied";
    fn other_spellings_of_inside_addresses = to(&[PUBLIC, OPEN], &["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"]).await => "HttpRequestDenied ×7, 3 denied";
    fn names_that_lead_inside = named(PUBLIC, &["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "0.0.0.0", "::1", "fe80::1", "fd00::1", "93.184.215.14 127.0.0.1"]).await
        => "DestinationIpProhibited ×10, 10 denied";
    fn names_that_lead_inside_in_other_spellings = named(PUBLIC, &["::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "2002:7f00:1::"]).await => "DestinationIpProhibited ×4, 4 denied";
    fn names_that_lead_to_metadata = named("GET http://*.test:PORT/* private", &["169.254.169.254", "fe80::1",
        "fd00:ec2::254", "::ffff:169.254.169.254", "224.0.0.1"]).await => "DestinationIpProhibited ×5, 5 denied";
    fn a_name_that_changes_where_it_leads = rebinding()
        => "200, DestinationIpProhibited ×3, 1 denied";
    fn redirects_to_inside = redirected(&["http://127.0.0.1:PORT/ok", "http://2130706433:PORT/ok",
        "http://[::ffff:7f00:1]:PORT/ok", "http://169.254.169.254/latest"]).await => "HttpRequestDenied ×4, 3 denied";
    fn authorities_that_mislead = to(&[OPEN], &["web.test:PORT@127.0.0.1", "user@web.test", "web.test.evil.example",
        "evil.test", "web.test:1"]).await => "HttpRequestUriInvalid ×2, HttpRequestDenied ×2, the host does not take the request, 2 denied";
    fn paths_that_climb_out_of_a_rule = asking(&["GET http://web.test:PORT/v1/* private"], ["/ok", "/v1/../ok",
        "/v1/%2e%2e/ok", "/v1//ok"].map(get)).await => "HttpRequestDenied ×4, 4 denied";
    fn tunnels_and_echoes = asking(&[OPEN], ["CONNECT", "TRACE"].map(|method| with("method", json!(method))))
        .await => "HttpRequestDenied ×2, 2 denied";
    fn headers_of_the_connection = asking(&[OPEN], ["Host", "Connection", "Transfer-Encoding", "Proxy-Authorization"]
        .map(|name| with("headers", json!([[name, "x"]])))).await => "HeaderError::Forbidden ×4, 0 denied";
    fn a_flood_of_requests = asking(&[OPEN], vec![get("/v1/none"); 70]).await
        .reached(64 * 2) => "404 ×64, HttpRequestDenied ×6, 0 denied";
    fn an_answer_without_end = asking(&[OPEN], [get("/endless"), get("/endless")]).await.reached(2)
        => "the body broke off, HttpRequestDenied, 0 denied";
    fn a_wait_for_a_server_that_is_silent = silent().await.reached(2)
        => "DEADLINE: the skill was still running when its time was up";
    fn a_secret_sent_elsewhere = exfiltrating().await => "null; denied secrets TOKEN http://elsewhere.test:…";
}

/// Requests, and the number of them that may reach the server in both attacks together.
struct Ask {
    web_call: Arc<WebCall>,
    requests: Value,
    reached: usize,
}

impl Ask {
    fn reached(self, reached: usize) -> Self {
        Self { reached, ..self }
    }
}

impl From<Ask> for Attack {
    fn from(Ask { web_call, requests, reached }: Ask) -> Self {
        let (sandbox, after) = (web_call.lab.sandbox.clone(), Arc::clone(&web_call));
        let strike = move |_| {
            let (web_call, ask) = (Arc::clone(&web_call), json!({ "requests": requests }));
            Box::pin(async move { told(&web_call.run(ask).await) }) as _
        };
        let attack = Self { sandbox, strike: Box::new(strike), after: Box::new(|| ()) };
        attack.then(move || assert_eq!(after.web.requests(), reached))
    }
}

fn told(outcome: &Outcome) -> String {
    let Err(stopped) = &outcome.result else {
        let told = |answer: crate::web_call::Answer| match (answer.error, answer.status) {
            (Some(error), _) => error,
            (None, status) => status.map(|status| status.to_string()).unwrap_or_default(),
        };
        let parts: Vec<_> = answers(outcome).into_iter().map(told).collect();
        return format!("{}, {} denied", counted(&parts), outcome.denied.len());
    };
    format!("{}: {stopped}", stopped.code())
}

fn get(path: &str) -> Value {
    json!({ "authority": "web.test:PORT", "path": path })
}

fn with(key: &str, value: Value) -> Value {
    let mut request = get("/echo");
    request[key] = value;
    request
}

async fn asking(rules: &[&str], requests: impl Into<Vec<Value>>) -> Ask {
    let mut web_call = WebCall::new(rules).await;
    web_call.limits = Limits { egress_bytes: 256 * 1024, http_requests: 64, ..Limits::of(Tier::Internal) };
    Ask { web_call: Arc::new(web_call), requests: Value::Array(requests.into()), reached: 0 }
}

async fn to(rules: &[&str], hosts: &[&str]) -> Ask {
    let request = |host: &&str| json!({ "authority": format!("{host}:PORT"), "path": "/ok" });
    asking(rules, hosts.iter().map(request).collect::<Vec<_>>()).await
}

/// Gives each list of addresses a name and sends a request to each name.
async fn named(rule: &str, lists: &[&str]) -> Ask {
    let names: Vec<_> = (0..lists.len()).map(|n| format!("n{n}.test")).collect();
    let leads: Vec<_> =
        names.iter().zip(lists).map(|(name, list)| (name.as_str(), std::slice::from_ref(list))).collect();
    let request = |name| json!({ "authority": format!("{name}:PORT"), "path": "/ok" });
    let web_call = WebCall::with_names(&[rule], &leads).await;
    Ask { web_call: Arc::new(web_call), requests: names.iter().map(request).collect(), reached: 0 }
}

/// A name that resolves to the server once and to a cloud's metadata from then on.
fn rebinding() -> Attack {
    let requests: Value = vec![get("/ok"); 4].into();
    Attack::on(crate::harness::Lab::new(), move |sandbox| {
        let requests = requests.clone();
        async move {
            let leads = [("web.test", ["127.0.0.1", "169.254.169.254"].as_slice())];
            let web_call = WebCall::with_names(&[OPEN], &leads).await.on(sandbox);
            let told = told(&web_call.run(json!({ "requests": requests })).await);
            assert_eq!(
                (web_call.names.lookups(), web_call.web.requests()),
                (4, 1),
                "the checked address must be the used one"
            );
            told
        }
    })
}

async fn redirected(places: &[&str]) -> Ask {
    let request =
        |place: &&str| json!({ "authority": "web.test:PORT", "path": format!("/to?{place}"), "follow": 3 });
    asking(&[OPEN], places.iter().map(request).collect::<Vec<_>>()).await.reached(2 * places.len())
}

async fn silent() -> Ask {
    let mut web_call = WebCall::new(&[OPEN]).await;
    web_call.timeout = Some(Duration::from_millis(300));
    Ask { web_call: Arc::new(web_call), requests: json!([get("/silent")]), reached: 0 }
}

struct TestSecrets;

impl Secrets for TestSecrets {
    fn value(&self, _: &str) -> Option<Zeroizing<String>> {
        Some(Zeroizing::new("open sesame".to_owned()))
    }
}

/// Sends a secret's placeholder in a header to an origin that is granted, but not for the secret.
async fn exfiltrating() -> Attack {
    let web = Web::start().await;
    let place = format!("http://elsewhere.test:{}", web.port);
    let authority = place.trim_start_matches("http://");
    let wat = include_str!("exfiltrate.wat").replace("AUTHORITY", authority);
    let wat = wat.replace("LENGTH", &authority.len().to_string());
    let wasm = component_of(include_str!("exfiltrate.wit"), "test:thief/thief", &module(&wat));
    let names = Names::of(&[("elsewhere.test", &["127.0.0.1"])]);
    let network = Network::system().resolving_with(names);
    let context = HostContext { secrets: Arc::new(TestSecrets), network, ..HostContext::default() };
    let call = call(wasm)
        .of(Tier::Internal)
        .granted(Capability::Http, &[format!("* {place}/* private"), "* https://bank.test/*".to_owned()])
        .granted(Capability::Secrets, &["TOKEN https://bank.test".to_owned()])
        .context(context);
    Attack::from(call).then(move || assert_eq!(web.requests(), 0))
}
