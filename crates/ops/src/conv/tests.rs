//! The fast kernels against plain loops in double precision.

use super::slices::{backward_at, forward_at};
use super::*;
use crate::testing::{PRECISIONS, assert_near, assert_products_at_edges, noise, operand};
use crate::{Activation, LANES, Lanes, Level, Precision, Split};

/// About what rounding makes of long sums, relative to the largest.
const TOLERANCE: f64 = 1e-5;

/// Calls `visit(y, x, w)` with the flat indices of every multiplication.
fn products(shape: &ConvShape, batch: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let [out_height, out_width] = shape.output();
    let [height, width] = shape.input;
    let (inputs, outputs) = (shape.group_inputs(), shape.group_outputs());
    let taps = |axis: usize, out: usize| {
        let (start, padding) = (out * shape.stride[axis], shape.padding[axis]);
        (0..shape.kernel[axis])
            .filter(move |tap| (padding..padding + shape.input[axis]).contains(&(start + tap)))
            .map(move |tap| (tap, start + tap - padding))
    };
    for plane in 0..batch * shape.out_channels {
        let (image, filter) = (plane / shape.out_channels, plane % shape.out_channels);
        for pixel in 0..out_height * out_width {
            for channel in 0..inputs {
                let first = image * shape.in_channels + filter / outputs * inputs + channel;
                for (tap_row, row) in taps(0, pixel / out_width) {
                    for (tap_column, column) in taps(1, pixel % out_width) {
                        let tap = tap_row * shape.kernel[1] + tap_column;
                        visit(
                            plane * out_height * out_width + pixel,
                            (first * height + row) * width + column,
                            (filter * inputs + channel) * shape.kernel[0] * shape.kernel[1] + tap,
                        );
                    }
                }
            }
        }
    }
}

/// What [`conv2d_forward`] and [`conv2d_backward`] computed.
#[derive(PartialEq)]
struct Results {
    y: Vec<f32>,
    gx: Vec<f32>,
    gw: Vec<f32>,
    gb: Vec<f32>,
}

struct Case {
    precision: Precision,
    shape: ConvShape,
    batch: usize,
    act: Activation,
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    gy: Vec<f32>,
}

impl Case {
    fn new(precision: Precision, shape: ConvShape, batch: usize, act: Activation) -> Self {
        // So that sums are about one, where tanh is neither flat nor magnifies
        // the rounding of large terms that cancel.
        let fan_in = shape.weight_len() / shape.out_channels;
        let scale = (fan_in as f32).sqrt().recip();
        let w = noise(2, shape.weight_len());
        Self {
            precision,
            shape,
            batch,
            act,
            x: noise(1, batch * shape.input_len()),
            w: w.into_iter().map(|w| w * scale).collect(),
            bias: noise(3, shape.out_channels),
            gy: noise(4, batch * shape.output_len()),
        }
    }

    fn run(&self, level: Level) -> Results {
        let Self {
            precision,
            shape,
            batch,
            act,
            x,
            w,
            bias,
            gy,
        } = self;
        // Not a number shows what is read before it is written.
        let blank = |len: usize| vec![f32::NAN; len];
        let mut y = blank(gy.len());
        let how = (level, *precision);
        forward_at(how, shape, *batch, x, w, Some(bias), *act, &mut y);
        let (mut gx, mut gw, mut gb) = (blank(x.len()), blank(w.len()), blank(bias.len()));
        let (gx_out, gb_out) = (Some(gx.as_mut_slice()), Some(gb.as_mut_slice()));
        backward_at(
            how, shape, *batch, x, w, &y, gy, *act, gx_out, &mut gw, gb_out,
        );
        Results { y, gx, gw, gb }
    }

