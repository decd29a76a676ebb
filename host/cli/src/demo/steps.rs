//! The steps of the demo. Each checks its own claim.

use std::path::{Path, PathBuf};
use std::time::Duration;

use coworker_api::ApiError;
use coworker_policy::{ErrorCode, Tier};
use serde::Serialize;
use serde_json::{Value, json};

use super::cast::Actor;
use crate::print::{self, BAD, BOLD, DIM, badge, paint};

/// Built from `example-skills/` by `cargo xtask skills`.
const COMPONENTS: [(&str, &[u8]); 3] = [
    ("about", include_bytes!("../../../../example-skills/built/about.wasm")),
    ("summarize", include_bytes!("../../../../example-skills/built/summarize.wasm")),
    ("redact", include_bytes!("../../../../example-skills/built/redact.wasm")),
];

/// The text that bob wants summarized.
const TEXT: &str = "Tide pools are small worlds between the rocks of the shore. Twice a day the sea fills them and \
leaves again. Whatever lives in a tide pool must bear cold water and hot sun within the same hours. Limpets clamp \
themselves to the rock so that they do not dry out. Anemones fold their arms and wait for the water to return. \
Crabs hide under the weed and come out at night. Biologists like tide pools because so many kinds of animals live \
in so little space. A bucket of water from one pool can hold more species than a whole field. Children like them \
for the same reason.";

/// Columns that a quotation may take.
const WIDTH: usize = 90;
/// How often one looks whether the other's word has arrived.
pub(super) const GLANCE: Duration = Duration::from_millis(20);

#[derive(Debug, Serialize)]
pub(super) struct Step {
    #[serde(rename = "step")]
    name: &'static str,
    what: &'static str,
    ms: f64,
    /// The outcome; for a step over the network, the other side's view of it.
    seen: Value,
}

pub(super) struct Play {
    pub(super) steps: Vec<Step>,
    pub(super) ada: Actor,
    pub(super) bob: Actor,
    json: bool,
    stage: PathBuf,
    began: tokio::time::Instant,
}

impl Play {
    pub(super) fn new(json: bool, stage: &Path, ada: Actor, bob: Actor) -> Self {
        Self {
            steps: Vec::new(),
            ada,
            bob,
            json,
            stage: stage.to_owned(),
            began: tokio::time::Instant::now(),
        }
    }

    pub(super) async fn run(&mut self) -> Result<(), ApiError> {
        self.began = tokio::time::Instant::now();
        self.init().await?;
        self.install().await?;
        self.serve().await?;
        self.connect().await?;
        self.ask_for_trust().await?;
        self.call().await?;
        self.refuse().await?;
        self.audit().await?;
        self.goal().await?;
        self.take_trust_away().await
    }

    pub(super) async fn end(&mut self) {
        tokio::join!(self.ada.leaves(), self.bob.leaves());
    }

    async fn init(&mut self) -> Result<(), ApiError> {
        let init = |name| ["init", "--name", name, "--network", "local", "--bind", "127.0.0.1:0"];
        let (for_ada, for_bob) = (init(self.ada.name), init(self.bob.name));
        let (ada, bob) = tokio::try_join!(self.ada.does(&for_ada), self.bob.does(&for_bob))?;
        let lines = [("ada", &ada), ("bob", &bob)]
            .map(|(name, agent)| format!("{} is {}", paint(BOLD, name), text(&agent["id"])));
        self.done(
            "init",
            "Each makes an agent: a key that is its name",
            &lines,
            json!({ "ada": ada["id"], "bob": bob["id"] }),
        );
        Ok(())
    }

