//! The candle operation: gradients, layouts, and what it refuses.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::linear;
use crate::Activation;
use crate::testing::{assert_gradient, noise};

const F32: crate::Precision = crate::Precision::F32;
const TANH: Activation = Activation::Tanh;

fn tensor(seed: u64, shape: &[usize]) -> Result<Tensor> {
    let values = noise(seed, shape.iter().product());
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// Input, weight and bias of seven inputs and five outputs.
fn operands() -> Result<[Tensor; 3]> {
    let w = (tensor(2, &[5, 7])? * 0.3)?;
    Ok([tensor(1, &[3, 7])?, w, tensor(3, &[5])?])
}

#[test]
fn gradients_are_the_slopes() -> Result<()> {
    let [x, w, bias] = operands()?;
    assert_gradient("input", &x, |x| linear(x, &w, Some(&bias), TANH, F32))?;
    assert_gradient("weight", &w, |w| linear(&x, w, Some(&bias), TANH, F32))?;
    assert_gradient("bias", &bias, |bias| linear(&x, &w, Some(bias), TANH, F32))?;
    assert_gradient("weight, no bias", &w, |w| linear(&x, w, None, TANH, F32))
}

#[test]
fn only_tracked_operands_get_gradients() -> Result<()> {
    let [x, w, bias] = operands()?;
    let bias = Var::from_tensor(&bias)?;
    let gradients = linear(&x, &w, Some(&bias), TANH, F32)?.backward()?;
    assert!(gradients.get(&bias).is_some());
    assert!(gradients.get(&x).is_none() && gradients.get(&w).is_none());
    Ok(())
}

#[test]
fn any_layout_will_do() -> Result<()> {
    let [_, w, bias] = operands()?;
    let x = tensor(4, &[9, 4])?.t()?.narrow(0, 1, 3)?.narrow(1, 2, 7)?;
    let found = linear(&x, &w.t()?.contiguous()?.t()?, Some(&bias), TANH, F32)?;
    let wanted = linear(&x.force_contiguous()?, &w, Some(&bias), TANH, F32)?;
    assert_eq!(found.to_vec2::<f32>()?, wanted.to_vec2::<f32>()?);
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error() -> Result<()> {
    let [x, w, bias] = operands()?;
    let refused = |x: &Tensor, w: &Tensor, bias: &Tensor, why: &str| {
        let error = linear(x, w, Some(bias), TANH, F32)
            .expect_err(why)
            .to_string();
        assert!(error.contains(why), "`{error}` should say `{why}`");
    };
    refused(&x.to_dtype(DType::F64)?, &w, &bias, "float32");
    refused(&x.flatten_all()?, &w, &bias, "two dimensions");
    refused(&x.narrow(1, 0, 6)?, &w, &bias, "does not fit");
    refused(&x, &w, &bias.narrow(0, 0, 4)?, "bias");
    refused(
        &x.narrow(1, 0, 0)?,
        &w.narrow(1, 0, 0)?,
        &bias,
        "at least one input",
    );
    Ok(())
}

#[test]
fn an_empty_batch_stays_empty() -> Result<()> {
    let [_, w, bias] = operands()?;
    let x = Tensor::zeros((0, 7), DType::F32, &Device::Cpu)?;
    let w = Var::from_tensor(&w)?;
    let y = linear(&x, &w, Some(&bias), TANH, F32)?;
    assert_eq!(y.dims(), [0, 5]);
    let gradients = y.sum_all()?.backward()?;
    let gradient = gradients
        .get(&w)
        .expect("a gradient")
        .flatten_all()?
        .to_vec1::<f32>()?;
    assert!(gradient.iter().all(|g| *g == 0.0));
    Ok(())
}
