//! A folder in memory where there is one: a million inputs are a million files.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder that goes when it is dropped.
pub fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("ablate-fuzz-")
        .tempdir_in(place())
        .expect("a temporary folder")
}

/// Where folders are made.
pub fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => memory.to_path_buf(),
        false => std::env::temp_dir(),
    }
}
