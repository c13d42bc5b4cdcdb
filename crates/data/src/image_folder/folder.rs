//! Lists the files of a set that lies in a folder.

use std::path::Path;

use ablate_core::{Error, Result};

use super::files::SetFile;
use crate::classes;

/// Every file below `train` and `val`, and the file of class names.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn list(root: &Path) -> Result<Vec<SetFile>> {
    let mut files = Vec::new();
    for part in ["train", "val"] {
        let part_folder = root.join(part);
        if !part_folder.is_dir() {
            continue;
        }
        for (class, is_folder) in entries(&part_folder)? {
            // A class, or what a link to one leads to.
            if is_folder || part_folder.join(&class).is_dir() {
                collect(
                    &part_folder.join(&class),
                    &format!("{part}/{class}"),
                    &mut files,
                )?;
            }
        }
    }
    let names = root.join(classes::FILE);
    if names.is_file() {
        push(&names, classes::FILE.to_string(), &mut files)?;
    }
    Ok(files)
}

/// The files of a class. Folders within it are searched too, links to folders
/// are not, so that the search ends.
fn collect(folder: &Path, name: &str, files: &mut Vec<SetFile>) -> Result<()> {
    for (entry, is_folder) in entries(folder)? {
        let (path, name) = (folder.join(&entry), format!("{name}/{entry}"));
        if is_folder {
            collect(&path, &name, files)?;
        } else if path.is_file() {
            push(&path, name, files)?;
        }
    }
    Ok(())
}

fn push(path: &Path, name: String, files: &mut Vec<SetFile>) -> Result<()> {
    let size = std::fs::metadata(path).map_err(Error::io(path))?.len();
    files.push(SetFile::alone(name, path.to_path_buf(), size));
    Ok(())
}

/// Names in a folder that are not hidden, and whether each is itself a folder.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let Ok(name) = entry.file_name().into_string() else {
            let fix = "rename it: class and file names are kept as UTF-8";
            return Err(Error::bad_file(entry.path(), "the name is not UTF-8", fix));
        };
        if !name.starts_with('.') {
            let kind = entry.file_type().map_err(Error::io(entry.path()))?;
            names.push((name, kind.is_dir()));
        }
    }
    Ok(names)
}
