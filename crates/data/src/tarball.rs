//! Tar archives read in place: every member in turn, nothing unpacked.
//!
//! An archive may itself be a member of another, as each class of ImageNet is.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ablate_core::{Error, Result};
use tar::{Archive, Entries, Entry, EntryType};

const REPACK: &str = "pack the folder again: `tar -cf NAME.tar FOLDER`";

/// For an archive that may be the user's own or somebody else's.
const COPY: &str =
    "copy or download the archive again, or pack one of your own: `tar -cf NAME.tar FOLDER`";

/// A file in an archive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// Its path, within the archive and with `/` between parts.
    pub name: String,
    /// Where its bytes begin in the archive.
    pub offset: u64,
    /// Its length in bytes.
    pub size: u64,
}

/// Calls `visit` with every file of an archive, in its order. What `visit` does not
/// read of one is passed over without being read.
///
/// # Errors
/// `visit` fails; it is no tar archive or is cut off; or it holds a link, a device,
/// or a path that leads out of it.
pub(crate) fn walk(
    path: &Path,
    visit: impl FnMut(Member, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    check_ends(path, &mut file, 0, length)?;
    let mut archive = Archive::new(file);
    let entries = archive.entries_with_seek().map_err(unreadable(path))?;
    each(path, entries, length, visit)
}

/// As [`walk`], over an archive that is a member of the archive at `path`, read from
/// its beginning to its end.
///
/// # Errors
/// As for [`walk`]; they name both archives.
pub(crate) fn walk_within(
    path: &Path,
    inner: &Member,
    visit: impl FnMut(Member, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let shown = path.join(&inner.name);
    let mut file = File::open(path).map_err(Error::io(path))?;
    check_ends(&shown, &mut file, inner.offset, inner.size)?;
    let reader = BufReader::with_capacity(1 << 20, file.take(inner.size));
    let mut archive = Archive::new(reader);
    let entries = archive.entries().map_err(unreadable(&shown))?;
    each(&shown, entries, inner.size, visit)
}

fn each<R: Read>(
    path: &Path,
    entries: Entries<R>,
    length: u64,
    mut visit: impl FnMut(Member, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    for entry in entries {
        let mut entry = entry.map_err(unreadable(path))?;
        let name = safe_name(path, &entry)?;
        if !holds_bytes(path, &name, entry.header().entry_type())? {
            continue;
        }
        let member = Member {
            name,
            offset: entry.raw_file_position(),
            size: entry.size(),
        };
        let end = member.offset.saturating_add(member.size);
        if end > length {
            let problem = format!(
                "cut off: {end} bytes expected up to the end of this member, {length} found"
            );
            let path = path.join(&member.name);
            return Err(Error::bad_file(path, problem, "copy the archive again"));
        }
        visit(member, &mut entry)?;
    }
    Ok(())
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::bad_file(path, format!("not a readable tar archive: {error}"), COPY)
}

/// Refuses a compressed archive, and one without the two empty blocks at its
/// end: cut off between members, it would otherwise look like a smaller set.
///
/// The archive is `length` bytes of the file from `start` on, where the file then
/// stands.
fn check_ends(path: &Path, file: &mut File, start: u64, length: u64) -> Result<()> {
    let mut head = [0; 2];
    let mut tail = [0; 1024];
    if length >= tail.len() as u64 {
        let mut read = |at: u64, bytes: &mut [u8]| {
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(bytes)
        };
        read(start, &mut head).map_err(Error::io(path))?;
        read(start + length - 1024, &mut tail).map_err(Error::io(path))?;
        file.seek(SeekFrom::Start(start)).map_err(Error::io(path))?;
    }
    if head == [0x1f, 0x8b] {
        let fix = "decompress it first (`gunzip`): members are read in place";
        return Err(Error::bad_file(path, "a gzip-compressed archive", fix));
    }
    if length < tail.len() as u64 || tail != [0; 1024] {
        let problem = format!("no tar archive, or cut off: {length} bytes without an end mark");
        return Err(Error::bad_file(path, problem, COPY));
    }
    Ok(())
}

/// The path of a member, which must stay inside the archive's own folder.
fn safe_name<R: Read>(path: &Path, entry: &Entry<R>) -> Result<String> {
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
