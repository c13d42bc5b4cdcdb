//! ablate-optimisers.
