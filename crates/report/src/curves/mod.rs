//! Error rate against epochs, in the manner of the paper's Fig. 1.
//!
//! `lines` takes the numbers from the trials, `axis` chooses ranges and ticks,
//! `draw` and `legend` set them on any plotters backend, `picture` makes the files.

mod axis;
mod draw;
mod legend;
mod lines;
mod picture;
mod style;

pub(crate) use lines::Curves;
pub(crate) use picture::{png, svg};
