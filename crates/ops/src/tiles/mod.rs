//! The tiles of Intel AMX: registers of sixteen rows of 64 bytes, and the
//! instruction that multiplies two of them, of bfloat16, and adds the products
//! to a third, of float32.
//!
//! A tile of the first factor has a row for each row of the product; one of the
//! second has a row for each [`Pair`](crate::vector::Pair) summed over and a
//! column for each column of the product. In memory each is 1 KiB.

mod available;
mod multiply;
mod transpose;

pub(crate) use available::available;
pub(crate) use multiply::{JUMPERS, Shape, Tiles, Walker};
pub(crate) use transpose::{join, pair, store_transposed, transpose};

/// Rows of a tile.
pub(crate) const ROWS: usize = 16;

/// Bytes of a row.
pub(crate) const ROW_BYTES: usize = 64;
