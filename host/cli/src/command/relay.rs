use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;
use coworker_agent::relay::{
    DEFAULT_CLIENTS, DEFAULT_RATE, DISCOVERY_PORT, Relay as Running, RelayOptions, Tls,
};
use coworker_api::ApiError;
use coworker_policy::{ErrorCode, PeerId};
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::print::{self, CODE, DIM, GOOD, paint};
use crate::report::Report;

/// Run a relay for agents that cannot reach each other directly, until Ctrl-C
///
/// A relay sees ciphertext and keys, never message contents. It needs no data directory.
#[derive(Debug, Args)]
pub(crate) struct Relay {
    /// Address to listen on (TCP); with --tls also UDP port 7842, where agents learn their public address
    #[arg(long, value_name = "ADDR:PORT", default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 443)))]
    bind: SocketAddr,

    /// PEM files with the certificate chain and its key
    #[arg(long, value_names = ["CERT", "KEY"], num_args = 2, required_unless_present = "dev")]
    tls: Option<Vec<PathBuf>>,

    /// Serve plain HTTP without hole punching, for tests
    #[arg(long, conflicts_with = "tls")]
    dev: bool,

    /// Host name of this machine in the relay's URL [default: the address of --bind]
    #[arg(long, value_name = "NAME")]
    host: Option<String>,

    /// Allow only these agent ids (repeatable)
    #[arg(long, value_name = "KEY")]
    allow: Vec<PeerId>,

    /// Maximum bytes per second that one connection may send
    #[arg(long, value_name = "BYTES", default_value_t = NonZeroU32::new(DEFAULT_RATE).unwrap_or(NonZeroU32::MAX))]
    rate: NonZeroU32,

    /// Maximum number of concurrent connections
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CLIENTS)]
    clients: usize,
}

impl Relay {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let host = self.host.clone().unwrap_or_else(|| named(self.bind.ip()));
        let restricted = self.allow.len();
        let catch = |kind| signal(kind).map_err(|error| ApiError::fault(&error));
        let (mut interrupt, mut terminate) =
            (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
        let mut relay = Running::start(self.options()?).await.map_err(|error| refused(&error))?;
        let url = relay.url(&host);
        if context.json {
            let ready = Report::default()
                .field("event", &"ready")
                .field("url", &url)
                .field("restricted", &(restricted > 0));
            print::document(&ready.document());
        } else {
            print::out(&screen(&url, restricted, context));
        }
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            error = relay.broken() => return Err(refused(&error)),
        }
        context.say(&paint(DIM, "stopping"));
        relay.close().await.map_err(|error| refused(&error))?;
        Ok(Report::silent())
    }

    fn options(self) -> Result<RelayOptions, ApiError> {
        let tls = match self.tls.as_deref() {
            Some([chain, key]) => {
                Some(Tls { chain: read(chain)?, key: read(key)?, discovery: Some(DISCOVERY_PORT) })
            }
            _ => None,
        };
        let allow = (!self.allow.is_empty()).then(|| BTreeSet::from_iter(self.allow));
        Ok(RelayOptions { bind: self.bind, tls, allow, rate: self.rate, clients: self.clients })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ApiError> {
    fs::read(path).map_err(|error| {
        let message = format!("cannot read {}: {error}", print::plain(&path.display().to_string()));
        ApiError::new(ErrorCode::Usage, message)
    })
}

/// Everywhere is not a place to be reached at; this machine itself reaches it at loopback.
fn named(address: IpAddr) -> String {
    let address = if address.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address };
    address.to_string()
}

fn refused(error: &coworker_agent::relay::RelayError) -> ApiError {
    use coworker_agent::relay::RelayError;
    let fault = ApiError::fault(error);
    match error {
        RelayError::Bind { .. } => ApiError { code: ErrorCode::InUse, ..fault },
        RelayError::Certificate(_) => ApiError { code: ErrorCode::Usage, ..fault },
        RelayError::Broken(_) => fault,
    }
}

fn screen(url: &str, restricted: usize, context: &Context) -> String {
    let init = format!("init --network public --relay {url}");
    let who = match restricted {
        0 => "anyone who knows its URL".to_owned(),
        keys => print::count(keys, "key"),
    };
    let mut lines = vec![format!("{} relay at {}", paint(GOOD, "●"), print::plain(url))];
    let mut say =
        |what: &str, text: &str| lines.push(format!("  {} {text}", paint(DIM, &format!("{what:<8}"))));
    say("for", &who);
    say("agents", &paint(CODE, &context.command(&init)));
    say("stop", "Ctrl-C");
    lines.join("\n") + "\n"
}
