//! `image_folder`: images sorted into class folders, as ImageNet comes.
//!
//! The set is a folder or a tar archive, which is read in place. Images are
//! prepared as in the paper when they are first asked for.

mod archive;
mod files;
mod folder;
mod listing;
mod single;

use std::path::{Path, PathBuf};

use ablate_core::{
    DataContext, Dataset, DatasetConfig, DatasetInfo, Error, Result, Split, register,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::locate;
use crate::prepare::{self, LARGEST_SIZE};
use crate::subset::{self, Reduction};
use listing::{Labelled, Listing};

pub use single::read_image;

/// Images in `train/CLASS/*` and `val/CLASS/*` (jpg, jpeg, png), in a folder or
/// in a tar archive that need not be unpacked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImageFolder {
    /// The folder or the `.tar` archive that holds `train` and, perhaps, `val`
    /// and `classes.tsv` (a class folder, a tab and a readable name on each
    /// line). A relative path is also searched for in the folder of the variable
    /// ABLATE_DATA_DIR and in the program's data folders.
    pub root: String,
    /// Height and width of an image: its shorter side is scaled to this many
    /// pixels and the centre square cut out. Source: section 2.
    pub size: usize,
    /// With a number, the validation split is that many of the last training
    /// images, balanced over the classes and not trained on, in place of `val`.
    /// Use it for choices such as a learning rate.
    pub holdout: usize,
    /// The part of every class that validates where there is no `val`, above 0
    /// and below 1. An image's name decides which side it is on.
    pub validation_fraction: f64,
    /// At most this many training images, balanced over the classes; taken after
    /// `holdout`.
    pub train_limit: Option<usize>,
    /// At most this many validation images, balanced over the classes.
    pub validation_limit: Option<usize>,
    /// Prepared images stay in memory if all of them together take at most this
    /// many MiB; otherwise each is decoded whenever it is read.
    pub cache_mib: usize,
}

impl Default for ImageFolder {
    fn default() -> Self {
        Self {
            root: String::new(),
            size: 256,
            holdout: 0,
            validation_fraction: 0.1,
            train_limit: None,
            validation_limit: None,
            cache_mib: 512,
        }
    }
}

register!(
    dataset,
    "image_folder",
    ImageFolder,
    "images sorted into class folders, unpacked or in a tar archive"
);

impl DatasetConfig for ImageFolder {
    fn build(&self, cx: &DataContext) -> Result<Box<dyn Dataset>> {
        self.check()?;
        let root = self.find(&locate::places(&self.root, cx))?;
        let files = if root.is_dir() {
            folder::list(&root)?
        } else {
            archive::list(&root)?
        };
        let listing = Listing::new(&root, files, self.validation_fraction)?;
        Ok(Box::new(Images::new(self, &root, listing)?))
    }
}

impl ImageFolder {
    fn check(&self) -> Result<()> {
        if self.root.is_empty() {
            let fix = "name a folder or a tar archive with `train/CLASS/*` in it";
            return Err(Error::bad_value("root", "no set is named", fix));
        }
        if !(1..=LARGEST_SIZE).contains(&self.size) {
            let problem = format!("{} pixels", self.size);
            return Err(Error::bad_value(
                "size",
                problem,
                format!("give 1 to {LARGEST_SIZE}"),
            ));
        }
        if !(self.validation_fraction > 0.0 && self.validation_fraction < 1.0) {
            let problem = format!("{} of the images", self.validation_fraction);
            let fix = "give a fraction above 0 and below 1, such as 0.1";
            return Err(Error::bad_value("validation_fraction", problem, fix));
        }
        Ok(())
    }

    fn find(&self, places: &[PathBuf]) -> Result<PathBuf> {
        places
            .iter()
            .find(|place| place.exists())
            .cloned()
            .ok_or_else(|| {
                let what = format!("the image folder `{}`", self.root);
                locate::not_found(
                    &what,
                    places,
                    "set the key `root` to the folder or the archive",
                )
            })
    }

    /// What the validation images are, in words.
    fn validation_origin(&self, has_validation: bool) -> &'static str {
        match (self.holdout > 0, has_validation) {
            (true, _) => "held-out training",
            (false, true) => "validation",
            (false, false) => "split-off training",
        }
    }
}

struct Images {
    info: DatasetInfo,
    size: usize,
    train: Vec<Labelled>,
    validation: Vec<Labelled>,
    /// Training images, then validation images.
    cache: Cache,
}

impl Images {
    fn new(config: &ImageFolder, root: &Path, listing: Listing) -> Result<Self> {
        let labels =
            |images: &[Labelled]| images.iter().map(|image| image.label).collect::<Vec<_>>();
        let reduction = Reduction {
            holdout: config.holdout,
            train_limit: config.train_limit,
            validation_limit: config.validation_limit,
        };
        let parts = subset::reduce(
            &labels(&listing.train),
            &labels(&listing.validation),
            reduction,
        )?;
        let name = root
            .file_name()
            .unwrap_or(root.as_os_str())
            .to_string_lossy();
        let description = format!(
            "the image folder `{name}`, {} classes: {}; shorter side scaled to {size}, centre \
             {size}x{size}",
            listing.classes.len(),
            parts.describe(config.validation_origin(listing.has_validation)),
            size = config.size
        );
        let all: Vec<Labelled> = listing
            .train
            .into_iter()
            .chain(listing.validation)
            .collect();
        let pick = |chosen: &[usize]| {
            chosen
                .iter()
                .map(|&image| all[image].clone())
                .collect::<Vec<_>>()
        };
        let (train, validation) = (pick(&parts.train), pick(&parts.validation));
        let count = train.len() + validation.len();
        Ok(Self {
            info: DatasetInfo {
                description,
                shape: [3, config.size, config.size],
                classes: listing.classes,
            },
            size: config.size,
            train,
            validation,
            cache: Cache::within(
                config.cache_mib.saturating_mul(1 << 20),
                count,
                3 * config.size * config.size,
            ),
        })
    }
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
        let (image, slot) = match split {
            Split::Train => (&self.train[index], index),
            Split::Validation => (&self.validation[index], self.train.len() + index),
        };
        self.cache.read(slot, pixels, |pixels| {
            prepare::prepare(&image.file.bytes()?, self.size, pixels).map_err(|problem| {
                let fix = "replace this image, or take it out of the set";
                Error::bad_file(image.file.path(), problem, fix)
            })
        })?;
        Ok(image.label)
    }
}

#[cfg(test)]
mod tests;
