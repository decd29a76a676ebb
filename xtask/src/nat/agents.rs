//! The relay and the two agents, all `coworker` processes, and the pings between them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

use super::network::{Network, RELAY};

/// A running program. Dropping it kills the program.
pub(super) struct Running {
    child: Child,
    lines: Receiver<String>,
}

/// An answered ping, and the path to the peer at that time.
#[derive(Debug)]
pub(super) struct Pong {
    pub(super) at: Instant,
    pub(super) direct: bool,
    /// The id of the MLS session.
    pub(super) session: String,
}

/// The pings of some time.
#[derive(Debug, Default)]
pub(super) struct Pinged {
    pub(super) pongs: Vec<Pong>,
    /// Pings without an answer in time.
    pub(super) unanswered: usize,
}

impl Pinged {
    /// The longest time without an answer.
    pub(super) fn longest_gap(&self) -> Duration {
        let gaps = self.pongs.windows(2).map(|pair| pair[1].at - pair[0].at);
        gaps.max().unwrap_or(Duration::MAX)
    }

    pub(super) fn last(&self) -> Result<&Pong> {
        self.pongs.last().context("no ping was answered")
    }
}

impl Running {
    fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let log = fs::File::create(log).context("cannot create a log")?;
        let mut child = command
            .env("RUST_LOG", "info,coworker_agent=debug,coworker_net=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start a program")?;
        let output = child.stdout.take().context("no output")?;
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// Waits until the program prints that it is ready.
    fn ready(&self) -> Result<()> {
        let line =
            self.lines.recv_timeout(Duration::from_secs(20)).context("it did not print that it is ready")?;
        ensure!(line.contains("\"ready\""), "it printed {line}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One agent, with its `serve` running.
pub(super) struct Agent {
    cli: Cli,
    _serve: Running,
}

/// Runs commands as one agent.
#[derive(Clone)]
struct Cli {
    namespace: String,
    program: PathBuf,
    data: PathBuf,
}

impl Cli {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Network::at(&self.namespace, &self.program);
        command.arg("--json").arg("--data").arg(&self.data).args(args);
        command
    }

    /// Returns the answer of a command, also if it failed.
    fn ask(&self, args: &[&str]) -> Result<Value> {
        let output = self.command(args).output().context("cannot start coworker")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&printed).with_context(|| format!("coworker {}: `{printed}`", args.join(" ")))
    }

    /// Returns the answer of a command, which must succeed.
    fn done(&self, args: &[&str]) -> Result<Value> {
        let answer = self.ask(args)?;
        ensure!(answer["ok"] == true, "coworker {}: {answer}", args.join(" "));
        Ok(answer)
    }

    /// Pings the peer once. Returns `None` without an answer in time.
    fn ping(&self, peer: &str) -> Result<Option<Pong>> {
        let answered = self.ask(&["ping", peer, "--timeout", "1"])?["ok"] == true;
        let at = now();
        if !answered {
            return Ok(None);
        }
        let peers = self.done(&["peers"])?;
        let of = peers["peers"].as_array().and_then(|all| all.iter().find(|known| known["peer"] == peer));
        let of = of.context("the peer is not known")?;
        let session = of["session"].as_str().unwrap_or_default().to_owned();
        Ok(Some(Pong { at, direct: of["reached"]["way"] == "direct", session }))
    }
}

/// An agent that pings another until dropped.
pub(super) struct Pinger {
    _agent: Agent,
    seen: Receiver<Option<Pong>>,
}

impl Pinger {
    fn new(agent: Agent, peer: String) -> Self {
        let (results, seen) = channel();
        let cli = agent.cli.clone();
        thread::spawn(move || ping_on(&cli, &peer, &results));
        Self { _agent: agent, seen }
    }

