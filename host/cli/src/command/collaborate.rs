use std::path::PathBuf;

use clap::Args;
use coworker_api::ApiError;
use coworker_api::ops::{GoalBegin, GoalBegun, GoalInfo, GoalPhase, GoalPlan, GoalPlanned, GoalWatch};
use coworker_policy::ErrorCode;

use super::input;
use crate::context::Context;
use crate::print::{self, BOLD, CODE, DIM, paint};
use crate::prompt;
use crate::report::Report;
use crate::session::Session;

/// Plan a goal with other agents, agree on the plan and run it
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
pub(crate) struct Collaborate {
    /// Names or ids of peers, separated by commas
    #[arg(value_name = "PEER[,PEER…]")]
    peers: String,

    /// The goal, in your own words
    #[arg(required_unless_present = "plan")]
    goal: Option<String>,

    /// The input of the goal: JSON or text; `-` reads standard input, `@FILE` a file
    #[arg(long, value_name = "INPUT", allow_hyphen_values = true)]
    input: Option<String>,

    /// Run the plan in this file (JSON, as --plan-only --json prints it)
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// Plan from the words of the goal only, without your language model
    #[arg(long)]
    no_model: bool,

    /// Show the plan and stop
    #[arg(long)]
    plan_only: bool,

    /// Run the plan without asking for consent
    #[arg(short, long)]
    yes: bool,

    /// Report progress to this group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,

    /// Do not wait; the running `serve` continues the goal
    #[arg(long, conflicts_with = "plan_only")]
    detach: bool,

    /// Wait this many seconds for each peer to list its skills
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,

    /// With --json: print a line for each step that changes, before the result
    #[arg(long)]
    stream: bool,
}

impl Collaborate {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        let plan = GoalPlan {
            peers: self.peers.split(',').map(|peer| peer.trim().to_owned()).collect(),
            goal: self.goal.clone().unwrap_or_default(),
            input: self.input.as_deref().map(input::loose).transpose()?,
            plan: self.plan.as_deref().map(input::plan).transpose()?,
            no_model: self.no_model,
            timeout: self.timeout,
        };
        context.with_session(async |session| self.carry_out(context, session, plan).await).await
    }

    async fn carry_out(
        &self,
        context: &Context,
        session: &Session,
        plan: GoalPlan,
    ) -> Result<Report, ApiError> {
        let planned = session.run(plan).await?;
        let text = print::plan(&planned);
        if self.plan_only {
            return Ok(Report::text(text).fields(&planned));
        }
        context.say(&text);
        let again = context.command(&format!("collaborate {} … --yes", print::plain(&self.peers)));
        prompt::agree(context, self.yes, "Carry this plan out?", &again)?;
        let GoalPlanned { plan, input, asked, .. } = planned;
        let (group, detach, timeout) = (self.group.clone(), self.detach, self.timeout);
        let begun = session.run(GoalBegin { plan, input, group, asked, detach, timeout }).await?;
        if self.detach {
            return Ok(Report::text(detached(context, &begun)).fields(&begun));
        }
        watch(context, session, begun.id.to_string(), self.stream).await
    }
}

/// Waits for the end of a goal and reports its outcome.
pub(super) async fn watch(
    context: &Context,
    session: &Session,
    id: String,
    stream: bool,
) -> Result<Report, ApiError> {
    let info = context.live_in(session, GoalWatch { id }, stream).await?;
    Ok(ended(&info))
}

fn ended(info: &GoalInfo) -> Report {
    let report = Report::text(print::goal_end(info)).fields(info);
    if info.state == GoalPhase::Done {
        return report;
    }
    let error = info.why.clone().map_or_else(
        || ApiError::new(ErrorCode::Internal, "the goal was not reached"),
        |why| ApiError::new(why.code, why.message.to_string()),
    );
    report.field("ok", &false).field("error", &print::problem(&error))
}

fn detached(context: &Context, begun: &GoalBegun) -> String {
    let id = begun.id.to_string();
    let follow = context.command(&format!("goal {}", id.get(..8).unwrap_or(&id)));
    format!(
        "{} the goal goes on in the background: {}\n  {} {}",
        paint(print::GOOD, "✓"),
        paint(BOLD, &id),
        paint(DIM, "see how far it is:"),
        paint(CODE, &follow)
    )
}
