//! How the process ends.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;

use coworker_api::ApiError;
use coworker_policy::ErrorCode;

use crate::print;

/// Exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    /// Refused or failed.
    Failed = 1,
    Usage = 2,
    /// The peer cannot be reached, or has not answered yet.
    Unreachable = 3,
    /// A fault of coworker's own.
    Bug = 255,
}

impl Exit {
    pub(crate) fn of(error: &ApiError) -> Self {
        match error.code {
            ErrorCode::Usage if !error.from_peer => Self::Usage,
            ErrorCode::PeerUnreachable | ErrorCode::Deadline => Self::Unreachable,
            ErrorCode::Internal if !error.from_peer => Self::Bug,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Runs `main`; a panic becomes a short message and [`Exit::Bug`], in JSON too if that was asked for.
pub(crate) fn guarded(json: bool, main: impl FnOnce() -> Exit) -> Exit {
    panic::set_hook(Box::new(complain));
    panic::catch_unwind(AssertUnwindSafe(main)).unwrap_or_else(|_| {
        if json {
            let bug = ApiError::new(ErrorCode::Internal, "a bug in coworker ended this command");
            print::failure(&bug, true);
        }
        Exit::Bug
    })
}

fn complain(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    let what = info.payload_as_str().unwrap_or("it panicked");
    print::note(&format!(
        "error: a bug in coworker{place}: {}\n  hint: please report it",
        print::plain(what)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: ErrorCode, from_peer: bool) -> Exit {
        let mut error = ApiError::new(code, "");
        error.from_peer = from_peer;
        Exit::of(&error)
    }

    #[test]
    fn exit_codes_follow_the_kind_of_error() {
        assert_eq!(exit(ErrorCode::Usage, false), Exit::Usage);
        assert_eq!(exit(ErrorCode::PeerUnreachable, false), Exit::Unreachable);
        assert_eq!(exit(ErrorCode::Deadline, true), Exit::Unreachable);
        assert_eq!(exit(ErrorCode::InUse, false), Exit::Failed);
        assert_eq!(exit(ErrorCode::UnknownSkill, true), Exit::Failed);
        assert_eq!(exit(ErrorCode::Internal, false), Exit::Bug);
    }

    #[test]
    fn a_peer_cannot_make_our_exit_code_say_bug_or_usage() {
        assert_eq!(exit(ErrorCode::Internal, true), Exit::Failed);
        assert_eq!(exit(ErrorCode::Usage, true), Exit::Failed);
    }
}
