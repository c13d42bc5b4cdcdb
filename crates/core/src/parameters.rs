//! Parameters, their seeded initialisation, and their gradients.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::init::{FanInOut, NormalOrUniform};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use rand::Rng;
use rand_distr::{Distribution, Normal};

use crate::{Error, Result, Stream};

/// A named, trainable tensor.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name, as PyTorch's `state_dict` would have it: `features.0.weight`.
    pub name: String,
    /// The variable; updates are in place.
    pub var: Var,
}

/// The parameters of one model, created as the model asks for them.
///
/// Each parameter draws from a stream of its own, named after it, so adding a
/// layer does not change the initial weights of the others.
#[derive(Clone)]
pub struct Parameters {
    vars: Arc<Mutex<BTreeMap<String, Var>>>,
    stream: Stream,
}

impl Parameters {
    /// An empty set that initialises from `stream`.
    pub fn new(stream: Stream) -> Self {
        Self {
            vars: Arc::default(),
            stream,
        }
    }

    /// The builder to hand to a model.
    pub fn builder(&self, dtype: DType, device: &Device) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), dtype, device.clone())
    }

    /// All parameters in order of name.
    pub fn all(&self) -> Vec<Parameter> {
        self.lock()
            .iter()
            .map(|(name, var)| Parameter {
                name: name.clone(),
                var: var.clone(),
            })
            .collect()
    }

    /// The number of learned values.
    pub fn count(&self) -> usize {
        self.lock().values().map(|var| var.elem_count()).sum()
    }

    /// Replaces every value by the tensor of the same name.
    ///
    /// # Errors
    /// A name is missing, left over, or of another shape; all such names are listed.
    pub fn load(&self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        let vars = self.lock();
        let mut problems = Vec::new();
        for (name, var) in vars.iter() {
            match tensors.get(name) {
                None => problems.push(format!("`{name}` is missing")),
                Some(tensor) if tensor.shape() != var.shape() => problems.push(format!(
                    "`{name}` has shape {:?}, the model wants {:?}",
                    tensor.dims(),
                    var.dims()
                )),
                Some(_) => {}
            }
        }
        problems.extend(
            tensors
                .keys()
                .filter(|name| !vars.contains_key(*name))
                .map(|name| format!("`{name}` is unknown")),
        );
        if !problems.is_empty() {
            problems.sort();
            return Err(Error::Other(format!(
                "the tensors do not fit the model: {}",
                problems.join("; ")
            )));
        }
        for (name, var) in vars.iter() {
            var.set(
                &tensors[name]
                    .to_device(var.device())?
                    .to_dtype(var.dtype())?,
            )?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Var>> {
        // A panic elsewhere leaves the map whole: entries are inserted in one step.
        self.vars.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn initial(&self, name: &str, shape: &Shape, init: Init) -> Vec<f32> {
        let mut rng = self.stream.named(name).rng();
        let count = shape.elem_count();
        let uniform = |rng: &mut rand_chacha::ChaCha8Rng, low: f64, high: f64| -> Vec<f32> {
            (0..count)
                .map(|_| (low + (high - low) * rng.random::<f64>()) as f32)
                .collect()
        };
        let normal = |rng: &mut rand_chacha::ChaCha8Rng, mean: f64, deviation: f64| -> Vec<f32> {
            match Normal::new(mean, deviation) {
                Ok(normal) => (0..count).map(|_| normal.sample(rng) as f32).collect(),
                // Only a non-finite deviation gets here; let the NaN show.
                Err(_) => vec![f32::NAN; count],
            }
        };
        match init {
            Init::Const(value) => vec![value as f32; count],
            Init::Randn { mean, stdev } => normal(&mut rng, mean, stdev),
            Init::Uniform { lo, up } => uniform(&mut rng, lo, up),
            Init::Kaiming {
                dist,
                fan,
                non_linearity,
            } => {
                let fan: FanInOut = fan;
                let deviation = non_linearity.gain() / (fan.for_shape(shape) as f64).sqrt();
                match dist {
                    NormalOrUniform::Normal => normal(&mut rng, 0.0, deviation),
                    NormalOrUniform::Uniform => {
                        let bound = 3f64.sqrt() * deviation;
                        uniform(&mut rng, -bound, bound)
                    }
                }
            }
        }
    }
}

impl SimpleBackend for Parameters {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        if let Some(var) = self.lock().get(name) {
            if var.shape() != &shape {
                candle_core::bail!(
                    "`{name}` is used with shapes {:?} and {shape:?}",
                    var.dims()
                );
            }
            return Ok(var.as_tensor().clone());
        }
        let values = Tensor::from_vec(self.initial(name, &shape, init), shape, device)?;
        let var = Var::from_tensor(&values.to_dtype(dtype)?)?;
        let tensor = var.as_tensor().clone();
        self.lock().insert(name.to_string(), var);
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        match self.lock().get(name) {
            Some(var) => Ok(var.as_tensor().clone()),
            None => candle_core::bail!("`{name}` has no shape yet"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_values_depend_on_seed_and_name_not_on_order() -> Result<()> {
        let build = |names: [&str; 2]| -> Result<HashMap<String, Vec<f32>>> {
            let parameters = Parameters::new(Stream::new(7));
            let builder = parameters.builder(DType::F32, &Device::Cpu);
            for name in names {
                builder.get_with_hints(
                    (3, 4),
                    name,
                    Init::Randn {
                        mean: 0.0,
                        stdev: 0.01,
                    },
                )?;
            }
            let all = parameters.all();
            all.iter()
                .map(|p| Ok((p.name.clone(), p.var.flatten_all()?.to_vec1()?)))
                .collect()
        };
        let forward = build(["a", "b"])?;
        assert_eq!(forward, build(["b", "a"])?);
        assert_ne!(forward["a"], forward["b"]);
        Ok(())
    }

    #[test]
    fn loading_lists_every_misfit() -> Result<()> {
        let parameters = Parameters::new(Stream::new(0));
        let builder = parameters.builder(DType::F32, &Device::Cpu);
        builder.get(2, "kept")?;
        builder.get(2, "gone")?;
        let tensors = HashMap::from([
            (
                "kept".to_string(),
                Tensor::zeros(3, DType::F32, &Device::Cpu)?,
            ),
            (
                "extra".to_string(),
                Tensor::zeros(1, DType::F32, &Device::Cpu)?,
            ),
        ]);
        let message = parameters
            .load(&tensors)
            .expect_err("must not load")
            .to_string();
        assert_eq!(
            message,
            "the tensors do not fit the model: `extra` is unknown; `gone` is missing; `kept` has \
             shape [3], the model wants [2]"
        );
        let ones = Tensor::ones(2, DType::F32, &Device::Cpu)?;
        let tensors = ["kept", "gone"].map(|name| (name.to_string(), ones.clone()));
        parameters.load(&HashMap::from(tensors))?;
        for parameter in parameters.all() {
            assert_eq!(parameter.var.to_vec1::<f32>()?, [1.0, 1.0]);
        }
        Ok(())
    }
}
