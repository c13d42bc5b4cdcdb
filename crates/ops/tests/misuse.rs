//! Whatever sizes a caller claims, a safe function computes or panics: it never
//! reaches beyond its slices.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ablate_ops::{
    Activation, AdamStep, ConvPlan, ConvShape, Lanes, LinearPlan, Lrn, Mask, PoolShape, Precision,
    Split, Winners, activation_backward, activation_forward, activation_gradient, adam_slices,
    conv2d_backward, conv2d_forward, deinterleave, dropout_backward, dropout_forward, interleave,
    linear_backward, linear_forward, log_softmax, lrn_backward, lrn_forward, max_pool2d_backward,
    max_pool2d_forward, max_pool2d_lanes_backward, max_pool2d_lanes_forward, sgd_paper_slices,
    sgd_slices,
};

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];
const ACT: Activation = Activation::Tanh;

fn panics(call: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

/// Calls with all lengths right, which must work, and then with each of them one
/// too many and one too few, which must panic.
fn check_lengths<const N: usize>(what: &str, lens: [usize; N], call: impl Fn([usize; N])) {
    assert!(!panics(|| call(lens)), "{what}: {lens:?} are right");
    for operand in 0..N {
        for wrong in [lens[operand] - 1, lens[operand] + 1] {
            let mut lens = lens;
            lens[operand] = wrong;
            assert!(panics(|| call(lens)), "{what}: {lens:?} are wrong");
        }
    }
}

fn floats(len: usize) -> Vec<f32> {
    vec![0.5; len]
}

fn lanes(len: usize) -> Vec<Lanes> {
    vec![Lanes([0.5; 16]); len]
}

fn conv_shape() -> ConvShape {
    let shape = ConvShape::new([2, 3], 1, [3, 2], [1, 2], [1, 0], [4, 5]);
    shape.expect("a valid shape")
}

#[test]
fn convolutions_check_every_length() {
    PRECISIONS.into_iter().for_each(check_convolution);
}

fn check_convolution(precision: Precision) {
    let shape = conv_shape();
    let (x, w, y) = (shape.input_len(), shape.weight_len(), shape.output_len());
    check_lengths("conv2d_forward", [2 * x, w, 3, 2 * y], |[x, w, b, y]| {
        let (x, w, bias) = (floats(x), floats(w), floats(b));
        conv2d_forward(
            precision,
            &shape,
            2,
            &x,
            &w,
            Some(&bias),
            ACT,
            &mut floats(y),
        );
    });
    let lens = [2 * x, w, 2 * y, 2 * y, 2 * x, w, 3];
    check_lengths("conv2d_backward", lens, |[x, w, y, gy, gx, gw, gb]| {
        let (x, w, y, gy) = (floats(x), floats(w), floats(y), floats(gy));
        let (mut gx, mut gw, mut gb) = (floats(gx), floats(gw), floats(gb));
        let (gx, gb) = (Some(gx.as_mut_slice()), Some(gb.as_mut_slice()));
        conv2d_backward(precision, &shape, 2, &x, &w, &y, &gy, ACT, gx, &mut gw, gb);
    });
    check_lengths("ConvPlan", [x, w, 3, y, w], |[x, w, b, y, gw]| {
        let mut plan = ConvPlan::new(shape, precision).expect("a valid shape");
        let (x, mut y, mut gx) = (lanes(x), lanes(y), lanes(x));
        plan.pack_forward(&floats(w));
        plan.pack_backward(&floats(w));
        plan.forward(Split::Threads, &x, Some(&floats(b)), ACT, &mut y);
        plan.input_gradient(Split::Threads, &y, &mut gx);
        plan.add_weight_gradient(Split::Threads, &x, &y, &mut floats(gw));
    });
    check_lengths("add_weight_gradient", [x, y, w], |[x, gz, gw]| {
        let plan = ConvPlan::new(shape, precision).expect("a valid shape");
        plan.add_weight_gradient(Split::Threads, &lanes(x), &lanes(gz), &mut floats(gw));
    });
    check_lengths("activation_gradient", [y, y, 3], |[y, gy, gb]| {
        let (y, mut gy) = (lanes(y), lanes(gy));
        let (pixels, y) = (shape.output_len() / 3, Some((ACT, &*y)));
        activation_gradient(Split::Threads, pixels, y, &mut gy, &mut floats(gb));
    });
}

#[test]
fn a_plan_without_weights_refuses_to_compute() {
    PRECISIONS.into_iter().for_each(check_unpacked);
}

fn check_unpacked(precision: Precision) {
    let shape = conv_shape();
    let plan = ConvPlan::new(shape, precision).expect("a valid shape");
    let (mut x, mut y) = (lanes(shape.input_len()), lanes(shape.output_len()));
    assert!(panics(|| plan.forward(
        Split::Threads,
        &x.clone(),
        None,
        ACT,
        &mut y
    )));
    assert!(panics(|| plan.input_gradient(Split::Threads, &y, &mut x)));
}

#[test]
fn linear_layers_check_every_length() {
    PRECISIONS.into_iter().for_each(check_linear);
}

fn check_linear(precision: Precision) {
    let (batch, inputs, outputs) = (5, 8, 3);
    let (x, w, y) = (batch * inputs, outputs * inputs, batch * outputs);
    check_lengths("linear_forward", [x, w, 3, y], |[x, w, b, y]| {
        let (x, w, bias, mut y) = (floats(x), floats(w), floats(b), floats(y));
        linear_forward(
            precision,
            batch,
            inputs,
            outputs,
            &x,
            &w,
            Some(&bias),
            ACT,
            &mut y,
        );
    });
    let lens = [x, w, y, y, x, w, 3];
    check_lengths("linear_backward", lens, |[x, w, y, gy, gx, gw, gb]| {
        let (x, w, y, gy) = (floats(x), floats(w), floats(y), floats(gy));
        let (mut gx, mut gw, mut gb) = (floats(gx), floats(gw), floats(gb));
        let (gx, gb) = (Some(gx.as_mut_slice()), Some(gb.as_mut_slice()));
        linear_backward(
            precision, batch, inputs, outputs, &x, &w, &y, &gy, ACT, gx, &mut gw, gb,
        );
    });
    let plan = LinearPlan::new(inputs, outputs, precision);
    check_lengths("LinearPlan::weight_gradient", [17, 16, 6, w], |lens| {
        let [batch, x, gz, gw] = lens;
        // Any other number of images that fills two blocks is right as well.
        let batch = if batch == 18 { 33 } else { batch };
        plan.weight_gradient(batch, &lanes(x), &lanes(gz), &mut floats(gw));
    });
    check_lengths("LinearPlan::input_gradient", [6, w, 16], |[gz, w, gx]| {
        plan.input_gradient(&lanes(gz), &floats(w), &mut lanes(gx));
    });
}

#[test]
fn pooling_checks_every_length_and_winner() {
    let shape = PoolShape::new(2, [3, 2], [2, 1], [1, 0], [5, 4]).expect("a valid shape");
    let (x, y) = (2 * shape.input_len(), 2 * shape.output_len());
    check_lengths("max_pool2d_forward", [x, y, y], |[x, y, won]| {
        let (x, mut y, mut won) = (floats(x), floats(y), vec![0; won]);
        max_pool2d_forward(&shape, 2, &x, &mut y, Some(&mut won));
    });
    check_lengths("max_pool2d_backward", [y, y, x], |[won, gy, gx]| {
        max_pool2d_backward(&shape, 2, &vec![0; won], &floats(gy), &mut floats(gx));
    });
    let outside = vec![u32::MAX; y];
    assert!(panics(|| {
        max_pool2d_backward(&shape, 2, &outside, &floats(y), &mut floats(x));
    }));
    check_lengths("max_pool2d_lanes_forward", [x, y, y], |[x, y, won]| {
        let (x, mut y, mut won) = (lanes(x), lanes(y), vec![Winners::default(); won]);
        max_pool2d_lanes_forward(Split::Threads, &shape, &x, &mut y, Some(&mut won));
    });
    check_lengths("max_pool2d_lanes_backward", [y, y, x], |[won, gy, gx]| {
        let won = vec![Winners::default(); won];
        max_pool2d_lanes_backward(Split::Threads, &shape, &won, &lanes(gy), &mut lanes(gx));
    });
}

#[test]
fn the_other_operations_check_every_length() {
    let (lrn, planes) = (Lrn::default(), [3, 7]);
    check_lengths("lrn_forward", [42, 42], |[x, y]| {
        lrn_forward(Split::Threads, &lrn, 2, planes, &floats(x), &mut floats(y));
    });
    check_lengths("lrn_backward", [42, 42, 42], |[x, gy, gx]| {
        lrn_backward(
            Split::Threads,
            &lrn,
            2,
            planes,
            &floats(x),
            &floats(gy),
            &mut floats(gx),
        );
    });
    check_lengths("activation_forward", [33, 33], |[x, y]| {
        activation_forward(Split::Threads, ACT, &floats(x), &mut floats(y));
    });
    check_lengths("activation_backward", [33, 33], |[y, gy]| {
        activation_backward(Split::Threads, ACT, &floats(y), &mut floats(gy));
    });
    check_lengths("dropout_forward", [33, 33], |[x, y]| {
        dropout_forward(0.5, Mask::new(1), &floats(x), &mut floats(y));
    });
    check_lengths("dropout_backward", [33, 33], |[gy, gx]| {
        dropout_backward(0.5, Mask::new(1), &floats(gy), &mut floats(gx));
    });
    check_lengths("log_softmax", [30, 30], |[x, y]| {
        log_softmax(10, &floats(x), &mut floats(y));
    });
    check_lengths("sgd_slices", [33, 33, 33], |[w, v, g]| {
        sgd_slices(&mut floats(w), &mut floats(v), &floats(g), 0.1, 0.9, 0.0);
    });
    check_lengths("sgd_paper_slices", [33, 33, 33], |[w, v, g]| {
        sgd_paper_slices(&mut floats(w), &mut floats(v), &floats(g), 0.1, 0.9, 0.0);
    });
    let step = AdamStep {
        lr: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.0,
        step: 1,
        decoupled: false,
    };
    check_lengths("adam_slices", [33, 33, 33, 33], |[w, m, v, g]| {
        let (mut w, mut m, mut v) = (floats(w), floats(m), floats(v));
        adam_slices(&mut w, &mut m, &mut v, &floats(g), step);
    });
    // Sixteen whole images: one value more is a seventeenth.
    for (images, block) in [(113, 7), (112, 6), (112, 8)] {
        assert!(panics(|| interleave(
            Split::Never,
            7,
            &floats(images),
            &mut lanes(block)
        )));
        assert!(panics(|| deinterleave(
            Split::Never,
            7,
            &lanes(block),
            &mut floats(images)
        )));
    }
}

#[test]
fn sizes_whose_product_overflows_are_refused() {
    PRECISIONS.into_iter().for_each(check_overflow);
}

fn check_overflow(precision: Precision) {
    // Three times this is one more than a multiple of 2^usize::BITS: a single
    // weight, and a single lane for the outputs of three blocks, would seem right.
    let many = usize::MAX / 3 * 2 + 1;
    assert_eq!(many.wrapping_mul(3), 1);
    let wide = LinearPlan::new(3, many, precision);
    assert!(panics(|| wide.forward(
        &lanes(9),
        &[0.5],
        None,
        ACT,
        &mut lanes(1)
    )));
    assert!(panics(|| wide.input_gradient(
        &lanes(1),
        &[0.5],
        &mut lanes(9)
    )));
    assert!(panics(|| wide.weight_gradient(
        48,
        &lanes(9),
        &lanes(1),
        &mut [0.5]
    )));
    let deep = LinearPlan::new(many, 3, precision);
    assert!(panics(|| deep.forward(
        &lanes(0),
        &[0.5],
        None,
        ACT,
        &mut lanes(0)
    )));
}
