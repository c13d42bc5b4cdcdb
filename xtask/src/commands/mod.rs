//! One command a file. Each parses its own arguments and calls the crates.

pub mod compare;
pub mod completions;
pub mod data;
pub mod describe;
pub mod export;
pub mod gc;
pub mod import;
pub mod list;
pub mod ls;
pub mod parity;
pub mod predict;
pub mod prepare;
pub mod report;
pub mod reproduce;
pub mod rm;
pub mod run;
pub mod show;
pub mod speed;
pub mod summary;
pub mod tensorboard;
pub mod test;
