use clap::Args;
use coworker_agent::ops::{Invitation, Invited};
use coworker_agent::{OpError, Session};

use crate::context::Context;
use crate::print::{CODE, DIM, paint};
use crate::report::Report;

/// The code that a collaborator connects with; it holds no secret
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// Put this agent's addresses into the code: for networks where it cannot be found otherwise
    #[arg(long)]
    with_addresses: bool,
}

impl Invite {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, OpError> {
        let invitation = Invitation { with_addresses: self.with_addresses };
        let ask = async |session: &Session| {
            Ok((session.run(invitation).await?, matches!(session, Session::Serving(_))))
        };
        let (invited, serving) = context.with_session(ask).await?;
        Ok(Report::text(text(&invited, serving, context)).fields(&invited))
    }
}

fn text(invited: &Invited, serving: bool, context: &Context) -> String {
    let mut text = format!(
        "{}\n\n{}\n  {}",
        invited.code,
        paint(DIM, "Send it to your collaborator. They type:"),
        paint(CODE, &format!("coworker connect {}", invited.code)),
    );
    if !serving {
        let serve = paint(CODE, &context.command("serve"));
        text = format!("{text}\n\n{} {serve}", paint(DIM, "They reach you while this runs:"));
        if !invited.addresses.is_empty() {
            text +=
                "\nThe addresses in this code are of this moment: run `serve` first, then `invite` again.";
        }
    }
    text
}
