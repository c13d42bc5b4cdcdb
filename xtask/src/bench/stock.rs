//! Times of candle's own operations, as a candle user would call them.

use anyhow::{Result, bail};
use candle_core::{Device, Tensor, Var};

use super::case::{Case, Pass, Work};
use super::measure::Limits;

/// The seconds of each run of a case.
///
/// # Errors
/// candle has no such operation or no gradient for it; the message says which.
pub fn time(case: &Case, limits: &Limits) -> Result<Vec<f64>> {
    let shape: Vec<_> = [case.batch]
        .into_iter()
        .chain(case.input.iter().copied())
        .collect();
    let operands = Operands::new(case, &shape)?;
    if case.pass == Pass::Forward {
        return limits.time(|| {
            operands.apply(case)?;
            Ok(())
        });
    }
    let y = operands.apply(case)?;
    limits.time(|| {
        y.backward()?;
        Ok(())
    })
}

struct Operands {
    x: Tensor,
    /// Weight and bias, where there are any.
    parameters: Option<[Var; 2]>,
}

impl Operands {
    fn new(case: &Case, shape: &[usize]) -> Result<Self> {
        let x = Var::randn(0f32, 1.0, shape, &Device::Cpu)?;
        let weight = match case.work {
            Work::Conv2d {
                filters,
                kernel,
                groups,
                ..
            } => Some(vec![filters, case.input[0] / groups, kernel, kernel]),
            Work::Linear { outputs } => Some(vec![outputs, case.input[0]]),
            _ => None,
        };
        let parameters = weight.map(|shape| {
            let bias = Var::zeros(shape[0], candle_core::DType::F32, &Device::Cpu)?;
            Ok::<_, candle_core::Error>([Var::randn(0f32, 0.01, shape, &Device::Cpu)?, bias])
        });
        Ok(Self {
            x: match case.sees_image() {
                true => x.as_detached_tensor(),
                false => x.into_inner(),
            },
            parameters: parameters.transpose()?,
        })
    }

    fn apply(&self, case: &Case) -> Result<Tensor> {
        match (&case.work, &self.parameters) {
            (
                Work::Conv2d {
                    stride,
                    padding,
                    groups,
                    filters,
                    ..
                },
                Some([w, b]),
            ) => {
                let y = self.x.conv2d(w, *padding, *stride, 1, *groups)?;
                Ok(y.broadcast_add(&b.reshape((1, *filters, 1, 1))?)?)
            }
            (Work::Linear { .. }, Some([w, b])) => Ok(self.x.matmul(&w.t()?)?.broadcast_add(b)?),
            (
                Work::MaxPool2d {
                    kernel,
                    stride,
                    padding: 0,
                },
                _,
            ) => {
                if case.pass == Pass::Backward && kernel != stride {
                    bail!("no gradient of overlapping pooling");
                }
                Ok(self.x.max_pool2d_with_stride(*kernel, *stride)?)
            }
            (Work::MaxPool2d { .. }, _) => bail!("no padding in pooling"),
            (Work::ResponseNorm { .. }, _) => bail!("no response normalisation"),
            _ => bail!("no such networks"),
        }
    }
}
