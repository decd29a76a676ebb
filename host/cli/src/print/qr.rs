use anstyle::{AnsiColor, Color, Style};
use qrcode::{EcLevel, QrCode};

use super::style::paint;

/// Scanners look for dark on light, so the colours do not depend on the terminal's own.
const INK: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Black)))
    .bg_color(Some(Color::Ansi(AnsiColor::BrightWhite)));
/// Light modules around the code, as the standard requires.
const MARGIN: usize = 4;

/// A code as a picture of half blocks, two modules to a character. In capitals, which take less room: the
/// code must mean the same in either case. `None` if it is too long.
pub(crate) fn qr(code: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(code.to_ascii_uppercase(), EcLevel::L).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let dark = |x: usize, y: usize| {
        let (x, y) = (x.checked_sub(MARGIN)?, y.checked_sub(MARGIN)?);
        let inside = x < width && y < width;
        inside.then(|| modules.get(y * width + x) == Some(&qrcode::Color::Dark))
    };
    let side = width + 2 * MARGIN;
    let line = |y: usize| -> String {
        let block = |x| match (dark(x, y).unwrap_or(false), dark(x, y + 1).unwrap_or(false)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        paint(INK, &(0..side).map(block).collect::<String>())
    };
    Some((0..side).step_by(2).map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules as a camera sees them: each character is two squares, one above the other.
    fn read(text: &str) -> String {
        const SQUARE: usize = 4;
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let (width, height) = (lines[0].len() * SQUARE, lines.len() * 2 * SQUARE);
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            let block = lines[y / (2 * SQUARE)][x / SQUARE];
            let upper = (y / SQUARE).is_multiple_of(2);
            let dark = block == '█' || block == if upper { '▀' } else { '▄' };
            if dark { 0 } else { 255 }
        });
        let codes = seen.detect_grids();
        assert_eq!(codes.len(), 1, "{text}");
        codes[0].decode().unwrap().1
    }

    #[test]
    fn a_scanner_reads_the_code() {
        for length in [80, 150, 1_000] {
            let code = format!("coworker:{}", "abc27".repeat(length / 5));
            let disclosed = anstream::adapter::strip_str(&qr(&code).unwrap()).to_string();
            assert_eq!(read(&disclosed), code.to_ascii_uppercase());
        }
        assert_eq!(qr(&"a".repeat(5_000)), None);
    }

    #[test]
    fn it_is_dark_on_light_on_every_terminal() {
        let disclosed = qr("coworker:abc").unwrap();
        assert!(disclosed.lines().all(|line| line.starts_with(&INK.to_string())));
    }
}
