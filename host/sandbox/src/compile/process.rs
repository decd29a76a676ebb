//! The parent's side: starts one process per component and kills it once the answer has arrived or is late.

use std::io::{self, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::Signal;
use wasmtime::Engine;

use super::{COMPILED, HEADER, MAX_CODE, MAX_REASON, REJECTED, Worker, header};
use crate::bad_component::BadComponent;

/// Most threads of the compiler. Each takes address space, which the worker limits.
const THREADS: usize = 4;

/// The worker's answer.
enum Answer {
    Compiled(Vec<u8>),
    Rejected(String),
    TooLarge,
}

pub(super) fn compile(worker: &Worker, engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, BadComponent> {
    let mut child = spawn(worker).map_err(|error| BadComponent::Compiler(error.into()))?;
    let answer = exchange(&mut child, worker, engine, wasm);
    // Fails if the worker has ended already.
    let _ = child.kill();
    let status = child.wait();
    match answer {
        Ok(Answer::Compiled(code)) => Ok(code),
        Ok(Answer::Rejected(reason)) => Err(BadComponent::Rejected(reason.into())),
        Ok(Answer::TooLarge) => Err(expensive("512 MiB of compiled code")),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(BadComponent::TooExpensive { what: format!("{:?} of time", worker.deadline) })
        }
        Err(error) => Err(ended(status, error)),
    }
}

/// Starts the worker with two pipes and without the parent's environment, working directory and terminal.
fn spawn(worker: &Worker) -> io::Result<Child> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    Command::new(&worker.program)
        .args(&worker.args)
        .env_clear()
        .env("RAYON_NUM_THREADS", threads.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Sends the component and waits for the answer until the deadline. Each pipe has its own thread, so a worker
/// that neither reads nor writes cannot block this one.
fn exchange(child: &mut Child, worker: &Worker, engine: &Engine, wasm: &[u8]) -> io::Result<Answer> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::scope(|scope| {
        // A failed write means that the worker failed, which the answer shows.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(wasm)));
        scope.spawn(move || {
            let answer = stdout.ok_or(io::ErrorKind::BrokenPipe.into());
            // The receiver is gone after the deadline.
            let _ = sender.send(answer.and_then(|stdout| read(stdout, engine)));
        });
        let answer = receiver.recv_timeout(worker.deadline);
        // Closes the worker's ends of the pipes, which ends both threads.
        let _ = child.kill();
        match answer {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    })
}

fn read(mut from: impl Read, engine: &Engine) -> io::Result<Answer> {
    let mut start = [0; HEADER];
    from.read_exact(&mut start)?;
    let (verdict, length) = (start[16], u64::from_le_bytes(*start.last_chunk().unwrap_or(&[0; 8])));
    if start[..16] != header(engine, verdict, 0)[..16] {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the worker is of another version"));
    }
    match verdict {
        COMPILED if length > MAX_CODE => Ok(Answer::TooLarge),
        COMPILED => exactly(from, length).map(Answer::Compiled),
        REJECTED if length <= MAX_REASON as u64 => {
            let reason = exactly(from, length)?;
            Ok(Answer::Rejected(String::from_utf8_lossy(&reason).into_owned()))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the worker's answer is malformed")),
    }
}

/// Reads exactly `length` bytes up to the end. Memory grows with the bytes that arrive, not with `length`.
fn exactly(from: impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The reason why the worker ended before its answer was complete.
fn ended(status: io::Result<ExitStatus>, error: io::Error) -> BadComponent {
    match status.ok().and_then(|status| status.signal()).and_then(Signal::from_named_raw) {
        Some(Signal::XCPU) => expensive("60 seconds of processor time"),
        // A failed allocation and a stack overflow abort.
        Some(Signal::ABORT | Signal::SEGV | Signal::BUS) => expensive("2 GiB of memory"),
        // It ended by itself or was killed by this process.
        None | Some(Signal::KILL) => BadComponent::Compiler(error.into()),
        Some(signal) => BadComponent::Compiler(format!("the worker was ended by {signal:?}").into()),
    }
}

fn expensive(what: &str) -> BadComponent {
    BadComponent::TooExpensive { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::compiling_engine;

    fn answer(engine: &Engine, verdict: u8, length: usize, rest: &[u8]) -> io::Result<Answer> {
        let bytes = [&header(engine, verdict, length)[..], rest].concat();
        read(&bytes[..], engine)
    }

    #[test]
    fn an_answer_is_taken_whole_or_not_at_all() {
        let engine = compiling_engine().unwrap();
        assert!(
            matches!(answer(&engine, COMPILED, 4, b"code"), Ok(Answer::Compiled(code)) if code == b"code")
        );
        assert!(matches!(answer(&engine, REJECTED, 3, b"why"), Ok(Answer::Rejected(why)) if why == "why"));
        let too_large = usize::try_from(MAX_CODE).unwrap() + 1;
        assert!(matches!(answer(&engine, COMPILED, too_large, b""), Ok(Answer::TooLarge)));
        for (verdict, length, rest) in [
            (COMPILED, 5, &b"code"[..]),
            (COMPILED, 3, b"code"),
            (REJECTED, MAX_REASON + 1, b"why"),
            (2, 4, b"code"),
        ] {
            assert!(answer(&engine, verdict, length, rest).is_err());
        }
    }

    #[test]
    fn an_answer_of_another_engine_is_refused() {
        let (engine, other) = (compiling_engine().unwrap(), Engine::default());
        let bytes = header(&other, COMPILED, 0);
        assert!(read(&bytes[..], &engine).is_err());
        assert!(read(&bytes[..20], &other).is_err());
        assert!(read(&[0; HEADER][..], &engine).is_err());
    }
}
