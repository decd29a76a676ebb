use std::str::FromStr;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::SkillConfigure;
use coworker_leak::LeakMode;
use coworker_policy::{ErrorCode, SkillName, Tier};

use super::policy::InForce;
use crate::context::Context;
use crate::print::{BOLD, GOOD, paint, plain};
use crate::prompt;
use crate::report::Report;

const EXAMPLES: &str = "\
Examples:
  coworker skill configure quote currency EUR
  coworker skill configure quote currency --unset
  coworker skill configure quote --limit known.calls_per_min=30
  coworker skill configure quote --limit known.calls_per_min=default
  coworker skill configure quote --secret API_KEY < key.txt
  coworker skill configure quote --leaks redact

Limits: fuel, wall_ms, memory_mib, input_kib, output_kib, log_kib, state_kib, egress_kib,
http_requests, host_calls, calls_per_min, concurrent. docs/policy.md has their ranges and defaults.
Leaks: an answer with private text in it is withheld (block), has the words taken out (redact), or
leaves and stands in your audit log (report).";

/// Set a value that a skill's component reads, or move one of its limits
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Configure {
    /// The skill
    name: String,

    /// A value's name
    #[arg(required_unless_present_any = ["limit", "secret", "leaks"])]
    #[arg(conflicts_with_all = ["limit", "secret", "leaks"])]
    key: Option<String>,

    /// The value
    #[arg(required_unless_present_any = ["limit", "secret", "leaks", "unset"], allow_negative_numbers = true)]
    value: Option<String>,

    /// Take the value out, or forget the secret
    #[arg(long, conflicts_with_all = ["value", "limit", "leaks"])]
    unset: bool,

    /// How much a call of a caller of the tier may use; `default` sets it back
    #[arg(long, value_name = "TIER.KEY=NUMBER")]
    limit: Option<Limit>,

    /// Keep a secret, read from the terminal or from standard input; a `secrets` grant says where it goes
    #[arg(long, value_name = "NAME", conflicts_with = "limit")]
    secret: Option<String>,

    /// What happens to an answer with text in it that the component was packed with and nobody else has
    #[arg(long, value_name = "block|redact|report", conflicts_with_all = ["limit", "secret"])]
    leaks: Option<LeakMode>,
}

/// `known.calls_per_min=30`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Limit {
    tier: Tier,
    key: String,
    /// `None` is the default.
    value: Option<u64>,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = "write TIER.KEY=NUMBER, such as known.calls_per_min=30";
        let (place, value) = text.split_once('=').ok_or(shape)?;
        let (tier, key) = place.split_once('.').ok_or(shape)?;
        let tier = tier.parse().map_err(|error: coworker_policy::TierError| error.to_string())?;
        let number = |text: &str| text.replace('_', "").parse();
        let value = match value {
            "default" => None,
            value => Some(number(value).map_err(|_| "the number is a whole one, or the word `default`")?),
        };
        Ok(Self { tier, key: key.to_owned(), value })
    }
}

impl Configure {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let of = format!("{} {}", paint(GOOD, "✓"), paint(BOLD, &plain(&self.name)));
        let done = format!("{of}: {}", self.said());
        let view = context.ask(self.operation(context)?).await?;
        Ok(InForce::of(view).report(&done))
    }

    fn said(&self) -> String {
        if let Some(secret) = &self.secret {
            return format!("{} is {}", plain(secret), if self.unset { "forgotten" } else { "kept" });
        }
        if let Some(leaks) = self.leaks {
            let what = match leaks {
                LeakMode::Block => "is withheld",
                LeakMode::Redact => "leaves without the words",
                LeakMode::Report => "leaves, and stands in the audit log",
            };
            return format!("an answer with private text {what}");
        }
        match (&self.limit, &self.key, &self.value) {
            (Some(Limit { tier, key, value: Some(value) }), ..) => {
                format!("{} = {value} for {tier}", plain(key))
            }
            (Some(Limit { tier, key, value: None }), ..) => {
                format!("{} is the default for {tier} again", plain(key))
            }
            (None, Some(key), Some(value)) => format!("{} = {}", plain(key), plain(value)),
            (None, key, _) => format!("{} is not set any more", plain(key.as_deref().unwrap_or_default())),
        }
    }

    fn operation(self, context: &Context) -> Result<SkillConfigure, ApiError> {
        let Self { name, key, value, limit, secret, leaks, unset } = self;
        if let Some(secret) = secret {
            let value = if unset { None } else { Some(prompt::secret(context, &secret)?) };
            return Ok(SkillConfigure::Secret { name, secret, value });
        }
        if let Some(leaks) = leaks {
            let usage = |error| ApiError::new(ErrorCode::Usage, format!("{error}"));
            let name = SkillName::try_from(name).map_err(usage)?;
            return Ok(SkillConfigure::Leaks { name, leaks });
        }
        match (limit, key) {
            (Some(Limit { tier, key, value }), _) => Ok(SkillConfigure::Limit { name, tier, key, value }),
            (None, Some(key)) => Ok(SkillConfigure::Value { name, key, value }),
            (None, None) => Err(ApiError::new(ErrorCode::Usage, "name a value or a limit")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_names_its_tier_and_its_key() {
        let limit = |value| Limit { tier: Tier::Known, key: "fuel".into(), value };
        assert_eq!("known.fuel=1_000".parse(), Ok(limit(Some(1000))));
        assert_eq!("known.fuel=default".parse(), Ok(limit(None)));
        for wrong in
            ["known.fuel", "fuel=1", "friend.fuel=1", "known.fuel=-1", "known.fuel=", "known.fuel=1.5"]
        {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
