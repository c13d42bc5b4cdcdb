//! Where this checkout lies and where data is looked for.

use std::path::{Path, PathBuf};

use ablate_core::DataContext;

/// The top folder of the workspace this program was built in.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder `data fetch` fills.
pub fn data_folder() -> PathBuf {
    root().join("data")
}

/// Where data sets look for their files: `ABLATE_DATA_DIR`, `data/` in the
/// workspace, `../shared/data` beside it.
pub fn data_context() -> DataContext {
    let own = std::env::var_os("ABLATE_DATA_DIR").map(PathBuf::from);
    let usual = [data_folder(), root().join("../shared/data")];
    DataContext {
        roots: own.into_iter().chain(usual).collect(),
    }
}
