//! `shapes`: a built-in set of painted scenes, for experiments without a download.
//!
//! Each image shows one large subject of ten classes among clutter, perhaps
//! partly covered, under tinted and uneven light, with grain. Place, size,
//! rotation, colours and textures vary within every class and are shared by all
//! of them, so neither mean colour nor any single pixel gives the class away;
//! warm and cool discs differ by colour alone. It is no photograph and no stand-in
//! for one: what holds on it need not hold on CIFAR-10.
//!
//! An image is a pure function of seed, split and index, and its bits are the
//! same on every platform.

mod dice;
mod fill;
mod outline;
mod paint;
mod scene;

use ablate_core::{
    DataContext, Dataset, DatasetConfig, DatasetInfo, Error, Result, Split, Stream, register,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use dice::Dice;
use scene::{CLASSES, Scene};

/// Painted scenes of ten classes, made when they are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shapes {
    /// Height and width of an image in pixels, 8 to 512. The scenes stay the
    /// same, painted finer or coarser.
    pub size: usize,
    /// Number of training images; the classes take turns.
    pub train: usize,
    /// Number of validation images; none of them is a training image.
    pub validation: usize,
    /// The seed of the scenes. Every seed is another set of the same difficulty.
    pub seed: u64,
    /// With a number, the validation images are that many of the last training
    /// images, which are then not trained on, in place of `validation` new ones;
    /// choices made on them leave the validation images unseen.
    pub holdout: usize,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            size: 32,
            train: 8000,
            validation: 2000,
            seed: 0,
            holdout: 0,
        }
    }
}

register!(
    dataset,
    "shapes",
    Shapes,
    "built-in painted scenes of ten classes; no files needed"
);

/// The most images of a split: eight times as many as ImageNet has.
const MOST_IMAGES: usize = 10_000_000;

/// The most memory that images are kept in.
const CACHE_BYTES: usize = 256 << 20;

impl DatasetConfig for Shapes {
    fn build(&self, _: &DataContext) -> Result<Box<dyn Dataset>> {
        self.check()?;
        let validation = if self.holdout > 0 {
            self.holdout
        } else {
            self.validation
        };
        let train = self.train - self.holdout;
        let cache = |count| Cache::within(CACHE_BYTES / 2, count, 3 * self.size * self.size);
        Ok(Box::new(Scenes {
            info: self.info(train, validation),
            train,
            validation,
            config: self.clone(),
            train_cache: cache(train),
            validation_cache: cache(validation),
        }))
    }
}

impl Shapes {
    fn check(&self) -> Result<()> {
        if !(8..=512).contains(&self.size) {
            return Err(Error::bad_value(
                "size",
                format!("{} pixels", self.size),
                "give 8 to 512; a subject is not recognisable below, nor better above",
            ));
        }
        for (key, count) in [("train", self.train), ("validation", self.validation)] {
            if count == 0 {
                return Err(Error::bad_value(key, "no images", "give at least 1"));
            }
            if count > MOST_IMAGES {
                let problem = format!("{count} images are more than anybody paints");
                let fix = format!("give {MOST_IMAGES} at most");
                return Err(Error::bad_value(key, problem, fix));
            }
        }
        if self.holdout >= self.train {
            return Err(Error::bad_value(
                "holdout",
                format!(
                    "{} images, but there are {} for training",
                    self.holdout, self.train
                ),
                "hold out fewer than `train`",
            ));
        }
        Ok(())
    }

    fn info(&self, train: usize, validation: usize) -> DatasetInfo {
        let origin = if self.holdout > 0 {
            "held-out training"
        } else {
            "validation"
        };
        DatasetInfo {
            description: format!(
                "shapes, a built-in set of painted scenes and not photographs: {train} training \
                 and {validation} {origin} images of {size}x{size}, seed {seed}",
                size = self.size,
                seed = self.seed
            ),
            shape: [3, self.size, self.size],
            classes: CLASSES.iter().map(|class| class.name.to_string()).collect(),
        }
    }
}

struct Scenes {
    info: DatasetInfo,
    config: Shapes,
    train: usize,
    validation: usize,
    train_cache: Cache,
    validation_cache: Cache,
}

impl Scenes {
    /// The stream of one image. Held-out images keep the streams they have as
    /// training images.
    fn stream(&self, split: Split, index: usize) -> Stream {
        let root = Stream::new(self.config.seed).named("shapes");
        match split {
            Split::Train => root.named("train").at(index),
            Split::Validation if self.config.holdout > 0 => {
                root.named("train").at(self.train + index)
            }
            Split::Validation => root.named("validation").at(index),
        }
    }

    fn label(&self, split: Split, index: usize) -> usize {
        let offset = match split {
            Split::Validation if self.config.holdout > 0 => self.train,
            _ => 0,
        };
        (offset + index) % CLASSES.len()
    }
}

impl Dataset for Scenes {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train,
            Split::Validation => self.validation,
        }
    }

    fn read(&self, split: Split, index: usize, pixels: &mut [u8]) -> Result<u32> {
        crate::check_request(self, split, index, pixels)?;
        let label = self.label(split, index);
        let cache = match split {
            Split::Train => &self.train_cache,
            Split::Validation => &self.validation_cache,
        };
        cache.read(index, pixels, |pixels| {
            let mut dice = Dice::new(self.stream(split, index));
            let scene = Scene::draw(label, &mut dice);
            paint::paint(&scene, self.config.size, &mut dice, pixels);
            Ok(())
        })?;
        Ok(label as u32)
    }
}
