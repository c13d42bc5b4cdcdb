//! ablate-alexnet.
