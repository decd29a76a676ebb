use std::str::FromStr;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::SkillConfigure;
use coworker_leak::LeakMode;
use coworker_policy::{ErrorCode, LimitKey, Max, Scope, SkillName, Tier};

use super::policy::InForce;
use crate::context::Context;
use crate::print::{BOLD, GOOD, paint, plain};
use crate::prompt;
use crate::report::Report;

const AFTER_HELP: &str = "\
Examples:
  coworker skill configure quote currency EUR
  coworker skill configure quote currency --unset
  coworker skill configure quote --limit known.calls_per_min=30
  coworker skill configure quote --limit known.calls_per_min=default
  coworker skill configure quote --secret API_KEY < key.txt
  coworker skill configure quote --leaks redact

An answer that contains private text is withheld (--leaks block), leaves without the words (redact), or
leaves and is recorded in your audit log (report).";

/// Lists every limit with its range, and the examples.
fn after_help() -> String {
    let line = |key: &LimitKey| {
        let max = match key.max {
            Max::Value(max) => max.to_string(),
            Max::Default => "the tier's default".to_owned(),
        };
        let unit = key.unit.name();
        let unit = if unit.is_empty() { String::new() } else { format!(", in {unit}") };
        format!("  {:<19} {} to {max}: {}{unit}\n", key.name, key.min, key.bounds)
    };
    let section = |(title, scope): (&str, Scope)| {
        let keys: String = LimitKey::ALL.iter().filter(|key| key.scope == scope).map(line).collect();
        format!("{title}:\n{keys}\n")
    };
    let sections: String = LIMITS.into_iter().map(section).collect();
    format!("{sections}docs/policy.md has the default of each tier.\n\n{AFTER_HELP}")
}

const LIMITS: [(&str, Scope); 4] = [
    ("Limits of one call", Scope::Call),
    ("Limits of all calls of the component by one caller", Scope::Caller),
    ("Limits of all calls of each skill by one caller", Scope::CallerAndSkill),
    ("Limits of all calls of the component by all callers of the tier, on one day (UTC)", Scope::TierAndDay),
];

/// Set a configuration value, a limit, a secret or the leak mode of a skill
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct Configure {
    /// The skill
    name: String,

    /// The name of the value
    #[arg(required_unless_present_any = ["limit", "secret", "leaks"])]
    #[arg(conflicts_with_all = ["limit", "secret", "leaks"])]
    key: Option<String>,

    /// The value
    #[arg(required_unless_present_any = ["limit", "secret", "leaks", "unset"], allow_negative_numbers = true)]
    value: Option<String>,

    /// Remove the value, or delete the secret
    #[arg(long, conflicts_with_all = ["value", "limit", "leaks"])]
    unset: bool,

    /// Set a limit for callers of a tier; `default` restores it
    #[arg(long, value_name = "TIER.KEY=NUMBER")]
    limit: Option<Limit>,

    /// Store a secret, read from the terminal or from standard input; a `secrets` grant says where it may go
    #[arg(long, value_name = "NAME", conflicts_with = "limit")]
    secret: Option<String>,

    /// Set how an answer that contains private text of the component is treated
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