    fn check(&self, level: Level) {
        let Self {
            precision,
            shape,
            batch,
            act,
            x,
            w,
            bias,
            gy,
        } = self;
        let found = self.run(level);
        let name = |part: &str| {
            format!("{part} of {shape:?} batch {batch} {act:?} {precision:?} at {level:?}")
        };
        let pixels = shape.output_len() / shape.out_channels;
        let filter = |index: usize| index / pixels % shape.out_channels;
        let mut y: Vec<f64> = (0..gy.len()).map(|i| f64::from(bias[filter(i)])).collect();
        products(shape, *batch, |to, x_at, w_at| {
            y[to] += operand(*precision, x[x_at]) * operand(*precision, w[w_at])
        });
        for y in &mut y {
            *y = match act {
                Activation::Identity => *y,
                Activation::Relu => y.max(0.0),
                Activation::Tanh => y.tanh(),
            };
        }
        assert_near(&name("y"), &found.y, &y, TOLERANCE);
        // From our own output, so that a rounded zero does not count.
        let gz: Vec<f32> = (found.y.iter().zip(gy))
            .map(|(y, gy)| gy * act.derivative(*y))
            .collect();
        let (mut gx, mut gw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        products(shape, *batch, |from, x_at, w_at| {
            let gz = operand(*precision, gz[from]);
            gx[x_at] += gz * operand(*precision, w[w_at]);
            gw[w_at] += gz * operand(*precision, x[x_at]);
        });
        let mut gb = vec![0.0; bias.len()];
        gz.iter()
            .enumerate()
            .for_each(|(i, gz)| gb[filter(i)] += f64::from(*gz));
        assert_near(&name("gx"), &found.gx, &gx, TOLERANCE);
        assert_near(&name("gw"), &found.gw, &gw, TOLERANCE);
        assert_near(&name("gb"), &found.gb, &gb, TOLERANCE);
    }
}

/// Sizes at the edges of every loop: tails of channel blocks, one pixel,
/// strides above the kernel, padding of the kernel's size and more, sums in parts.
fn odd_shapes() -> Vec<(ConvShape, usize)> {
    #[rustfmt::skip]
    let sizes = [
        // channels, groups, kernel, stride, padding, input, batch
        ([1, 1], 1, [1, 1], [1, 1], [0, 0], [1, 1], 1),
        ([1, 1], 1, [3, 3], [1, 1], [1, 1], [5, 1], 2),
        ([3, 17], 1, [5, 5], [1, 1], [2, 2], [9, 7], 17),
        ([5, 31], 1, [3, 3], [1, 1], [1, 1], [6, 6], 3),
        ([6, 6], 6, [3, 3], [1, 1], [1, 1], [5, 4], 4),
        ([4, 8], 2, [2, 3], [3, 5], [0, 1], [11, 13], 5),
        ([2, 3], 1, [1, 1], [2, 3], [0, 0], [7, 8], 16),
        ([2, 2], 1, [2, 2], [1, 1], [3, 2], [3, 3], 33),
        ([3, 20], 1, [11, 11], [4, 4], [2, 2], [35, 39], 2),
        ([7, 9], 1, [3, 1], [1, 2], [4, 0], [4, 70], 1),
        ([8, 48], 2, [3, 3], [1, 1], [1, 1], [13, 13], 18),
        ([1, 2], 1, [4, 4], [2, 2], [1, 1], [8, 8], 1),
        ([33, 16], 1, [5, 5], [1, 1], [2, 2], [4, 4], 7),
        ([4, 5], 1, [11, 11], [7, 7], [2, 2], [12, 200], 2),
        ([120, 3], 1, [3, 3], [1, 1], [1, 1], [3, 40], 2),
        ([35, 3], 1, [11, 11], [4, 4], [2, 2], [9, 8], 1),
    ];
    (sizes.into_iter())
        .map(
            |(channels, groups, kernel, stride, padding, input, batch)| {
                let shape = ConvShape::new(channels, groups, kernel, stride, padding, input);
                (shape.expect("a valid shape"), batch)
            },
        )
        .collect()
}

#[test]
fn every_level_agrees_with_plain_loops() {
    for (shape, batch) in odd_shapes() {
        for act in [Activation::Identity, Activation::Relu, Activation::Tanh] {
            for precision in PRECISIONS {
                for level in Level::available() {
                    Case::new(precision, shape, batch, act).check(level);
                }
            }
        }
    }
}

#[test]
fn the_thread_count_changes_no_bit() {
    for (index, (shape, batch)) in odd_shapes().into_iter().enumerate() {
        let precision = PRECISIONS[index % PRECISIONS.len()];
        let case = Case::new(precision, shape, batch, Activation::Tanh);
        let with_threads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a thread pool")
                .install(|| case.run(crate::level()))
        };
        let one = with_threads(1);
        assert!(
            [2, 3, 7]
                .into_iter()
                .all(|threads| with_threads(threads) == one),
            "{shape:?}"
        );
    }
}

