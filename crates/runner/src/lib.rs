//! ablate-runner.
