//! The kernels keep to their slices: each operand lies between guards that are
//! not numbers. One that is written over is seen, and so is one that is read,
//! for it makes the results not numbers. Run under a sanitiser it sees more.

use ablate_ops::{Activation, ConvPlan, ConvShape, Lanes, Level, LinearPlan, Precision, Split};

/// Values before and after each slice; more than a kernel takes in one step.
const GUARD: usize = 32;

/// A slice between guards.
struct Guarded<T> {
    memory: Vec<T>,
    guard: T,
}

/// What can be an operand.
trait Operand: Copy {
    const NAN: Self;
    fn floats(values: &[Self]) -> &[f32];
    fn of(value: f32) -> Self;
}

impl Operand for f32 {
    const NAN: Self = f32::NAN;
    fn floats(values: &[Self]) -> &[f32] {
        values
    }
    fn of(value: f32) -> Self {
        value
    }
}

impl Operand for Lanes {
    const NAN: Self = Self([f32::NAN; 16]);
    fn floats(values: &[Self]) -> &[f32] {
        Self::as_floats(values)
    }
    fn of(value: f32) -> Self {
        Self([value; 16])
    }
}

impl<T: Operand> Guarded<T> {
    /// To be read: small numbers, some of them negative.
    fn filled(len: usize) -> Self {
        let mut guarded = Self::blank(len);
        for (index, value) in guarded.get_mut().iter_mut().enumerate() {
            *value = T::of((index * 7 % 5) as f32 / 4.0 - 0.5);
        }
        guarded
    }

    /// To be overwritten: not numbers.
    fn blank(len: usize) -> Self {
        Self {
            memory: vec![T::NAN; len + 2 * GUARD],
            guard: T::NAN,
        }
    }

    /// To be added to.
    fn zero(len: usize) -> Self {
        let mut guarded = Self::blank(len);
        guarded.get_mut().fill(T::of(0.0));
        guarded
    }

    fn get(&self) -> &[T] {
        &self.memory[GUARD..self.memory.len() - GUARD]
    }

    fn get_mut(&mut self) -> &mut [T] {
        let end = self.memory.len() - GUARD;
        &mut self.memory[GUARD..end]
    }

    /// Fails unless the slice holds numbers and the guards what they held.
    fn check(&self, what: &str) {
        let bits = |values: &[T]| -> Vec<u32> {
            let floats = T::floats(values).iter();
            floats.map(|value| value.to_bits()).collect()
        };
        let guard = bits(&[self.guard; GUARD]);
        assert_eq!(bits(&self.memory[..GUARD]), guard, "{what}: written before");
        let end = self.memory.len() - GUARD;
        assert_eq!(bits(&self.memory[end..]), guard, "{what}: written after");
        assert!(
            T::floats(self.get()).iter().all(|value| value.is_finite()),
            "{what}: read beyond an operand, or left unwritten"
        );
    }
}

/// What a kernel is run at.
type How = (Precision, Level);

/// Whether a size of so many multiplications is tested: the interpreter Miri is
/// a thousand times slower.
fn is_affordable(multiplications: usize) -> bool {
    !cfg!(miri) || multiplications < 80
}

/// Runs `test` at every level, in every precision, on pools of one, two and
/// five threads; under Miri on two alone.
fn everywhere(test: impl Fn(How) + Sync) {
    let pools = if cfg!(miri) { 1..2 } else { 0..3 };
    for threads in &[1, 2, 5][pools] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(*threads)
            .build();
        let pool = pool.expect("a thread pool");
        for level in Level::available() {
            for precision in [Precision::F32, Precision::Bf16] {
                pool.install(|| test((precision, level)));
            }
        }
    }
}

