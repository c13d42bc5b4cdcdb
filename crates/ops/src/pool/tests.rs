//! Max-pooling against plain loops, on every instruction set.

use candle_core::{Device, Result, Tensor};

use super::slices::forward_at;
use super::*;
use crate::Level;
use crate::testing::{assert_gradient, assert_near, assert_same_on_any_threads, noise};

const WINDOWS: [PoolWindow; 12] = [
    // kernel, stride, padding, input
    ([3, 3], [2, 2], [0, 0], [13, 13]),
    ([3, 3], [2, 2], [1, 1], [32, 32]),
    ([2, 2], [2, 2], [0, 0], [7, 9]),
    ([1, 1], [1, 1], [0, 0], [5, 1]),
    ([2, 2], [5, 7], [1, 1], [21, 40]),
    ([3, 1], [1, 3], [1, 0], [8, 70]),
    ([1, 3], [3, 1], [0, 1], [1, 19]),
    ([5, 4], [3, 3], [2, 2], [11, 2]),
    ([7, 7], [1, 1], [3, 3], [1, 1]),
    ([4, 6], [2, 4], [0, 3], [4, 35]),
    ([3, 3], [1, 1], [1, 1], [6, 33]),
    ([3, 5], [4, 2], [1, 2], [55, 55]),
];

type PoolWindow = ([usize; 2], [usize; 2], [usize; 2], [usize; 2]);

fn shapes() -> impl Iterator<Item = PoolShape> {
    WINDOWS.into_iter().zip([1, 3].into_iter().cycle()).map(
        |((kernel, stride, padding, input), channels)| {
            PoolShape::new(channels, kernel, stride, padding, input).expect("a valid shape")
        },
    )
}

/// What PyTorch's documentation says, place by place.
fn naive(shape: &PoolShape, x: &[f32]) -> (Vec<f32>, Vec<u32>) {
    let ([height, width], [out_height, out_width]) = (shape.input, shape.output());
    let (mut y, mut winners) = (Vec::new(), Vec::new());
    for plane in x.chunks(height * width) {
        for place in 0..out_height * out_width {
            let top = place / out_width * shape.stride[0];
            let left = place % out_width * shape.stride[1];
            let mut best = None;
            for row in (top..top + shape.kernel[0]).filter_map(|r| r.checked_sub(shape.padding[0]))
            {
                for column in
                    (left..left + shape.kernel[1]).filter_map(|c| c.checked_sub(shape.padding[1]))
                {
                    if row >= height || column >= width {
                        continue;
                    }
                    let index = row * width + column;
                    let value = plane[index];
                    if best.is_none_or(|(largest, _)| value > largest || value.is_nan()) {
                        best = Some((value, index));
                    }
                }
            }
            let (largest, index) = best.expect("every window holds a value");
            y.push(largest);
            winners.push(index as u32);
        }
    }
    (y, winners)
}

/// Noise with ties, negative and positive zeros, infinities and a few NaNs.
fn rough(seed: u64, len: usize) -> Vec<f32> {
    let rough = |value: f32| match (value * 40.0) as i32 {
        -39 => f32::NAN,
        -38 => f32::INFINITY,
        n if n < -20 => f32::NEG_INFINITY,
        0 => -0.0,
        n => (n / 8) as f32,
    };
    noise(seed, len).into_iter().map(rough).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn forward_is_exact_on_every_level() {
    for (seed, shape) in (0..).zip(shapes()) {
        for batch in [0, 1, 3] {
            let len = batch * shape.input_len();
            for x in [
                noise(seed, len),
                rough(seed, len),
                vec![f32::NEG_INFINITY; len],
            ] {
                let (wanted, wanted_winners) = naive(&shape, &x);
                for level in Level::available() {
                    let mut y = vec![7.0; wanted.len()];
                    forward_at(level, &shape, batch, &x, &mut y, None);
                    assert_eq!(bits(&y), bits(&wanted), "{shape:?} {level:?}");
                    let mut winners = vec![7; wanted.len()];
                    y.fill(7.0);
                    forward_at(level, &shape, batch, &x, &mut y, Some(&mut winners));
                    assert_eq!(bits(&y), bits(&wanted), "{shape:?} {level:?}");
                    assert_eq!(winners, wanted_winners, "{shape:?} {level:?}");
                }
            }
        }
    }
}

#[test]
fn backward_adds_up_what_each_input_won() {
    for (seed, shape) in (0..).zip(shapes()) {
        let batch = 2;
        let x = noise(seed, batch * shape.input_len());
        let gy = noise(seed + 50, batch * shape.output_len());
        let (_, winners) = naive(&shape, &x);
        let plane = shape.output_len() / shape.channels;
        let mut wanted = vec![0.0; x.len()];
        for (index, (winner, gy)) in winners.iter().zip(&gy).enumerate() {
            let first = index / plane * (x.len() / batch / shape.channels);
            wanted[first + *winner as usize] += f64::from(*gy);
        }
        let mut gx = vec![f32::NAN; x.len()];
        max_pool2d_backward(&shape, batch, &winners, &gy, &mut gx);
        assert_near(&format!("{shape:?}"), &gx, &wanted, 1e-6);
    }
}

#[test]
fn threads_do_not_matter() {
    let shape = PoolShape::new(5, [3, 3], [2, 2], [0, 0], [67, 67]).expect("a valid shape");
    let x = noise(1, 7 * shape.input_len());
    assert_same_on_any_threads("max_pool2d", || {
        let mut y = vec![0.0; 7 * shape.output_len()];
        let mut winners = vec![0; y.len()];
        max_pool2d_forward(&shape, 7, &x, &mut y, Some(&mut winners));
        let mut gx = vec![0.0; x.len()];
        max_pool2d_backward(&shape, 7, &winners, &y, &mut gx);
        gx
    });
}

#[test]
fn op_has_the_right_gradient() -> Result<()> {
    // Values 0.05 apart in mixed order: no step of the differences changes a winner.
    let values: Vec<f32> = (0..2 * 3 * 7 * 5)
        .map(|i| (i * 89 % 210) as f32 * 0.05)
        .collect();
    let x = Tensor::from_vec(values, (2, 3, 7, 5), &Device::Cpu)?;
    assert_gradient("max_pool2d", &x, |x| max_pool2d(x, [3, 2], [2, 1], [1, 1]))
}

#[test]
fn op_takes_any_layout_and_refuses_the_rest() -> Result<()> {
    let x = Tensor::from_vec(noise(3, 2 * 3 * 8 * 9), (2, 3, 8, 9), &Device::Cpu)?;
    let view = x.transpose(2, 3)?.narrow(1, 1, 2)?;
    let pool = |x: &Tensor| max_pool2d(x, [3, 3], [2, 2], [1, 1]);
    let (found, wanted) = (pool(&view)?, pool(&view.copy()?)?);
    assert_eq!(found.dims(), [2, 2, 5, 4]);
    assert_eq!(
        found.flatten_all()?.to_vec1::<f32>()?,
        wanted.flatten_all()?.to_vec1::<f32>()?
    );

    let message = |result: Result<Tensor>| result.expect_err("must be refused").to_string();
    let flat = message(max_pool2d(&x.flatten_all()?, [2, 2], [2, 2], [0, 0]));
    assert!(flat.contains("[N, C, H, W]"), "{flat}");
    let padded = message(max_pool2d(&x, [2, 2], [2, 2], [2, 0]));
    assert!(padded.contains("padding 2"), "{padded}");
    let double = message(pool(&x.to_dtype(candle_core::DType::F64)?));
    assert!(double.contains("float32"), "{double}");
    Ok(())
}
