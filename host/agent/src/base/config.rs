use std::net::SocketAddr;
use std::path::PathBuf;

use coworker_api::ops::Mode;
use coworker_model::{BaseUrl, Price, Prices};
use coworker_policy::{AgentName, Tier};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `config.toml` in the data directory. `init` writes it, and the owner may edit it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub name: AgentName,
    #[serde(default)]
    pub network: NetworkConfig,
    #[serde(default, skip_serializing_if = "GoalsConfig::is_usual")]
    pub goals: GoalsConfig,
    /// The owner's language model. Absent means the one whose key is in the environment, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm: Option<LlmConfig>,
}

impl Config {
    /// The configuration that `init` writes.
    pub fn new(name: AgentName, network: NetworkConfig) -> Self {
        Self { name, network, goals: GoalsConfig::default(), llm: None }
    }
}

/// The language model that answers skills with the grant `llm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "LlmWire", into = "LlmWire")]
pub struct LlmConfig {
    pub base_url: BaseUrl,
    /// The provider's name for it.
    pub model: String,
    /// The environment variable that holds the key; absent means the file `llm.key`, if there is one.
    pub key_env: Option<String>,
    /// Its prices. Absent means that costs are not counted.
    pub prices: Option<Prices>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LlmWire {
    base_url: BaseUrl,
    model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_env: Option<String>,
    /// US dollars for a million input tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price_in: Option<Price>,
    /// US dollars for a million output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price_out: Option<Price>,
}

impl TryFrom<LlmWire> for LlmConfig {
    type Error = &'static str;

    fn try_from(wire: LlmWire) -> Result<Self, &'static str> {
        let LlmWire { base_url, model, key_env, price_in, price_out } = wire;
        let is_name = |text: &str| !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control);
        if !is_name(&model) || !key_env.as_deref().is_none_or(is_name) {
            return Err("`model` and `key_env` are names: 1 to 200 characters in one line");
        }
        let prices = match (price_in, price_out) {
            (Some(input), Some(output)) => Some(Prices { input, output }),
            (None, None) => None,
            _ => return Err("`price_in` and `price_out` go together"),
        };
        Ok(Self { base_url, model, key_env, prices })
    }
}

impl From<LlmConfig> for LlmWire {
    fn from(config: LlmConfig) -> Self {
        let LlmConfig { base_url, model, key_env, prices } = config;
        let (price_in, price_out) = (prices.map(|prices| prices.input), prices.map(|prices| prices.output));
        Self { base_url, model, key_env, price_in, price_out }
    }
}

/// The way in which this agent is reached, and the hosts that it contacts; it contacts no others.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    #[serde(default)]
    pub mode: Mode,
    /// Relay servers (URLs); empty means none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relays: Vec<String>,
    /// Certificates (PEM) of authorities that vouch for the relays, besides the public ones. A relative path
    /// begins in the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_ca: Option<PathBuf>,
    /// Local address for the network socket; absent means every interface and a free port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<SocketAddr>,
}

/// The answer to peers that ask us to take part in a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalsConfig {
    #[serde(default)]
    pub accept: Accept,
}

/// The tier from which a goal is accepted without asking the owner. Accepting grants nothing beyond the tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    From(Tier),
    /// The owner is always asked.
    Never,
}

impl GoalsConfig {
    pub fn accepts(self, tier: Tier) -> bool {
        matches!(self.accept, Accept::From(from) if tier >= from)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Accept {
    fn default() -> Self {
        Self::From(Tier::Internal)
    }
}

impl Serialize for Accept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::From(tier) => tier.serialize(serializer),
            Self::Never => serializer.serialize_str(NEVER),
        }
    }
}

impl<'de> Deserialize<'de> for Accept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == NEVER {
            return Ok(Self::Never);
        }
        word.parse().map(Self::From).map_err(|_| D::Error::custom("use known, internal, privileged or never"))
    }
}

const NEVER: &str = "never";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(llm: &str) -> Result<Option<LlmConfig>, String> {
        let config: Result<Config, _> = toml::from_str(&format!("name = \"ada\"\n{llm}"));
        config.map(|config| config.llm).map_err(|error| error.to_string())
    }

    #[test]
    fn a_model_is_named_with_its_key_and_prices_or_without() {
        assert_eq!(read(""), Ok(None));
        let local =
            read("[llm]\nbase_url = \"http://127.0.0.1:11434/v1\"\nmodel = \"qwen3\"").unwrap().unwrap();
        assert_eq!((local.base_url.to_string().as_str(), local.prices), ("http://127.0.0.1:11434/v1", None));
        let text = "base_url = \"https://api.deepseek.com\"\nmodel = \"deepseek-chat\"\nkey_env = \"KEY\"\n\
                    price_in = 0.27\nprice_out = 1.1\n";
        let full = read(&format!("[llm]\n{text}")).unwrap().unwrap();
        assert_eq!(toml::to_string(&full).unwrap(), text);
    }

    #[test]
    fn an_invalid_model_section_is_refused_with_the_reason() {
        let said =
            |base: &str, rest: &str| read(&format!("[llm]\nbase_url = \"{base}\"\n{rest}")).unwrap_err();
        assert!(said("http://example.com/v1", "model = \"m\"").contains("https://"));
        let good = "https://example.com/v1";
        assert!(said(good, "model = \"m\"\nprice_in = 1").contains("go together"));
        assert!(said(good, "model = \"m\"\nprice_in = -1\nprice_out = 1").contains("a price is"));
        assert!(said(good, "model = \"\"").contains("one line"));
        assert!(said(good, "model = \"m\"\nkey = \"sk-1\"").contains("unknown field"));
    }
}
