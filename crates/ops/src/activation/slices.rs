//! Activations over plain slices.

use rayon::prelude::*;

use super::Activation;
use crate::lanes::LANES;
use crate::multiversion::multiversion;
use crate::simd::{Level, level};
use crate::vector::{self, Vector, activate};

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
    fn tanh<V: Vector in vector>(x: &[f32], y: &mut [f32]) {
        for (x, y) in x.chunks(LANES).zip(y.chunks_mut(LANES)) {
            let mut values = [0.0; LANES];
            values[..x.len()].copy_from_slice(x);
            // SAFETY: the macro chose the vectors of an available level, and
            // `values` is one of them long.
            unsafe {
                let vector = V::load(values.as_ptr());
                activate(Activation::Tanh, vector).store(values.as_mut_ptr());
            }
            y.copy_from_slice(&values[..y.len()]);
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
