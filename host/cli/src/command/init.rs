use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use coworker_agent::{Config, NetworkConfig};
use coworker_api::ApiError;
use coworker_api::ops::Mode;
use coworker_api::ops::{Status, StatusInfo};
use coworker_policy::{AgentName, ErrorCode};

use crate::context::Context;
use crate::print::{self, BOLD, CODE, DIM, GOOD, paint};
use crate::prompt;
use crate::report::Report;

/// The relays that the makers of iroh run for everybody. A relay sees routing keys and ciphertext only.
const PUBLIC_RELAYS: [&str; 4] = [
    "https://use1-1.relay.n0.iroh.link./",
    "https://usw1-1.relay.n0.iroh.link./",
    "https://euc1-1.relay.n0.iroh.link./",
    "https://aps1-1.relay.n0.iroh.link./",
];

/// Create an agent: its identity key and its configuration
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The name that collaborators see
    #[arg(long)]
    name: Option<AgentName>,

    /// local: direct connections on this network; public: through relays, so that strangers learn no address
    #[arg(long, value_name = "local|public")]
    network: Option<Mode>,

    /// Relay server to use; with --network public it replaces iroh's public relays (repeatable)
    #[arg(long, value_name = "URL")]
    relay: Vec<String>,

    /// PEM file of the certificate authority of your own relay, if it is not a public one
    #[arg(long, value_name = "PEM", requires = "relay")]
    relay_ca: Option<PathBuf>,

    /// Local address to listen on [default: every interface, a free port]
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<SocketAddr>,
}

impl Init {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        // Before asking anything, in case there is an agent already; `initialise` looks again.
        if context.home.is_initialised() {
            return Err(coworker_agent::HomeError::Present(context.home.dir().to_owned()).into());
        }
        let name = match self.name {
            Some(name) => name,
            None => ask_name(context)?,
        };
        let relay_ca = self.relay_ca.map(|path| authority(&path)).transpose()?;
        let network = network(self.network, self.relay, self.bind, context)?;
        let network = NetworkConfig { relay_ca, ..network };
        context.home.initialise(&Config::new(name, network))?;
        let status = context.ask(Status {}).await?;
        let report = Report::text(text(&status, context)).field("name", &status.name).field("id", &status.id);
        Ok(report.field("data", &status.data).field("network", &status.network))
    }
}

fn ask_name(context: &Context) -> Result<AgentName, ApiError> {
    if !context.interactive {
        return Err(ApiError::new(ErrorCode::Usage, "the agent needs a name")
            .hint(context.command("init --name NAME")));
    }
    let name = prompt::line("What should collaborators see it called?", "your name, a team, a machine")?;
    name.parse().map_err(|error| ApiError::new(ErrorCode::Usage, format!("{error}")))
}

fn network(
    mode: Option<Mode>,
    mut relays: Vec<String>,
    bind: Option<SocketAddr>,
    context: &Context,
) -> Result<NetworkConfig, ApiError> {
    if let Some(bad) =
        relays.iter().find(|relay| !relay.starts_with("https://") && !relay.starts_with("http://"))
    {
        let message = format!("`{bad}` is no relay's URL");
        return Err(
            ApiError::new(ErrorCode::Usage, message).hint("a relay looks like https://relay.example.org")
        );
    }
    let mode = match mode {
        Some(mode) => mode,
        None if context.interactive && relays.is_empty() => ask_network(&mut relays)?,
        None => Mode::Local,
    };
    if mode == Mode::Public && relays.is_empty() {
        relays = PUBLIC_RELAYS.map(str::to_owned).into();
    }
    Ok(NetworkConfig { mode, relays, bind, relay_ca: None })
}

/// Makes the path absolute, because `coworker` may be started in another directory later.
fn authority(path: &Path) -> Result<PathBuf, ApiError> {
    let refused = |why: String| {
        let shown = print::plain(&path.display().to_string());
        ApiError::new(ErrorCode::Usage, format!("{shown}: {why}"))
            .hint("name the authority's certificate, in PEM")
    };
    let text = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    if !String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----") {
        return Err(refused("there is no certificate in it".to_owned()));
    }
    path.canonicalize().map_err(|error| refused(error.to_string()))
}

fn ask_network(relays: &mut Vec<String>) -> Result<Mode, ApiError> {
    let choices = [
        "local: direct, with agents on this machine and network; contacts nothing else",
        "public: through iroh's public relays (n0.iroh.link); they see routing keys and ciphertext only",
        "public, through a relay of your own",
    ];
    match prompt::choice("How do others reach it?", &choices)? {
        0 => Ok(Mode::Local),
        1 => Ok(Mode::Public),
        _ => {
            relays.push(prompt::line("The relay's URL?", "like https://relay.example.org")?);
            Ok(Mode::Public)
        }
    }
}

fn text(status: &StatusInfo, context: &Context) -> String {
    let next = [
        ("skill add FILE.wasm", "install a skill; it stays hidden until you expose it"),
        ("serve", "let other agents reach yours"),
        ("invite", "the code that a collaborator connects with"),
        ("llm", "your language model, if you want to use one"),
    ];
    let next = next.map(|(command, what)| (paint(CODE, &context.command(command)), what));
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let next = next.map(|(command, what)| format!("  {command:<width$}  {what}"));
    format!(
        "{} {} is ready.\n  {} {}\n  {} {}\n  {} {}\n\n{}\n{}",
        paint(GOOD, "✓"),
        paint(BOLD, &print::plain(status.name.as_str())),
        paint(DIM, "id     "),
        status.id,
        paint(DIM, "data   "),
        status.data.display(),
        paint(DIM, "network"),
        network_line(status),
        paint(BOLD, "Next"),
        next.join("\n"),
    )
}

/// Everything outside that the agent will contact by itself.
fn network_line(status: &StatusInfo) -> String {
    let mut line = status.network.to_string();
    for relay in &status.relays {
        line = format!("{line}\n          relay {}", print::plain(relay));
    }
    line
}
