//! ablate-convnet.
