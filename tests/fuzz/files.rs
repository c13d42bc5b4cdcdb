//! Files that lie together, of which one at a time is changed, read and put back.

use std::fs;
use std::path::{Path, PathBuf};

use crate::engine::{Change, Part};

/// The files, as they lay there at first.
#[derive(Default)]
pub struct Files(Vec<File>);

struct File {
    path: PathBuf,
    whole: Vec<u8>,
    /// The part it is, and what changes it; `None` for one that is put back only.
    part: Option<(&'static str, Change)>,
}

impl Files {
    /// With a file that is a part.
    pub fn with(mut self, part: &'static str, path: PathBuf, change: Change) -> Self {
        self.0.push(File {
            whole: fs::read(&path).expect("readable"),
            path,
            part: Some((part, change)),
        });
        self
    }

    /// With all others of a folder, which a reader may write.
    pub fn with_others(mut self, folder: &Path) -> Self {
        let entries = fs::read_dir(folder).expect("readable");
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_file() && self.0.iter().all(|file| file.path != path) {
                self.0.push(File {
                    whole: fs::read(&path).expect("readable"),
                    path,
                    part: None,
                });
            }
        }
        self
    }

    /// The parts, with the files as they are for seeds.
    pub fn parts(&self) -> Vec<Part> {
        let part = |file: &File| {
            let (name, change) = file.part?;
            Some(Part {
                name,
                seeds: vec![file.whole.clone()],
                change,
            })
        };
        self.0.iter().filter_map(part).collect()
    }

    /// What `read` makes of the files with an input for one of them. All are put back
    /// then, even after a panic, so that other inputs do not meet it.
    pub fn changed<T>(&self, part: &str, input: &[u8], read: impl FnOnce() -> T) -> T {
        let is_meant = |file: &&File| file.part.is_some_and(|(name, _)| name == part);
        let file = self.0.iter().find(is_meant).expect("a part");
        self.kept(|| {
            fs::write(&file.path, input).expect("writable");
            read()
        })
    }

    /// What `read` makes of the files, which are put back after it.
    pub fn kept<T>(&self, read: impl FnOnce() -> T) -> T {
        let _back = PutBack(self);
        read()
    }
}

struct PutBack<'a>(&'a Files);

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        for File { path, whole, .. } in &self.0.0 {
            let folder = path.parent().expect("it lies in a folder");
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(path, whole))
                .expect("writable");
        }
    }
}
