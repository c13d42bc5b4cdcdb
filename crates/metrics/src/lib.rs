//! ablate-metrics
