//! Batches prepared on other threads while one trains.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use ablate_core::{Dataset, Split, Stream};
use ablate_ops::Staging;
use candle_core::{Device, Tensor};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::config::TrialConfig;
use crate::parallel::Share;
use crate::{Error, Pipeline, Result};

/// Batches that are made at once where several threads make them, so that all of them
/// have work at the end of one, and while a GPU copies it.
const AT_ONCE: usize = 3;

/// Images that a thread makes without looking up: those of CIFAR-10 take microseconds.
const TOGETHER: usize = 4;

/// Images with their labels, on their way to the network: a batch, or a rank's share
/// of one.
pub(crate) struct Batch {
    /// Images `[N, C, H, W]`.
    pub images: Tensor,
    /// Labels `[N]`.
    pub targets: Vec<u32>,
    /// The place in the whole batch of the first image.
    pub first: usize,
    /// Images of the whole batch.
    pub whole: usize,
}

/// Where the images of a batch come from. Shared, because training changes the session
/// it is part of while its threads load.
#[derive(Clone)]
pub(crate) struct Source {
    pub data: Arc<dyn Dataset>,
    pub pipeline: Arc<Pipeline>,
    pub loaders: Arc<Loaders>,
}

/// The threads that prepare a trial's images, and where its batches are put together.
pub(crate) struct Loaders {
    threads: ThreadPool,
    pub staging: Staging,
}

impl Loaders {
    /// For batches on `device`.
    ///
    /// # Errors
    /// The system has no more threads, or the device no room for its part.
    pub fn new(threads: usize, device: &Device) -> Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("loader {number}"))
            .build()
            .map_err(|error| Error::Other(format!("no threads that load images: {error}")))?;
        Ok(Self {
            threads: pool,
            staging: Staging::new(device)?,
        })
    }

    /// Has the threads write `values`, `len` at each place, and returns the labels in order.
    ///
    /// # Errors
    /// What `write` says of the first place it refuses.
    fn fill(
        &self,
        values: &mut [f32],
        len: usize,
        write: impl Fn(usize, &mut [f32]) -> Result<u32> + Sync,
    ) -> Result<Vec<u32>> {
        let places = values.par_chunks_exact_mut(len.max(1)).enumerate();
        let places = places.with_min_len(TOGETHER);
        let write = |(place, to): (usize, &mut [f32])| write(place, to);
        let labels: Vec<Result<u32>> = self.threads.install(|| places.map(write).collect());
        labels.into_iter().collect()
    }

    /// Batches that are made at once, and that may lie ready besides.
    pub fn at_once(&self) -> usize {
        AT_ONCE.min(self.threads.current_num_threads())
    }
}

/// The order of the training images in one epoch: a function of seed and epoch.
fn shuffled(count: usize, seed: Stream, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut seed.named("shuffle").at(epoch).rng());
    order
}

/// Yields the batches of `make(0)`, `make(1)`, ... in order, made on threads of `scope`
/// ahead of their use.
pub(crate) fn ahead<'scope, 'env, F>(
    scope: &'scope Scope<'scope, 'env>,
    loaders: &Loaders,
    count: usize,
    make: F,
) -> impl Iterator<Item = Result<Batch>> + use<'scope, 'env, F>
where
    F: Fn(usize) -> Result<Batch> + Clone + Send + 'scope,
{
    use std::panic::{AssertUnwindSafe, catch_unwind};
    // A plugin's panic fails its trial, where a thread that ends by it would end the run.
    let caught = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(Error::Other(format!(
            "what reads and augments images panicked: {}\n  fix: correct the plugin of [data] or \
             [augmentation] that does",
            text.unwrap_or("without a word")
        )))
    };
    let at_once = loaders.at_once().min(count);
    let lanes: Vec<Receiver<Result<Batch>>> = (0..at_once)
        .map(|lane| {
            let make = make.clone();
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || {
                for index in (lane..count).step_by(at_once) {
                    let made = catch_unwind(AssertUnwindSafe(|| make(index)));
                    // The receiver goes away when training stops early.
                    if sender.send(made.unwrap_or_else(caught)).is_err() {
                        break;
                    }
                }
            });
            receiver
        })
        .collect();
    (0..count).map(move |index| {
        lanes[index % at_once].recv().unwrap_or_else(|_| {
            Err(Error::Other(
                "a thread that loads images ended unexpectedly".to_string(),
            ))
        })
    })
}

/// An epoch's batches from `first` on, of which a rank loads its share.
#[derive(Clone)]
pub(crate) struct Epoch<'a> {
    pub source: Source,
    pub config: &'a TrialConfig,
    pub share: Share,
    pub seed: Stream,
    pub epoch: usize,
    pub first: usize,
}

/// Yields an epoch's batches in order, made ahead by threads of `scope`.
pub(crate) fn epoch<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    of: Epoch<'env>,
) -> impl Iterator<Item = Result<Batch>> + use<'scope, 'env> {
    let (seed, epoch, first) = (of.seed, of.epoch, of.first);
    let order: Arc<[usize]> = shuffled(of.source.data.len(Split::Train), seed, epoch).into();
    let size = of.config.training.batch_size;
    let count = order.len().div_ceil(size).saturating_sub(first);
    let loaders = Arc::clone(&of.source.loaders);
    let make = move |batch: usize| {
        let start = (first + batch) * size;
        let indices = &order[start..(start + size).min(order.len())];
        training_batch(&of.source, indices, of.share, seed, epoch)
    };
    ahead(scope, &loaders, count, make)
}

