//! Makes shards of what the reader hands on: decodes on all threads, writes in order.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use ablate_core::{Error, Moments, Result};
use rayon::prelude::*;

use super::Progress;
use super::source::{Image, Job, Step};
use crate::prepare;
use crate::shards::{Encoding, Made, Manifest, Part, Skipped, Writer};

/// Images a thread takes at a time: enough to spread the cost of adding up moments.
pub(super) const CHUNK: usize = 8;

/// Makes the shards of a set, and keeps its manifest.
pub(super) struct Packer<'a> {
    pub folder: &'a Path,
    pub manifest: &'a mut Manifest,
    pub pool: &'a rayon::ThreadPool,
    /// Told after every batch.
    pub progress: &'a mut dyn FnMut(&Progress),
    pub done: Progress,
}

/// A shard that is being made.
struct Current {
    job: Job,
    writer: Writer,
    /// Only training images have them.
    moments: Option<Moments>,
    images: u64,
    skipped: Vec<Skipped>,
}

/// An image as it is stored, or why it is not.
type Stored = Result<Vec<u8>, String>;

impl Packer<'_> {
    /// Makes every shard that the reader begins.
    ///
    /// # Errors
    /// The reader failed, or the disk cannot be written.
    pub fn run(mut self, steps: Receiver<Result<Step>>) -> Result<()> {
        let mut current = None;
        for step in steps {
            match (step?, current.take()) {
                (Step::Begin(job), None) => current = Some(self.begin(job)?),
                (Step::Images(images), Some(shard)) => current = Some(self.add(shard, images)?),
                (Step::End, Some(shard)) => self.end(shard)?,
                _ => return Err(Error::Other("shards out of order".to_string())),
            }
        }
        Ok(())
    }

    fn begin(&self, job: Job) -> Result<Current> {
        let Manifest { encoding, size, .. } = *self.manifest;
        let moments = (job.part == Part::Train).then(|| Moments::empty([3, size, size]));
        Ok(Current {
            writer: Writer::create(&self.folder.join(&job.file), encoding, size)?,
            moments,
            images: 0,
            skipped: Vec::new(),
            job,
        })
    }

    fn add(&mut self, mut shard: Current, images: Vec<Image>) -> Result<Current> {
        let chunks = self.decode(&images, shard.moments.is_some());
        let mut stored = Vec::with_capacity(images.len());
        for (chunk, moments) in chunks {
            shard.moments = shard.moments.map(|sum| match &moments {
                Some(moments) => sum.merge(moments),
                None => sum,
            });
            stored.extend(chunk);
        }
        for (image, stored) in images.iter().zip(stored) {
            self.done.bytes += image.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
            self.done.images += 1;
            match stored {
                Ok(bytes) => {
                    shard.writer.push(&image.name, image.label, &bytes)?;
                    shard.images += 1;
                }
                Err(reason) => {
                    self.done.skipped += 1;
                    let member = self.member(&shard.job, &image.name);
                    shard.skipped.push(Skipped { member, reason });
                }
            }
        }
        (self.progress)(&self.done);
        Ok(shard)
    }

    /// The images as they are stored, and the moments of each chunk: sums of integers,
    /// so that chunks and threads change nothing.
    fn decode(&self, images: &[Image], with_moments: bool) -> Vec<(Vec<Stored>, Option<Moments>)> {
        let Manifest { encoding, size, .. } = *self.manifest;
        let chunk = |images: &[Image]| {
            let mut moments = with_moments.then(|| Moments::empty([3, size, size]));
            let mut planes = vec![0; 3 * size * size];
            let mut one = |image: &Image| {
                let stored = store(image, encoding, size)?;
                if let Some(moments) = &mut moments {
                    // Of the pixels that training will see, behind the JPEG.
                    encoding.load(&stored, size, &mut planes)?;
                    moments.add(&planes);
                }
                Ok(stored)
            };
            let stored = images.iter().map(&mut one).collect();
            (stored, moments)
        };
        self.pool
            .install(|| images.par_chunks(CHUNK).map(chunk).collect())
    }

    /// The path of an image for people.
    fn member(&self, job: &Job, name: &str) -> String {
        let parts: PathBuf = match job.part {
            Part::Train => [&self.manifest.train.archive, &job.from, name]
                .iter()
                .collect(),
            Part::Validation => {
                let archive = self.manifest.validation.as_ref();
                let archive = archive.map_or("", |source| source.archive.as_str());
                [archive, name].iter().collect()
            }
        };
        parts.display().to_string()
    }

    fn end(&mut self, shard: Current) -> Result<()> {
        let Current {
            job,
            writer,
            moments,
            images,
            skipped,
        } = shard;
        let bytes = writer.finish(moments.as_ref())?;
        let made = Made {
            part: job.part,
            from: job.from,
            images,
            bytes,
            skipped,
        };
        // The manifest comes after the shard: a shard it does not name is made anew.
        self.manifest.shards.insert(job.file, made);
        self.manifest.write(self.folder)?;
        self.done.shards += 1;
        (self.progress)(&self.done);
        Ok(())
    }
}

fn store(image: &Image, encoding: Encoding, size: usize) -> Stored {
    let bytes = image.bytes.as_ref().map_err(Clone::clone)?;
    encoding.store(&prepare::prepare_image(bytes, size)?)
}