/// Blocks of images through a plan.
fn whole_blocks(split: Split, plan: &ConvPlan, case: &Case) -> [Vec<Lanes>; 3] {
    let lanes = |values: &[f32]| -> Vec<Lanes> {
        let lanes = values.chunks_exact(LANES);
        lanes
            .map(|lanes| Lanes(lanes.try_into().expect("sixteen")))
            .collect()
    };
    let (x, gz) = (lanes(&case.x), lanes(&case.gy));
    let mut y = vec![Lanes([f32::NAN; LANES]); gz.len()];
    let mut gx = vec![Lanes([f32::NAN; LANES]); x.len()];
    let mut gw = vec![0.0; case.w.len()];
    let bias = Some(case.bias.as_slice());
    plan.forward(split, &x, bias, case.act, &mut y);
    plan.input_gradient(split, &gz, &mut gx);
    plan.add_weight_gradient(split, &x, &gz, &mut gw);
    gw.resize(gw.len().next_multiple_of(LANES), 0.0);
    [y, gx, lanes(&gw)]
}

#[test]
fn a_thread_alone_gives_the_bits_of_all_for_several_blocks() {
    const BLOCKS: usize = 3;
    for (shape, _) in odd_shapes() {
        for precision in PRECISIONS {
            for level in Level::available() {
                let mut plan = ConvPlan::at_level(shape, precision, level).expect("a valid shape");
                let case = Case::new(precision, shape, BLOCKS * LANES, Activation::Tanh);
                plan.pack_forward(&case.w);
                plan.pack_backward(&case.w);
                let other = Case {
                    x: noise(5, case.x.len()),
                    gy: noise(6, case.gy.len()),
                    ..Case::new(precision, shape, BLOCKS * LANES, Activation::Tanh)
                };
                // In turn, lest what one call leaves in memory is what the next should find.
                let [all, alone] = [Split::Threads, Split::Never]
                    .map(|split| [&case, &other].map(|case| whole_blocks(split, &plan, case)));
                let what = format!("{shape:?} {precision:?} at {level:?}");
                assert!(all == alone, "{what}");
                // Each block is convolved by itself, and the gradients are added up.
                let mut gw = vec![0.0; case.w.len()];
                let [x_len, z_len] = [case.x.len() / BLOCKS, case.gy.len() / BLOCKS];
                for block in 0..BLOCKS {
                    let one = Case {
                        x: case.x[block * x_len..(block + 1) * x_len].to_vec(),
                        gy: case.gy[block * z_len..(block + 1) * z_len].to_vec(),
                        w: case.w.clone(),
                        ..Case::new(precision, shape, LANES, Activation::Tanh)
                    };
                    let [y, gx, part] = whole_blocks(Split::Never, &plan, &one);
                    let [y_all, gx_all, _] = &all[0];
                    assert!(
                        y == y_all[block * z_len / LANES..][..z_len / LANES],
                        "{what}"
                    );
                    assert!(
                        gx == gx_all[block * x_len / LANES..][..x_len / LANES],
                        "{what}"
                    );
                    let part = Lanes::as_floats(&part);
                    gw.iter_mut()
                        .zip(part)
                        .for_each(|(sum, part)| *sum += f64::from(*part));
                }
                let found = &Lanes::as_floats(&all[0][2])[..gw.len()];
                assert_near(&format!("gw of {what}"), found, &gw, TOLERANCE);
            }
        }
    }
}

#[test]
fn no_bias_is_a_bias_of_zero() {
    let (shape, batch) = odd_shapes()[2];
    let case = Case::new(Precision::F32, shape, batch, Activation::Relu);
    let forward = |bias: Option<&[f32]>| {
        let mut y = vec![f32::NAN; case.gy.len()];
        let Case {
            precision,
            x,
            w,
            act,
            ..
        } = &case;
        conv2d_forward(*precision, &shape, batch, x, w, bias, *act, &mut y);
        y
    };
    assert_eq!(forward(None), forward(Some(&vec![0.0; shape.out_channels])));
}

/// One product alone, `x` times `w`, of every pass.
fn alone(level: Level, precision: Precision, x: f32, w: f32) -> [f32; 3] {
    let case = Case {
        x: vec![x],
        w: vec![w],
        bias: vec![0.0],
        gy: vec![x],
        ..Case::new(
            precision,
            ConvShape::new([1, 1], 1, [1, 1], [1, 1], [0, 0], [1, 1]).expect("a shape"),
            1,
            Activation::Identity,
        )
    };
    let Results { y, gx, gw, .. } = case.run(level);
    [y[0], gx[0], gw[0]]
}

#[test]
fn products_at_the_edges_of_their_operands_are_right_or_overflow() {
    assert_products_at_edges(alone);
}
