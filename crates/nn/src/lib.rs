//! ablate-nn
