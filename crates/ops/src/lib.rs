//! ablate-ops.
