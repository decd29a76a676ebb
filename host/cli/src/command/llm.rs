use clap::{Args, Subcommand};
use coworker_agent::{BadKey, Key};
use coworker_api::ApiError;
use coworker_api::ops::{ModelInfo, ModelLook, ModelTest, ModelTested};
use coworker_policy::ErrorCode;

use crate::context::Context;
use crate::print::{BAD, BOLD, CODE, Cell, DIM, GOOD, Table, paint, plain};
use crate::prompt;
use crate::report::Report;

const EXAMPLES: &str = "\
In config.toml:
  [llm]
  base_url = \"https://api.deepseek.com/v1\"   # or a model on this machine: http://127.0.0.1:11434/v1
  model = \"deepseek-chat\"
  key_env = \"DEEPSEEK_API_KEY\"               # or, without it: coworker llm set-key
  price_in = 0.27                            # US dollars for a million tokens, for budgets in money
  price_out = 1.10";

/// Show your language model, which plans goals and serves skills with the `llm` grant
///
/// Without [llm] in config.toml, a key in `DEEPSEEK_API_KEY` or `OPENAI_API_KEY` chooses the provider.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Llm {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send a short test question; show the time and the tokens that it took
    Test,
    SetKey(SetKey),
}

/// Store the key of the model named in config.toml in a file that only you can read
///
/// The key is read from the terminal or from standard input: coworker llm set-key < key.txt
#[derive(Debug, Args)]
struct SetKey {
    /// Delete the stored key
    #[arg(long)]
    unset: bool,
}

impl Llm {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self.action {
            None => {
                let model = context.ask(ModelLook {}).await?;
                Ok(Report::text(shown(&model, context)).fields(&model))
            }
            Some(Action::Test) => {
                let tested = context.ask(ModelTest {}).await?;
                Ok(Report::text(answered(&tested)).fields(&tested))
            }
            Some(Action::SetKey(command)) => command.run(context),
        }
    }
}

impl SetKey {
    fn run(self, context: &Context) -> Result<Report, ApiError> {
        let config = context.home.config()?;
        let usage = |message: &str, hint: &str| Err(ApiError::new(ErrorCode::Usage, message).hint(hint));
        let key = if self.unset { None } else { Some(()) };
        match (&config.llm, key) {
            (None, Some(())) => {
                return usage("config.toml names no model that it is for", "see: coworker llm --help");
            }
            (Some(llm), Some(())) if llm.key_env.is_some() => {
                return usage(
                    "config.toml takes the key from the environment",
                    "take `key_env` out of config.toml",
                );
            }
            _ => {}
        }
        let key = key.map(|()| read(context)).transpose()?;
        context.home.keep_model_key(key.as_ref())?;
        let done = if self.unset { "forgotten" } else { "kept" };
        let note = "A `serve` that runs has the one that it started with.";
        let text = format!("{} The key is {done}.\n{}", paint(GOOD, "✓"), paint(DIM, note));
        Ok(Report::text(text).field("key", &done))
    }
}

fn read(context: &Context) -> Result<Key, ApiError> {
    let text = prompt::secret(context, "The model's key")?;
    text.parse().map_err(|bad: BadKey| ApiError::new(ErrorCode::Usage, bad.to_string()))
}

fn shown(model: &ModelInfo, context: &Context) -> String {
    if let Some(problem) = &model.problem {
        let fix =
            crate::print::hints(problem).map(|hint| format!("\n    {}", plain(&hint))).unwrap_or_default();
        return format!("{} {}{fix}", paint(BAD, "✗"), plain(&problem.message));
    }
    let (Some(name), Some(base)) = (&model.model, &model.base_url) else {
        let help = paint(CODE, &context.command("llm --help"));
        return format!("No language model is set up: skills that ask for one are told so.\n{help}");
    };
    let mut table = Table::bare();
    let mut row = |what: &str, is: String| table.row([Cell::dim(what), Cell::new(is)]);
    row("at", base.clone());
    row("key", model.key.clone().unwrap_or_else(|| "none".to_owned()));
    row("price", price(model));
    let test = paint(CODE, &context.command("llm test"));
    format!("{}\n{table}\n\n{} {test}", paint(BOLD, &plain(name)), paint(DIM, "does it answer?"))
}

fn price(model: &ModelInfo) -> String {
    match (model.price_in, model.price_out) {
        (Some(input), Some(output)) => format!("${input} and ${output} for a million tokens in and out"),
        _ => "unknown: budgets in money do not hold for it".to_owned(),
    }
}

fn answered(tested: &ModelTested) -> String {
    let ModelTested { model, latency_ms, input_tokens, output_tokens, estimated, cost } = tested;
    let about = if *estimated { "about " } else { "" };
    let cost = cost.map(|cost| format!(", ${cost}")).unwrap_or_default();
    format!(
        "{} {} answers, in {latency_ms:.0} ms: {about}{input_tokens} tokens in, {output_tokens} out{cost}",
        paint(GOOD, "✓"),
        plain(model),
    )
}
