//! Feed-forward networks written as a table of layers and run as one fused
//! operation.
//!
//! A [`StackBuilder`] holds the table, a [`Stack`] the built network, which is an
//! [`ablate_core::Model`]. This crate must never know a concrete network: which
//! layers make AlexNet is the business of the model plugins.

mod builder;
mod chain;
pub mod config;
mod division;
mod fused;
mod init;
mod layer;
mod model;
mod node;
mod precision;
mod shapes;
mod stack;
mod towers;
mod workspace;

pub use ablate_ops::Activation;
pub use builder::StackBuilder;
pub use init::LayerInit;
pub use layer::{Conv2d, MaxPool2d};
pub use stack::{LayerTime, Stack};
