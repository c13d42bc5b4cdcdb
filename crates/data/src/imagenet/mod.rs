//! Packs the official ImageNet archives into shards, without unpacking them.
//!
//! A reader goes through an archive ahead of the threads that decode. What is made
//! depends on the archives alone, and an interrupted preparation goes on where it was.

mod finish;
mod labels;
mod pack;
mod resume;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use ablate_core::{Error, Result};

use crate::prepare::LARGEST_SIZE;
use crate::shards::{Manifest, Part};
use crate::tarball::Member;
use labels::Labels;
use pack::Packer;
use source::{Feed, Job};

/// What to prepare and how.
#[derive(Clone, Debug)]
pub struct Preparation {
    /// The training archive: a tar of an archive `nXXXXXXXX.tar` for each class.
    pub train: PathBuf,
    /// The validation archive, a flat tar, and the list of its labels.
    pub validation: Option<(PathBuf, PathBuf)>,
    /// The folder to write.
    pub into: PathBuf,
    /// Threads that decode; `None` for one a core.
    pub threads: Option<usize>,
    /// Whether pixels are stored as they are instead of as JPEG.
    pub raw: bool,
    /// Height and width of the prepared images, 1 to 2048.
    pub size: usize,
    /// Validation images a shard, at least 1.
    pub validation_shard: usize,
}

impl Preparation {
    /// The paper's sizes, into a folder, without validation images.
    pub fn new(train: impl Into<PathBuf>, into: impl Into<PathBuf>) -> Self {
        Self {
            train: train.into(),
            validation: None,
            into: into.into(),
            threads: None,
            raw: false,
            size: 256,
            validation_shard: 1000,
        }
    }
}

/// What was done so far, in this call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Images read, those left out included.
    pub images: u64,
    /// Images left out.
    pub skipped: u64,
    /// Bytes of images read.
    pub bytes: u64,
    /// Shards made.
    pub shards: u64,
    /// Bytes of the archives whose shards are yet to be made, when the call began.
    pub expected: u64,
}

/// What a folder holds after its preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Training images.
    pub train: u64,
    /// Validation images.
    pub validation: u64,
    /// Images left out, which the report lists.
    pub skipped: u64,
    /// The report.
    pub report: PathBuf,
    /// Shards in all.
    pub shards: u64,
    /// Bytes of all shards.
    pub bytes: u64,
}

/// Packs ImageNet into shards that the data set `shards` reads, with the statistics
/// of the training images beside them. Shards that are there already are kept.
///
/// # Errors
/// A number is out of range; an archive or the list of labels is not what is wanted or
/// cannot be read; the folder was made from other archives, is being written by another
/// process, or was begun with validation images that are not named again; or the disk
/// is full. What was done until then is kept.
pub fn prepare_imagenet(
    wanted: &Preparation,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Prepared> {
    if !(1..=LARGEST_SIZE).contains(&wanted.size) {
        let problem = format!("{} pixels", wanted.size);
        let fix = format!("give 1 to {LARGEST_SIZE}");
        return Err(Error::bad_value("size", problem, fix));
    }
    if wanted.validation_shard == 0 {
        let fix = "give at least 1";
        return Err(Error::bad_value("validation_shard", "no images", fix));
    }
    let classes = source::classes(&wanted.train)?;
    let ids: Vec<String> = classes.iter().map(|(id, _)| id.clone()).collect();
    let labels = match &wanted.validation {
        Some((_, list)) => Some(Labels::read(list, &ids)?),
        None => None,
    };
    fs::create_dir_all(&wanted.into).map_err(Error::io(&wanted.into))?;
    let _lock = resume::lock(&wanted.into)?;
    let mut manifest = resume::manifest(wanted, ids)?;
    if !manifest.complete {
        make_missing(wanted, &classes, labels.as_ref(), &mut manifest, progress)?;
        finish::finish(&wanted.into, &mut manifest)?;
    }
    Ok(finish::describe(&wanted.into, &manifest))
}

/// Makes every shard that is not there.
fn make_missing(
    wanted: &Preparation,
    classes: &[(String, Member)],
    labels: Option<&Labels>,
    manifest: &mut Manifest,
    progress: &mut dyn FnMut(&Progress),
) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(wanted.threads.unwrap_or(0))
        .build()
        .map_err(|error| {
            let fix = "give fewer with `--threads`";
            Error::Other(format!("threads cannot be started: {error}\n  fix: {fix}"))
        })?;
    // Enough images that no thread waits long for the last of a batch.
    let count = 4 * pack::CHUNK * pool.current_num_threads();
    let there = resume::there(&wanted.into, manifest);
    let done = Progress {
        expected: expected(classes, &there, manifest),
        ..Progress::default()
    };
    let packer = Packer {
        folder: &wanted.into,
        manifest,
        pool: &pool,
        progress,
        done,
    };
    let (sender, receiver) = sync_channel(source::WAITING);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let feed = Feed::new(&sender, count);
            if let Err(error) = read(wanted, classes, labels, &there, feed) {
                // Nobody listens any more if making a shard failed.
                let _ = sender.send(Err(error));
            }
        });
        packer.run(receiver)
    })
}

/// Reads what is to be made: validation images first, since what may be wrong with
/// their labels is better known early.
fn read(
    wanted: &Preparation,
    classes: &[(String, Member)],
    labels: Option<&Labels>,
    there: &BTreeSet<String>,
    mut feed: Feed,
) -> Result<()> {
    let missing = |file: String, part, from: String| {
        (!there.contains(&file)).then_some(Job { file, part, from })
    };
    if let (Some((archive, _)), Some(labels)) = (&wanted.validation, labels) {
        let each = wanted.validation_shard;
        feed.validation(archive, labels, each, |number| {
            let from = format!("up to {each} images from image {} on", number * each + 1);
            missing(validation_shard(number), Part::Validation, from)
        })?;
    }
    for ((id, member), label) in classes.iter().zip(0..) {
        if let Some(job) = missing(train_shard(id), Part::Train, member.name.clone()) {
            feed.class(&wanted.train, label, job, member)?;
        }
    }
    Ok(())
}

fn train_shard(id: &str) -> String {
    format!("train-{id}.shard")
}

fn validation_shard(number: usize) -> String {
    format!("val-{number:05}.shard")
}

/// Bytes to read: those of classes without a shard, and the validation archive while
/// it has none. Progress needs no more.
fn expected(classes: &[(String, Member)], there: &BTreeSet<String>, manifest: &Manifest) -> u64 {
    let missing = classes
        .iter()
        .filter(|(id, _)| !there.contains(&train_shard(id)));
    let validation = match there.contains(&validation_shard(0)) {
        true => None,
        false => manifest.validation.as_ref(),
    };
    missing.map(|(_, member)| member.size).sum::<u64>()
        + validation.map_or(0, |source| source.bytes)
}

#[cfg(test)]
mod tests;
