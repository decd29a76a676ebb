//! The relay and the two agents, and what they say while they run.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::Programs;
use super::world::{RELAY, World};

/// A program that was started, and killed when dropped.
pub(super) struct Running {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

/// A ping that was answered.
#[derive(Debug)]
pub(super) struct Pong {
    pub(super) at: Instant,
    pub(super) direct: bool,
}

/// What the visiting agent said within some time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) pongs: Vec<Pong>,
    /// Links that ended by themselves.
    pub(super) lost: usize,
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
    fn start(command: &mut std::process::Command, log: &Path) -> Result<Self> {
        let log = fs::File::create(log).context("cannot create a log")?;
        let mut child = command
            .env("RUST_LOG", "info,iroh=debug,coworker_net=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start a program")?;
        let output = child.stdout.take().context("no output")?;
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send((now(), line)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines })
    }

    /// The rest of the first line that begins with `word`.
    pub(super) fn wait_for(&self, word: &str, limit: Duration) -> Result<String> {
        let end = now() + limit;
        while let Some(left) = end.checked_duration_since(now()) {
            match self.lines.recv_timeout(left) {
                Ok((_, line)) => {
                    if let Some(rest) = line.strip_prefix(word) {
                        return Ok(rest.trim().to_owned());
                    }
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("it ended before it said `{word}`"),
            }
        }
        bail!("it did not say `{word}` within {limit:?}")
    }

    /// All that is said from now on for so long, or until `enough`.
    pub(super) fn hear(&self, limit: Duration, enough: impl Fn(&Heard) -> bool) -> Result<Heard> {
        let (end, mut heard) = (now() + limit, Heard::default());
        while let Some(left) = end.checked_duration_since(now()) {
            match self.lines.recv_timeout(left) {
                Ok((at, line)) => heard.note(at, &line),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => bail!("the agent ended"),
            }
            if enough(&heard) {
                break;
            }
        }
        Ok(heard)
    }
}

impl Heard {
    fn note(&mut self, at: Instant, line: &str) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("pong") => self.pongs.push(Pong { at, direct: words.nth(2) == Some("direct") }),
            Some("lost") => self.lost += 1,
            _ => {}
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Where certificates and logs of one case are.
pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    programs: &'a Programs,
    folder: PathBuf,
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a World, programs: &'a Programs, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).context("cannot create the folder of the logs")?;
        certify(&folder)?;
        Ok(Self { world, programs, folder })
    }

    pub(super) fn relay(&self) -> Result<Running> {
        let mut command = self.world.command("pub", &self.programs.coworker);
        command.args(["--json", "relay", "--bind", &format!("{RELAY}:443"), "--tls"]);
        command.arg(self.folder.join("relay.pem")).arg(self.folder.join("relay.key"));
        let relay = Running::start(&mut command, &self.folder.join("relay.log"))?;
        let ready = relay.wait_for("{", Duration::from_secs(10)).context("the relay")?;
        ensure!(ready.contains("ready"), "the relay said {ready}");
        Ok(relay)
    }

    /// Waits for others. Its id.
    pub(super) fn host(&self) -> Result<(Running, String)> {
        let host = self.peer("hostB", "2", &[])?;
        let id = host.wait_for("online", Duration::from_secs(15)).context("the agent behind NAT B")?;
        Ok((host, id))
    }

    /// Keeps a link to `id`.
    pub(super) fn visitor(&self, id: &str) -> Result<Running> {
        let visitor = self.peer("hostA", "1", &[id])?;
        visitor.wait_for("online", Duration::from_secs(15)).context("the agent behind NAT A")?;
        Ok(visitor)
    }

    fn peer(&self, place: &str, seed: &str, more: &[&str]) -> Result<Running> {
        let mut command = self.world.command(place, &self.programs.peer);
        command.args([seed, &format!("https://{RELAY}")]).arg(self.folder.join("ca.pem")).args(more);
        Running::start(&mut command, &self.folder.join(format!("{place}.log")))
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
