//! Changes of text in words, numbers and lines: of TOML, JSON and lists.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::change::{self, LONGEST};

/// Words a reader should have an answer to.
const WORDS: [&str; 40] = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "255",
    "65535",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1e30",
    "-1e30",
    "1e308",
    "1e400",
    "1e-300",
    "-0.0",
    "0.5",
    "0.999999999",
    "1.0000001",
    "nan",
    "inf",
    "-inf",
    "null",
    "true",
    "false",
    "\"\"",
    "\"nan\"",
    "\"../../x\"",
    "\"/etc/x\"",
    "\"a/b\"",
    "\"\u{0}\"",
    "\"é\u{202e}\"",
    "[]",
    "{}",
    "[0]",
    "[0, 0, 0]",
    "[[[[]]]]",
];

/// Changes text in one way; seldom as bytes.
pub fn text(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.1) {
        return change::bytes(input, other, rng);
    }
    match rng.random_bool(0.2) {
        true => lines(input, other, rng),
        false => words(input, other, rng),
    }
    input.truncate(LONGEST);
}

/// Changes a number, so that what is read as text is mostly as before.
pub fn numbers(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.05) {
        return text(input, other, rng);
    }
    let mut pieces = split(input);
    let is_number = |piece: &[u8]| piece[0].is_ascii_digit() || piece[0] == b'-';
    let numbers: Vec<usize> = (0..pieces.len())
        .filter(|at| is_number(pieces[*at]))
        .collect();
    let Some(&at) = numbers.choose(rng) else {
        return;
    };
    let small = match rng.random_bool(0.5) {
        true => rng.random_range(0..40).to_string(),
        false => format!("{:.3}", rng.random_range(-0.5..2.0)),
    };
    let edges: Vec<&str> = WORDS
        .into_iter()
        .filter(|word| is_number(word.as_bytes()))
        .collect();
    pieces[at] = match rng.random_bool(0.5) {
        true => small.as_bytes(),
        false => edges.choose(rng).expect("not empty").as_bytes(),
    };
    *input = pieces.concat();
}

fn words(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    let mut pieces = split(input);
    let solid: Vec<usize> = (0..pieces.len())
        .filter(|&at| !pieces[at].iter().all(u8::is_ascii_whitespace))
        .collect();
    let Some(&at) = solid.choose(rng) else {
        return input.extend_from_slice(WORDS.choose(rng).expect("not empty").as_bytes());
    };
    // Values are worth more than signs.
    let value = solid
        .iter()
        .copied()
        .filter(|&at| is_value(pieces[at]))
        .collect::<Vec<_>>();
    let value = value.choose(rng).copied().unwrap_or(at);
    let others = split(other);
    match rng.random_range(0..8) {
        0..=2 => pieces[value] = WORDS.choose(rng).expect("not empty").as_bytes(),
        3 => drop(pieces.remove(at)),
        4 => pieces.insert(at, pieces[at]),
        5 => {
            let swapped = *solid.choose(rng).expect("not empty");
            pieces.swap(at, swapped);
        }
        6 => {
            let values: Vec<&&[u8]> = others.iter().filter(|piece| is_value(piece)).collect();
            if let Some(piece) = values.choose(rng) {
                pieces[value] = piece;
            }
        }
        _ => {
            let deep = [b"[".as_slice(), b"{\"a\":", b"{a="].choose(rng).copied();
            let deep = deep.expect("not empty").repeat(rng.random_range(1..400));
            let mut all = pieces[..at].concat();
            all.extend_from_slice(&deep);
            all.extend_from_slice(&pieces[at..].concat());
            *input = all;
            return;
        }
    }
    *input = pieces.concat();
}

fn lines(input: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    let mut lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let at = rng.random_range(0..lines.len());
    match rng.random_range(0..4) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[rng.random_range(0..lines.len())]),
        2 => {
            let swapped = rng.random_range(0..lines.len());
            lines.swap(at, swapped);
        }
        _ => {
            let others: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
            lines.insert(at, others.choose(rng).copied().unwrap_or_default());
        }
    }
    *input = lines.concat();
}

fn is_value(piece: &[u8]) -> bool {
    piece
        .iter()
        .any(|byte| byte.is_ascii_alphanumeric() || *byte == b'"')
}

/// Words, runs of space, quoted strings and single signs.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte) || *byte > 127;
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.first() {
        let length = if *first == b'"' {
            let end = rest[1..]
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\n'));
            end.map_or(rest.len(), |end| end + 2)
        } else if first.is_ascii_whitespace() {
            1
        } else if is_word(first) {
            rest.iter().take_while(|byte| is_word(byte)).count()
        } else {
            1
        };
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}
