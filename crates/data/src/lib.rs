//! ablate-data.
