/// Whether every server reads the path alike. Servers disagree about `..`, doubled slashes, path parameters and escapes,
/// so a path below a prefix must have none of them.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(decoded) = decoded(path) else { return false };
    let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    path.starts_with('/')
        && !path.contains('\\')
        && !decoded.contains("//")
        && !decoded.split('/').any(dots)
        && !path.bytes().any(|b| b.is_ascii_control() || b == b' ')
}

/// Undoes escapes. `None` for a broken escape, for text that is not UTF-8 (such as an overlong `.`), and for escaped
/// dots, slashes, percent signs and control characters, which have a meaning of their own.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        let byte = hex(digits[0])? * 16 + hex(digits[1])?;
        if byte.is_ascii_control() || matches!(byte, b'.' | b'/' | b'\\' | b'%') {
            return None;
        }
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