/// Everything a [`ConvPlan`] computes, for `blocks` of sixteen images.
fn convolve((precision, level): How, shape: ConvShape, blocks: usize, split: Split) {
    let what = format!("{shape:?}, {blocks} blocks, {precision:?}, {level:?}, {split:?}");
    let mut plan = ConvPlan::at_level(shape, precision, level).expect("a valid shape");
    let (x_len, y_len) = (blocks * shape.input_len(), blocks * shape.output_len());
    let (x, gz) = (Guarded::filled(x_len), Guarded::filled(y_len));
    let w = Guarded::filled(shape.weight_len());
    let bias = Guarded::filled(shape.out_channels);
    let (mut y, mut gx) = (Guarded::blank(y_len), Guarded::blank(x_len));
    let mut gw = Guarded::zero(shape.weight_len());
    plan.pack_forward(w.get());
    plan.pack_backward(w.get());
    let (bias, act) = (Some(bias.get()), Activation::Tanh);
    plan.forward(split, x.get(), bias, act, y.get_mut());
    plan.input_gradient(split, gz.get(), gx.get_mut());
    plan.add_weight_gradient(split, x.get(), gz.get(), gw.get_mut());
    y.check(&format!("y of {what}"));
    gx.check(&format!("gx of {what}"));
    gw.check(&format!("gw of {what}"));
}

#[test]
fn convolutions_keep_to_their_slices() {
    #[rustfmt::skip]
    let shapes = [
        // channels, groups, kernel, stride, padding, input
        ([1, 1], 1, [1, 1], [1, 1], [0, 0], [1, 1]),
        ([1, 1], 1, [9, 9], [1, 1], [4, 4], [1, 1]),
        ([5, 3], 1, [2, 1], [1, 1], [1, 0], [1, 1]),
        ([3, 31], 1, [3, 5], [2, 1], [1, 2], [6, 5]),
        ([7, 15], 1, [3, 3], [1, 1], [1, 1], [3, 4]),
        ([6, 6], 6, [2, 2], [1, 1], [1, 1], [3, 3]),
        ([10, 14], 2, [3, 2], [3, 5], [0, 1], [7, 8]),
        ([2, 3], 1, [1, 1], [4, 3], [0, 0], [9, 8]),
        ([5, 9], 1, [2, 2], [1, 1], [3, 4], [2, 2]),
        ([4, 5], 1, [4, 4], [9, 9], [2, 2], [5, 21]),
    ];
    everywhere(|how| {
        for (channels, groups, kernel, stride, padding, input) in shapes {
            let shape = ConvShape::new(channels, groups, kernel, stride, padding, input);
            let shape = shape.expect("a valid shape");
            for blocks in 0..3 {
                if is_affordable(shape.weight_len().max(blocks * shape.multiply_adds())) {
                    convolve(how, shape, blocks, Split::Threads);
                    convolve(how, shape, blocks, Split::Never);
                }
            }
        }
    });
}

/// Everything a [`LinearPlan`] computes.
fn multiply((precision, level): How, [batch, inputs, outputs]: [usize; 3]) {
    let what =
        format!("{batch} images, {inputs} inputs, {outputs} outputs, {precision:?}, {level:?}");
    let plan = LinearPlan::at_level(inputs, outputs, precision, level);
    let blocks = Lanes::blocks(batch);
    let x = Guarded::filled(blocks * inputs);
    let gz = Guarded::filled(blocks * outputs);
    let (w, bias) = (Guarded::filled(outputs * inputs), Guarded::filled(outputs));
    let mut y = Guarded::blank(blocks * outputs);
    let mut gx = Guarded::blank(blocks * inputs);
    let mut gw = Guarded::blank(outputs * inputs);
    let (bias, act) = (Some(bias.get()), Activation::Tanh);
    plan.forward(x.get(), w.get(), bias, act, y.get_mut());
    plan.input_gradient(gz.get(), w.get(), gx.get_mut());
    plan.weight_gradient(batch, x.get(), gz.get(), gw.get_mut());
    y.check(&format!("y of {what}"));
    gx.check(&format!("gx of {what}"));
    gw.check(&format!("gw of {what}"));
}

#[test]
fn linear_layers_keep_to_their_slices() {
    let sizes = [
        [0, 3, 2],
        [1, 1, 1],
        [17, 5, 7],
        [16, 15, 7],
        [17, 17, 13],
        [49, 66, 8],
        [80, 129, 3],
        [33, 257, 125],
    ];
    everywhere(|how| {
        for [batch, inputs, outputs] in sizes {
            if is_affordable(Lanes::blocks(batch) * inputs * outputs) {
                multiply(how, [batch, inputs, outputs]);
            }
        }
    });
}
