//! The index over stores that are written, changed and damaged behind its back.

mod damage;
mod fixture;
mod processes;
mod questions;
mod refresh;
mod scale;
