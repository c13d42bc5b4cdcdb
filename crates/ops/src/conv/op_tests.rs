//! The candle operation: gradients, layouts, and what it refuses.

use candle_core::{DType, Device, Result, Tensor, Var};

use super::{Conv2dConfig, conv2d};
use crate::Activation;
use crate::testing::{assert_gradient, noise};

fn tensor(seed: u64, shape: &[usize]) -> Result<Tensor> {
    let values = noise(seed, shape.iter().product());
    Tensor::from_vec(values, shape, &Device::Cpu)
}

const CONFIG: Conv2dConfig = Conv2dConfig {
    stride: [2, 1],
    padding: [1, 2],
    groups: 2,
    activation: Activation::Tanh,
    precision: crate::Precision::F32,
};

/// Input, weight and bias that fit [`CONFIG`].
fn operands() -> Result<[Tensor; 3]> {
    let w = (tensor(2, &[6, 2, 3, 2])? * 0.3)?;
    Ok([tensor(1, &[3, 4, 6, 5])?, w, tensor(3, &[6])?])
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

#[test]
fn gradients_are_the_slopes() -> Result<()> {
    let [x, w, bias] = operands()?;
    assert_gradient("input", &x, |x| conv2d(x, &w, Some(&bias), CONFIG))?;
    assert_gradient("weight", &w, |w| conv2d(&x, w, Some(&bias), CONFIG))?;
    assert_gradient("bias", &bias, |bias| conv2d(&x, &w, Some(bias), CONFIG))?;
    assert_gradient("input, no bias", &x, |x| conv2d(x, &w, None, CONFIG))?;
    assert_gradient("weight, no bias", &w, |w| conv2d(&x, w, None, CONFIG))
}

#[test]
fn only_tracked_operands_get_gradients() -> Result<()> {
    let [x, w, bias] = operands()?;
    let w = Var::from_tensor(&w)?;
    let gradients = conv2d(&x, &w, Some(&bias), CONFIG)?.backward()?;
    assert!(gradients.get(&w).is_some());
    assert!(gradients.get(&x).is_none() && gradients.get(&bias).is_none());
    Ok(())
}

#[test]
fn any_layout_will_do() -> Result<()> {
    let [x, w, bias] = operands()?;
    let x_view = tensor(4, &[4, 6, 5, 6])?
        .transpose(2, 3)?
        .narrow(1, 1, 4)?
        .narrow(0, 1, 3)?;
    let w_view = w.transpose(0, 1)?.contiguous()?.transpose(0, 1)?;
    let bias_view = Tensor::cat(&[&bias, &bias], 0)?.narrow(0, 6, 6)?;
    let found = conv2d(&x_view, &w_view, Some(&bias_view), CONFIG)?;
    let wanted = conv2d(&x_view.force_contiguous()?, &w, Some(&bias), CONFIG)?;
    assert_eq!(found.dims(), [3, 6, 3, 8]);
    assert_eq!(values(&found)?, values(&wanted)?);
    assert_eq!(x.dims(), x_view.dims());
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error() -> Result<()> {
    let [x, w, bias] = operands()?;
    let refused = |x: &Tensor, w: &Tensor, bias: &Tensor, config: Conv2dConfig, why: &str| {
        let error = conv2d(x, w, Some(bias), config).expect_err(why).to_string();
        assert!(error.contains(why), "`{error}` should say `{why}`");
    };
    refused(&x.to_dtype(DType::F64)?, &w, &bias, CONFIG, "float32");
    refused(&x.flatten_all()?, &w, &bias, CONFIG, "four dimensions");
    refused(
        &x,
        &w,
        &bias,
        Conv2dConfig {
            groups: 1,
            ..CONFIG
        },
        "must have 4 input channels",
    );
    refused(
        &x,
        &w,
        &bias,
        Conv2dConfig {
            groups: 3,
            ..CONFIG
        },
        "3 groups",
    );
    refused(
        &x,
        &w,
        &bias,
        Conv2dConfig {
            groups: 0,
            ..CONFIG
        },
        "at least 1",
    );
    refused(&x, &w, &bias.narrow(0, 0, 5)?, CONFIG, "bias");
    refused(
        &x.narrow(3, 0, 1)?.narrow(2, 0, 0)?,
        &w,
        &bias,
        CONFIG,
        "height must be at least 1",
    );
    let padding = Conv2dConfig {
        padding: [0, 0],
        ..CONFIG
    };
    refused(
        &x.narrow(2, 0, 2)?,
        &w,
        &bias,
        padding,
        "kernel 3 is larger",
    );
    Ok(())
}

#[test]
fn an_empty_batch_stays_empty() -> Result<()> {
    let [_, w, bias] = operands()?;
    let x = Tensor::zeros((0, 4, 6, 5), DType::F32, &Device::Cpu)?;
    let (w, bias) = (Var::from_tensor(&w)?, Var::from_tensor(&bias)?);
    let y = conv2d(&x, &w, Some(&bias), CONFIG)?;
    assert_eq!(y.dims(), [0, 6, 3, 8]);
    let gradients = y.sum_all()?.backward()?;
    assert!(
        values(gradients.get(&w).expect("a gradient"))?
            .iter()
            .all(|g| *g == 0.0)
    );
    Ok(())
}
