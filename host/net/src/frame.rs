//! Conversion between frames and bytes, without I/O.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::NetError;

const HEADER: usize = 4;

/// Frames of this length and above are passed on without copying, because copying would cost more than it saves.
const COPY_BELOW: usize = 16 * 1024;

/// Prepares frames for one write. Joins small frames and does not copy large ones.
pub(crate) fn pack(frames: Vec<Vec<u8>>) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    let mut together = BytesMut::new();
    for frame in frames {
        // The queue's byte limit is far below 4 GiB.
        together.put_u32(u32::try_from(frame.len()).unwrap_or(u32::MAX));
        if frame.len() < COPY_BELOW {
            together.extend_from_slice(&frame);
        } else {
            chunks.push(together.split().freeze());
            chunks.push(Bytes::from(frame));
        }
    }
    if !together.is_empty() {
        chunks.push(together.freeze());
    }
    chunks
}

/// Assembles frames from the pieces that arrive. Holds no more memory than has arrived.
#[derive(Default)]
pub(crate) struct Assembler {
    header: [u8; HEADER],
    header_filled: usize,
    body: Vec<u8>,
}

impl Assembler {
    /// Consumes the bytes it needs from `input`. Returns a frame once one is complete, else `None`.
    pub(crate) fn take(&mut self, input: &mut Bytes, max: usize) -> Result<Option<Vec<u8>>, NetError> {
        self.take_header(input);
        if self.header_filled < HEADER {
            return Ok(None);
        }
        // A peer chooses this length, so it is checked before anything is allocated for it.
        let length = usize::try_from(u32::from_be_bytes(self.header)).unwrap_or(usize::MAX);
        if length > max {
            return Err(NetError::FrameTooLarge { length, max });
        }
        self.take_body(input, length);
        if self.body.len() < length {
            return Ok(None);
        }
        self.header_filled = 0;
        Ok(Some(std::mem::take(&mut self.body)))
    }

    /// Returns true between two frames. A stream may end only there.
    pub(crate) fn is_empty(&self) -> bool {
        self.header_filled == 0
    }

    fn take_header(&mut self, input: &mut Bytes) {
        let count = input.len().min(HEADER - self.header_filled);
        input.copy_to_slice(&mut self.header[self.header_filled..self.header_filled + count]);
        self.header_filled += count;
    }

    /// Allocates only as bytes arrive, so that announcing 8 MiB without sending them costs us nothing.
    fn take_body(&mut self, input: &mut Bytes, length: usize) {
        let missing = length - self.body.len();
        let count = input.len().min(missing);
        if self.body.capacity() - self.body.len() < count {
            self.body.reserve_exact(missing.min(count.max(self.body.len())));
        }
        self.body.extend_from_slice(&input[..count]);
        input.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frames: Vec<Vec<u8>>) -> Vec<u8> {
        pack(frames).concat()
    }

    #[test]
    fn frames_do_not_depend_on_how_the_bytes_are_split() {
        let frames = vec![b"one".to_vec(), Vec::new(), vec![7; COPY_BELOW], b"last".to_vec()];
        let bytes = stream(frames.clone());
        for size in [1, 3, 4, 5, 1000, bytes.len()] {
            let mut assembler = Assembler::default();
            let mut got = Vec::new();
            for piece in bytes.chunks(size) {
                let mut piece = Bytes::copy_from_slice(piece);
                while let Some(frame) = assembler.take(&mut piece, COPY_BELOW).unwrap() {
                    got.push(frame);
                }
            }
            assert_eq!(got, frames, "pieces of {size}");
            assert!(assembler.is_empty());
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut assembler = Assembler::default();
        let mut header = Bytes::from_static(&[0, 0x80, 0, 0, 1, 2]);
        assert!(assembler.take(&mut header, 8 << 20).unwrap().is_none());
        assert!(assembler.body.capacity() < 64, "{} bytes held", assembler.body.capacity());
        assert!(!assembler.is_empty());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_bytes_arrive() {
        let mut assembler = Assembler::default();
        let mut header = Bytes::from_static(&[0xff; 4]);
        let refused = assembler.take(&mut header, 1024).unwrap_err();
        assert!(matches!(refused, NetError::FrameTooLarge { length: 0xffff_ffff, max: 1024 }));
        assert_eq!(assembler.body.capacity(), 0);
    }
}
