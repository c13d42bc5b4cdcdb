//! Linear layers of bfloat16 by the tiles of AMX. The weights are rounded on
//! the way by, a part at a time, so that they are read from memory once.

mod forward;
mod input_gradient;
mod weight_gradient;

pub(super) use forward::forward;
pub(super) use input_gradient::input_gradient;
pub(super) use weight_gradient::weight_gradient;

use crate::tiles::{ROW_BYTES, ROWS};

/// Values of bfloat16 in a row of a tile.
const HALVES: usize = 32;

/// The bytes from the first to each of `count` tiles that follow each other.
fn successive(count: usize) -> Vec<usize> {
    (0..count).map(|tile| tile * ROWS * ROW_BYTES).collect()
}

/// The lowest `count` bits, or all there are.
fn lowest(count: usize) -> u16 {
    match count {
        0..16 => (1 << count) - 1,
        _ => u16::MAX,
    }
}
