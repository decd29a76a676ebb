//! Secrets in requests. Everything else about egress is tested with guests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use coworker_policy::SecretRule;
use http::Request;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};
use zeroize::Zeroizing;

use super::{EgressPolicy, Guard, Network};
use crate::access::Denials;
use crate::capability::secret::SecretState;
use crate::host_context::Secrets;
use crate::outcome::Denied;

/// A server that keeps the head of each request.
struct Server {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), heads: Arc::default() };
        let heads = Arc::clone(&server.heads);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                heads.lock().unwrap().push(String::from_utf8(head).unwrap());
                socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            }
        });
        server
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

struct TestSecrets;

impl Secrets for TestSecrets {
    fn value(&self, name: &str) -> Option<Zeroizing<String>> {
        match name {
            "KEY" => Some(Zeroizing::new("open sesame".to_owned())),
            "BROKEN" => Some(Zeroizing::new("two\r\nlines: x".to_owned())),
            _ => None,
        }
    }
}

/// One call that may send requests to both servers, and secrets to the first.
struct Call {
    guard: Guard,
    secrets: Arc<SecretState>,
    denials: Denials,
}

impl Call {
    fn new(first: &Server, second: &Server) -> Self {
        let rule = |server: &Server| format!("GET http://127.0.0.1:{}/*", server.port).parse().unwrap();
        let secret =
            |name: &str| -> SecretRule { format!("{name} http://127.0.0.1:{}", first.port).parse().unwrap() };
        let held = [secret("KEY"), secret("BROKEN"), secret("UNSET")];
        let secrets = Arc::new(SecretState::new(&held, Arc::new(TestSecrets)).unwrap());
        let denials = Denials::default();
        let guard = Guard::new(EgressPolicy {
            rules: vec![rule(first), rule(second)],
            secrets: Arc::clone(&secrets),
            network: Network::system(),
            denials: denials.clone(),
            max_bytes: 1 << 20,
            max_requests: 16,
            deadline: Instant::now() + Duration::from_secs(10),
        });
        Self { guard, secrets, denials }
    }

    fn placeholder(&self, name: &str) -> String {
        self.secrets.placeholder(name).unwrap().to_owned()
    }

    async fn send(&self, server: &Server, header: &str) -> Result<u16, Error> {
        let body: WasiBody = Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync();
        let request =
            Request::get(format!("http://127.0.0.1:{}/", server.port)).header("authorization", header);
        let (response, _pump) =
            self.guard.send(request.body(body).unwrap(), RequestOptions::default()).await?;
        Ok(response.status().as_u16())
    }

    fn denied(&self) -> Vec<String> {
        let line = |denied: Denied| format!("{} {}", denied.capability, denied.what);
        self.denials.list().into_iter().map(line).collect()
    }
}

#[tokio::test]
async fn a_secret_is_sent_to_its_origin() {
    let (first, second) = (Server::new().await, Server::new().await);
    let call = Call::new(&first, &second);
    let key = call.placeholder("KEY");
    assert!(!key.contains("sesame"));
    assert_eq!(call.send(&first, &format!("Bearer {key}, {key}")).await.unwrap(), 204);
    assert!(
        first.heads()[0].contains("authorization: Bearer open sesame, open sesame\r\n"),
        "{:?}",
        first.heads()
    );
    assert_eq!(call.denied(), [""; 0]);
}

#[tokio::test]
async fn a_secret_is_sent_to_no_other_origin() {
    let (first, second) = (Server::new().await, Server::new().await);
    let call = Call::new(&first, &second);
    let sent = call.send(&second, &format!("Bearer {}", call.placeholder("KEY"))).await;
    assert!(matches!(sent, Err(Error::HttpRequestDenied)), "{sent:?}");
    assert_eq!(call.denied(), [format!("secrets KEY http://127.0.0.1:{}", second.port)]);
    assert_eq!(call.send(&second, "Bearer nothing").await.unwrap(), 204, "without the secret it may");
    assert_eq!(second.heads().len(), 1);
}

#[tokio::test]
async fn a_placeholder_of_another_call_is_only_text() {
    let (first, second) = (Server::new().await, Server::new().await);
    let (call, other) = (Call::new(&first, &second), Call::new(&first, &second));
    let key = other.placeholder("KEY");
    assert_ne!(key, call.placeholder("KEY"));
    call.send(&first, &key).await.unwrap();
    assert!(first.heads()[0].contains(&key));
    assert!(call.secrets.placeholder("OTHER").is_none());
}

#[tokio::test]
async fn a_value_that_breaks_a_header_is_not_sent() {
    let (first, second) = (Server::new().await, Server::new().await);
    let call = Call::new(&first, &second);
    for name in ["BROKEN", "UNSET"] {
        let sent = call.send(&first, &call.placeholder(name)).await;
        assert!(matches!(sent, Err(Error::ConfigurationError)), "{name}: {sent:?}");
    }
    assert_eq!(first.heads().len(), 0);
}
