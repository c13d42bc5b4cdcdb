//! A network as built, but without weights: what it is made of and which
//! parameters it asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ablate_core::{ModelContext, ModelSummary};
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;

use crate::config::Choice;
use crate::{Result, session};

/// The most values a parameter may have: beyond any network, and below what an
/// allocation of zeros may fail at.
const MOST: usize = 1 << 31;

/// What a network is made of.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its layers; none where the model does not say.
    pub summary: ModelSummary,
    /// The shape of each parameter by name.
    pub shapes: BTreeMap<String, Vec<usize>>,
}

impl Outline {
    /// Builds the network for images `[C, H, W]`, shared by `workers`.
    ///
    /// # Errors
    /// The config does not fit the images, the classes or the workers.
    pub fn of(model: &Choice, input: [usize; 3], classes: usize, workers: usize) -> Result<Self> {
        let asked = Asked::default();
        let cx = ModelContext {
            input,
            classes,
            parameters: VarBuilder::from_backend(Box::new(asked.clone()), DType::F32, Device::Cpu),
        };
        let summary = session::model(model, workers, &cx)?.summary();
        Ok(Self {
            summary,
            shapes: asked.shapes(),
        })
    }

    /// Learned values.
    pub fn parameters(&self) -> usize {
        let sizes = self.shapes.values();
        sizes.map(|shape| shape.iter().product::<usize>()).sum()
    }
}

/// A parameter source that notes what it is asked for and gives zeros, which take
/// no memory until written: so this costs nothing even for AlexNet.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<BTreeMap<String, Vec<usize>>>>);

impl Asked {
    fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<usize>>> {
        // Entries are inserted in one step, so a panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimpleBackend for Asked {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let sizes = shape.dims().iter();
        let values = sizes.copied().try_fold(1_usize, usize::checked_mul);
        if values.is_none_or(|values| values > MOST) {
            candle_core::bail!("`{name}` of shape {shape:?} is larger than any memory");
        }
        self.lock().insert(name.to_string(), shape.dims().to_vec());
        Tensor::zeros(shape, dtype, device)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("`{name}` has no shape yet")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}
