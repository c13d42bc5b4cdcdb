//! Reads the archives from beginning to end, ahead of the threads that decode.
//!
//! What was read and is not yet taken waits in a queue of a few batches, so memory
//! is bounded whatever the archives hold.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::SyncSender;

use ablate_core::{Error, Result};

use super::labels::{self, Labels};
use crate::prepare::LARGEST_FILE;
use crate::shards::{MOST_IMAGES, Part};
use crate::tarball::{self, Member};

/// Batches that wait to be decoded.
pub(super) const WAITING: usize = 2;

/// Bytes after which a batch is handed on, unless it has enough images before.
const BATCH_BYTES: usize = 64 << 20;

/// What the reader hands on, in order of the shards.
pub(super) enum Step {
    /// The images that follow belong to this shard.
    Begin(Job),
    /// Images of the shard, in the archive's order.
    Images(Vec<Image>),
    /// The shard has all its images.
    End,
}

/// A shard to make.
pub(super) struct Job {
    /// Its file name.
    pub file: String,
    /// Of which archive.
    pub part: Part,
    /// What it is made from, in words.
    pub from: String,
}

/// An image as the archive holds it.
pub(super) struct Image {
    /// Its name in its archive.
    pub name: String,
    pub label: u32,
    /// Its bytes, or why they were not read.
    pub bytes: Result<Vec<u8>, String>,
}

/// The classes of the training archive in order of their ids, which are the labels.
///
/// # Errors
/// It is no such archive.
pub(super) fn classes(path: &Path) -> Result<Vec<(String, Member)>> {
    let wanted = "give the official ILSVRC2012_img_train.tar, which holds an archive \
                  `nXXXXXXXX.tar` for each class";
    let mut classes = Vec::new();
    tarball::walk(path, |member, _| {
        match member.name.strip_suffix(".tar") {
            Some(id) if labels::is_synset(id) => classes.push((id.to_string(), member)),
            _ => {
                let problem = format!("the member `{}` is no class's archive", member.name);
                return Err(Error::bad_file(path, problem, wanted));
            }
        }
        Ok(())
    })?;
    classes.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = classes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let problem = format!("the class `{}` is in it twice", pair[0].0);
        return Err(Error::bad_file(path, problem, wanted));
    }
    if classes.is_empty() {
        return Err(Error::bad_file(path, "it holds no class", wanted));
    }
    Ok(classes)
}

/// The reader's end of the queue.
pub(super) struct Feed<'a> {
    queue: &'a SyncSender<Result<Step>>,
    /// Images of a batch.
    count: usize,
    batch: Vec<Image>,
    bytes: usize,
}

impl<'a> Feed<'a> {
    /// A feed of batches of at most `count` images.
    pub fn new(queue: &'a SyncSender<Result<Step>>, count: usize) -> Self {
        Self {
            queue,
            count,
            batch: Vec::new(),
            bytes: 0,
        }
    }

    /// Sends every image of a class.
    ///
    /// # Errors
    /// Its archive cannot be read, or names an image twice.
    pub fn class(&mut self, path: &Path, label: u32, job: Job, class: &Member) -> Result<()> {
        self.send(Step::Begin(job))?;
        let mut names = HashSet::new();
        tarball::walk_within(path, class, |member, reader| {
            if !names.insert(member.name.clone()) {
                let problem = format!("the image `{}` is in it twice", member.name);
                let fix = "get the archive again";
                return Err(Error::bad_file(path.join(&class.name), problem, fix));
            }
            if names.len() > MOST_IMAGES {
                let problem = format!("more than {MOST_IMAGES} images");
                return Err(Error::bad_file(
                    path.join(&class.name),
                    problem,
                    "divide it",
                ));
            }
            self.push(label, member, reader)
        })?;
        self.end()
    }

    /// Sends the validation images, `each` to a shard; `job` says which shard is to be
    /// made of those from an image on, if any.
    ///
    /// # Errors
    /// The archive cannot be read, or an image has no label.
    pub fn validation(
        &mut self,
        path: &Path,
        labels: &Labels,
        each: usize,
        job: impl Fn(usize) -> Option<Job>,
    ) -> Result<()> {
        let (mut seen, mut is_open) = (0, false);
        tarball::walk(path, |member, reader| {
            if seen % each == 0 {
                self.end_if(is_open)?;
                let job = job(seen / each);
                is_open = job.is_some();
                if let Some(job) = job {
                    self.send(Step::Begin(job))?;
                }
            }
            seen += 1;
            let label = labels.of(&member.name)?;
            match is_open {
                true => self.push(label, member, reader),
                false => Ok(()),
            }
        })?;
        labels.check_count(seen)?;
        self.end_if(is_open)
    }

    fn end_if(&mut self, is_open: bool) -> Result<()> {
        match is_open {
            true => self.end(),
            false => Ok(()),
        }
    }

    fn push(&mut self, label: u32, member: Member, reader: &mut dyn Read) -> Result<()> {
        let bytes = bytes(&member, reader);
        self.bytes += bytes.as_ref().map_or(0, Vec::len);
        self.batch.push(Image {
            name: member.name,
            label,
            bytes,
        });
        match self.batch.len() >= self.count || self.bytes >= BATCH_BYTES {
            true => self.hand_on(),
            false => Ok(()),
        }
    }

    fn hand_on(&mut self) -> Result<()> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        self.send(Step::Images(batch))
    }

    fn end(&mut self) -> Result<()> {
        if !self.batch.is_empty() {
            self.hand_on()?;
        }
        self.send(Step::End)
    }

    fn send(&self, step: Step) -> Result<()> {
        // The other end is gone when making a shard failed, of which it tells.
        let gone = |_| Error::Other("the preparation has stopped".to_string());
        self.queue.send(Ok(step)).map_err(gone)
    }
}

fn bytes(member: &Member, reader: &mut dyn Read) -> Result<Vec<u8>, String> {
    if member.size > LARGEST_FILE {
        return Err(format!(
            "{} bytes; at most {LARGEST_FILE} are read",
            member.size
        ));
    }
    let mut bytes = Vec::with_capacity(member.size as usize);
    reader
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 != member.size {
        return Err(format!(
            "{} bytes expected, {} found",
            member.size,
            bytes.len()
        ));
    }
    Ok(bytes)
}
