//! From stored trials to a table, curves and a verdict on the paper's claim.

pub mod statistics;
