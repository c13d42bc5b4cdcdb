//! The files of a set, in a folder or in a tar archive, behind one type.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ablate_core::{Error, Result};

use crate::prepare::LARGEST_FILE;

/// One file of a set.
#[derive(Clone, Debug)]
pub(super) struct SetFile {
    /// Path within the set: `train/n01774750/n01774750_0.JPEG`.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    /// A file of its own.
    Alone(PathBuf),
    /// Bytes from `offset` on in an archive.
    Member {
        archive: Arc<Path>,
        member: String,
        offset: u64,
    },
}

impl SetFile {
    /// A file in a folder.
    pub fn alone(name: String, path: PathBuf, size: u64) -> Self {
        Self {
            name,
            size,
            origin: Origin::Alone(path),
        }
    }

    /// A member of an archive, stored from `offset` on.
    pub fn member(archive: Arc<Path>, member: String, offset: u64, size: u64) -> Self {
        let origin = Origin::Member {
            archive,
            member: member.clone(),
            offset,
        };
        Self {
            name: member,
            size,
            origin,
        }
    }

    /// The path for messages; a member's is that of the archive and its own.
    pub fn path(&self) -> PathBuf {
        match &self.origin {
            Origin::Alone(path) => path.clone(),
            Origin::Member {
                archive, member, ..
            } => archive.join(member),
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// It cannot be read, is larger than an image can be, or has shrunk.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        if self.size > LARGEST_FILE {
            let problem = format!("{} bytes; at most {LARGEST_FILE} are read", self.size);
            return Err(Error::bad_file(
                self.path(),
                problem,
                "store a smaller image",
            ));
        }
        let (path, offset) = match &self.origin {
            Origin::Alone(path) => (path.as_path(), 0),
            Origin::Member {
                archive, offset, ..
            } => (&**archive, *offset),
        };
        // A handle of its own for each read: threads share no file position.
        let mut file = File::open(path).map_err(Error::io(path))?;
        file.seek(SeekFrom::Start(offset))
            .map_err(Error::io(path))?;
        let mut bytes = Vec::with_capacity(self.size as usize);
        file.take(self.size)
            .read_to_end(&mut bytes)
            .map_err(Error::io(path))?;
        if bytes.len() as u64 != self.size {
            let problem = format!("{} bytes expected, {} found", self.size, bytes.len());
            return Err(Error::bad_file(
                self.path(),
                problem,
                "do not change a set in use",
            ));
        }
        Ok(bytes)
    }
}
