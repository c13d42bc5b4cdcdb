//! The metrics a claim is about against epochs, in the manner of the paper's Fig. 1.
//!
//! `metric` says which, `lines` takes the numbers from the trials, `axis` chooses
//! ranges and ticks, `draw` and `legend` set them on any plotters backend.

mod axis;
mod draw;
mod legend;
mod lines;
mod metric;

pub(crate) use axis::Axis;
pub(crate) use lines::{Curves, Line, Panel, Point, Run};
