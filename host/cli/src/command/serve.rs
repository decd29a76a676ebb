use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use coworker_agent::Agent;
use coworker_api::ApiError;
use coworker_api::ops::{SkillExpose, SkillInfo, SkillList, StatusInfo};
use coworker_policy::{Listing, Tier};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::skill::consent::{self, Wish};
use super::status;
use super::wished::Wished;
use crate::context::Context;
use crate::exit::Exit;
use crate::print::{self, BOLD, CODE, DIM, GOOD, badge, paint};
use crate::report::Report;
use crate::session::Session;

/// How long a short command that holds the agent is waited for.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long running calls have to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serve this agent to its peers, until Ctrl-C
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Install these first: components, built skills, SKILL.md files or folders with one
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Expose these skills (comma-separated), or all installed skills
    #[arg(long, value_name = "all|NAME,…", value_delimiter = ',')]
    expose: Vec<String>,

    /// With --expose: the lowest tier that may see and call them
    #[arg(long, value_name = "TIER", requires = "expose", default_value = "known")]
    from: Tier,

    /// Agree to the components without a prompt
    #[arg(long, short)]
    yes: bool,

    #[command(flatten, next_help_heading = "For a SKILL.md")]
    wished: Wished,

    /// Stop when standard input ends: for a program that starts this one and may die.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

impl Serve {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        self.wished.only_for(self.paths.len() == 1)?;
        let mut stop = Stop::new(self.until_stdin_ends)?;
        let agent = Agent::open(context.home.clone(), TIMEOUT).await?;
        let started = tokio::select! {
            started = self.start(context, agent.clone()) => started,
            () = stop.asked() => Ok(()),
        };
        if started.is_ok() {
            stop.asked().await;
            context.say(&paint(DIM, "stopping"));
        }
        tokio::select! {
            _ = tokio::time::timeout(FAREWELL, agent.close()) => {}
            () = stop.insisted() => std::process::exit(Exit::Failed as i32),
        }
        started.map(|()| Report::silent())
    }

    async fn start(&self, context: &Context, agent: Agent) -> Result<(), ApiError> {
        let session = Session::here(agent.clone());
        let expose = self.exposes_all().then_some(self.from);
        let wish = Wish { yes: self.yes, expose, wished: self.wished.clone(), ..Wish::default() };
        for path in &self.paths {
            let installed = consent::install(context, &session, path, &wish).await?;
            context.say(&super::skill::added(&installed.added, context));
        }
        self.expose(&session).await?;
        let skills = session.run(SkillList { name: None }).await?;
        let status = agent.serve().await?;
        if context.json {
            let ready = Report::default().field("event", &"ready").fields(&status);
            print::document(&ready.document());
        } else {
            print::out(&screen(&status, &skills, context));
        }
        Ok(())
    }

    fn exposes_all(&self) -> bool {
        self.expose.iter().any(|name| name == "all")
    }

    async fn expose(&self, session: &Session) -> Result<(), ApiError> {
        let names = if self.exposes_all() {
            let skills = session.run(SkillList { name: None }).await?;
            let exposed = Listing::Exposed { from: self.from };
            let others = skills.into_iter().filter(|skill| skill.listing != exposed);
            others.map(|skill| skill.card.name.to_string()).collect()
        } else {
            self.expose.clone()
        };
        for name in names {
            session.run(SkillExpose { name, from: self.from }).await?;
        }
        Ok(())
    }
}

fn screen(status: &StatusInfo, skills: &[SkillInfo], context: &Context) -> String {
    let name = paint(BOLD, &print::plain(status.name.as_str()));
    let mut lines = vec![format!("{} {name} is listening", paint(GOOD, "●"))];
    let mut say =
        |what: &str, text: &str| lines.push(format!("  {} {text}", paint(DIM, &format!("{what:<8}"))));
    say("id", &status.id.to_string());
    say("network", &print::plain(&status::network(status)));
    let mut what = "exposed";
    for tier in Tier::ALL {
        let of_tier = skills.iter().filter(|skill| skill.listing == Listing::Exposed { from: tier });
        let names: Vec<_> = of_tier.map(|skill| skill.card.name.as_str()).collect();
        if !names.is_empty() {
            say(what, &format!("{} from {}", names.join(", "), badge(tier)));
            what = "";
        }
    }
    let hidden = skills.iter().filter(|skill| skill.listing == Listing::Hidden).count();
    match (skills.len(), hidden) {
        (0, _) => say(
            "skills",
            &format!("none; install one: {}", paint(CODE, &context.command("skill add FILE.wasm"))),
        ),
        (_, 0) => {}
        (_, hidden) => say("hidden", &print::count(hidden, "skill")),
    }
    say("invite", &paint(CODE, &context.command("invite")));
    say("stop", "Ctrl-C");
    lines.join("\n") + "\n"
}

/// The wish that this process ends.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
    until_stdin_ends: bool,
    asked: bool,
}

impl Stop {
    fn new(until_stdin_ends: bool) -> Result<Self, ApiError> {
        let catch = |kind| signal(kind).map_err(|error| ApiError::fault(&error));
        let (interrupt, terminate) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, until_stdin_ends, asked: false })
    }

    /// Returns once somebody asked; at once if they did already.
    async fn asked(&mut self) {
        if self.asked {
            return;
        }
        let watch_stdin = self.until_stdin_ends;
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = stdin_ended(), if watch_stdin => {}
        }
        self.asked = true;
    }

    /// Asked a second time.
    async fn insisted(&mut self) {
        self.interrupt.recv().await;
    }
}

async fn stdin_ended() {
    let mut rest = [0; 64];
    let mut stdin = tokio::io::stdin();
    while stdin.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}
