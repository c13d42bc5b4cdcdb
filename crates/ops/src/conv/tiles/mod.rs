//! Convolutions of bfloat16 by the tiles of AMX.
//!
//! The source of a pass is copied to a padded image in which the channels of a
//! pixel are neighbours. A row of a kernel is then one run of memory, whatever
//! the number of channels, and a tile is any sixteen rows of 64 bytes of it; each
//! produced pixel reads the same tiles from another start.

mod geometry;
mod gradient;
mod pass;
mod source;

pub(super) use gradient::TileGradient;
pub(super) use pass::TileSide;