/// The first images, as many as a batch has, to time what is done with one.
pub(crate) fn first_batch(
    source: &Source,
    config: &TrialConfig,
    share: Share,
    seed: Stream,
) -> Result<Batch> {
    let images = source.data.len(Split::Train);
    let indices: Vec<usize> = (0..config.training.batch_size.min(images)).collect();
    training_batch(source, &indices, share, seed, 0)
}

/// A training batch: of the images at `indices` those that are the rank's share,
/// augmented.
fn training_batch(
    source: &Source,
    indices: &[usize],
    share: Share,
    seed: Stream,
    epoch: usize,
) -> Result<Batch> {
    let stream = seed.named("augmentation").at(epoch);
    let own = share.images(indices.len());
    let (images, targets) = source.stack(own.len(), 1, |place, to| {
        let index = indices[own.start + place];
        let data = source.data.as_ref();
        source.pipeline.train(data, index, stream.at(index), to)
    })?;
    Ok(Batch {
        images,
        targets,
        first: own.start,
        whole: indices.len(),
    })
}

/// An evaluation batch: every view of the images at `indices`, image by image.
pub(crate) fn evaluation_batch(
    source: &Source,
    split: Split,
    indices: std::ops::Range<usize>,
) -> Result<Batch> {
    let views = source.pipeline.view_count();
    let (images, targets) = source.stack(indices.len(), views, |place, to| {
        let index = indices.start + place;
        source
            .pipeline
            .views(source.data.as_ref(), split, index, to)
    })?;
    Ok(Batch {
        images,
        first: 0,
        whole: targets.len(),
        targets,
    })
}

impl Source {
    /// `count` images of `views` views each, as a tensor `[count * views, C, H, W]`, and
    /// labels: `write` puts the views of the image at a place in the batch where they
    /// belong, and returns its label.
    ///
    /// # Errors
    /// What `write` says of the first image it has to refuse.
    fn stack(
        &self,
        count: usize,
        views: usize,
        write: impl Fn(usize, &mut [f32]) -> Result<u32> + Sync,
    ) -> Result<(Tensor, Vec<u32>)> {
        let [channels, height, width] = self.pipeline.output_shape();
        let len = views * channels * height * width;
        let all = [count * views, channels, height, width];
        let staging = &self.loaders.staging;
        staging.tensor(&all, |values| self.loaders.fill(values, len, write))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn loaders(threads: usize) -> Loaders {
        Loaders::new(threads, &Device::Cpu).expect("threads")
    }

    fn batch(number: usize) -> Result<Batch> {
        // Later ones are ready sooner.
        std::thread::sleep(Duration::from_millis(6 - 2 * (number as u64 % 3)));
        Ok(Batch {
            images: Tensor::new(&[0.0f32], &Device::Cpu)?,
            targets: vec![number as u32],
            first: 0,
            whole: 1,
        })
    }

    #[test]
    fn batches_come_in_order() -> Result<()> {
        for threads in [1, 2, 8] {
            for count in [0, 1, 2, 11] {
                let numbers: Result<Vec<u32>> = std::thread::scope(|scope| {
                    let batches = ahead(scope, &loaders(threads), count, batch);
                    batches.map(|batch| Ok(batch?.targets[0])).collect()
                });
                assert_eq!(numbers?, (0..count as u32).collect::<Vec<_>>());
            }
        }
        Ok(())
    }

    #[test]
    fn who_stops_early_waits_for_nothing_more() -> Result<()> {
        std::thread::scope(|scope| {
            let mut batches = ahead(scope, &loaders(8), usize::MAX, batch);
            let first = batches.next().expect("a batch")?;
            assert_eq!(first.targets, [0]);
            Ok(())
        })
    }

    #[test]
    fn images_lie_where_they_belong_whatever_the_threads() -> Result<()> {
        for threads in [1, 2, 8] {
            let mut values = vec![-1.0; 3 * 37];
            let labels = loaders(threads).fill(&mut values, 3, |place, to| {
                to.fill(place as f32);
                Ok(place as u32 % 10)
            })?;
            assert!(values.iter().enumerate().all(|(i, v)| *v == (i / 3) as f32));
            assert!((0..37).all(|place| labels[place] == place as u32 % 10));
        }
        Ok(())
    }

    #[test]
    fn the_first_image_that_is_refused_is_named() {
        let mut values = vec![0.0; 64];
        let found = loaders(8).fill(&mut values, 1, |place, _| {
            if place == 20 {
                std::thread::sleep(Duration::from_millis(20));
            }
            match place {
                20 | 60 => Err(Error::Other(format!("image {place}"))),
                _ => Ok(0),
            }
        });
        assert_eq!(found.expect_err("refused").to_string(), "image 20");
    }
}
