//! Batches prepared on other threads while one trains.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use ablate_core::{Dataset, Image, Split, Stream};
use ablate_ops::on_large_pages;
use candle_core::{Device, Tensor};
use rand::seq::SliceRandom;

use crate::config::TrialConfig;
use crate::parallel::Share;
use crate::{Error, Pipeline, Result};

/// Batches each thread may be ahead by: enough to hide a hiccup, little memory.
pub(crate) const AHEAD: usize = 2;

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

/// Where the images of a batch come from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub data: &'a dyn Dataset,
    pub pipeline: &'a Pipeline,
}

/// The order of the training images in one epoch: a function of seed and epoch.
fn shuffled(count: usize, seed: Stream, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut seed.named("shuffle").at(epoch).rng());
    order
}

/// Yields the batches of `make(0)`, `make(1)`, ... in order, made by `threads`
/// threads of `scope`.
pub(crate) fn ahead<'scope, 'env, F>(
    scope: &'scope Scope<'scope, 'env>,
    threads: usize,
    count: usize,
    make: F,
) -> impl Iterator<Item = Result<Batch>> + use<'scope, 'env, F>
where
    F: Fn(usize) -> Result<Batch> + Clone + Send + 'scope,
{
    let threads = threads.clamp(1, count.max(1));
    let lanes: Vec<(Receiver<Result<Batch>>, ScopedJoinHandle<()>)> = (0..threads)
        .map(|lane| {
            let make = make.clone();
            let (sender, receiver) = sync_channel(AHEAD);
            let worker = scope.spawn(move || {
                for index in (lane..count).step_by(threads) {
                    // The receiver goes away when training stops early.
                    if sender.send(make(index)).is_err() {
                        break;
                    }
                }
            });
            (receiver, worker)
        })
        .collect();
    (0..count).map(move |index| {
        let (receiver, _) = &lanes[index % threads];
        receiver.recv().unwrap_or_else(|_| {
            Err(Error::Other(
                "a thread that loads images ended unexpectedly".to_string(),
            ))
        })
    })
}

/// An epoch's batches from `first` on, of which a rank loads its share.
#[derive(Clone, Copy)]
pub(crate) struct Epoch<'a> {
    pub source: Source<'a>,
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
    let make = move |batch: usize| {
        let start = (first + batch) * size;
        let indices = &order[start..(start + size).min(order.len())];
        training_batch(of.source, indices, of.share, seed, epoch)
    };
    ahead(scope, of.config.machine.loaders(), count, make)
}

/// The first images, as many as a batch has, to time what is done with one.
pub(crate) fn first_batch(
    source: Source,
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
    source: Source,
    indices: &[usize],
    share: Share,
    seed: Stream,
    epoch: usize,
) -> Result<Batch> {
    let stream = seed.named("augmentation").at(epoch);
    let own = share.images(indices.len());
    let mut images = Stacked::new(own.len(), source.pipeline.output_shape());
    let mut targets = Vec::with_capacity(own.len());
    for &index in &indices[own.clone()] {
        let of_image = stream.at(index);
        let (image, label) = source.pipeline.train(source.data, index, of_image)?;
        images.push(&image)?;
        targets.push(label);
    }
    Ok(Batch {
        images: images.tensor()?,
        targets,
        first: own.start,
        whole: indices.len(),
    })
}

/// An evaluation batch: every view of the images at `indices`, image by image.
pub(crate) fn evaluation_batch(
    source: Source,
    split: Split,
    indices: std::ops::Range<usize>,
) -> Result<Batch> {
    let count = indices.len() * source.pipeline.view_count();
    let mut images = Stacked::new(count, source.pipeline.output_shape());
    let mut targets = Vec::with_capacity(indices.len());
    for index in indices {
        let (views, label) = source.pipeline.views(source.data, split, index)?;
        for view in &views {
            images.push(view)?;
        }
        targets.push(label);
    }
    Ok(Batch {
        images: images.tensor()?,
        first: 0,
        whole: targets.len(),
        targets,
    })
}

/// Images of one shape on their way into a tensor `[N, C, H, W]`. Each is put there as it
/// is made, while it is still in a cache and its memory can be had for the next.
pub(crate) struct Stacked {
    shape: [usize; 3],
    values: Vec<f32>,
}

impl Stacked {
    /// Room for `count` images of `shape` `[C, H, W]`.
    pub fn new(count: usize, shape: [usize; 3]) -> Self {
        let values = Vec::with_capacity(count * shape.iter().product::<usize>());
        Self {
            shape,
            values: on_large_pages(values),
        }
    }

    /// Adds an image.
    ///
    /// # Errors
    /// It has another shape, which its augmentations did not promise.
    pub fn push(&mut self, image: &Image) -> Result<()> {
        if image.shape != self.shape {
            return Err(Error::Other(format!(
                "an augmentation returned an image of shape {:?} where it promised {:?}",
                image.shape, self.shape
            )));
        }
        self.values.extend_from_slice(&image.data);
        Ok(())
    }

    /// The tensor.
    pub fn tensor(self) -> Result<Tensor> {
        let [channels, height, width] = self.shape;
        let count = self.values.len() / (channels * height * width).max(1);
        let shape = (count, channels, height, width);
        Ok(Tensor::from_vec(self.values, shape, &Device::Cpu)?)
    }
}
