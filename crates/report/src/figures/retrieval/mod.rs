//! Which images lie near each other in the last hidden layer (paper, Fig. 4,
//! right): `near` finds them, `shares` counts those of the right class, `draw`
//! shows some.
//!
//! The paper looks for training images near test images; here both are samples of
//! the validation split, because those are kept with their features.

mod draw;
mod near;
mod shares;

pub(crate) use draw::{NAME, figure};
pub(crate) use shares::Shares;

/// Images found for each query, as in the paper's figure.
const FOUND: usize = 6;
