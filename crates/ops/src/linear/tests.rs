//! The fast kernels against plain loops in double precision.

use super::slices::{backward_at, forward_at};
use crate::testing::{assert_near, noise};
use crate::{Activation, Level};

struct Case {
    sizes: [usize; 3],
    act: Activation,
    x: Vec<f32>,
    w: Vec<f32>,
    bias: Vec<f32>,
    gy: Vec<f32>,
}

impl Case {
    fn new(sizes: [usize; 3], act: Activation) -> Self {
        let [batch, inputs, outputs] = sizes;
        Self {
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
        forward_at(level, *sizes, x, w, Some(bias), *act, &mut y);
        let (gx_out, gb_out) = (Some(gx.as_mut_slice()), Some(gb.as_mut_slice()));
        backward_at(level, *sizes, x, w, &y, gy, *act, gx_out, &mut gw, gb_out);
        [y, gx, gw, gb]
    }

    fn check(&self, level: Level) {
        let [batch, inputs, outputs] = self.sizes;
        let found = self.run(level);
        let [mut y, mut gx, mut gw, mut gb] = found.each_ref().map(|part| vec![0.0; part.len()]);
        let wide = |values: &[f32], index: usize| f64::from(values[index]);
        for n in 0..batch {
            for o in 0..outputs {
                let at = n * outputs + o;
                let mut sum = wide(&self.bias, o);
                let rounded = wide(&found[0], at);
                let derivative = match self.act {
                    Activation::Identity => 1.0,
                    Activation::Relu => f64::from(u8::from(rounded > 0.0)),
                    Activation::Tanh => 1.0 - rounded * rounded,
                };
                let gz = wide(&self.gy, at) * derivative;
                for i in 0..inputs {
                    sum += wide(&self.x, n * inputs + i) * wide(&self.w, o * inputs + i);
                    gx[n * inputs + i] += gz * wide(&self.w, o * inputs + i);
                    gw[o * inputs + i] += gz * wide(&self.x, n * inputs + i);
                }
                gb[o] += gz;
                y[at] = match self.act {
                    Activation::Identity => sum,
                    Activation::Relu => sum.max(0.0),
                    Activation::Tanh => sum.tanh(),
                };
            }
        }
        let names = ["y", "gx", "gw", "gb"];
        for ((name, found), wanted) in names.iter().zip(&found).zip([y, gx, gw, gb]) {
            let name = format!("{name} of {:?} {:?} at {level:?}", self.sizes, self.act);
            assert_near(&name, found, &wanted, 2e-5);
        }
    }
}

/// Tails of every tile, and inputs and outputs enough for several chunks.
const SIZES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [2, 3, 5],
    [16, 16, 16],
    [17, 65, 13],
    [31, 63, 7],
    [64, 130, 9],
    [128, 1024, 10],
    [100, 770, 300],
    [5, 2100, 131],
];

#[test]
fn every_level_agrees_with_plain_loops() {
    for sizes in SIZES {
        for act in [Activation::Identity, Activation::Relu, Activation::Tanh] {
            for level in Level::available() {
                Case::new(sizes, act).check(level);
            }
        }
    }
}

#[test]
fn the_thread_count_changes_no_bit() {
    for sizes in SIZES {
        let case = Case::new(sizes, Activation::Tanh);
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
