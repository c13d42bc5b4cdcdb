//! Changes of bytes: bits, numbers, lengths, pieces.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Inputs stay shorter than this.
pub const LONGEST: usize = 1 << 18;

/// Numbers at which something ends.
const EDGES: [u64; 20] = [
    0,
    1,
    2,
    7,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_fff0,
    0xffff_ffff_ffff_ffff,
];

/// Changes bytes in one way.
pub fn bytes(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    if input.is_empty() {
        input.push(rng.random());
    }
    let at = rng.random_range(0..input.len());
    match rng.random_range(0..11) {
        0 => input[at] ^= 1 << rng.random_range(0..8),
        1 => input[at] = rng.random(),
        2 => input.truncate(at),
        3 => drop(input.drain(span(input.len(), rng))),
        4 => {
            let piece = input[span(input.len(), rng)].to_vec();
            insert(input, at, &piece);
        }
        5 => {
            let count = rng.random_range(1..32);
            let piece: Vec<u8> = (0..count).map(|_| rng.random()).collect();
            insert(input, at, &piece);
        }
        6 if !other.is_empty() => {
            input.truncate(at);
            input.extend_from_slice(&other[rng.random_range(0..other.len())..]);
        }
        7 if !other.is_empty() => {
            let piece = &other[span(other.len(), rng)];
            let end = input.len().min(at + piece.len());
            input[at..end].copy_from_slice(&piece[..end - at]);
        }
        8 => {
            let value = if rng.random() { 0 } else { 0xff };
            let piece = span(input.len(), rng);
            input[piece].fill(value);
        }
        9 => number(input, at, rng),
        _ => nudge(input, at, rng),
    }
    input.truncate(LONGEST);
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

/// A piece, mostly a short one.
fn span(length: usize, rng: &mut ChaCha8Rng) -> std::ops::Range<usize> {
    let from = rng.random_range(0..length);
    let longest = match rng.random_bool(0.8) {
        true => 16,
        false => length,
    };
    from..(from + rng.random_range(1..=longest)).min(length)
}

/// Writes a number at which something ends, of any width and order of bytes.
fn number(input: &mut [u8], at: usize, rng: &mut ChaCha8Rng) {
    let value = *EDGES.choose(rng).expect("not empty");
    write(input, at, value, rng);
}

/// Adds a little to a number.
fn nudge(input: &mut [u8], at: usize, rng: &mut ChaCha8Rng) {
    let end = input.len().min(at + 8);
    let mut bytes = [0; 8];
    bytes[..end - at].copy_from_slice(&input[at..end]);
    let by = rng.random_range(-16_i64..=16);
    write(
        input,
        at,
        u64::from_le_bytes(bytes).wrapping_add_signed(by),
        rng,
    );
}

fn write(input: &mut [u8], at: usize, value: u64, rng: &mut ChaCha8Rng) {
    let width = *[1, 2, 4, 8].choose(rng).expect("not empty");
    let mut bytes = value.to_le_bytes();
    bytes[..width].reverse();
    if rng.random() {
        bytes[..width].reverse();
    }
    let end = input.len().min(at + width);
    input[at..end].copy_from_slice(&bytes[..end - at]);
}
