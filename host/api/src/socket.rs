use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use coworker_policy::Digest;
use tokio::net::UnixStream;

/// Longest path of a socket, in bytes. The system's limit is about 100.
const MAX_PATH: usize = 100;

/// The local socket of the agent in a data directory. A deep directory's socket lies in the temporary directory, under
/// a name made from the path.
pub fn socket_path(dir: &Path) -> PathBuf {
    let inside = dir.join("control.sock");
    if inside.as_os_str().len() < MAX_PATH {
        return inside;
    }
    let name = Digest::of(dir.as_os_str().as_encoded_bytes()).hex();
    std::env::temp_dir().join(format!("coworker-{}.sock", &name[..24]))
}

/// Whether the other side runs as the user who owns the data directory, or as root. The socket's own permissions are
/// not enough: it may lie in a directory where anybody can create one.
pub(crate) fn is_same_user(dir: &Path, stream: &UnixStream) -> io::Result<bool> {
    let (owner, peer) = (std::fs::metadata(dir)?.uid(), stream.peer_cred()?.uid());
    Ok(peer == owner || peer == 0)
}
