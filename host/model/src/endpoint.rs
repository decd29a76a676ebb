use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, redirect};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::address::BaseUrl;
use crate::answer::{self, Body};
use crate::chat::{Ask, Completion, MAX_MESSAGES, MAX_TEXT};
use crate::error::{self, Excerpt, ModelError, ModelFault};
use crate::key::Key;
use crate::{retry, wire};

/// Bytes of what a server says about an error.
const MAX_COMPLAINT: usize = 64 << 10;

/// Which model, and how it is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub base_url: BaseUrl,
    /// As the provider calls it.
    pub model: String,
    /// Some need none.
    pub key: Option<Key>,
    pub timeout: Timeouts,
}

/// How long anything may take.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// To be connected.
    pub connect: Duration,
    /// Until the answer begins: a model that is not asked to stream thinks before it says anything.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub between: Duration,
    /// For everything, pauses and further tries included.
    pub whole: Duration,
    /// Further tries after the first.
    pub retries: u32,
    /// Before the second try, at most; then twice as long each time.
    pub pause: Duration,
    /// Who is told to come back later than that does not.
    pub longest_pause: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(2),
            between: Duration::from_mins(1),
            whole: Duration::from_mins(10),
            retries: 3,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// One model of one provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    settings: Arc<Settings>,
    client: Client,
}

/// A try that failed, and when the next one may begin if there is to be one.
struct Failed {
    error: ModelError,
    again: Again,
}

#[derive(Clone, Copy)]
enum Again {
    Never,
    /// As soon as we like, or after what the server says.
    After(Option<Duration>),
}

impl Endpoint {
    /// Connects to nothing yet.
    pub fn new(settings: Settings) -> Result<Self, ModelError> {
        let client = client(&settings)
            .map_err(|cause| ModelError { fault: ModelFault::Unreachable, cause: Some(cause) })?;
        Ok(Self { settings: Arc::new(settings), client })
    }

    pub fn model(&self) -> &str {
        &self.settings.model
    }

    pub fn base_url(&self) -> &BaseUrl {
        &self.settings.base_url
    }

    /// Asks, and waits for the whole answer. Dropping the future ends the question.
    ///
    /// What fails before an answer begins is tried again a few times, if it may pass.
    pub async fn complete(&self, ask: &Ask<'_>) -> Result<Completion, ModelError> {
        self.patiently(ask, None).await
    }

    /// The same; what comes is told as it comes, and as fast as it is heard.
    pub async fn stream(&self, ask: &Ask<'_>, tell: &mpsc::Sender<String>) -> Result<Completion, ModelError> {
        self.patiently(ask, Some(tell)).await
    }

    async fn patiently(
        &self,
        ask: &Ask<'_>,
        tell: Option<&mpsc::Sender<String>>,
    ) -> Result<Completion, ModelError> {
        check(ask)?;
        let asked = timeout(self.settings.timeout.whole, self.ask(ask, tell)).await;
        asked.unwrap_or_else(|_| Err(ModelFault::TimedOut.into()))
    }

    async fn ask(
        &self,
        ask: &Ask<'_>,
        tell: Option<&mpsc::Sender<String>>,
    ) -> Result<Completion, ModelError> {
        let Settings { model, base_url, timeout, .. } = &*self.settings;
        let body = wire::question(model, ask, tell.is_some(), base_url.is_openai());
        let body = Bytes::from(body.map_err(|error| ModelFault::BadAsk.because(error))?);
        let mut tried = 0;
        loop {
            tried += 1;
            let failed = match self.send(body.clone()).await {
                // From here on the provider has answered, and counted it.
                Ok(response) => return answer::read(response, timeout, ask, tell).await,
                Err(failed) => failed,
            };
            let Again::After(told) = failed.again else { return Err(failed.error) };
            let random = getrandom::u32().unwrap_or(u32::MAX);
            let Some(pause) = retry::pause(timeout, tried, told, random) else { return Err(failed.error) };
            sleep(pause).await;
        }
    }

    /// One try, until the answer begins.
    async fn send(&self, body: Bytes) -> Result<Response, Failed> {
        let Settings { base_url, timeout, .. } = &*self.settings;
        let sent = self.client.post(base_url.chat()).body(body).send();
        // Who thought for that long would think again.
        let sent = tokio::time::timeout(timeout.first_byte, sent)
            .await
            .map_err(|_| never(ModelFault::TimedOut.into()))?;
        let response = sent.map_err(|error| Failed {
            error: ModelFault::Unreachable.because(error.without_url()),
            again: Again::After(None),
        })?;
        if response.status() == StatusCode::OK { Ok(response) } else { Err(self.complaint(response).await) }
    }

    /// What an answer that is none means.
    async fn complaint(&self, response: Response) -> Failed {
        let (status, told) = (response.status(), retry::told(response.headers()));
        // What it says is worth something only to a reader.
        let said =
            Body::new(response, &self.settings.timeout, MAX_COMPLAINT).whole().await.unwrap_or_default();
        let (fault, again) = meaning(status, told, error::code(&said).as_deref());
        let excerpt = Excerpt::of(status.as_u16(), &said, self.settings.key.as_ref());
        Failed { error: fault.because(excerpt), again }
    }
}

fn never(error: ModelError) -> Failed {
    Failed { error, again: Again::Never }
}

fn meaning(status: StatusCode, told: Option<Duration>, code: Option<&str>) -> (ModelFault, Again) {
    match status.as_u16() {
        401 | 403 => (ModelFault::Unauthorised, Again::Never),
        402 => (ModelFault::NoCredit, Again::Never),
        404 => (ModelFault::NoSuchModel, Again::Never),
        408 => (ModelFault::TimedOut, Again::After(told)),
        // As a limit of the rate it would end by itself; this one does not.
        429 if code == Some("insufficient_quota") => (ModelFault::NoCredit, Again::Never),
        429 => (ModelFault::RateLimited { again: told }, Again::After(told)),
        300..400 => (ModelFault::Redirected, Again::Never),
        400..500 => (ModelFault::Refused, Again::Never),
        500.. => (ModelFault::Overloaded, Again::After(told)),
        _ => (ModelFault::Malformed, Again::Never),
    }
}

fn check(ask: &Ask<'_>) -> Result<(), ModelFault> {
    let some = (1..=MAX_MESSAGES).contains(&ask.messages.len()) && ask.bytes() <= MAX_TEXT;
    let warm = ask.options.temperature.is_none_or(|temperature| (0.0..=2.0).contains(&temperature));
    if some && warm { Ok(()) } else { Err(ModelFault::BadAsk) }
}

/// The one that goes to the provider and nowhere else: through no proxy of the environment, and along no
/// redirect, which would take the key with it.
fn client(settings: &Settings) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = &settings.key {
        headers.insert(AUTHORIZATION, key.header()?);
    }
    let client = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("coworker/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(settings.timeout.connect);
    Ok(client.build()?)
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
