//! Lists the files of a set that lies in a tar archive, without unpacking it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use ablate_core::{Error, Result};
use tar::{Archive, Entry, EntryType};

use super::files::SetFile;

const REPACK: &str = "pack the folder again: `tar -cf NAME.tar FOLDER`";

/// Every file of the archive, by its path in the set.
///
/// A single folder around `train` is dropped from the paths. Only headers are
/// read; where a member occurs twice the later one counts, as in unpacking.
///
/// # Errors
/// It is no tar archive or is cut off, or it holds a link, a device, or a path
/// that leads out of it.
pub(super) fn list(path: &Path) -> Result<Vec<SetFile>> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    check_ends(path, &mut file, length)?;
    let shared: Arc<Path> = Arc::from(path);
    let mut archive = Archive::new(file);
    let mut files = BTreeMap::new();
    for entry in archive.entries_with_seek().map_err(unreadable(path))? {
        let entry = entry.map_err(unreadable(path))?;
        let member = safe_name(path, &entry)?;
        if !holds_bytes(path, &member, entry.header().entry_type())? {
            continue;
        }
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if offset.saturating_add(size) > length {
            let problem = format!(
                "cut off: {} bytes expected up to the end of this member, {length} found",
                offset.saturating_add(size)
            );
            return Err(Error::bad_file(
                path.join(&member),
                problem,
                "copy the archive again",
            ));
        }
        files.insert(
            member.clone(),
            SetFile::member(shared.clone(), member, offset, size),
        );
    }
    strip_top(path, files.into_values().collect())
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::bad_file(path, format!("not a readable tar archive: {error}"), REPACK)
}

/// Refuses a compressed archive, and one without the two empty blocks at its
/// end: cut off between members, it would otherwise look like a smaller set.
fn check_ends(path: &Path, file: &mut File, length: u64) -> Result<()> {
    let mut head = [0; 2];
    let mut tail = [0; 1024];
    if length >= tail.len() as u64 {
        file.read_exact(&mut head).map_err(Error::io(path))?;
        file.seek(SeekFrom::End(-1024)).map_err(Error::io(path))?;
        file.read_exact(&mut tail).map_err(Error::io(path))?;
        file.rewind().map_err(Error::io(path))?;
    }
    if head == [0x1f, 0x8b] {
        let fix = "decompress it first (`gunzip`): members are read in place";
        return Err(Error::bad_file(path, "a gzip-compressed archive", fix));
    }
    if length < tail.len() as u64 || tail != [0; 1024] {
        let problem = format!("no tar archive, or cut off: {length} bytes without an end mark");
        return Err(Error::bad_file(path, problem, REPACK));
    }
    Ok(())
}

/// The path of a member, which must stay inside the archive's own folder.
fn safe_name(path: &Path, entry: &Entry<File>) -> Result<String> {
    let bytes = entry.path_bytes();
    let Ok(name) = std::str::from_utf8(&bytes) else {
        let problem = format!(
            "the member name {:?} is not UTF-8",
            String::from_utf8_lossy(&bytes)
        );
        return Err(Error::bad_file(path, problem, REPACK));
    };
    if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..") {
        let problem = format!("the member `{name}` leads out of the archive");
        return Err(Error::bad_file(path, problem, REPACK));
    }
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    Ok(parts.join("/"))
}

/// Whether a member is a file; anything but files and folders is refused.
fn holds_bytes(path: &Path, member: &str, kind: EntryType) -> Result<bool> {
    match kind {
        EntryType::Regular | EntryType::Continuous => Ok(true),
        EntryType::Directory | EntryType::XGlobalHeader => Ok(false),
        _ => {
            let problem =
                format!("the member `{member}` is neither a file nor a folder ({kind:?})");
            let fix = "pack real files in place of links: `tar --dereference -cf NAME.tar FOLDER`";
            Err(Error::bad_file(path, problem, fix))
        }
    }
}

/// Drops the one folder around `train`, where there is one.
fn strip_top(path: &Path, mut files: Vec<SetFile>) -> Result<Vec<SetFile>> {
    let mut tops: Vec<&str> = files
        .iter()
        .filter_map(|file| {
            let (top, rest) = file.name.split_once('/')?;
            match top {
                "train" => Some(""),
                _ => rest.starts_with("train/").then_some(top),
            }
        })
        .collect();
    tops.sort_unstable();
    tops.dedup();
    let prefix = match tops[..] {
        [] | [""] => return Ok(files),
        [top] => format!("{top}/"),
        [first, second, ..] => {
            let problem = format!("two folders hold a `train`: `{first}` and `{second}`");
            return Err(Error::bad_file(path, problem, "pack one set an archive"));
        }
    };
    files.retain_mut(|file| match file.name.strip_prefix(&prefix) {
        Some(rest) => {
            file.name = rest.to_string();
            true
        }
        None => false,
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{append, failure, open, png, two_classes, write_archive};
    #[test]
    fn archives_with_links_escapes_or_ends_missing_are_refused() {
        let folder = write_archive(&two_classes(1));
        let path = folder.path().join("set.tar");
        let whole = std::fs::read(&path).expect("there");

        let extended = |member: &dyn Fn(&mut tar::Header)| {
            let mut tar = tar::Builder::new(std::fs::File::create(&path).expect("writable"));
            append(&mut tar, "train/cat/1.png", &png(2, 2, [0; 3]));
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            member(&mut header);
            header.set_cksum();
            tar.append(&header, &[][..]).expect("writable");
            tar.finish().expect("writable");
            failure(open(&path))
        };
        let error = extended(&|header| {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_path("train/cat/2.png").expect("a path");
            header.set_link_name("/etc/hostname").expect("a path");
        });
        assert!(
            error.contains("`train/cat/2.png` is neither a file nor a folder (Symlink)"),
            "{error}"
        );
        let error = extended(&|header| {
            let name = b"train/../../out.png";
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
        });
        assert!(error.contains("leads out of the archive"), "{error}");

        // Cut within a member, between two of them, and before the end mark.
        for (length, part) in [(700, "without an end mark"), (1024, "without an end mark")] {
            std::fs::write(&path, &whole[..length]).expect("writable");
            let error = failure(open(&path));
            assert!(error.contains(part), "{error}");
        }
        let padded = [&whole[..700], &[0; 1024]].concat();
        std::fs::write(&path, padded).expect("writable");
        assert!(failure(open(&path)).contains("no class has an image to spare"));
        std::fs::write(&path, [b"\x1f\x8b", &[0; 2000][..]].concat()).expect("writable");
        assert!(failure(open(&path)).contains("gunzip"));
        std::fs::write(&path, [[7; 4096], [0; 4096]].concat()).expect("writable");
        assert!(failure(open(&path)).contains("not a readable tar archive"));
    }
}
