//! What a set of shards was made from, and which of them are whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ablate_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Encoding;
use super::format::VERSION;
use crate::aside;
use crate::prepare::LARGEST_SIZE;

/// Its name in the set's folder.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The record of a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The version of the shards' layout.
    pub version: u32,
    /// How images are stored.
    pub encoding: Encoding,
    /// Height and width of every image.
    pub size: usize,
    /// Validation images a shard.
    pub validation_shard: usize,
    /// The archive of training images.
    pub train: Source,
    /// The archive of validation images, where one was given.
    pub validation: Option<Source>,
    /// Whether every shard is made.
    pub complete: bool,
    /// Synset ids by label.
    pub classes: Vec<String>,
    /// The shards that are whole, by file name.
    pub shards: BTreeMap<String, Made>,
}

/// An archive, as far as it tells one from another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Its file name.
    pub archive: String,
    /// Its length.
    pub bytes: u64,
    /// The MD5 digest of the list of labels that goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels_md5: Option<String>,
}

/// A shard that is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    /// Of which archive.
    pub part: Part,
    /// The members it was made from: a class's archive, or the first image and the
    /// number of images.
    pub from: String,
    /// Images in it.
    pub images: u64,
    /// Its length.
    pub bytes: u64,
    /// Images left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The images that gradients come from.
    Train,
    /// The images that errors are reported on.
    Validation,
}

/// An image that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skipped {
    /// Its path in the archive, archives within it included.
    pub member: String,
    /// Why.
    pub reason: String,
}

impl Manifest {
    /// Reads the manifest of the set in `folder`; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is of another version.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(&path)(error)),
        };
        let fix = "prepare the set again in another folder (`data prepare imagenet --into DIR`)";
        let manifest: Self = serde_json::from_str(&text).map_err(|error| {
            Error::bad_file(&path, format!("not a manifest of shards: {error}"), fix)
        })?;
        if manifest.version != VERSION {
            let problem = format!(
                "version {} of the format; {VERSION} is read",
                manifest.version
            );
            return Err(Error::bad_file(&path, problem, fix));
        }
        if !(1..=LARGEST_SIZE).contains(&manifest.size) {
            let problem = format!("images of {} pixels a side", manifest.size);
            return Err(Error::bad_file(&path, problem, fix));
        }
        // A name is joined to the folder's path, so it must not lead out of it.
        if let Some(name) = manifest
            .shards
            .keys()
            .find(|name| name.contains(['/', '\\']))
        {
            let problem = format!("the shard `{name}` is in another folder");
            return Err(Error::bad_file(&path, problem, fix));
        }
        Ok(Some(manifest))
    }

    /// Replaces the manifest in `folder`.
    ///
    /// # Errors
    /// The disk cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(MANIFEST);
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Other(format!("{}: {error}", path.display())))?;
        text.push('\n');
        aside::write(&path, text.as_bytes())
    }

    /// Whether a shard is recorded and there in its whole length.
    pub fn has(&self, folder: &Path, name: &str) -> bool {
        let there = fs::metadata(folder.join(name)).map(|file| file.len());
        self.shards
            .get(name)
            .is_some_and(|made| there.is_ok_and(|bytes| bytes == made.bytes))
    }

    /// The shards of a part, in order.
    pub fn of(&self, part: Part) -> impl Iterator<Item = (&String, &Made)> {
        self.shards
            .iter()
            .filter(move |(_, made)| made.part == part)
    }

    /// Images of a part.
    pub fn images(&self, part: Part) -> u64 {
        self.of(part).map(|(_, made)| made.images).sum()
    }

    /// Images left out, of both parts.
    pub fn skipped(&self) -> impl Iterator<Item = &Skipped> {
        self.shards.values().flat_map(|made| &made.skipped)
    }
}
