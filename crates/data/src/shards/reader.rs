//! Reads a shard: its index when it is opened, an image when it is asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ablate_core::{Error, Moments, Result};

use super::Encoding;
use super::format::{ENTRY, Entry, HEADER, Header, crc32};
use super::moments;

/// What repairs a shard.
const FIX: &str =
    "delete this file and run the same `data prepare` again: it makes what is missing";

/// A shard whose header and index were verified.
pub(crate) struct Shard {
    path: PathBuf,
    encoding: Encoding,
    header: Header,
    entries: Vec<Entry>,
}

impl Shard {
    /// Opens a shard of images stored so. The images themselves are verified when
    /// they are read.
    ///
    /// # Errors
    /// It is missing, damaged, cut off, or of other images.
    pub fn open(path: &Path, encoding: Encoding, size: usize) -> Result<Self> {
        let wrong = |problem: String| Error::bad_file(path, problem, FIX);
        let mut file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let length = file.metadata().map_err(Error::io(path))?.len();
        let mut bytes = [0; HEADER];
        file.read_exact(&mut bytes)
            .map_err(|_| wrong(format!("cut off: {length} bytes hold no header")))?;
        let header = Header::from_bytes(&bytes).map_err(wrong)?;
        if header.file_bytes() != Some(length) {
            let expected = header.file_bytes().unwrap_or(u64::MAX);
            return Err(wrong(format!("{length} bytes where {expected} are needed")));
        }
        if (header.encoding, header.size as usize) != (encoding.number(), size) {
            return Err(wrong(format!(
                "its images are not the manifest's, {size} x {size} and stored {}",
                encoding.describe()
            )));
        }
        // No more than the file's length, so memory is safe from a wrong number.
        let mut index = vec![0; header.index_bytes as usize];
        file.seek(SeekFrom::Start(header.index_offset))
            .and_then(|_| file.read_exact(&mut index))
            .map_err(Error::io(path))?;
        if crc32(&index) != header.index_crc {
            return Err(wrong(
                "the index is damaged: its checksum is wrong".to_string(),
            ));
        }
        let entries = entries(&header, &index).map_err(wrong)?;
        Ok(Self {
            path: path.to_path_buf(),
            encoding,
            header,
            entries,
        })
    }

    /// Its images, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Writes the pixels `[3, S, S]` of an image.
    ///
    /// # Errors
    /// It cannot be read or is damaged.
    pub fn read(&self, image: usize, planes: &mut [u8]) -> Result<()> {
        let entry = self.entries[image];
        let stored = self.bytes(entry.offset, u64::from(entry.bytes))?;
        let damaged =
            |problem: String| Error::bad_file(&self.path, format!("image {image}: {problem}"), FIX);
        if crc32(&stored) != entry.crc {
            return Err(damaged("damaged: its checksum is wrong".to_string()));
        }
        self.encoding
            .load(&stored, self.header.size as usize, planes)
            .map_err(damaged)
    }

    /// The moments of its images, which a training shard has.
    ///
    /// # Errors
    /// It has none, or they are damaged.
    pub fn moments(&self) -> Result<Moments> {
        let offset = self.header.index_offset + self.header.index_bytes;
        let bytes = self.bytes(offset, self.header.moments_bytes)?;
        moments::from_bytes(&bytes, self.header.size as usize, self.header.images)
            .map_err(|problem| Error::bad_file(&self.path, problem, FIX))
    }

    /// A handle of its own for each read: threads share no file position, and a
    /// thousand shards need no more open files than there are threads.
    fn bytes(&self, offset: u64, count: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count as usize];
        let mut file = File::open(&self.path).map_err(Error::io(&self.path))?;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| Error::bad_file(&self.path, error, FIX))?;
        Ok(bytes)
    }
}

fn entries(header: &Header, index: &[u8]) -> Result<Vec<Entry>, String> {
    let table = header.images as usize * ENTRY;
    let (entries, names) = index
        .split_at_checked(table)
        .ok_or("the index is too short")?;
    let entries: Vec<Entry> = entries.chunks_exact(ENTRY).map(Entry::from_bytes).collect();
    let mut at = HEADER as u64;
    for entry in &entries {
        if entry.offset != at {
            return Err("the index has gaps".to_string());
        }
        at += u64::from(entry.bytes);
    }
    let named: u64 = entries.iter().map(|e| u64::from(e.name_bytes)).sum();
    if at != header.index_offset || named != names.len() as u64 {
        return Err("the index does not fit the file".to_string());
    }
    Ok(entries)
}
