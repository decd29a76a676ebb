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
use crate::chat::{ChatRequest, Completion, MAX_MESSAGES, MAX_TEXT};
use crate::error::{self, Excerpt, ModelError, ModelFault};
use crate::key::Key;
use crate::timeouts::Timeouts;
use crate::{retry, wire};

/// Largest body of an error response, in bytes.
const MAX_ERROR_BODY: usize = 64 << 10;

/// Which model to ask, where, and for how long.
#[derive(Clone, Debug)]
pub struct Settings {
    pub base_url: BaseUrl,
    /// The provider's name for the model.
    pub model: String,
    /// Local models often need none.
    pub key: Option<Key>,
    pub timeout: Timeouts,
}

/// One model of one provider. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint {
    settings: Arc<Settings>,
    client: Client,
}

/// An attempt that failed, and whether another one may help.
struct Failed {
    error: ModelError,
    retry: Retry,
}

#[derive(Clone, Copy)]
enum Retry {
    Never,
    /// After the pause that the server asked for, if it asked for one.
    After(Option<Duration>),
}

impl Endpoint {
    /// Opens no connection yet.
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

    /// Sends `request` and waits for the whole answer. Dropping the future cancels the request.
    ///
    /// A failure before the answer begins is retried a few times if it may be temporary.
    pub async fn complete(&self, request: &ChatRequest<'_>) -> Result<Completion, ModelError> {
        self.within_timeout(request, None).await
    }

    /// Like [`complete`](Self::complete), and sends the text to `text` as it arrives. Reads no faster than
    /// `text` is received.
    pub async fn stream(
        &self,
        request: &ChatRequest<'_>,
        text: &mpsc::Sender<String>,
    ) -> Result<Completion, ModelError> {
        self.within_timeout(request, Some(text)).await
    }

    async fn within_timeout(
        &self,
        request: &ChatRequest<'_>,
        text: Option<&mpsc::Sender<String>>,
    ) -> Result<Completion, ModelError> {
        check(request)?;
        let answer = timeout(self.settings.timeout.whole, self.with_retries(request, text)).await;
        answer.unwrap_or_else(|_| Err(ModelFault::TimedOut.into()))
    }

    async fn with_retries(
        &self,
        request: &ChatRequest<'_>,
        text: Option<&mpsc::Sender<String>>,
    ) -> Result<Completion, ModelError> {
        let Settings { model, base_url, timeout, .. } = &*self.settings;
        let body = wire::body(model, request, text.is_some(), base_url.is_openai());
        let body = Bytes::from(body.map_err(|error| ModelFault::InvalidRequest.because(error))?);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let failed = match self.send(body.clone()).await {
                // No retry from here on: the provider has begun to answer and charges for it.
                Ok(response) => return answer::read(response, timeout, request, text).await,
                Err(failed) => failed,
            };
            let Retry::After(wait) = failed.retry else { return Err(failed.error) };
            let random = getrandom::u32().unwrap_or(u32::MAX);
            let Some(pause) = retry::pause(timeout, attempts, wait, random) else { return Err(failed.error) };
            sleep(pause).await;
        }
    }

    /// Makes one attempt and returns once the answer begins.
    async fn send(&self, body: Bytes) -> Result<Response, Failed> {
        let Settings { base_url, timeout, .. } = &*self.settings;
        let sent = self.client.post(base_url.chat()).body(body).send();
        // Not retried: a model that thought for this long would do so again.
        let sent = tokio::time::timeout(timeout.first_byte, sent)
            .await
            .map_err(|_| Failed { error: ModelFault::TimedOut.into(), retry: Retry::Never })?;
        let response = sent.map_err(|error| Failed {
            error: ModelFault::Unreachable.because(error.without_url()),
            retry: Retry::After(None),
        })?;
        if response.status() == StatusCode::OK { Ok(response) } else { Err(self.failed(response).await) }
    }

    /// Reads an error response.
    async fn failed(&self, response: Response) -> Failed {
        let (status, wait) = (response.status(), retry::after(response.headers()));
        // The body only adds an explanation, so failing to read it changes nothing.
        let body =
            Body::new(response, &self.settings.timeout, MAX_ERROR_BODY).whole().await.unwrap_or_default();
        let (fault, retry) = classify(status, wait, error::code(&body).as_deref());
        let excerpt = Excerpt::of(status.as_u16(), &body, self.settings.key.as_ref());
        Failed { error: fault.because(excerpt), retry }
    }
}

fn classify(status: StatusCode, wait: Option<Duration>, code: Option<&str>) -> (ModelFault, Retry) {
    match status.as_u16() {
        401 | 403 => (ModelFault::Unauthorised, Retry::Never),
        402 => (ModelFault::NoCredit, Retry::Never),
        404 => (ModelFault::NoSuchModel, Retry::Never),
        408 => (ModelFault::TimedOut, Retry::After(wait)),
        // Unlike a rate limit, an empty account does not recover by itself.
        429 if code == Some("insufficient_quota") => (ModelFault::NoCredit, Retry::Never),
        429 => (ModelFault::RateLimited { again: wait }, Retry::After(wait)),
        300..400 => (ModelFault::Redirected, Retry::Never),
        400..500 => (ModelFault::Refused, Retry::Never),
        500.. => (ModelFault::Overloaded, Retry::After(wait)),
        _ => (ModelFault::Malformed, Retry::Never),
    }
}

fn check(request: &ChatRequest<'_>) -> Result<(), ModelFault> {
    let fits = (1..=MAX_MESSAGES).contains(&request.messages.len()) && request.bytes() <= MAX_TEXT;
    let temperature = request.options.temperature;
    let in_range = temperature.is_none_or(|temperature| (0.0..=2.0).contains(&temperature));
    if fits && in_range { Ok(()) } else { Err(ModelFault::InvalidRequest) }
}

/// Builds the only client that holds the key. It connects to the provider and nowhere else: it ignores the
/// environment's proxies and follows no redirect, which would carry the key along.
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
