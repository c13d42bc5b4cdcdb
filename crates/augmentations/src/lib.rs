//! ablate-augmentations.
