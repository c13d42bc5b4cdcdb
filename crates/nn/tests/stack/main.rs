//! Networks built from tables: what is computed, what is refused.

mod fused;
mod networks;
mod table;
mod towers;
