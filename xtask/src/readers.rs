//! Readers that commands alone reach, for the tests that hand them malformed files. No
//! program calls them: those with plugins of their own call [`main`](crate::main).

use std::path::{Path, PathBuf};

use ablate_index::{Details, Row};

use crate::commands::{import, ls, reproduce};
use crate::stored::{Flat, write_parquet};
use crate::{complaint, parity};

/// Whether a fixture's results are ours, as `parity` finds out.
///
/// # Errors
/// It cannot be read, or is of nothing that there is.
pub fn fixture(path: &Path) -> anyhow::Result<bool> {
    Ok(parity::check(path)?.passes())
}

/// Writes the page of `reproduce` again, from what earlier runs left beside it in `out`.
///
/// # Errors
/// Something there cannot be read.
pub fn page(out: PathBuf) -> anyhow::Result<()> {
    reproduce::Page::open(out)?.write()
}

/// The names in the file that `import` takes as `--classes`.
///
/// # Errors
/// It cannot be read, or has none.
pub fn class_names(path: &Path) -> anyhow::Result<Vec<String>> {
    import::class_names(path)
}

/// An error as the terminal shows it, with the line of the file that is to blame.
pub fn complaint(error: &anyhow::Error) -> String {
    complaint::text(error)
}

/// Trials in each form that `ls` has for other programs: JSON, CSV and Parquet.
///
/// # Errors
/// The Parquet file cannot be written.
pub fn forms(rows: &[Row], details: &[Details]) -> anyhow::Result<[Vec<u8>; 3]> {
    let flat = Flat::new(rows, details);
    let mut parquet = Vec::new();
    write_parquet(&flat, &mut parquet)?;
    let [json, csv] = [ls::json_lines(rows, details), ls::csv(&flat)];
    Ok([json.into_bytes(), csv.into_bytes(), parquet])
}
