//! The fast kernels against plain loops in double precision.

use super::slices::{backward_at, forward_at};
use crate::testing::{PRECISIONS, assert_near, assert_products_at_edges, noise, operand};
use crate::{Activation, LANES, Lanes, Level, LinearPlan, Precision};

struct Case {
    precision: Precision,
    sizes: [usize; 3],
    act: Activation,
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    gy: Vec<f32>,
}

impl Case {
    fn new(precision: Precision, sizes: [usize; 3], act: Activation) -> Self {
        let [batch, inputs, outputs] = sizes;
        Self {
            precision,
            sizes,
            act,
            x: noise(1, batch * inputs),
            w: noise(2, outputs * inputs),
            bias: noise(3, outputs),
            gy: noise(4, batch * outputs),
        }
    }

    /// `y`, `gx`, `gw` and `gb`.
    fn run(&self, level: Level) -> [Vec<f32>; 4] {
        let Self {
            precision,
            sizes,
            act,
            x,
            w,
            bias,
            gy,
        } = self;
        // Not a number shows what is read before it is written.
        let blank = |like: &[f32]| vec![f32::NAN; like.len()];
        let [mut y, mut gx, mut gw, mut gb] = [blank(gy), blank(x), blank(w), blank(bias)];
        let how = (level, *precision);
        forward_at(how, *sizes, x, w, Some(bias), *act, &mut y);
        let (gx_out, gb_out) = (Some(gx.as_mut_slice()), Some(gb.as_mut_slice()));
        backward_at(how, *sizes, x, w, &y, gy, *act, gx_out, &mut gw, gb_out);
        [y, gx, gw, gb]
    }

    fn check(&self, level: Level) {
        let [batch, inputs, outputs] = self.sizes;
        let found = self.run(level);
        let [mut y, mut gx, mut gw, mut gb] = found.each_ref().map(|part| vec![0.0; part.len()]);
        let wide = |values: &[f32], index: usize| f64::from(values[index]);
        let operand = |values: &[f32], index: usize| operand(self.precision, values[index]);
        for n in 0..batch {
            for (o, gb) in gb.iter_mut().enumerate() {
                let at = n * outputs + o;
                let mut sum = wide(&self.bias, o);
                let gz = self.gy[at] * self.act.derivative(found[0][at]);
                let rounded = operand(&[gz], 0);
                for i in 0..inputs {
                    let (x_at, w_at) = (n * inputs + i, o * inputs + i);
                    sum += operand(&self.x, x_at) * operand(&self.w, w_at);
                    gx[x_at] += rounded * operand(&self.w, w_at);
                    gw[w_at] += rounded * operand(&self.x, x_at);
                }
                *gb += f64::from(gz);
                y[at] = match self.act {
                    Activation::Identity => sum,
                    Activation::Relu => sum.max(0.0),
                    Activation::Tanh => sum.tanh(),
                };
            }
        }
        let names = ["y", "gx", "gw", "gb"];
        for ((name, found), wanted) in names.iter().zip(&found).zip([y, gx, gw, gb]) {
            let name = format!(
                "{name} of {:?} {:?} {:?} at {level:?}",
                self.sizes, self.act, self.precision
            );
            assert_near(&name, found, &wanted, 2e-5);
        }
    }
}

/// Tails of every tile, and inputs and outputs enough for several chunks.
const SIZES: [[usize; 3]; 10] = [
    [1, 1, 1],
    [2, 3, 5],
    [16, 16, 16],
    [17, 65, 13],
    [31, 63, 7],
    [64, 130, 9],
    [128, 1024, 10],
    [100, 770, 300],
    [5, 2100, 131],
    [3, 9001, 2],
];

#[test]
fn every_level_agrees_with_plain_loops() {
    for sizes in SIZES {
        for act in [Activation::Identity, Activation::Relu, Activation::Tanh] {
            for precision in PRECISIONS {
                for level in Level::available() {
                    Case::new(precision, sizes, act).check(level);
                }
            }
        }
    }
}

#[test]
fn the_thread_count_changes_no_bit() {
    for (index, sizes) in SIZES.into_iter().enumerate() {
        let precision = PRECISIONS[index % PRECISIONS.len()];
        let case = Case::new(precision, sizes, Activation::Tanh);
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
            "{sizes:?}"
        );
    }
}

#[test]
fn images_beyond_the_batch_do_not_count() {
    for [batch, inputs, outputs] in [[1, 3, 2], [5, 65, 7], [23, 300, 9], [32, 16, 4]] {
        let blocks = Lanes::blocks(batch);
        let lanes = |seed: u64, features: usize, beyond: f32| {
            let mut lanes = vec![Lanes::ZERO; blocks * features];
            let values = noise(seed, blocks * features * LANES);
            Lanes::as_floats_mut(&mut lanes).copy_from_slice(&values);
            for lanes in &mut lanes[(blocks - 1) * features..] {
                lanes.0[batch - (blocks - 1) * LANES..].fill(beyond);
            }
            lanes
        };
        for precision in PRECISIONS {
            for level in Level::available() {
                let plan = LinearPlan::at_level(inputs, outputs, precision, level);
                let gradient = |beyond: f32| {
                    let mut gw = vec![f32::NAN; inputs * outputs];
                    let (x, gz) = (lanes(1, inputs, beyond), lanes(2, outputs, beyond));
                    plan.weight_gradient(batch, &x, &gz, &mut gw);
                    gw
                };
                let what = format!("{batch} of {inputs}x{outputs} {precision:?} at {level:?}");
                let wanted = gradient(0.0);
                assert!(wanted.iter().any(|value| *value != 0.0), "{what}");
                for beyond in [1.0, f32::INFINITY, f32::NAN] {
                    assert!(gradient(beyond) == wanted, "{what}: {beyond} counts");
                }
            }
        }
    }
}

/// One product alone, `x` times `w`, of every pass.
fn alone(level: Level, precision: Precision, x: f32, w: f32) -> [f32; 3] {
    let case = Case {
        x: vec![x],
        w: vec![w],
        bias: vec![0.0],
        gy: vec![x],
        ..Case::new(precision, [1, 1, 1], Activation::Identity)
    };
    let [y, gx, gw, _] = case.run(level);
    [y[0], gx[0], gw[0]]
}

#[test]
fn products_at_the_edges_of_their_operands_are_right_or_overflow() {
    assert_products_at_edges(alone);
}
