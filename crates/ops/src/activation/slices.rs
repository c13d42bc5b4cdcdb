//! Activations over plain slices.

use rayon::prelude::*;

use super::Activation;
use crate::Split;
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
pub fn activation_forward(split: Split, act: Activation, x: &[f32], y: &mut [f32]) {
    forward_at(level(), split, act, x, y);
}

/// [`activation_forward`] on one instruction set.
pub(super) fn forward_at(level: Level, split: Split, act: Activation, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "activation: the slices differ in length");
    y.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
        .with_min_len(split.min_len())
        .for_each(|(y, x)| match act {
            Activation::Identity => y.copy_from_slice(x),
            Activation::Relu => relu(level, x, y),
            Activation::Tanh => tanh(level, x, y),
        });
}

/// The gradient of [`activation_forward`], given its output `y`: turns `gy`, the gradient
/// after it, into that before it.
///
/// # Panics
/// When the slices differ in length.
pub fn activation_backward(split: Split, act: Activation, y: &[f32], gy: &mut [f32]) {
    backward_at(level(), split, act, y, gy);
}

/// [`activation_backward`] on one instruction set.
pub(super) fn backward_at(level: Level, split: Split, act: Activation, y: &[f32], gy: &mut [f32]) {
    assert_eq!(y.len(), gy.len(), "activation: the slices differ in length");
    let gradient = match act {
        Activation::Identity => return,
        Activation::Relu => relu_gradient,
        Activation::Tanh => tanh_gradient,
    };
    gy.par_chunks_mut(CHUNK)
        .zip(y.par_chunks(CHUNK))
        .with_min_len(split.min_len())
        .for_each(|(gy, y)| gradient(level, y, gy));
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
    fn relu_gradient(y: &[f32], gy: &mut [f32]) {
        for (gy, y) in gy.iter_mut().zip(y) {
            *gy *= Activation::Relu.derivative(*y);
        }
    }
}

multiversion! {
    fn tanh_gradient(y: &[f32], gy: &mut [f32]) {
        for (gy, y) in gy.iter_mut().zip(y) {
            *gy *= Activation::Tanh.derivative(*y);
        }
    }
}
