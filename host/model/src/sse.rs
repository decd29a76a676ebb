use crate::error::{ModelError, ModelFault};

/// Longest line, and longest data of one event, in bytes.
const MAX: usize = 256 << 10;

/// Parses server-sent events that arrive in chunks of any size. Keeps at most one event.
#[derive(Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: Option<Vec<u8>>,
}

impl Events {
    /// Returns the data of every event that `chunk` completes.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<Vec<String>, ModelError> {
        let mut events = Vec::new();
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            // The server picks this length, so it is checked before the bytes are kept.
            if self.line.len() + part.len() > MAX {
                return Err(ModelFault::TooLarge.into());
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                events.extend(self.end_of_line()?);
            }
        }
        Ok(events)
    }

    /// Returns a last event that lacks its empty line, which some servers leave out.
    pub(crate) fn end(mut self) -> Result<Option<String>, ModelError> {
        if !self.line.is_empty() {
            self.end_of_line()?;
        }
        self.event()
    }

    fn end_of_line(&mut self) -> Result<Option<String>, ModelError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return self.event();
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            self.keep(value.strip_prefix(b" ").unwrap_or(value))?;
        }
        Ok(None)
    }

    fn keep(&mut self, value: &[u8]) -> Result<(), ModelError> {
        let Some(data) = &mut self.data else {
            self.data = Some(value.to_vec());
            return Ok(());
        };
        if data.len() + value.len() >= MAX {
            return Err(ModelFault::TooLarge.into());
        }
        data.push(b'\n');
        data.extend_from_slice(value);
        Ok(())
    }

    fn event(&mut self) -> Result<Option<String>, ModelError> {
        let text = self.data.take().map(String::from_utf8).transpose();
        text.map_err(|error| ModelFault::Malformed.because(error.utf8_error()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &[u8], piece: usize) -> Result<Vec<String>, ModelFault> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        for piece in text.chunks(piece.max(1)) {
            found.extend(events.feed(piece).map_err(|error| error.fault)?);
        }
        found.extend(events.end().map_err(|error| error.fault)?);
        Ok(found)
    }

    #[test]
    fn events_are_found_in_chunks_of_any_size() {
        let text = ": hello\nevent: x\ndata: {\"ä\":1}\r\n\r\n\n\ndata:a\ndata: b\nid: 3\n\ndata: [DONE]";
        for size in 1..=text.len() {
            assert_eq!(all(text.as_bytes(), size).unwrap(), ["{\"ä\":1}", "a\nb", "[DONE]"], "{size}");
        }
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut events = Events::default();
        let piece = [b'x'; 4096];
        let fed = (0..1000).map(|_| events.feed(&piece)).take_while(Result::is_ok).count();
        assert_eq!(fed, MAX / piece.len());
        assert!(events.line.capacity() <= 2 * MAX);
    }

    #[test]
    fn an_endless_event_is_not_kept() {
        let line = format!("data: {}\n", "x".repeat(1000));
        assert_eq!(all(line.repeat(300).as_bytes(), 8192), Err(ModelFault::TooLarge));
    }

    #[test]
    fn an_event_that_is_not_utf_8_is_malformed() {
        assert_eq!(all(b"data: \xff\n\n", 3), Err(ModelFault::Malformed));
    }

    proptest! {
        #[test]
        fn the_size_of_chunks_makes_no_difference(text in "(data: ?[a-zß ]{0,9}|:c|)(\r?\n){1,2}.{0,9}", size in 1_usize..9) {
            prop_assert_eq!(all(text.as_bytes(), size), all(text.as_bytes(), usize::MAX));
        }
    }
}
