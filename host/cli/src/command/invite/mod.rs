//! Invite codes and their grants.

mod list;
mod revoke;

use clap::{Args, Subcommand};
use coworker_api::ApiError;
use coworker_api::ops::{Grant, Invitation, InviteInfo, Invited, lasting};
use coworker_policy::{ErrorCode, Text, Tier};

use super::connect::reason;
use super::trust::ends::{Ends, milliseconds};
use crate::context::{Context, now_ms};
use crate::print::{self, CODE, DIM, WARN, badge, count, paint};
use crate::report::Report;
use crate::session::Session;

/// Print an invite code for a collaborator; keep the code secret if it carries a grant
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Invite {
    #[command(subcommand)]
    action: Option<Action>,

    /// Put this agent's addresses into the code, for networks without discovery
    #[arg(long)]
    with_addresses: bool,

    /// Print a QR code, too
    #[arg(long)]
    qr: bool,

    /// Grant this tier to peers that use the code; known is the highest tier for a code
    #[arg(long, value_name = "TIER")]
    grant: Option<Tier>,

    /// How many peers may use the code, once each
    #[arg(long, value_name = "N", requires = "grant", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    uses: u64,

    /// Expire the code after this time: 7d, 12h, "1h 30m"
    #[arg(long, value_name = "SPAN", requires = "grant", default_value = "7d", value_parser = milliseconds)]
    expires: u64,

    #[command(flatten)]
    ends: Ends,

    /// A note for your own record (coworker invite list, coworker trust log)
    #[arg(long, value_name = "TEXT", requires = "grant", value_parser = reason, default_value = "", hide_default_value = true)]
    note: Text,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::List),
    Revoke(revoke::Revoke),
}

impl Invite {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, ApiError> {
        match self.action {
            Some(Action::List(command)) => return command.run(context).await,
            Some(Action::Revoke(command)) => return command.run(context).await,
            None => {}
        }
        let ends = coworker_api::ops::Ends::from(self.ends);
        if self.grant.is_none() && ends != coworker_api::ops::Ends::default() {
            return Err(ApiError::new(ErrorCode::Usage, "--for and --calls say how long a grant lasts")
                .suggest("grant something", ["invite", "--grant", "known", "--for", "7d"]));
        }
        let (uses, expires_ms, note) = (self.uses, self.expires, self.note);
        let grant = self.grant.map(|tier| Grant { tier, uses, expires_ms, ends, note });
        let invitation = Invitation { with_addresses: self.with_addresses, grant };
        let ask = async |session: &Session| Ok((session.run(invitation).await?, session.is_serving()));
        let (invited, serving) = context.with_session(ask).await?;
        let qr = if self.qr { qr(&invited.code)? } else { String::new() };
        Ok(Report::text(text(&invited, &qr, serving, context)).fields(&invited))
    }
}

fn qr(code: &str) -> Result<String, ApiError> {
    print::qr(code).map(|qr| format!("\n{qr}\n")).ok_or_else(|| {
        ApiError::new(ErrorCode::LimitExceeded, "the code is too long for a QR code")
            .hint("leave the addresses out, or send the code as text")
    })
}

fn text(invited: &Invited, qr: &str, serving: bool, context: &Context) -> String {
    let mut text = format!(
        "{}\n{qr}\n{}\n  {}",
        invited.code,
        paint(DIM, "Send it to your collaborator. They type:"),
        paint(CODE, &format!("coworker connect {}", invited.code)),
    );
    if let Some(grant) = &invited.grant {
        text = format!("{text}\n\n{}", worth(grant, context));
    }
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

fn worth(grant: &InviteInfo, context: &Context) -> String {
    let uses =
        usize::try_from(grant.uses_left).map_or_else(|_| "many peers".to_owned(), |n| count(n, "peer"));
    let until = u64::try_from(grant.expires_ms.saturating_sub(now_ms())).unwrap_or_default();
    let ends = grant.ends.told();
    let ends = if ends.is_empty() { ends } else { format!(" {ends}") };
    format!(
        "{} whoever brings it within {} becomes {}{ends} ({uses}, each once).\n{} {}",
        paint(WARN, "This code is a secret:"),
        lasting(until),
        badge(grant.tier),
        paint(DIM, "take it back:"),
        paint(CODE, &context.command(&format!("invite revoke {}", grant.id))),
    )
}
