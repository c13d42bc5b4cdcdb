//! Batches prepared on other threads while one trains.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use ablate_core::{Dataset, Image, Split, Stream};
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
    let images = indices[own.clone()]
        .iter()
        .map(|&index| source.pipeline.train(source.data, index, stream.at(index)))
        .collect::<Result<Vec<_>>>()?;
    let (images, targets): (Vec<_>, Vec<_>) = images.into_iter().unzip();
    Ok(Batch {
        images: stack(images, source.pipeline.output_shape())?,
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
    let mut images = Vec::with_capacity(indices.len() * source.pipeline.view_count());
    let mut targets = Vec::with_capacity(indices.len());
    for index in indices {
        let (views, label) = source.pipeline.views(source.data, split, index)?;
        images.extend(views);
        targets.push(label);
    }
    Ok(Batch {
        images: stack(images, source.pipeline.output_shape())?,
        first: 0,
        whole: targets.len(),
        targets,
    })
}

/// Images of one shape as a tensor `[N, C, H, W]`.
pub(crate) fn stack(images: Vec<Image>, shape: [usize; 3]) -> Result<Tensor> {
    let [channels, height, width] = shape;
    let count = images.len();
    let mut values = Vec::with_capacity(count * channels * height * width);
    for image in images {
        if image.shape != shape {
            return Err(Error::Other(format!(
                "an augmentation returned an image of shape {:?} where it promised {shape:?}",
                image.shape
            )));
        }
        values.extend(image.data);
    }
    Ok(Tensor::from_vec(
        values,
        (count, channels, height, width),
        &Device::Cpu,
    )?)
}
