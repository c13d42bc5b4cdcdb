//! The backward pass of the layers on maps.

use std::time::Instant;

use rayon::prelude::*;

use super::sums::add_all;
use super::threads::Threads;
use super::trace::Trace;
use super::values::{Saved, Value};
use super::{Direction, Network};
use crate::node::Step;
use crate::workspace::{Buffer, Workspace};
use ablate_ops::{
    Activation, ConvPlan, LANES, Lanes, Split, activation_backward, activation_gradient,
    deinterleave, interleave, lrn_backward, max_pool2d_lanes_backward,
};

/// One backward pass.
pub(super) struct MapsBackward<'a> {
    pub net: &'a Network,
    /// By node: its packed weights.
    pub convs: &'a [Option<ConvPlan>],
    pub saved: &'a Saved,
    pub images: &'a [f32],
    /// Blocks of images taken back side by side.
    pub together: usize,
    pub trace: Option<&'a Trace>,
}

/// The images one thread works on, and where their gradients go.
struct Task<'a> {
    first_image: usize,
    images: &'a [f32],
    /// Gradient of the last layer's values, `[N, F]`.
    grad_features: &'a [f32],
    grad_images: Option<&'a mut [f32]>,
    sums: Share<'a>,
}

/// By node: sums over a task's images, of weight and bias.
type Share<'a> = Vec<[&'a mut [f32]; 2]>;

/// By task but the first, which writes into the gradients themselves, and node: what it
/// adds to those of weight and bias.
struct Partial(Vec<Vec<[Buffer<f32>; 2]>>);

impl Partial {
    fn zeros(tasks: usize, like: &[[&mut [f32]; 2]], buffers: &Workspace<f32>) -> Self {
        let zeros = |like: &&mut [f32]| {
            let mut buffer = buffers.take(like.len());
            buffer.fill(0.0);
            buffer
        };
        let task = |_| like.iter().map(|pair| pair.each_ref().map(zeros)).collect();
        Self((0..tasks).into_par_iter().map(task).collect())
    }

    /// Where each task adds up, in their order.
    fn shares<'s>(&'s mut self, gradients: &'s mut [[&mut [f32]; 2]]) -> Vec<Share<'s>> {
        let first = gradients.iter_mut();
        let first = first
            .map(|pair| pair.each_mut().map(|g| &mut **g))
            .collect();
        let others = self.0.iter_mut().map(|task| {
            let pairs = task.iter_mut();
            pairs
                .map(|pair| pair.each_mut().map(|g| &mut **g))
                .collect()
        });
        std::iter::once(first).chain(others).collect()
    }

    /// Adds what every task but the first found, in their order.
    fn add_to(&self, gradients: &mut [[&mut [f32]; 2]]) {
        for (i, pair) in gradients.iter_mut().enumerate() {
            for (part, sums) in pair.iter_mut().enumerate() {
                add_all(sums, self.0.iter().map(|task| &*task[i][part]));
            }
        }
    }
}

impl MapsBackward<'_> {
    /// Takes the gradient of the features `[N, F]` back through the layers.
    /// `gradients`, by node, and `grad_images` are overwritten.
    pub fn run(
        &self,
        grad_features: &[f32],
        grad_images: Option<&mut [f32]>,
        gradients: &mut [[&mut [f32]; 2]],
    ) {
        let per_task = self
            .net
            .plan
            .images_per_task(self.saved.batch, self.together);
        let count = self.saved.batch.div_ceil(per_task);
        let mut partial =
            Partial::zeros(count.saturating_sub(1), gradients, &self.net.buffers.rows);
        let sums = partial.shares(gradients);
        let mut grad_images = grad_images.map(|g| g.chunks_mut(per_task * self.net.input_len));
        let tasks: Vec<_> = self
            .images
            .chunks(per_task * self.net.input_len)
            .zip(grad_features.chunks(per_task * self.net.input_len_of(self.net.plan.maps)))
            .zip(sums)
            .enumerate()
            .map(|(t, ((images, grad_features), sums))| Task {
                first_image: t * per_task,
                images,
                grad_features,
                grad_images: grad_images.as_mut().and_then(Iterator::next),
                sums,
            })
            .collect();
        let threads = Threads::over(count);
        tasks
            .into_par_iter()
            .for_each(|task| self.task(task, threads));
        partial.add_to(gradients);
    }

    fn task(&self, mut task: Task, threads: Threads) {
        let input_len = self.net.input_len;
        let output_len = self.net.input_len_of(self.net.plan.maps);
        let images = self.together * LANES;
        let mut grad_images = task.grad_images.map(|g| g.chunks_mut(images * input_len));
        let groups = task
            .images
            .chunks(images * input_len)
            .zip(task.grad_features.chunks(images * output_len));
        for (g, (images, grad_features)) in groups.enumerate() {
            let blocks = images.len().div_ceil(LANES * input_len);
            let mut gradient = self.net.buffers.maps.take(blocks * output_len);
            interleave_blocks(threads.split, output_len, grad_features, &mut gradient);
            let block = Blocks {
                pass: self,
                first: task.first_image / LANES + g * self.together,
                count: blocks,
                images,
                threads,
            };
            let wanted = grad_images.as_mut().and_then(Iterator::next);
            if let Some(gradient) = block.run(gradient, wanted.is_some(), &mut task.sums)
                && let Some(wanted) = wanted
            {
                let blocks = gradient.chunks(input_len);
                for (block, wanted) in blocks.zip(wanted.chunks_mut(LANES * input_len)) {
                    deinterleave(threads.split, input_len, block, wanted);
                }
            }
        }
    }
}

