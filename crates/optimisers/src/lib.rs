//! Update rules and learning-rate schedules: the paper's (section 5) and those it
//! is compared with.
//!
//! An optimiser turns gradients into new parameters, in place; a schedule is a
//! factor on its learning rate. Both are plugins that `ablate-core`'s registry
//! finds by name.
//!
//! This crate must never know a model, a data set or the training loop: it sees
//! named parameters, their gradients, and what finished epochs measured.

mod adam;
mod range;
mod schedule;
mod sgd;
mod sgd_paper;
mod slots;

pub use adam::Adam;
pub use schedule::{Constant, Milestones, Plateau, Step};
pub use sgd::Sgd;
pub use sgd_paper::SgdPaper;

#[cfg(test)]
mod testing;
