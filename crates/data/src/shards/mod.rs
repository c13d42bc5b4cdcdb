//! `shards`: a set that `data prepare` packed into checksummed files.
//!
//! Indices are verified when the set is opened, an image whenever it is read.

mod encoding;
mod format;
mod manifest;
mod moments;
mod reader;
mod statistics;
mod writer;

use std::path::{Path, PathBuf};

use ablate_core::{
    DataContext, Dataset, DatasetConfig, DatasetInfo, Error, Moments, Result, Split, register,
};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::subset::{self, Parts, Reduction};
use crate::{classes, locate};
pub(crate) use encoding::Encoding;
pub(crate) use format::VERSION;
pub(crate) use manifest::{MANIFEST, Made, Manifest, Part, Skipped, Source};
pub(crate) use moments::MOST_IMAGES;
pub(crate) use reader::Shard;
pub(crate) use statistics::STATISTICS;
pub(crate) use writer::Writer;

pub(crate) use statistics::write as write_statistics;

/// ImageNet, or a set archived like it, as `data prepare imagenet` packs it: decoded,
/// scaled and cut out once and for all, with the statistics of its training images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shards {
    /// The folder that `data prepare` wrote. A relative path is also searched for in
    /// the folder of the variable ABLATE_DATA_DIR and in the program's data folders.
    pub root: String,
    /// With a number, the validation split is that many of the last training
    /// images, balanced over the classes and not trained on, in place of the
    /// validation images. Use it for choices such as a learning rate.
    pub holdout: usize,
    /// At most this many training images, balanced over the classes; taken after
    /// `holdout`.
    pub train_limit: Option<usize>,
    /// At most this many validation images, balanced over the classes.
    pub validation_limit: Option<usize>,
    /// Pixels stay in memory if those of all images together take at most this many
    /// MiB; otherwise each image is read from its shard whenever it is asked for.
    pub cache_mib: usize,
}

impl Default for Shards {
    fn default() -> Self {
        Self {
            root: "imagenet-shards".to_string(),
            holdout: 0,
            train_limit: None,
            validation_limit: None,
            cache_mib: 512,
        }
    }
}

register!(
    dataset,
    "shards",
    Shards,
    "ImageNet as `data prepare imagenet` packs it, with its statistics"
);

impl DatasetConfig for Shards {
    fn build(&self, cx: &DataContext) -> Result<Box<dyn Dataset>> {
        let (root, manifest) = self.find(&locate::places(&self.root, cx))?;
        if !manifest.complete {
            let problem = "the set is not whole: its preparation was interrupted";
            let fix = "run the same `data prepare imagenet` again: it goes on where it stopped";
            return Err(Error::bad_file(root.join(MANIFEST), problem, fix));
        }
        if manifest.validation.is_none() && self.holdout == 0 {
            let fix = "prepare them too (`--val-tar` and `--labels`), or set `holdout`";
            return Err(Error::bad_file(&root, "no validation images", fix));
        }
        Ok(Box::new(Images::open(self, &root, &manifest)?))
    }
}

impl Shards {
    fn find(&self, places: &[PathBuf]) -> Result<(PathBuf, Manifest)> {
        for place in places {
            if let Some(manifest) = Manifest::read(place)? {
                return Ok((place.clone(), manifest));
            }
        }
        let what = format!("a set of shards `{}` (with a {MANIFEST})", self.root);
        let fix = "make one with `data prepare imagenet`, or set the key `root` to its folder";
        Err(locate::not_found(&what, places, fix))
    }

    fn describe(&self, root: &Path, manifest: &Manifest, parts: &Parts) -> String {
        let name = root.file_name().unwrap_or(root.as_os_str());
        let origin = match self.holdout {
            0 => "validation",
            _ => "held-out training",
        };
        let sources = std::iter::once(&manifest.train).chain(&manifest.validation);
        let archives: Vec<&str> = sources.map(|source| source.archive.as_str()).collect();
        format!(
            "the shards `{name}` of {archives}, {classes} classes: {parts}; shorter side scaled \
             to {size}, centre {size}x{size}, stored {encoding}; {skipped} unreadable images \
             left out",
            name = name.to_string_lossy(),
            archives = archives.join(" and "),
            classes = manifest.classes.len(),
            parts = parts.describe(origin),
            size = manifest.size,
            encoding = manifest.encoding.describe(),
            skipped = manifest.skipped().count(),
        )
    }
}

