//! What is written when all shards are there: statistics, reports, and that it is whole.

use std::path::Path;

use ablate_core::{Error, Moments, Result};

use super::Prepared;
use crate::shards::{self, MANIFEST, Manifest, Part, Shard};
use crate::{aside, classes};

/// The report of images that were left out, in the set's folder.
const SKIPPED: &str = "skipped.tsv";

/// Adds up the statistics and declares the set whole.
///
/// # Errors
/// A validation shard of an earlier call is gone, a shard is damaged, or
/// the disk is full.
pub(super) fn finish(folder: &Path, manifest: &mut Manifest) -> Result<()> {
    if let Some(name) = manifest
        .shards
        .keys()
        .find(|name| !manifest.has(folder, name))
    {
        let problem = "the shard is gone, and this call was not given its archive";
        let fix = "run `data prepare imagenet` with `--val-tar` and `--labels`";
        return Err(Error::bad_file(folder.join(name), problem, fix));
    }
    shards::write_statistics(folder, &moments(folder, manifest)?)?;
    write_skipped(folder, manifest)?;
    write_classes(folder, manifest)?;
    manifest.complete = true;
    manifest.write(folder)
}

/// What a whole set holds.
pub(super) fn describe(folder: &Path, manifest: &Manifest) -> Prepared {
    Prepared {
        train: manifest.images(Part::Train),
        validation: manifest.images(Part::Validation),
        skipped: manifest.skipped().count() as u64,
        report: folder.join(SKIPPED),
        shards: manifest.shards.len() as u64,
        bytes: manifest.shards.values().map(|made| made.bytes).sum(),
    }
}

/// The sums of all training shards, which are exact in any order.
fn moments(folder: &Path, manifest: &Manifest) -> Result<Moments> {
    let mut sum = Moments::empty([3, manifest.size, manifest.size]);
    for (name, _) in manifest.of(Part::Train) {
        let shard = Shard::open(&folder.join(name), manifest.encoding, manifest.size)?;
        sum = sum.merge(&shard.moments()?);
    }
    if sum.images == 0 {
        let problem = format!("no training image could be read; see {SKIPPED}");
        write_skipped(folder, manifest)?;
        let fix = "check the training archive";
        return Err(Error::bad_file(folder.join(MANIFEST), problem, fix));
    }
    Ok(sum)
}

/// A line for each image that was left out: its path in the archives, a tab, why.
fn write_skipped(folder: &Path, manifest: &Manifest) -> Result<()> {
    let field = |text: &str| text.replace(char::is_control, " ");
    let lines = manifest
        .skipped()
        .map(|one| format!("{}\t{}\n", field(&one.member), field(&one.reason)));
    let text = format!("member\treason\n{}", lines.collect::<String>());
    aside::write(&folder.join(SKIPPED), text.as_bytes())
}

/// A list of classes whose second column people may replace by readable names.
fn write_classes(folder: &Path, manifest: &Manifest) -> Result<()> {
    let path = folder.join(classes::FILE);
    if path.exists() {
        return Ok(());
    }
    let lines = manifest.classes.iter().map(|id| format!("{id}\t{id}\n"));
    aside::write(&path, lines.collect::<String>().as_bytes())
}
