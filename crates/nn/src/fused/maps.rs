//! The forward pass of the layers on maps.

use std::time::Instant;

use rayon::prelude::*;

use super::threads::Threads;
use super::trace::Trace;
use super::values::{Saved, Value, take_front};
use super::{Direction, Network};
use crate::node::Step;
use ablate_ops::{
    ConvPlan, LANES, Lanes, Winners, activation_forward, deinterleave, interleave, lrn_forward,
    max_pool2d_lanes_forward,
};

/// One forward pass.
pub(super) struct Maps<'a> {
    pub net: &'a Network,
    /// By node: its weight and bias.
    pub parameters: &'a [[&'a [f32]; 2]],
    /// By node: its packed weights.
    pub convs: &'a [Option<ConvPlan>],
    /// Whether a backward pass may follow.
    pub keep: bool,
    pub trace: Option<&'a Trace>,
}

/// The images one thread works on, and where their results go.
struct Task<'a> {
    images: &'a [f32],
    /// Where the last layer's values go, `[N, F]`.
    features: &'a mut [f32],
    /// By node: room for its values, where they are kept.
    kept: Vec<Option<&'a mut [Lanes]>>,
    winners: Vec<Option<&'a mut [Winners]>>,
}

impl Maps<'_> {
    /// Takes all images `[N, C, H, W]` through the layers; `features` is
    /// overwritten with the last one's values `[N, F]`.
    pub fn run(&self, images: &[f32], features: &mut [f32], saved: &mut Saved) {
        let count = self.net.plan.maps;
        let per_task = self.net.plan.images_per_task(saved.batch, 1);
        self.make_room(saved);
        let mut tasks: Vec<_> = images
            .chunks(per_task * self.net.input_len)
            .zip(features.chunks_mut(per_task * self.net.input_len_of(count)))
            .map(|(images, features)| Task {
                images,
                features,
                kept: Vec::with_capacity(count),
                winners: Vec::with_capacity(count),
            })
            .collect();
        let rooms = saved.maps.iter_mut().zip(&mut saved.winners);
        for (node, (kept, winners)) in self.net.nodes[..count].iter().zip(rooms) {
            let len = per_task / LANES * node.output_len();
            let mut kept = kept.as_deref_mut().map(|kept| kept.chunks_mut(len));
            let mut winners = winners.as_deref_mut().map(|w| w.chunks_mut(len));
            for task in &mut tasks {
                task.kept.push(kept.as_mut().and_then(Iterator::next));
                task.winners.push(winners.as_mut().and_then(Iterator::next));
            }
        }
        let threads = Threads::over(tasks.len());
        tasks
            .into_par_iter()
            .for_each(|task| self.task(task, threads));
    }

    /// Takes the buffers that are kept for the backward pass.
    fn make_room(&self, saved: &mut Saved) {
        if !self.keep {
            return;
        }
        let blocks = saved.batch.div_ceil(LANES);
        for (i, node) in self.net.nodes[..self.net.plan.maps].iter().enumerate() {
            let len = blocks * node.output_len();
            if self.net.plan.keep[i] {
                saved.maps[i] = Some(self.net.buffers.maps.take(len));
            }
            if matches!(node.step, Step::MaxPool2d(_)) {
                saved.winners[i] = Some(self.net.buffers.winners.take(len));
            }
        }
    }

    fn task(&self, mut task: Task, threads: Threads) {
        let output_len = self.net.input_len_of(self.net.plan.maps);
        let blocks = task
            .images
            .chunks(LANES * self.net.input_len)
            .zip(task.features.chunks_mut(LANES * output_len));
        for (images, features) in blocks {
            let mut input = self.net.buffers.maps.take(self.net.input_len);
            interleave(threads.split, self.net.input_len, images, &mut input);
            let mut x = Value::Own(input);
            for i in 0..self.net.plan.maps {
                let len = self.net.nodes[i].output_len();
                let start = Instant::now();
                let winners = task.winners[i].as_mut().map(|all| take_front(all, len));
                x = match task.kept[i].as_mut().map(|all| take_front(all, len)) {
                    Some(y) => {
                        self.layer(i, &x, y, winners, threads);
                        Value::Kept(y)
                    }
                    None => {
                        let mut y = self.net.buffers.maps.take(len);
                        self.layer(i, &x, &mut y, winners, threads);
                        Value::Own(y)
                    }
                };
                if let Some(trace) = self.trace {
                    trace.add(Direction::Forward, i, start, threads.lanes);
                }
            }
            deinterleave(threads.split, output_len, &x, features);
        }
    }

    /// One layer on one block of images.
    fn layer(
        &self,
        i: usize,
        x: &[Lanes],
        y: &mut [Lanes],
        winners: Option<&mut [Winners]>,
        threads: Threads,
    ) {
        match &self.net.nodes[i].step {
            Step::Conv2d { activation, .. } => {
                if let Some(conv) = &self.convs[i] {
                    let bias = Some(self.parameters[i][1]);
                    conv.forward(threads.split, x, bias, *activation, y);
                }
            }
            Step::Activation(activation) => {
                let (x, y) = (Lanes::as_floats(x), Lanes::as_floats_mut(y));
                activation_forward(threads.split, *activation, x, y);
            }
            Step::LocalResponseNorm {
                lrn,
                groups,
                planes,
            } => {
                let planes = [planes[0], planes[1] * LANES];
                let (x, y) = (Lanes::as_floats(x), Lanes::as_floats_mut(y));
                lrn_forward(threads.split, lrn, *groups, planes, x, y);
            }
            Step::MaxPool2d(shape) => {
                max_pool2d_lanes_forward(threads.split, shape, x, y, winners);
            }
            // The plan lets no such layer in.
            Step::Linear { .. } | Step::Dropout { .. } => {}
        }
    }
}