    /// Collects the pings from now on, until `limit` has passed or `enough` says so.
    pub(super) fn watch(&self, limit: Duration, enough: impl Fn(&Pinged) -> bool) -> Result<Pinged> {
        let (end, mut pinged) = (now() + limit, Pinged::default());
        while let Some(left) = end.checked_duration_since(now()) {
            match self.seen.recv_timeout(left) {
                Ok(Some(pong)) => pinged.pongs.push(pong),
                Ok(None) => pinged.unanswered += 1,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("the agent ended"),
            }
            if enough(&pinged) {
                break;
            }
        }
        Ok(pinged)
    }

    /// Forgets all pings until now.
    pub(super) fn forget(&self) {
        while self.seen.try_recv().is_ok() {}
    }
}

/// Pings until the receiver is dropped or a command fails.
fn ping_on(cli: &Cli, peer: &str, results: &Sender<Option<Pong>>) {
    while let Ok(pong) = cli.ping(peer) {
        if results.send(pong).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// The network of one case, and the folder with its data, certificates and logs.
pub(super) struct Setup<'a> {
    pub(super) network: &'a Network,
    coworker: &'a Path,
    folder: PathBuf,
}

impl<'a> Setup<'a> {
    pub(super) fn new(network: &'a Network, coworker: &'a Path, folder: PathBuf) -> Result<Self> {
        // The folder of an earlier run.
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).context("cannot create the folder of the logs")?;
        certify(&folder)?;
        Ok(Self { network, coworker, folder })
    }

    pub(super) fn relay(&self) -> Result<Running> {
        let mut command = self.network.command("pub", self.coworker);
        command.args(["--json", "relay", "--bind", &format!("{RELAY}:443"), "--tls"]);
        command.arg(self.folder.join("relay.pem")).arg(self.folder.join("relay.key"));
        let relay = Running::start(&mut command, &self.folder.join("relay.log"))?;
        relay.ready().context("the relay")?;
        Ok(relay)
    }

    /// Starts the agent that waits for the other.
    pub(super) fn host(&self) -> Result<Agent> {
        self.agent("hostB").context("the agent behind NAT B")
    }

    /// Starts the agent that connects to `host`, is accepted by it, and pings it.
    pub(super) fn pinger(&self, host: &Agent) -> Result<Pinger> {
        let agent = self.agent("hostA").context("the agent behind NAT A")?;
        let code = host.cli.done(&["invite"])?;
        let code = code["code"].as_str().context("no code")?;
        let connected = agent.cli.done(&["connect", code])?;
        let peer = connected["peer"].as_str().context("no peer")?.to_owned();
        let us = agent.cli.done(&["status"])?;
        host.cli.done(&["trust", "set", us["id"].as_str().context("no id")?, "known"])?;
        Ok(Pinger::new(agent, peer))
    }

    fn agent(&self, host: &str) -> Result<Agent> {
        let data = self.folder.join(host);
        let cli = Cli { namespace: self.network.name(host), program: self.coworker.to_owned(), data };
        let (url, ca) = (format!("https://{RELAY}"), self.folder.join("ca.pem"));
        let ca = ca.to_str().context("the path of the certificate is not UTF-8")?;
        cli.done(&["init", "--name", host, "--network", "public", "--relay", &url, "--relay-ca", ca])?;
        let serve = Running::start(&mut cli.command(&["serve"]), &self.folder.join(format!("{host}.log")))?;
        serve.ready()?;
        Ok(Agent { cli, _serve: serve })
    }
}

/// Writes the certificate of an authority, and the relay's certificate signed by it.
fn certify(folder: &Path) -> Result<()> {
    let (ca_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = ca.self_signed(&ca_key)?.pem();
    let chain =
        CertificateParams::new(vec![RELAY.to_owned()])?.signed_by(&key, &Issuer::new(ca, ca_key))?.pem();
    for (name, text) in [("ca.pem", root), ("relay.pem", chain), ("relay.key", key.serialize_pem())] {
        fs::write(folder.join(name), text).context("cannot write a certificate")?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a developer's tool measures time; no code of the host runs here"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
