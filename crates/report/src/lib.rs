//! ablate-report.