    async fn install(&mut self) -> Result<(), ApiError> {
        let mut installed = Vec::new();
        for (name, component) in COMPONENTS {
            let path = self.component(name);
            std::fs::write(&path, component).map_err(|error| ApiError::fault(&error))?;
            installed.push(self.ada.does(&["skill", "add", &path, "--yes"]).await?);
        }
        self.ada.does(&["skill", "expose", "about", "--from", "untrusted"]).await?;
        self.ada.does(&["skill", "expose", "summarize", "--from", "known"]).await?;
        let line = |name: &str, shown: String| format!("{name:<9}  {shown}");
        let lines = [
            line("about", format!("exposed from {}", badge(Tier::Untrusted))),
            line("summarize", format!("exposed from {}", badge(Tier::Known))),
            line("redact", paint(DIM, "hidden, as every new skill is")),
        ];
        let asks = |added: &Value| json!({ "skill": added["skills"][0]["name"], "size": added["size"], "imports": added["imports"] });
        let seen = installed.iter().map(asks).collect();
        self.done("install", "ada installs three skills, sandboxed WebAssembly components", &lines, seen);
        Ok(())
    }

    /// Where the component of a skill is.
    pub(super) fn component(&self, name: &str) -> String {
        self.stage.join(format!("{name}.wasm")).to_string_lossy().into_owned()
    }

    async fn serve(&mut self) -> Result<(), ApiError> {
        let (ada, bob) = tokio::try_join!(self.ada.serve(), self.bob.serve())?;
        let at = |ready: &Value| text(&ready["addresses"][0]);
        let lines = [format!("ada at {}, bob at {}", at(&ada), at(&bob))];
        let seen = json!({ "ada": ada["addresses"], "bob": bob["addresses"] });
        self.done("serve", "Both listen", &lines, seen);
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), ApiError> {
        let invited = self.ada.does(&["invite"]).await?;
        let code = text(&invited["code"]);
        let connected = self.bob.does(&["connect", &code]).await?;
        let names = names(&connected);
        expect(names == ["about"], "a stranger sees `about` only", &connected)?;
        let lines = [
            format!("invite {}", paint(DIM, &print::plain(&code))),
            format!("bob is {} to ada and sees {}", badge(Tier::Untrusted), names.join(", ")),
        ];
        self.done(
            "connect",
            "bob connects with ada's invite code and asks what she shows",
            &lines,
            json!(names),
        );
        Ok(())
    }

    async fn ask_for_trust(&mut self) -> Result<(), ApiError> {
        let reason = "I have a long text";
        let ask = ["trust", "ask", "ada", "known", "--reason", reason, "--wait", "20"];
        let (asked, answered) = tokio::try_join!(self.bob.does(&ask), self.answer())?;
        expect(asked["granted"] == "known", "bob learns the answer", &asked)?;
        let shown = names(&self.bob.does(&["inspect", "ada"]).await?);
        expect(shown == ["about", "summarize"], "a KNOWN peer sees `summarize` too", &json!(shown))?;
        let lines = [
            format!(
                "ada reads: \u{201c}{}\u{201d} and says yes: bob is {}",
                text(&answered["reason"]),
                badge(Tier::Known)
            ),
            format!("bob sees {}", shown.join(", ")),
        ];
        self.done("trust", "bob asks for trust, ada decides", &lines, json!(shown));
        Ok(())
    }

