//! One operator: its output, and its gradients for a given output gradient.

use ablate_ops::{AlphaConvention, Conv2dConfig, Lrn};
use anyhow::{Context, Result, bail, ensure};
use candle_core::{Tensor, Var};

use super::fixture::{Fixture, Table};
use super::score::{Kind, Score, same_shape};

/// The gradients a fixture may hold, each of the tensor it is named after.
const OPERANDS: [&str; 3] = ["input", "weight", "bias"];

/// Runs an operator fixture.
///
/// # Errors
/// The fixture is incomplete or asks for what the operators do not have.
pub fn check(fixture: &Fixture) -> Result<Score> {
    let operands = Operands::of(fixture)?;
    let mut attrs = fixture.table("attrs")?;
    let output = match fixture.text("op")? {
        "conv2d" => conv2d(&operands, &mut attrs, fixture.tensor("output")?)?,
        "max_pool2d" => max_pool2d(&operands, &mut attrs)?,
        "local_response_norm" => local_response_norm(&operands, &mut attrs)?,
        other => bail!("there is no operator `{other}` to compare with"),
    };
    attrs.finish("the attribute")?;

    let mut score = Score::default();
    score.add(Kind::Output, "output", &output, fixture.tensor("output")?)?;
    let gradients = (output * fixture.tensor("grad_output")?)?
        .sum_all()?
        .backward()?;
    for (name, var) in &operands.0 {
        let name = format!("grad_{name}");
        let wanted = fixture.tensor(&name)?;
        let found = gradients
            .get(var)
            .with_context(|| format!("there is no `{name}`"))?;
        score.add(Kind::Gradient, &name, found, wanted)?;
    }
    Ok(score)
}

/// The inputs of an operator, by name.
struct Operands(Vec<(&'static str, Var)>);

impl Operands {
    fn of(fixture: &Fixture) -> Result<Self> {
        let mut operands = Vec::new();
        for name in OPERANDS {
            if let Some(tensor) = fixture.optional(name) {
                operands.push((name, Var::from_tensor(tensor)?));
            }
        }
        Ok(Self(operands))
    }

    fn get(&self, name: &str) -> Option<&Tensor> {
        let named = self.0.iter().find(|(other, _)| *other == name);
        named.map(|(_, var)| var.as_tensor())
    }

    fn input(&self) -> Result<&Tensor> {
        self.get("input")
            .context("the file lacks the tensor `input`")
    }
}

fn conv2d(operands: &Operands, attrs: &mut Table, wanted: &Tensor) -> Result<Tensor> {
    let config = Conv2dConfig {
        stride: attrs.pair("stride")?.unwrap_or([1, 1]),
        padding: attrs.pair("padding")?.unwrap_or([0, 0]),
        groups: attrs.size("groups")?.unwrap_or(1),
        ..Conv2dConfig::default()
    };
    no_dilation(attrs)?;
    let weight = operands
        .get("weight")
        .context("the file lacks the tensor `weight`")?;
    let (input, bias) = (operands.input()?, operands.get("bias"));
    // A padding may ask for more than any memory has: what is not wanted is not computed.
    if let Some(shape) = convolved(input, weight, config) {
        same_shape("output", &shape, wanted.dims())?;
    }
    Ok(ablate_ops::conv2d(input, weight, bias, config)?)
}

/// The shape of a convolution's result; `None` where the operator says why it has none.
fn convolved(input: &Tensor, weight: &Tensor, config: Conv2dConfig) -> Option<[usize; 4]> {
    let (batch, _, height, width) = input.dims4().ok()?;
    let (filters, _, kernel_height, kernel_width) = weight.dims4().ok()?;
    let extent = |axis: usize, input: usize, kernel: usize| {
        let padded = config.padding[axis].checked_mul(2)?.checked_add(input)?;
        let last = padded.checked_sub(kernel)?;
        last.checked_div(config.stride[axis])?.checked_add(1)
    };
    let height = extent(0, height, kernel_height)?;
    Some([batch, filters, height, extent(1, width, kernel_width)?])
}

fn max_pool2d(operands: &Operands, attrs: &mut Table) -> Result<Tensor> {
    let kernel = match attrs.pair("kernel")? {
        Some(kernel) => kernel,
        None => attrs
            .pair("kernel_size")?
            .context("the attributes lack `kernel`")?,
    };
    // As in PyTorch, the stride defaults to the window.
    let stride = attrs.pair("stride")?.unwrap_or(kernel);
    let padding = attrs.pair("padding")?.unwrap_or([0, 0]);
    no_dilation(attrs)?;
    let ceil = attrs.take("ceil_mode").and_then(|value| value.as_bool());
    ensure!(
        ceil != Some(true),
        "pooling has no `ceil_mode`; windows never stick out"
    );
    Ok(ablate_ops::max_pool2d(
        operands.input()?,
        kernel,
        stride,
        padding,
    )?)
}

fn no_dilation(attrs: &mut Table) -> Result<()> {
    let dilation = attrs.pair("dilation")?.unwrap_or([1, 1]);
    ensure!(dilation == [1, 1], "dilation {dilation:?} is not supported");
    Ok(())
}

fn local_response_norm(operands: &Operands, attrs: &mut Table) -> Result<Tensor> {
    // Defaults and the meaning of alpha are PyTorch's.
    let lrn = Lrn {
        size: attrs.size("size")?.context("the attributes lack `size`")?,
        alpha: attrs.number("alpha")?.unwrap_or(1e-4),
        beta: attrs.number("beta")?.unwrap_or(0.75),
        k: attrs.number("k")?.unwrap_or(1.0),
        convention: match attrs.take("alpha_convention") {
            None => AlphaConvention::DividedBySize,
            Some(name) => match name.as_str() {
                Some("alpha/size") => AlphaConvention::DividedBySize,
                Some("alpha") => AlphaConvention::Paper,
                _ => bail!("`alpha_convention` is {name}; known are `alpha/size` and `alpha`"),
            },
        },
    };
    Ok(ablate_ops::local_response_norm(operands.input()?, &lrn)?)
}
