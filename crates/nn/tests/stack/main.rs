//! Networks built from tables: what is computed, what is refused.

mod chain;
#[cfg(feature = "cuda")]
mod cuda;
mod fused;
mod networks;
mod table;
mod threads;
mod towers;
