//! The relay and the two agents, real `coworker` processes, and what becomes of their pings.

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

use super::world::{RELAY, World};

/// A program that was started, and killed when dropped.
pub(super) struct Running {
    child: Child,
    lines: Receiver<String>,
}

/// A ping that was answered, and how the peer was reached then.
#[derive(Debug)]
pub(super) struct Pong {
    pub(super) at: Instant,
    pub(super) direct: bool,
    /// The MLS session's id.
    pub(super) session: String,
}

/// What the visiting agent saw within some time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) pongs: Vec<Pong>,
    /// Pings that got no answer in time.
    pub(super) unanswered: usize,
}

impl Heard {
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

    /// Waits until it says that it is ready.
    fn ready(&self) -> Result<()> {
        let line =
            self.lines.recv_timeout(Duration::from_secs(20)).context("it does not say that it is ready")?;
        ensure!(line.contains("\"ready\""), "it said {line}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One agent, served in its place.
pub(super) struct Agent {
    desk: Desk,
    _serve: Running,
}

/// How to run commands as one agent.
#[derive(Clone)]
struct Desk {
    place: String,
    program: PathBuf,
    data: PathBuf,
}

impl Desk {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = World::at(&self.place, &self.program);
        command.arg("--json").arg("--data").arg(&self.data).args(args);
        command
    }

    /// What a command answers, whether or not it did its work.
    fn ask(&self, args: &[&str]) -> Result<Value> {
        let output = self.command(args).output().context("cannot start coworker")?;
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said).with_context(|| format!("coworker {}: `{said}`", args.join(" ")))
    }

    fn done(&self, args: &[&str]) -> Result<Value> {
        let said = self.ask(args)?;
        ensure!(said["ok"] == true, "coworker {}: {said}", args.join(" "));
        Ok(said)
    }

    /// A ping, and by which way it went.
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

/// An agent that pings another without end.
pub(super) struct Visitor {
    _agent: Agent,
    seen: Receiver<Option<Pong>>,
}

impl Visitor {
    fn new(agent: Agent, peer: String) -> Self {
        let (tell, seen) = channel();
        let desk = agent.desk.clone();
        thread::spawn(move || ping_on(&desk, &peer, &tell));
        Self { _agent: agent, seen }
    }

    /// All that is seen from now on for so long, or until `enough`.
    pub(super) fn hear(&self, limit: Duration, enough: impl Fn(&Heard) -> bool) -> Result<Heard> {
        let (end, mut heard) = (now() + limit, Heard::default());
        while let Some(left) = end.checked_duration_since(now()) {
            match self.seen.recv_timeout(left) {
                Ok(Some(pong)) => heard.pongs.push(pong),
                Ok(None) => heard.unanswered += 1,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("the agent ended"),
            }
            if enough(&heard) {
                break;
            }
        }
        Ok(heard)
    }

    /// Forgets what was seen until now.
    pub(super) fn forget(&self) {
        while self.seen.try_recv().is_ok() {}
    }
}

/// Until nobody listens, or the agent is gone.
fn ping_on(desk: &Desk, peer: &str, tell: &Sender<Option<Pong>>) {
    while let Ok(pong) = desk.ping(peer) {
        if tell.send(pong).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Where data, certificates and logs of one case are.
pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    coworker: &'a Path,
    folder: PathBuf,
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a World, coworker: &'a Path, folder: PathBuf) -> Result<Self> {
        // Of the run before.
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).context("cannot create the folder of the logs")?;
        certify(&folder)?;
        Ok(Self { world, coworker, folder })
    }

    pub(super) fn relay(&self) -> Result<Running> {
        let mut command = self.world.command("pub", self.coworker);
        command.args(["--json", "relay", "--bind", &format!("{RELAY}:443"), "--tls"]);
        command.arg(self.folder.join("relay.pem")).arg(self.folder.join("relay.key"));
        let relay = Running::start(&mut command, &self.folder.join("relay.log"))?;
        relay.ready().context("the relay")?;
        Ok(relay)
    }

    /// Waits for others.
    pub(super) fn host(&self) -> Result<Agent> {
        self.agent("hostB").context("the agent behind NAT B")
    }

    /// Connects to `host`, is accepted by it, and pings it.
    pub(super) fn visitor(&self, host: &Agent) -> Result<Visitor> {
        let agent = self.agent("hostA").context("the agent behind NAT A")?;
        let code = host.desk.done(&["invite"])?;
        let code = code["code"].as_str().context("no code")?;
        let connected = agent.desk.done(&["connect", code])?;
        let peer = connected["peer"].as_str().context("no peer")?.to_owned();
        let us = agent.desk.done(&["status"])?;
        host.desk.done(&["trust", "set", us["id"].as_str().context("no id")?, "known"])?;
        Ok(Visitor::new(agent, peer))
    }

    fn agent(&self, place: &str) -> Result<Agent> {
        let data = self.folder.join(place);
        let desk = Desk { place: self.world.name(place), program: self.coworker.to_owned(), data };
        let (url, ca) = (format!("https://{RELAY}"), self.folder.join("ca.pem"));
        let ca = ca.to_str().context("a folder's name is no text")?;
        desk.done(&["init", "--name", place, "--network", "public", "--relay", &url, "--relay-ca", ca])?;
        let serve = Running::start(&mut desk.command(&["serve"]), &self.folder.join(format!("{place}.log")))?;
        serve.ready()?;
        Ok(Agent { desk, _serve: serve })
    }
}

/// An authority of our own, and the relay's certificate.
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
    reason = "a developer's tool that measures; nothing of the host runs here"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
