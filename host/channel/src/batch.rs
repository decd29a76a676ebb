use crate::limits::{MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_MESSAGE};

const VERSION: u8 = 1;
const PREFIX: usize = size_of::<u32>();

// The largest message fits into a batch.
const _: () = assert!(1 + PREFIX + MAX_MESSAGE <= MAX_BATCH_BYTES);

/// Why a plaintext is not a valid batch of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    #[error("its version is not {VERSION}")]
    Version,
    #[error("it contains no message")]
    Empty,
    #[error("it contains more than {MAX_BATCH_MESSAGES} messages")]
    TooMany,
    #[error("one of its messages has more than {MAX_MESSAGE} bytes")]
    MessageTooLarge,
    #[error("it is truncated")]
    Truncated,
}

/// Encodes the plaintext of one MLS message: the version, then each message after its length (u32, big-endian).
/// The caller has checked count and size.
pub(crate) fn encode(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(size(messages));
    plain.push(VERSION);
    for message in messages {
        #[expect(clippy::cast_possible_truncation, reason = "MAX_BATCH_BYTES is far below 2^32")]
        plain.extend_from_slice(&(message.len() as u32).to_be_bytes());
        plain.extend_from_slice(message);
    }
    plain
}

pub(crate) fn size(messages: &[Vec<u8>]) -> usize {
    1 + messages.iter().map(|message| PREFIX + message.len()).sum::<usize>()
}

/// Splits a plaintext into its messages without copying.
pub(crate) fn split(plain: &[u8]) -> Result<Vec<&[u8]>, BadBatch> {
    let (VERSION, mut rest) = plain.split_first().map(|(v, rest)| (*v, rest)).ok_or(BadBatch::Empty)? else {
        return Err(BadBatch::Version);
    };
    let mut messages = Vec::new();
    while !rest.is_empty() {
        if messages.len() == MAX_BATCH_MESSAGES {
            return Err(BadBatch::TooMany);
        }
        let message;
        (message, rest) = first(rest)?;
        messages.push(message);
    }
    if messages.is_empty() { Err(BadBatch::Empty) } else { Ok(messages) }
}

fn first(rest: &[u8]) -> Result<(&[u8], &[u8]), BadBatch> {
    let (length, rest) = rest.split_first_chunk::<PREFIX>().ok_or(BadBatch::Truncated)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_MESSAGE {
        return Err(BadBatch::MessageTooLarge);
    }
    rest.split_at_checked(length).ok_or(BadBatch::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoded_batch_equals_the_encoded_one() {
        let messages = vec![b"one".to_vec(), Vec::new(), b"three".to_vec()];
        let plain = encode(&messages);
        assert_eq!(plain.len(), size(&messages));
        assert_eq!(split(&plain), Ok(vec![&b"one"[..], b"", b"three"]));
    }

    #[test]
    fn malformed_batches_are_refused() {
        let prefixed = |length: u32| [&[VERSION][..], &length.to_be_bytes(), b"ab"].concat();
        let many = |count: usize| encode(&vec![Vec::new(); count]);
        assert_eq!(split(&[]), Err(BadBatch::Empty));
        assert_eq!(split(&[VERSION]), Err(BadBatch::Empty));
        assert_eq!(split(&[2, 0, 0, 0, 0]), Err(BadBatch::Version));
        assert_eq!(split(&prefixed(3)), Err(BadBatch::Truncated));
        assert_eq!(split(&prefixed(1)), Err(BadBatch::Truncated));
        assert_eq!(split(&prefixed(u32::MAX)), Err(BadBatch::MessageTooLarge));
        assert_eq!(split(&many(MAX_BATCH_MESSAGES)).map(|m| m.len()), Ok(MAX_BATCH_MESSAGES));
        assert_eq!(split(&many(MAX_BATCH_MESSAGES + 1)), Err(BadBatch::TooMany));
    }
}
