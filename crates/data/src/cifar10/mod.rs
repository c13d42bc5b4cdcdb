//! `cifar10`: CIFAR-10 (Krizhevsky 2009) in the official binary layout.
//!
//! Files in that layout need not be the official files, so every batch is
//! digested when it is read, and the description says which they are.

mod batch;

use std::path::{Path, PathBuf};

use ablate_core::{DataContext, Dataset, DatasetConfig, DatasetInfo, Result, Split, register};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::locate;
use crate::subset::{self, Reduction};
use batch::{Batch, OFFICIAL_RECORDS};

pub(crate) use batch::{FOLDER, OFFICIAL};

/// CIFAR-10: 50,000 training and 10,000 test images of 32x32 in ten classes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cifar10 {
    /// The folder that is, or contains, `cifar-10-batches-bin`. Where empty, the
    /// folder of the variable ABLATE_DATA_DIR and the program's data folders are
    /// searched; a relative path is looked for where the program runs, then in them.
    pub root: String,
    /// With a number, the validation split is that many of the last training
    /// images, balanced over the classes and not trained on, and the test batch
    /// is not even read. Use it for choices such as a learning rate, which must
    /// not be made on test images. With 0, the validation split is the test batch.
    pub holdout: usize,
    /// At most this many training images, balanced over the classes; taken after
    /// `holdout`.
    pub train_limit: Option<usize>,
    /// At most this many validation images, balanced over the classes.
    pub validation_limit: Option<usize>,
}

register!(
    dataset,
    "cifar10",
    Cifar10,
    "CIFAR-10 in the official binary layout"
);

const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Batches that hold training images; the test batch comes after them.
const TRAIN_BATCHES: usize = 5;

impl DatasetConfig for Cifar10 {
    fn build(&self, cx: &DataContext) -> Result<Box<dyn Dataset>> {
        let folder = find(&locate::places(&self.root, cx))?;
        Ok(Box::new(Images::open(self, &folder, OFFICIAL_RECORDS)?))
    }
}

/// The data set in a folder whose batches have `records` images each, for tests that read
/// many sets.
///
/// # Errors
/// As for the official layout: a batch is missing, or has another size or a wrong label.
#[doc(hidden)]
pub fn cifar10_of_records(
    config: &Cifar10,
    folder: &Path,
    records: usize,
) -> Result<Box<dyn Dataset>> {
    Ok(Box::new(Images::open(config, folder, records)?))
}

/// The first of the places that is, or contains, the folder of batches.
fn find(places: &[PathBuf]) -> Result<PathBuf> {
    let holds_batches =
        |folder: &Path| OFFICIAL.iter().any(|(name, _)| folder.join(name).is_file());
    places
        .iter()
        .flat_map(|place| [place.join(FOLDER), place.clone()])
        .find(|folder| holds_batches(folder))
        .ok_or_else(|| {
            let fix = "`cargo xtask data fetch cifar10` downloads it; or set the key `root`, or \
                       the variable ABLATE_DATA_DIR, to a folder with `cifar-10-batches-bin`";
            locate::not_found("CIFAR-10 (`cifar-10-batches-bin/*.bin`)", places, fix)
        })
}

/// The batches in memory, and which of their images are used.
struct Images {
    info: DatasetInfo,
    batches: Vec<Batch>,
    records: usize,
    /// Training images, counted through all batches.
    train: Vec<usize>,
    /// Validation images, counted likewise.
    validation: Vec<usize>,
}

impl Images {
    fn open(config: &Cifar10, folder: &Path, records: usize) -> Result<Self> {
        let needed = if config.holdout > 0 {
            TRAIN_BATCHES
        } else {
            TRAIN_BATCHES + 1
        };
        let batches = (0..needed)
            .into_par_iter()
            .map(|number| Batch::read(folder, number, records))
            .collect::<Result<Vec<_>>>()?;
        let labels: Vec<u32> = batches.iter().flat_map(Batch::labels).collect();
        let (train_labels, test_labels) = labels.split_at(TRAIN_BATCHES * records);
        let reduction = Reduction {
            holdout: config.holdout,
            train_limit: config.train_limit,
            validation_limit: config.validation_limit,
        };
        let parts = subset::reduce(train_labels, test_labels, reduction)?;
        let description = format!(
            "{}; {}",
            provenance(&batches),
            parts.describe(if config.holdout > 0 {
                "held-out training"
            } else {
                "test"
            })
        );
        Ok(Self {
            info: DatasetInfo {
                description,
                shape: [3, 32, 32],
                classes: CLASSES.map(String::from).to_vec(),
            },
            batches,
            records,
            train: parts.train,
            validation: parts.validation,
        })
    }
}

/// Whether these are the official files, in words.
fn provenance(batches: &[Batch]) -> String {
    let others: Vec<_> = batches
        .iter()
        .zip(OFFICIAL)
        .filter_map(|(batch, (name, _))| Some((name, batch.other_digest.as_ref()?)))
        .collect();
    match others.first() {
        None => "CIFAR-10, the official files (their MD5 digests match)".to_string(),
        Some((name, digest)) => format!(
            "CIFAR-10 in the official binary layout, not the official files ({} of {} batches have \
             other MD5 digests; {name} has {digest})",
            others.len(),
            batches.len()
        ),
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
        let image = match split {
            Split::Train => self.train[index],
            Split::Validation => self.validation[index],
        };
        let (label, stored) = self.batches[image / self.records].record(image % self.records);
        pixels.copy_from_slice(stored);
        Ok(label)
    }
}

#[cfg(test)]
mod tests;
