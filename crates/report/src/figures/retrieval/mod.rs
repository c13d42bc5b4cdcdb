//! Which training images lie near a validation image in the last hidden layer
//! (paper, Fig. 4, right): `shares` counts those of the right class, `draw` shows
//! some.

mod draw;
mod shares;

pub(crate) use draw::{NAME, figure};
pub(crate) use shares::Summary;
