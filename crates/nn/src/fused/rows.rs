//! The layers on rows of features, forward and backward, on the whole batch.

use std::time::Instant;

use ablate_ops::{
    Activation, Precision, Split, activation_backward, activation_forward, dropout_backward,
    dropout_forward, linear_backward, linear_forward,
};

use super::trace::Trace;
use super::values::Saved;
use super::{Direction, Network};
use crate::node::Step;
use crate::workspace::Buffer;

/// One pass, in either direction.
pub(super) struct Rows<'a> {
    pub net: &'a Network,
    /// By node: its weight and bias.
    pub parameters: &'a [[&'a [f32]; 2]],
    pub precision: Precision,
    pub trace: Option<&'a Trace>,
}

impl Rows<'_> {
    /// Takes the features `[N, F]` through the layers; overwrites `output`.
    /// Where `keep` is set, `saved` gets what a backward pass needs.
    pub fn forward(
        &self,
        features: Buffer<f32>,
        output: &mut [f32],
        keep: bool,
        saved: &mut Saved,
    ) {
        let [first, last] = [self.net.plan.maps, self.net.nodes.len() - 1];
        let mut x = features;
        for i in first..=last {
            let start = Instant::now();
            let y = match i == last {
                true => {
                    self.layer(i, saved, &x, output);
                    None
                }
                false => {
                    let mut y = self.buffer(saved.batch * self.net.nodes[i].output_len());
                    self.layer(i, saved, &x, &mut y);
                    Some(y)
                }
            };
            if keep && i == first {
                saved.features = Some(x);
            } else if keep && self.net.plan.keep[i - 1] {
                saved.rows[i - 1] = Some(x);
            }
            self.note(Direction::Forward, i, start);
            match y {
                Some(y) => x = y,
                None => return,
            }
        }
    }

    fn layer(&self, i: usize, saved: &Saved, x: &[f32], y: &mut [f32]) {
        let [w, b] = self.parameters[i];
        match &self.net.nodes[i].step {
            Step::Linear {
                inputs,
                outputs,
                activation,
                ..
            } => linear_forward(
                self.precision,
                saved.batch,
                *inputs,
                *outputs,
                x,
                w,
                Some(b),
                *activation,
                y,
            ),
            Step::Activation(activation) => {
                activation_forward(Split::Threads, *activation, x, y);
            }
            Step::Dropout { rate } => match saved.masks[i] {
                Some(mask) => dropout_forward(*rate, mask, x, y),
                None => y.copy_from_slice(x),
            },
            // The plan sends no layer on maps here.
            Step::Conv2d { .. } | Step::LocalResponseNorm { .. } | Step::MaxPool2d(_) => {}
        }
    }

    /// Takes the gradient of `output` back to the features; `gradients`, by node,
    /// are overwritten. `None` where the images are the features and their
    /// gradient is not wanted.
    pub fn backward(
        &self,
        saved: &Saved,
        [output, grad_output]: [&[f32]; 2],
        grad_images: bool,
        gradients: &mut [[&mut [f32]; 2]],
    ) -> Option<Buffer<f32>> {
        let mut gradient = self.buffer(grad_output.len());
        gradient.copy_from_slice(grad_output);
        for i in (self.net.plan.maps..self.net.nodes.len()).rev() {
            let start = Instant::now();
            let wanted = i > 0 || grad_images;
            let below = self.layer_backward(i, saved, output, gradient, wanted, &mut gradients[i]);
            self.note(Direction::Backward, i, start);
            gradient = below?;
        }
        Some(gradient)
    }

    /// One layer: overwrites the gradients of its parameters and returns that of
    /// its input, if wanted.
    fn layer_backward(
        &self,
        i: usize,
        saved: &Saved,
        output: &[f32],
        mut gy: Buffer<f32>,
        wanted: bool,
        [gw, gb]: &mut [&mut [f32]; 2],
    ) -> Option<Buffer<f32>> {
        let value = |i: usize| match i + 1 == self.net.nodes.len() {
            true => output,
            false => saved.rows[i].as_deref().unwrap_or_default(),
        };
        match &self.net.nodes[i].step {
            Step::Linear {
                inputs,
                outputs,
                activation,
                ..
            } => {
                let x = match i == self.net.plan.maps {
                    true => saved.features.as_deref().unwrap_or_default(),
                    false => value(i - 1),
                };
                // Without an activation the output is not kept and not looked at.
                let y = match activation {
                    Activation::Identity => &gy,
                    _ => value(i),
                };
                let mut gx = wanted.then(|| self.buffer(saved.batch * inputs));
                linear_backward(
                    self.precision,
                    saved.batch,
                    *inputs,
                    *outputs,
                    x,
                    self.parameters[i][0],
                    y,
                    &gy,
                    *activation,
                    gx.as_deref_mut(),
                    gw,
                    Some(gb),
                );
                gx
            }
            Step::Activation(activation) => {
                activation_backward(Split::Threads, *activation, value(i), &mut gy);
                wanted.then_some(gy)
            }
            Step::Dropout { rate } => match saved.masks[i] {
                Some(mask) => {
                    let mut gx = self.buffer(gy.len());
                    dropout_backward(*rate, mask, &gy, &mut gx);
                    wanted.then_some(gx)
                }
                None => wanted.then_some(gy),
            },
            // The plan sends no layer on maps here.
            Step::Conv2d { .. } | Step::LocalResponseNorm { .. } | Step::MaxPool2d(_) => None,
        }
    }

    fn buffer(&self, len: usize) -> Buffer<f32> {
        self.net.buffers.rows.take(len)
    }

    fn note(&self, direction: Direction, i: usize, start: Instant) {
        if let Some(trace) = self.trace {
            trace.add(direction, i, start, 1);
        }
    }
}