/// Lays out images of `len` values in blocks.
fn interleave_blocks(split: Split, len: usize, images: &[f32], blocks: &mut [Lanes]) {
    for (images, block) in images.chunks(LANES * len).zip(blocks.chunks_mut(len)) {
        interleave(split, len, images, block);
    }
}

/// Takes `gy` back through an activation with these outputs.
fn undo(split: Split, activation: Activation, y: &[Lanes], gy: &mut [Lanes]) {
    let (y, gy) = (Lanes::as_floats(y), Lanes::as_floats_mut(gy));
    activation_backward(split, activation, y, gy);
}

/// A few blocks of sixteen images on their way back.
struct Blocks<'a> {
    pass: &'a MapsBackward<'a>,
    /// The number of the first, in the batch.
    first: usize,
    count: usize,
    images: &'a [f32],
    threads: Threads,
}

impl Blocks<'_> {
    /// All layers, last to first, from the gradient of the last one's values;
    /// returns the gradient of the images, if wanted.
    fn run(
        &self,
        mut gradient: Buffer<Lanes>,
        grad_images: bool,
        sums: &mut [[&mut [f32]; 2]],
    ) -> Option<Buffer<Lanes>> {
        for i in (0..self.pass.net.plan.maps).rev() {
            let start = Instant::now();
            let wanted = i > 0 || grad_images;
            let below = self.layer(i, gradient, wanted, &mut sums[i]);
            if let Some(trace) = self.pass.trace {
                trace.add(Direction::Backward, i, start, self.threads.lanes);
            }
            gradient = below?;
        }
        Some(gradient)
    }

    /// One layer: adds the gradients of its parameters to `sums` and returns that
    /// of its input, if wanted.
    fn layer(
        &self,
        i: usize,
        mut gy: Buffer<Lanes>,
        wanted: bool,
        sums: &mut [&mut [f32]; 2],
    ) -> Option<Buffer<Lanes>> {
        let (net, split) = (self.pass.net, self.threads.split);
        let gx = || net.buffers.maps.take(self.count * net.input_len_of(i));
        match &net.nodes[i].step {
            Step::Conv2d {
                shape, activation, ..
            } => {
                let conv = self.pass.convs[i].as_ref()?;
                let [height, width] = shape.output();
                let is_done = *activation == Activation::Identity || net.plan.deferred[i];
                let activation = (!is_done).then(|| (*activation, self.value(i)));
                activation_gradient(split, height * width, activation, &mut gy, sums[1]);
                let x = self.input(i);
                conv.add_weight_gradient(split, &x, &gy, sums[0]);
                wanted.then(|| {
                    let mut gx = gx();
                    conv.input_gradient(split, &gy, &mut gx);
                    gx
                })
            }
            Step::Activation(activation) => {
                if !net.plan.deferred[i] {
                    undo(split, *activation, self.value(i), &mut gy);
                }
                wanted.then_some(gy)
            }
            Step::LocalResponseNorm {
                lrn,
                groups,
                planes,
            } => wanted.then(|| {
                let planes = [planes[0], planes[1] * LANES];
                let (x, mut gx) = (self.input(i), gx());
                let [x, gy] = [&x, &*gy].map(Lanes::as_floats);
                let (images, floats) = (self.count * groups, Lanes::as_floats_mut(&mut gx));
                lrn_backward(split, lrn, images, planes, x, gy, floats);
                gx
            }),
            Step::MaxPool2d(shape) => wanted.then(|| {
                if i > 0 && net.plan.deferred[i - 1] {
                    let activation = net.nodes[i - 1].activation();
                    undo(split, activation, self.value(i), &mut gy);
                }
                let mut gx = gx();
                let winners = self.pass.saved.winners[i].as_deref();
                let winners = self.share(winners.unwrap_or_default(), i);
                max_pool2d_lanes_backward(split, shape, winners, &gy, &mut gx);
                gx
            }),
            // The plan lets no such layer in.
            Step::Linear { .. } | Step::Dropout { .. } => None,
        }
    }

    /// The input of a node that was kept, or is the images.
    fn input(&self, i: usize) -> Value<'_> {
        if i > 0 {
            return Value::Kept(self.value(i - 1));
        }
        let len = self.pass.net.input_len;
        let mut images = self.pass.net.buffers.maps.take(self.count * len);
        interleave_blocks(self.threads.split, len, self.images, &mut images);
        Value::Own(images)
    }

    /// The blocks' share of a node's kept values.
    fn value(&self, i: usize) -> &[Lanes] {
        self.share(self.pass.saved.maps[i].as_deref().unwrap_or_default(), i)
    }

    fn share<'v, T>(&self, all: &'v [T], i: usize) -> &'v [T] {
        let len = self.pass.net.nodes[i].output_len();
        &all[self.first * len..][..self.count * len]
    }
}
