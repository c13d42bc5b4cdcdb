//! Descent by the sign of a running mean of gradients (signSGD with momentum,
//! Bernstein and others 2018), as the plugin `my_plugin`.

use std::collections::BTreeMap;

use ablate_core::{
    Error, Gradients, Optimiser, OptimiserConfig, Parameter, Result, State, register,
};
use candle_core::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an experiment can change. These comments are what `describe` prints.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MyPlugin {
    /// How far each weight moves in a step.
    pub lr: f64,
    /// What a step leaves of the running mean, 0 to below 1.
    pub momentum: f64,
}

impl Default for MyPlugin {
    fn default() -> Self {
        Self {
            lr: 0.001,
            momentum: 0.9,
        }
    }
}

register!(
    optimiser,
    "my_plugin",
    MyPlugin,
    "descent by the sign of a running mean of gradients"
);

impl OptimiserConfig for MyPlugin {
    fn build(&self, parameters: &[Parameter]) -> Result<Box<dyn Optimiser>> {
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::bad_value(
                "momentum",
                "out of range",
                "give 0 to below 1",
            ));
        }
        let zeros = |parameter: &Parameter| parameter.var.zeros_like();
        Ok(Box::new(Rule {
            config: self.clone(),
            parameters: parameters.to_vec(),
            means: parameters
                .iter()
                .map(zeros)
                .collect::<candle_core::Result<_>>()?,
        }))
    }
}

struct Rule {
    config: MyPlugin,
    parameters: Vec<Parameter>,
    means: Vec<Tensor>,
}

impl Optimiser for Rule {
    fn learning_rate(&self) -> f64 {
        self.config.lr
    }

    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()> {
        let keeps = self.config.momentum;
        for (parameter, mean) in self.parameters.iter().zip(&mut self.means) {
            if let Some(gradient) = gradients.get(parameter) {
                *mean = ((&*mean * keeps)? + (gradient * (1.0 - keeps))?)?;
                let weight = (parameter.var.as_tensor() - (mean.sign()? * lr)?)?;
                parameter.var.set(&weight)?;
            }
        }
        Ok(())
    }

    // What a checkpoint must hold for a resumed run to end with the same bits.
    fn state(&self) -> Result<State> {
        let named = self.parameters.iter().zip(&self.means);
        Ok(named
            .map(|(parameter, mean)| (format!("mean.{}", parameter.name), mean.clone()))
            .collect::<BTreeMap<_, _>>())
    }

    fn load_state(&mut self, state: &State) -> Result<()> {
        for (parameter, mean) in self.parameters.iter().zip(&mut self.means) {
            let name = format!("mean.{}", parameter.name);
            *mean = match state.get(&name) {
                Some(tensor) if tensor.dims() == mean.dims() => tensor.clone(),
                Some(tensor) => {
                    let found = tensor.dims();
                    return Err(Error::Other(format!("`{name}` has the shape {found:?}")));
                }
                None => return Err(Error::Other(format!("`{name}` is missing"))),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ablate_core::{Parameters, Pass, Stream};
    use candle_core::{DType, Device, Tensor};
    use candle_nn::Init;

    use super::*;

    #[test]
    fn it_walks_down_a_slope_by_its_step() -> Result<()> {
        let parameters = Parameters::new(Stream::new(1));
        let builder = parameters.builder(DType::F32, &Device::Cpu);
        let weight = builder.get_with_hints(2, "weight", Init::Const(1.0))?;
        let mut rule = MyPlugin::default().build(&parameters.all())?;
        // The slope is +3 along the first weight and -5 along the second.
        let slope = Tensor::new(&[3.0_f32, -5.0], &Device::Cpu)?;
        let loss = (&weight * slope)?.sum_all()?;
        let gradients = Gradients::of(&loss, &Pass::evaluate(), &parameters.all())?;
        rule.step(&gradients, 0.25)?;
        let moved = parameters.all()[0].var.to_vec1::<f32>()?;
        assert_eq!(moved, [0.75, 1.25]);
        Ok(())
    }
}
