//! What the tests of all update rules share: a trajectory, and its resumption.

use std::ops::Range;

use ablate_core::{Gradients, Optimiser, OptimiserConfig, Parameter, Pass, Result};
use candle_core::{Device, Tensor, Var};

/// The weights every trajectory starts from.
pub(crate) const INITIAL: [f32; 4] = [0.5, -1.0, 2.0, 0.25];

/// The gradients of its three steps.
pub(crate) const GRADIENTS: [[f32; 4]; 3] = [
    [0.1, -0.2, 0.3, 0.4],
    [-0.5, 0.25, 0.125, -1.0],
    [0.75, 0.5, -0.25, 0.0],
];

/// Their learning rates: a drop shows on which side of the velocity the rate is.
pub(crate) const RATES: [f64; 3] = [0.1, 0.1, 0.05];

pub(crate) fn parameter(name: &str) -> Parameter {
    Parameter {
        name: name.to_string(),
        var: Var::new(&INITIAL, &Device::Cpu).expect("a variable"),
    }
}

/// The gradients of a loss of which `gradient` is the one with respect to the
/// parameter.
pub(crate) fn gradients(parameter: &Parameter, gradient: &[f32; 4]) -> Gradients {
    let loss = || -> Result<Tensor> {
        let gradient = Tensor::new(gradient, &Device::Cpu)?;
        Ok((parameter.var.as_tensor() * gradient)?.sum_all()?)
    };
    let all = std::slice::from_ref(parameter);
    Gradients::of(&loss().expect("a loss"), &Pass::default(), all).expect("gradients")
}

pub(crate) fn values(parameter: &Parameter) -> Vec<f32> {
    parameter.var.to_vec1().expect("values")
}

/// The weights after each step.
pub(crate) fn trajectory(
    config: &impl OptimiserConfig,
    name: &str,
    rates: &[f64; 3],
) -> Vec<Vec<f32>> {
    let parameter = parameter(name);
    let mut rule = config
        .build(std::slice::from_ref(&parameter))
        .expect("builds");
    let step = |(gradient, lr): (&[f32; 4], &f64)| {
        rule.step(&gradients(&parameter, gradient), *lr)
            .expect("steps");
        values(&parameter)
    };
    GRADIENTS.iter().zip(rates).map(step).collect()
}

/// Equal to within the rounding of a few operations in single precision.
pub(crate) fn assert_close(found: &[Vec<f32>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (f64::from(*a) - b).abs() < 1e-6 * b.abs().max(0.1),
                "{found:?} {expected:?}"
            );
        }
    }
}

/// That a rule restored after the first step takes the remaining ones to the same
/// bits, and that its state has these names.
pub(crate) fn assert_resumes(config: &impl OptimiserConfig, names: &[&str]) {
    let steps = |rule: &mut Box<dyn Optimiser>, parameter: &Parameter, range: Range<usize>| {
        for index in range {
            let gradients = gradients(parameter, &GRADIENTS[index]);
            rule.step(&gradients, RATES[index]).expect("steps");
        }
    };
    let original = parameter("layer.weight");
    let mut rule = config
        .build(std::slice::from_ref(&original))
        .expect("builds");
    steps(&mut rule, &original, 0..1);
    let saved = rule.state().expect("a state");
    assert_eq!(saved.keys().collect::<Vec<_>>(), names);
    let after_one = values(&original);
    steps(&mut rule, &original, 1..3);

    let resumed = parameter("layer.weight");
    let mut rule = config
        .build(std::slice::from_ref(&resumed))
        .expect("builds");
    resumed
        .var
        .set(&Tensor::new(after_one, &Device::Cpu).expect("values"))
        .expect("set");
    rule.load_state(&saved).expect("restores");
    steps(&mut rule, &resumed, 1..3);
    assert_eq!(values(&resumed), values(&original));
}

/// That building fails and names `key`.
pub(crate) fn assert_refused(config: &impl OptimiserConfig, key: &str) {
    let error = config.build(&[]).err().expect("refused").to_string();
    assert!(error.contains(&format!("`{key}`")), "{error}");
}
