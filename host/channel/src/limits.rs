//! Sizes and counts that several layers must agree on.

/// Largest frame, in bytes.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;
/// Largest frame that a peer without a session may send, in bytes.
pub const MAX_HANDSHAKE_FRAME: usize = 64 * 1024;

/// Largest message, in bytes of JSON.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// Most messages in one batch.
pub const MAX_BATCH_MESSAGES: usize = 64;
/// Most bytes in one batch, including its length prefixes. The rest of the frame is for MLS and the header.
pub const MAX_BATCH_BYTES: usize = MAX_FRAME - 4096;

/// Most members of a group.
pub const MAX_MEMBERS: usize = 256;
/// Most deputies of a group.
pub const MAX_DEPUTIES: usize = 8;
/// Largest commit, in bytes. A commit of a full group fits with room to spare.
pub const MAX_COMMIT: usize = 256 * 1024;
/// Largest welcome, in bytes. A welcome to a full group fits with room to spare.
pub const MAX_WELCOME: usize = 1024 * 1024;
/// Most bytes in one batch to a group, including its length prefixes. Sealed and in base64 it fits a message.
pub const MAX_GROUP_BATCH: usize = 2 * 1024 * 1024;
/// Largest sealed message to a group, in bytes.
pub const MAX_SEALED: usize = MAX_GROUP_BATCH + 4096;
