//! Agents of one user on one machine find each other without multicast: each one that listens leaves a file with its
//! addresses in a directory that only this user can write. Addresses are hints: the agent that answers there must
//! still prove its key.

use std::fs;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use coworker_policy::PeerId;

use crate::base::home::{make_private_dir, write_atomically};

const MAX_ADDRESSES: usize = 16;

/// The notice of one listening agent; deleted when dropped.
#[derive(Debug)]
pub(super) struct Notice(PathBuf);

/// The directory of the user that owns `home`.
fn board(home: &Path) -> io::Result<PathBuf> {
    let user = fs::metadata(home)?.uid();
    Ok(std::env::temp_dir().join(format!("coworker-nearby-{user}")))
}

/// Leaves a notice. Returns `None` if that fails: other ways of finding each other remain.
pub(super) fn announce(home: &Path, us: PeerId, addresses: &[SocketAddr]) -> Option<Notice> {
    let put_up = || -> Result<PathBuf, Box<dyn std::error::Error>> {
        let board = board(home)?;
        make_private_dir(&board)?;
        let path = board.join(us.to_string());
        let lines: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
        write_atomically(&path, lines.join("\n").as_bytes())?;
        Ok(path)
    };
    put_up()
        .map(Notice)
        .inspect_err(
            |error| tracing::warn!(%error, "cannot leave a notice for the other agents on this machine"),
        )
        .ok()
}

/// The addresses of `peer` on this machine, if it left a notice.
pub(super) fn look_up(home: &Path, peer: PeerId) -> Vec<SocketAddr> {
    let mut text = String::new();
    let read = board(home)
        .and_then(|board| fs::File::open(board.join(peer.to_string())))
        .and_then(|file| file.take(4096).read_to_string(&mut text));
    match read {
        Ok(_) => text.lines().filter_map(|line| line.parse().ok()).take(MAX_ADDRESSES).collect(),
        Err(_) => Vec::new(),
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
