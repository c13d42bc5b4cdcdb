//! Unpacks the wanted files of a verified archive, and nothing else.

use std::fs::File;
use std::io;
use std::path::Path;

use ablate_core::{Error, Result};
use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use super::{Published, verify_members};

/// Unpacks into a folder beside `folder`, which takes its name when complete: a
/// folder of that name is always whole.
///
/// # Errors
/// The archive is damaged or lacks a file, or the disk cannot be written.
pub(super) fn unpack(archive: &Published, part: &Path, folder: &Path) -> Result<()> {
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        // Left by an interrupted call; only this function makes it.
        std::fs::remove_dir_all(&unfinished).map_err(Error::io(&unfinished))?;
    }
    std::fs::create_dir(&unfinished).map_err(Error::io(&unfinished))?;
    write_members(archive, part, &unfinished)?;
    verify_members(archive, &unfinished)?;
    std::fs::rename(&unfinished, folder).map_err(Error::io(folder))
}

/// Writes each wanted member under its own file name. No path is taken from the
/// archive, so none can lead out of the folder.
fn write_members(archive: &Published, part: &Path, folder: &Path) -> Result<()> {
    let damaged = |error: io::Error| {
        let problem = format!("cannot be unpacked: {error}");
        Error::bad_file(part, problem, "delete this file and fetch again")
    };
    let file = File::open(part).map_err(Error::io(part))?;
    let mut tar = Archive::new(GzDecoder::new(io::BufReader::new(file)));
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let wanted = archive
            .members
            .iter()
            .find(|(name, _)| path == Path::new(archive.folder).join(name));
        let Some((name, _)) = wanted else { continue };
        if entry.header().entry_type() != EntryType::Regular {
            return Err(damaged(io::Error::other(format!("`{name}` is not a file"))));
        }
        let target = folder.join(name);
        let mut out = File::create(&target).map_err(Error::io(&target))?;
        io::copy(&mut entry, &mut out).map_err(damaged)?;
        out.sync_all().map_err(Error::io(&target))?;
    }
    Ok(())
}
