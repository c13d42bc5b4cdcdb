//! Activations over plain slices.

use rayon::prelude::*;

use super::Activation;
use crate::multiversion::multiversion;
use crate::simd::{Level, level};

/// Values of a parallel task. Every value is computed by itself, so it affects
/// speed alone.
const CHUNK: usize = 16 * 1024;

/// `y = act(x)`, value by value.
///
/// # Panics
/// When the slices differ in length.
pub fn activation_forward(act: Activation, x: &[f32], y: &mut [f32]) {
    forward_at(level(), act, x, y);
}

/// [`activation_forward`] on one instruction set.
pub(super) fn forward_at(level: Level, act: Activation, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "activation: the slices differ in length");
    y.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .for_each(|(y, x)| match act {
            Activation::Identity => y.copy_from_slice(x),
            Activation::Relu => relu(level, x, y),
            Activation::Tanh => tanh(level, x, y),
        });
}

/// The gradient of [`activation_forward`]: `gx` given its output `y` and `gy`.
///
/// # Panics
/// When the slices differ in length.
pub fn activation_backward(act: Activation, y: &[f32], gy: &[f32], gx: &mut [f32]) {
    backward_at(level(), act, y, gy, gx);
}

/// [`activation_backward`] on one instruction set.
pub(super) fn backward_at(level: Level, act: Activation, y: &[f32], gy: &[f32], gx: &mut [f32]) {
    assert_eq!(y.len(), gx.len(), "activation: `y` differs in length");
    assert_eq!(gy.len(), gx.len(), "activation: `gy` differs in length");
    gx.par_chunks_mut(CHUNK)
        .zip(gy.par_chunks(CHUNK).zip(y.par_chunks(CHUNK)))
        .for_each(|(gx, (gy, y))| match act {
            Activation::Identity => gx.copy_from_slice(gy),
            Activation::Relu => relu_gradient(level, y, gy, gx),
            Activation::Tanh => tanh_gradient(level, y, gy, gx),
        });
}

multiversion! {
    fn relu(x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = Activation::Relu.apply(*x);
        }
    }
}

multiversion! {
    fn tanh(x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = Activation::Tanh.apply(*x);
        }
    }
}

multiversion! {
    fn relu_gradient(y: &[f32], gy: &[f32], gx: &mut [f32]) {
        for (gx, (gy, y)) in gx.iter_mut().zip(gy.iter().zip(y)) {
            *gx = gy * Activation::Relu.derivative(*y);
        }
    }
}

multiversion! {
    fn tanh_gradient(y: &[f32], gy: &[f32], gx: &mut [f32]) {
        for (gx, (gy, y)) in gx.iter_mut().zip(gy.iter().zip(y)) {
            *gx = gy * Activation::Tanh.derivative(*y);
        }
    }
}