    /// The owner's part: waits for the question, says yes. Returns the question.
    async fn answer(&self) -> Result<Value, ApiError> {
        loop {
            let waiting = self.ada.does(&["trust", "requests"]).await?;
            if let Some(request) = waiting["requests"].get(0) {
                self.ada.does(&["trust", "accept", "bob"]).await?;
                return Ok(request.clone());
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn call(&mut self) -> Result<(), ApiError> {
        let called = self.bob.does(&["call", "ada", "summarize", &input()]).await?;
        let told = text(&called["output"]["summary"]);
        expect(!told.is_empty() && told.len() < TEXT.len(), "a summary is shorter than its text", &called)?;
        let ms = called["duration_ms"].as_f64().unwrap_or_default();
        let mut lines = vec![format!("{} characters become {}:", TEXT.len(), told.len())];
        lines.extend(quoted(&told));
        lines.push(paint(DIM, &format!("there and back in {ms:.1} ms, over MLS in QUIC")));
        let seen = json!({ "output": called["output"], "duration_ms": ms });
        self.done("call", "bob calls summarize: he gets the output, never the skill", &lines, seen);
        Ok(())
    }

    async fn refuse(&mut self) -> Result<(), ApiError> {
        let hidden = self.bob.fails(&["call", "ada", "redact", &input()]).await?;
        let never = self.bob.fails(&["call", "ada", "no-such-skill", &input()]).await?;
        expect(
            hidden == never && hidden["code"] == "UNKNOWN_SKILL",
            "a hidden skill is refused like none",
            &hidden,
        )?;
        let answer = format!("{}: {}", text(&hidden["code"]), text(&hidden["message"]));
        let lines = ["redact, which is hidden     ", "no-such-skill, which is none"]
            .map(|name| format!("{name}  {}", paint(BAD, &answer)));
        let seen = json!({ "hidden": hidden, "none": never });
        self.done("refuse", "bob guesses names: he cannot tell hidden from nothing", &lines, seen);
        Ok(())
    }

    async fn audit(&mut self) -> Result<(), ApiError> {
        let log = self.ada.does(&["audit", "log", "--skill", "summarize", "--limit", "1"]).await?;
        let entry = &log["entries"][0];
        expect(entry["permit"]["tier"] == "known", "the audit log has the call's permit", &log)?;
        let (permit, detail) = (&entry["permit"], &entry["detail"]);
        let grants: Vec<_> = permit["grants"].as_array().into_iter().flatten().map(text).collect();
        let limits = &permit["limits"];
        let lines = [
            format!(
                "permit  caller bob, {}, grants: {}",
                badge(Tier::Known),
                if grants.is_empty() { "none".into() } else { grants.join(", ") }
            ),
            format!(
                "limits  fuel {}, {} ms, {} MiB",
                limits["fuel"],
                limits["wall_ms"],
                limits["memory_bytes"].as_u64().unwrap_or_default() >> 20
            ),
            format!(
                "used    fuel {}, {:.1} ms",
                detail["fuel_used"],
                detail["duration_ms"].as_f64().unwrap_or_default()
            ),
        ];
        self.done(
            "audit",
            "ada's audit log of the call; the permit was on disk before the skill ran",
            &lines,
            entry.clone(),
        );
        Ok(())
    }

    async fn take_trust_away(&mut self) -> Result<(), ApiError> {
        self.ada.does(&["trust", "remove", "bob"]).await?;
        let refused = self.bob.fails(&["call", "ada", "summarize", &input()]).await?;
        expect(refused["code"] == "UNKNOWN_SKILL", "without trust the skill is not there", &refused)?;
        let lines = [format!("bob calls summarize again: {}", paint(BAD, &text(&refused["code"])))];
        self.done("revoke", "ada takes the trust back", &lines, refused);
        Ok(())
    }

    pub(super) fn done(&mut self, name: &'static str, what: &'static str, lines: &[String], seen: Value) {
        let ms = self.began.elapsed().as_secs_f64() * 1000.0;
        if !self.json {
            let number = format!("{:>2}", self.steps.len() + 1);
            print::out(&format!(
                "{} {}  {}",
                paint(BOLD, &number),
                paint(BOLD, what),
                paint(DIM, &format!("{ms:.0} ms"))
            ));
            for line in lines {
                print::out(&format!("   {line}"));
            }
            print::out("");
        }
        self.steps.push(Step { name, what, ms, seen });
        self.began = tokio::time::Instant::now();
    }
}

fn input() -> String {
    json!({ "text": TEXT }).to_string()
}

fn names(document: &Value) -> Vec<String> {
    let mut names: Vec<_> =
        document["skills"].as_array().into_iter().flatten().map(|card| text(&card["name"])).collect();
    names.sort();
    names
}

pub(super) fn text(value: &Value) -> String {
    print::plain(value.as_str().unwrap_or_default())
}

pub(super) fn expect(holds: bool, what: &str, found: &Value) -> Result<(), ApiError> {
    let message = || format!("the demo found something else than it should: {what}; found {found}");
    if holds { Ok(()) } else { Err(ApiError::new(ErrorCode::Internal, message())) }
}

/// A text in quotation marks, in lines that fit a terminal.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in format!("\u{201c}{text}\u{201d}").split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!(" {word}")),
        }
    }
    lines
}
