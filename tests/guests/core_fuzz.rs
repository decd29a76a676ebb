//! Damaged files: inspecting any bytes ends soon with a result.

use coworker_sandbox::{componentize, inspect};

use crate::harness::{core_of, guest, module};
use crate::typed::{shop, with_section};

/// Pseudo-random numbers that are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn byte(&mut self) -> u8 {
        // Small numbers and the limits of LEB128 break parsers most often.
        [0, 1, 2, 0x3f, 0x7f, 0x80, 0xff, 0x60, 0x40, 0x0b][self.roll(10)]
    }

    /// Damages one to nine places.
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(8) {
            let at = self.roll(bytes.len());
            match self.roll(6) {
                0 => bytes[at] ^= 1 << self.roll(8),
                1 | 2 => bytes[at] = self.byte(),
                3 => bytes.insert(at, self.byte()),
                4 => {
                    bytes.remove(at);
                }
                _ => self.move_some(bytes, at),
            }
        }
    }

    fn move_some(&mut self, bytes: &mut [u8], at: usize) {
        let len = self.roll(16).min(bytes.len() - at);
        let from = self.roll(bytes.len() - len + 1);
        bytes.copy_within(from..from + len, at);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let core =
        core_of("package test:plain;", "coworker:skill/skill@0.1.0", &module(include_str!("echo.wat")));
    vec![guest!("echo"), shop(), with_section(shop(), "package-docs", b"\x01{\"worlds\":{}}"), core]
}

#[test]
fn inspecting_damaged_bytes_never_panics() {
    for (seed, file) in (1_u64..).zip(seeds()) {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut taken = 0;
        for _ in 0..3000 {
            let mut bytes = file.clone();
            dice.damage(&mut bytes);
            let Ok(component) = componentize(&bytes) else { continue };
            taken += usize::from(inspect(&component).is_ok());
        }
        assert!(taken > 20, "the damage is too heavy to get past the parser: {taken}");
    }
}