/// Where an image lies.
#[derive(Clone, Copy)]
struct Place {
    shard: u32,
    image: u32,
}

struct Images {
    info: DatasetInfo,
    shards: Vec<Shard>,
    train: Vec<Place>,
    validation: Vec<Place>,
    /// The set's folder, if its statistics are those of the training split.
    statistics: Option<PathBuf>,
    /// Training images, then validation images.
    cache: Cache,
}

impl Images {
    fn open(config: &Shards, root: &Path, manifest: &Manifest) -> Result<Self> {
        let open = |part: Part| -> Result<Vec<Shard>> {
            let shards: Vec<_> = manifest.of(part).collect();
            let open = |(name, _): &(&String, _)| {
                Shard::open(&root.join(name), manifest.encoding, manifest.size)
            };
            shards.par_iter().map(open).collect()
        };
        let (mut shards, validation) = (open(Part::Train)?, open(Part::Validation)?);
        let labels = |shards: &[Shard]| -> Result<Vec<u32>> {
            let labels = shards.iter().flat_map(|shard| shard.entries());
            let labels: Vec<u32> = labels.map(|entry| entry.label).collect();
            match labels
                .iter()
                .find(|&&l| l as usize >= manifest.classes.len())
            {
                Some(label) => {
                    let problem = format!("a shard has the class {label}, which is not listed");
                    let fix = "prepare the set again in another folder";
                    Err(Error::bad_file(root.join(MANIFEST), problem, fix))
                }
                None => Ok(labels),
            }
        };
        let reduction = Reduction {
            holdout: config.holdout,
            train_limit: config.train_limit,
            validation_limit: config.validation_limit,
        };
        let train_labels = labels(&shards)?;
        let parts = subset::reduce(&train_labels, &labels(&validation)?, reduction)?;
        shards.extend(validation);
        let is_whole = parts.train.len() == train_labels.len();
        let places = places(&shards);
        let pick = |chosen: &[usize]| chosen.iter().map(|&at| places[at]).collect::<Vec<_>>();
        let shape = [format::CHANNELS, manifest.size, manifest.size];
        Ok(Self {
            info: DatasetInfo {
                description: config.describe(root, manifest, &parts),
                shape,
                classes: classes::readable(manifest.classes.iter(), &classes::names(root)?),
            },
            train: pick(&parts.train),
            validation: pick(&parts.validation),
            statistics: is_whole.then(|| root.to_path_buf()),
            cache: Cache::within(
                config.cache_mib.saturating_mul(1 << 20),
                parts.train.len() + parts.validation.len(),
                shape.iter().product(),
            ),
            shards,
        })
    }
}

fn places(shards: &[Shard]) -> Vec<Place> {
    let of = |(shard, count): (usize, usize)| {
        (0..count as u32).map(move |image| Place {
            shard: shard as u32,
            image,
        })
    };
    let counts = shards.iter().map(|shard| shard.entries().len());
    counts.enumerate().flat_map(of).collect()
}

impl Dataset for Images {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train.len(),
            Split::Validation => self.validation.len(),
        }
    }

    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        crate::check_request(self, split, index, pixels)?;
        let (place, slot) = match split {
            Split::Train => (self.train[index], index),
            Split::Validation => (self.validation[index], self.train.len() + index),
        };
        let (shard, image) = (&self.shards[place.shard as usize], place.image as usize);
        self.cache
            .read(slot, pixels, |pixels| shard.read(image, pixels))?;
        Ok(shard.entries()[image].label)
    }

    fn training_moments(&self) -> Result<Option<Moments>> {
        let read = |folder: &PathBuf| {
            statistics::read(folder, self.info.shape[1], self.train.len() as u64)
        };
        self.statistics.as_ref().map(read).transpose()
    }
}
