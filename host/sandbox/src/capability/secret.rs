//! Secrets: a guest sees a placeholder, and the host puts the value into requests to the granted origin.

use std::sync::Arc;

use coworker_policy::{Origin, SecretRule};
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::egress::Destination;
use crate::host_context::Secrets;

/// The secrets that one call may use. A value is read only when a request carries it.
pub(crate) struct SecretState {
    held: Vec<Held>,
    source: Arc<dyn Secrets>,
}

struct Held {
    name: String,
    /// Random for each call, so that a placeholder of another call means nothing here.
    placeholder: String,
    to: Vec<Origin>,
}

/// Why a placeholder was not replaced. Holds the secret's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// The secret was not granted for the request's origin.
    Elsewhere(String),
    /// The owner set no value, or one that a header cannot carry.
    NoValue(String),
}

impl SecretState {
    pub(crate) fn new(rules: &[SecretRule], source: Arc<dyn Secrets>) -> Result<Self, getrandom::Error> {
        let mut held: Vec<Held> = Vec::new();
        for rule in rules {
            match held.iter_mut().find(|known| known.name == rule.name()) {
                Some(known) => known.to.push(rule.to().clone()),
                None => held.push(Held {
                    name: rule.name().to_owned(),
                    placeholder: format!("{{{{secret:{}:{:016x}}}}}", rule.name(), getrandom::u64()?),
                    to: vec![rule.to().clone()],
                }),
            }
        }
        Ok(Self { held, source })
    }

    /// The guest's stand-in for the value. `None` if this call does not hold the secret.
    pub(crate) fn placeholder(&self, name: &str) -> Option<&str> {
        self.held.iter().find(|held| held.name == name).map(|held| held.placeholder.as_str())
    }

    /// Replaces the placeholders in a header by their values. `None` if it holds no placeholder.
    pub(crate) fn fill(
        &self,
        value: &HeaderValue,
        to: &Destination,
    ) -> Result<Option<HeaderValue>, Withheld> {
        let mut filled: Option<Zeroizing<Vec<u8>>> = None;
        let mut last = "";
        for held in &self.held {
            let bytes = filled.as_ref().map_or(value.as_bytes(), |bytes| bytes.as_slice());
            if find(bytes, held.placeholder.as_bytes()).is_none() {
                continue;
            }
            if !held.to.iter().any(|origin| origin.is(to.tls, &to.host, to.port)) {
                return Err(Withheld::Elsewhere(held.name.clone()));
            }
            let secret = self.source.value(&held.name).ok_or_else(|| Withheld::NoValue(held.name.clone()))?;
            filled = Some(replaced(bytes, held.placeholder.as_bytes(), secret.as_bytes()));
            last = &held.name;
        }
        let Some(bytes) = filled else { return Ok(None) };
        let mut value = HeaderValue::from_bytes(&bytes).map_err(|_| Withheld::NoValue(last.to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

fn replaced(mut bytes: &[u8], placeholder: &[u8], secret: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut made = Zeroizing::new(Vec::with_capacity(bytes.len() + secret.len()));
    while let Some(at) = find(bytes, placeholder) {
        made.extend_from_slice(&bytes[..at]);
        made.extend_from_slice(secret);
        bytes = &bytes[at + placeholder.len()..];
    }
    made.extend_from_slice(bytes);
    made
}
