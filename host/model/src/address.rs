use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Longest base URL, in bytes.
const MAX: usize = 2048;
/// The path of every request, below the base.
const CHAT: &str = "/chat/completions";

/// The address of a model's API without `/chat/completions`, such as `https://api.openai.com/v1`.
///
/// Only https, or http to this machine: otherwise the network could read the key and every prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Url);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("this is not the URL of a model; write one like https://api.openai.com/v1")]
    NotAUrl,
    #[error(
        "a model on another machine needs TLS: write https://, or forward a local port to it and give http://127.0.0.1:PORT/v1"
    )]
    Plain,
    #[error("a model's URL must not hold a user, password, query or fragment; the key is set separately")]
    Extra,
}

impl BaseUrl {
    pub(crate) fn chat(&self) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{CHAT}", url.path().trim_end_matches('/')));
        url
    }

    /// `OpenAI`'s newer models refuse `max_tokens` under its old name; other providers know only that one.
    pub(crate) fn is_openai(&self) -> bool {
        self.0.host_str() == Some("api.openai.com")
    }
}

impl FromStr for BaseUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        if text.len() > MAX {
            return Err(BadUrl::NotAUrl);
        }
        let mut url = Url::parse(text.trim()).map_err(|_| BadUrl::NotAUrl)?;
        let host = url.host_str().ok_or(BadUrl::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err(BadUrl::Plain),
            _ => return Err(BadUrl::NotAUrl),
        }
        let extra = url.query().or(url.fragment()).is_some();
        if extra || !url.username().is_empty() || url.password().is_some() {
            return Err(BadUrl::Extra);
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix(CHAT).unwrap_or(path).to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str().trim_end_matches('/'))
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BadUrl;

    fn try_from(text: String) -> Result<Self, BadUrl> {
        text.parse()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_normalised_and_leads_to_the_chat_path() {
        for (text, base) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            (" https://api.deepseek.com/ ", "https://api.deepseek.com"),
            ("https://Example.com:443/v1/chat/completions", "https://example.com/v1"),
            ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
            ("http://127.8.0.1/v1", "http://127.8.0.1/v1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), base, "{text}");
            assert_eq!(url.chat().as_str(), format!("{base}/chat/completions"), "{text}");
        }
    }

    #[test]
    fn a_url_that_would_send_the_key_unencrypted_is_refused() {
        for text in [
            "http://example.com/v1",
            "http://192.168.1.4:11434/v1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0:11434",
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BadUrl::Plain), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_base_url_is_refused() {
        for text in ["", "api.openai.com", "ftp://example.com", "https://", "file:///etc/passwd"] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BadUrl::NotAUrl), "{text}");
        }
        for text in ["https://u:p@example.com", "https://example.com/?key=1", "https://example.com/#a"] {
            assert_eq!(text.parse::<BaseUrl>(), Err(BadUrl::Extra), "{text}");
        }
        assert_eq!(format!("https://e.com/{}", "a".repeat(MAX)).parse::<BaseUrl>(), Err(BadUrl::NotAUrl));
    }
}
