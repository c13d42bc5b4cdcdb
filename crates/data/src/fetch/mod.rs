//! Downloads a published archive, verifies it and unpacks it.
//!
//! A download that is cut off goes on where it stopped. Nothing that was there
//! before is overwritten, and a file with a wrong digest stays where it is.

mod download;
mod unpack;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ablate_core::{Error, Result};

use crate::cifar10;
use crate::digest;

/// Bytes done so far, and in all.
type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A published gzip-compressed tar archive.
struct Published<'a> {
    /// Its file name.
    name: &'a str,
    /// Where it is published.
    url: &'a str,
    bytes: u64,
    md5: &'a str,
    /// The one folder inside it.
    folder: &'a str,
    /// The files wanted of that folder, with their digests.
    members: &'a [(&'a str, &'a str)],
    /// How long the server may send nothing.
    patience: Duration,
}

const CIFAR10: Published = Published {
    name: "cifar-10-binary.tar.gz",
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    md5: "c32a1d4ab5d03f1284b67883e8d87530",
    folder: cifar10::FOLDER,
    members: &cifar10::OFFICIAL,
    patience: Duration::from_secs(60),
};

/// Downloads CIFAR-10 in its binary layout (162 MiB) and unpacks it to
/// `into/cifar-10-batches-bin`, which is returned.
///
/// `source_url` is another address of the same archive. `progress` is told the
/// bytes done and the bytes in all. The download lies in
/// `into/cifar-10-binary.tar.gz.part`: after an interruption the next call goes
/// on from it, after success it is removed. Size and MD5 digest are those the
/// authors publish. If the official files are there already, nothing is done.
///
/// # Errors
/// The folder exists with other files in it; the server cannot be reached,
/// refuses, stalls or stops early; the archive has another size or digest (the
/// file stays, and the message names it); or the disk cannot be written.
pub fn fetch_cifar10(
    into: &Path,
    source_url: Option<&str>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<PathBuf> {
    fetch(&CIFAR10, into, source_url, progress)
}

fn fetch(
    archive: &Published,
    into: &Path,
    source_url: Option<&str>,
    progress: Progress,
) -> Result<PathBuf> {
    let folder = into.join(archive.folder);
    if folder.exists() {
        verify_members(archive, &folder)?;
        return Ok(folder);
    }
    std::fs::create_dir_all(into).map_err(Error::io(into))?;
    let part = into.join(format!("{}.part", archive.name));
    download::download(archive, source_url.unwrap_or(archive.url), &part, progress)?;
    verify(archive, &part)?;
    unpack::unpack(archive, &part, &folder)?;
    std::fs::remove_file(&part).map_err(Error::io(&part))?;
    Ok(folder)
}

fn digest_of(path: &Path) -> Result<String> {
    let file = File::open(path).map_err(Error::io(path))?;
    digest::md5_of(file).map_err(Error::io(path))
}

fn verify(archive: &Published, part: &Path) -> Result<()> {
    let found = digest_of(part)?;
    if found == archive.md5 {
        return Ok(());
    }
    let problem = format!("MD5 {} expected, {found} found", archive.md5);
    let fix = "delete this file and fetch again, perhaps from another address (`--url`)";
    Err(Error::bad_file(part, problem, fix))
}

/// Checks that a folder holds the wanted files and no others by those names.
fn verify_members(archive: &Published, folder: &Path) -> Result<()> {
    let fix = "move the folder away, or fetch into another one (`--into`)";
    for (name, md5) in archive.members {
        let path = folder.join(name);
        if !path.is_file() {
            return Err(Error::bad_file(
                path,
                "the folder is there but lacks this file",
                fix,
            ));
        }
        let found = digest_of(&path)?;
        if found != *md5 {
            let problem = format!("not the published file: MD5 {md5} expected, {found} found");
            return Err(Error::bad_file(path, problem, fix));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
